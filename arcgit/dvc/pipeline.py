"""dvc.yaml as values: its stages with every template resolved, and the files and artifacts that its top level names.

Paths come out relative to the repository's root, in POSIX form, with `wdir` applied. DVC itself is not imported.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from arcgit.dvc import templates
from arcgit.dvc.files import (
    MAX_STAGES,
    DvcFileError,
    Item,
    as_list,
    as_mapping,
    folder_of,
    join,
    load_document,
    outside,
)
from arcgit.dvc.templates import Load, Scope, UnresolvedError

DEFAULT_PARAMS = "params.yaml"
LIVE = "live"
"""A section of DVC 2: an out that dvclive writes, with a summary beside it."""


class Stage(msgspec.Struct, frozen=True):
    """A stage as dvc.yaml declares it, `name@key` where `foreach` or `matrix` made it.

    `unresolved` says why its templates could not be resolved, and is empty where they were. `params` is by file; None
    stands for the whole file.
    """

    file: str
    name: str
    cmd: Any
    deps: tuple[str, ...] = ()
    outs: tuple[Item, ...] = ()
    params: Mapping[str, tuple[str, ...] | None] = {}
    metrics: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()
    wdir: str = ""
    unresolved: str = ""
    frozen: bool = False


class Pipeline(msgspec.Struct, frozen=True):
    """A dvc.yaml file: its stages, and the files and artifacts that its top level names."""

    path: str
    stages: tuple[Stage, ...]
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()
    artifacts: Mapping[str, Mapping[str, Any]] = {}


def _nothing(_: str) -> None:
    return None


def parse_pipeline(data: bytes, path: str, load: Load = _nothing, parsing: Mapping[str, str] | None = None) -> Pipeline:
    """A dvc.yaml. `load` gives the values of params files, `parsing` is that section of DVC's configuration.

    Raises DvcFileError.
    """
    raw = as_mapping(load_document(data, path), path)
    folder = posixpath.dirname(path)
    reason = ""
    try:
        scope = templates.file_scope(raw, folder, load, parsing or {}, DEFAULT_PARAMS)
    except UnresolvedError as fault:
        scope, reason = Scope({}, parsing or {}), f"vars: {fault}"
    stages: list[Stage] = []
    for name, value in as_mapping(raw.get("stages") or {}, path).items():
        stages += _stages(name, as_mapping(value, path), path, scope, load, reason)
        if len(stages) > MAX_STAGES:
            raise DvcFileError(path, f"it stands for more than {MAX_STAGES} stages (in {len(data)} bytes)")
    top = {name: _resolved(scope, raw.get(name), name) for name in ("params", "metrics", "plots", "artifacts")}
    return Pipeline(
        path,
        tuple(stages),
        params=tuple(join(folder, name) for name in _names(top["params"], path)),
        metrics=tuple(join(folder, name) for name in _names(top["metrics"], path)),
        plots=tuple(join(folder, name) for name in _plot_files(top["plots"], path)),
        artifacts={
            name: {**value, "path": join(folder, str(value.get("path", "")))}
            for name, value in as_mapping(top["artifacts"] or {}, path).items()
            if isinstance(value, dict)
        },
    )


def _resolved(scope: Scope, value: Any, key: str) -> Any:
    try:
        return scope.resolve(value, key)
    except UnresolvedError:
        return None


def _stages(name: str, raw: Mapping[str, Any], path: str, scope: Scope, load: Load, reason: str) -> Iterator[Stage]:
    """The stages behind one entry; one unresolved stage where that cannot be told."""
    try:
        if reason and templates.is_templated(dict(raw)):
            raise UnresolvedError(reason)
        made = [_stage(key, body, path, inner, load) for key, body, inner in templates.expand(name, raw, scope)]
    except UnresolvedError as fault:
        body = as_mapping(raw.get("do") or {}, path) if "foreach" in raw else raw
        yield _unresolved(name, body, path, str(fault))
    else:
        yield from made


def _stage(name: str, body: Mapping[str, Any], path: str, scope: Scope, load: Load) -> Stage:
    wdir = scope.resolve(body.get("wdir"), "wdir")
    folder = folder_of(path, None if wdir is None else scope.written(wdir))
    if body.get("vars"):
        scope = scope.with_vars(body["vars"], folder, load)
    raw = {key: scope.resolve(value, key) for key, value in body.items() if key != "vars"}
    outs = list(_outs(raw, folder, path))
    return Stage(
        file=path,
        name=name,
        cmd=raw.get("cmd"),
        deps=tuple(join(folder, dep) for dep in _names(raw.get("deps"), path)),
        outs=tuple(outs),
        params=_params(raw.get("params"), folder, path),
        metrics=tuple(out.path for out in outs if out.section == "metrics") + tuple(_summaries(raw, folder, path)),
        plots=tuple(out.path for out in outs if out.section == "plots"),
        wdir=folder,
        frozen=bool(raw.get("frozen")),
    )


def _unresolved(name: str, body: Mapping[str, Any], path: str, reason: str) -> Stage:
    """What is plain in a stage that has unknown templates: its folder, and the outs and metrics without one."""
    wdir = body.get("wdir")
    folder = folder_of(path, None if templates.is_templated(wdir) else wdir)
    outs = [out for out in _outs(body, folder, path) if not templates.is_templated(out.path)]
    metrics = tuple(out.path for out in outs if out.section == "metrics")
    frozen = bool(body.get("frozen"))
    return Stage(path, name, None, outs=tuple(outs), metrics=metrics, wdir=folder, unresolved=reason, frozen=frozen)


def _outs(raw: Mapping[str, Any], folder: str, path: str) -> Iterator[Item]:
    for section in ("outs", "metrics", "plots", LIVE):
        for name, flags in _flagged_names(raw.get(section), path):
            kind = flags.get("type")
            yield Item(
                join(folder, name),
                remote=flags.get("remote"),
                cached=flags.get("cache", True) is not False,
                pushed=flags.get("push", True) is not False,
                outside=outside(folder, name),
                section="plots" if section == LIVE else section,
                kind=kind if isinstance(kind, str) else None,
            )


def _summaries(raw: Mapping[str, Any], folder: str, path: str) -> Iterator[str]:
    """The metrics files that DVC 2 had dvclive write beside a `live` out."""
    for name, flags in _flagged_names(raw.get(LIVE), path):
        if flags.get("summary", True) is not False:
            yield f"{join(folder, name)}.json"


def _params(raw: Any, folder: str, path: str) -> dict[str, tuple[str, ...] | None]:
    found: dict[str, tuple[str, ...] | None] = {}
    for entry in as_list(raw, path):
        if isinstance(entry, dict):
            for file, keys in entry.items():
                known = found.get(join(folder, str(file)))
                found[join(folder, str(file))] = (*(known or ()), *map(str, as_list(keys, path))) if keys else None
        else:
            default = join(folder, DEFAULT_PARAMS)
            found[default] = (*(found.get(default) or ()), str(entry))
    return found


def _flagged_names(raw: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for entry in as_list(raw, path):
        if isinstance(entry, dict):
            for name, flags in entry.items():
                # A plot may have several sets of properties; they say nothing about its bytes.
                yield str(name), flags if isinstance(flags, dict) else {}
        else:
            yield str(entry), {}


def _names(raw: Any, path: str) -> list[str]:
    return [name for name, _ in _flagged_names(raw, path)]


def _plot_files(raw: Any, path: str) -> Iterator[str]:
    """The files behind top-level plots: `plots: [file, {file: …}, {title: {y: {file: column}}}]`."""
    for name, flags in _flagged_names(raw, path):
        sources = [flags.get(axis) for axis in ("x", "y")]
        files = [file for source in sources if isinstance(source, dict) for file in source]
        yield from map(str, files or [name])
