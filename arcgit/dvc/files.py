"""DVC's files as values: `*.dvc`, `dvc.yaml` and `dvc.lock`, parsed from bytes.

Paths come out relative to the repository's root, in POSIX form, with `wdir` applied. DVC itself is not imported.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from arcgit.model import yaml

LEGACY_HASH = "md5-dos2unix"
DEFAULT_PARAMS = "params.yaml"
MAX_FILE_BYTES = 64 * 1024 * 1024
_HASH_VALUE = re.compile(r"[0-9a-f]{32}(\.dir)?")


class DvcFileError(ValueError):
    """A DVC file that cannot be read. `line` counts from 1 and may be None."""

    def __init__(self, path: str, reason: str, line: int | None = None) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.line = line


@dataclass(frozen=True)
class Item:
    """An out or a dep. `oid` is DVC's hash value, None where there is none yet; `size` in bytes.

    `origin` says where imported data was taken from. `outside` marks a path that leaves the repository or is a url.
    """

    path: str
    oid: str | None = None
    hash_name: str = "md5"
    size: int | None = None
    files: int | None = None
    remote: str | None = None
    cached: bool = True
    outside: bool = False
    origin: Mapping[str, str] | None = None


@dataclass(frozen=True)
class DvcFile:
    """A `*.dvc` file: data that somebody added or imported."""

    path: str
    outs: tuple[Item, ...]
    deps: tuple[Item, ...] = ()


@dataclass(frozen=True)
class LockStage:
    """A stage as dvc.lock has it. `params` is by file, as locked."""

    file: str
    name: str
    cmd: Any
    deps: tuple[Item, ...]
    outs: tuple[Item, ...]
    params: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Stage:
    """A stage as dvc.yaml declares it. `templated` where something in it is only known after templating.

    `params` is by file; None stands for the whole file.
    """

    file: str
    name: str
    cmd: Any
    deps: tuple[str, ...] = ()
    outs: tuple[Item, ...] = ()
    params: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    wdir: str = ""
    templated: bool = False
    frozen: bool = False


@dataclass(frozen=True)
class Pipeline:
    """A dvc.yaml file: its stages, and the files and artifacts that its top level names."""

    path: str
    stages: tuple[Stage, ...]
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    artifacts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def parse_dvcfile(data: bytes, path: str) -> DvcFile:
    """A `*.dvc` file. Raises DvcFileError."""
    raw = _mapping(_load(data, path), path)
    folder = _folder(path, raw.get("wdir"))
    outs = tuple(_item(entry, folder, path) for entry in _list(raw.get("outs"), path))
    deps = tuple(_item(entry, folder, path) for entry in _list(raw.get("deps"), path))
    return DvcFile(path, outs, deps)


def parse_lock(data: bytes, path: str, pipeline: Pipeline | None) -> tuple[LockStage, ...]:
    """The stages of a dvc.lock. `pipeline` is the dvc.yaml beside it, which knows wdirs, remotes and cache flags.

    Raises DvcFileError.
    """
    raw = _mapping(_load(data, path), path)
    # Schema 1.0 had the stages at the top level.
    stages = raw.get("stages") if "schema" in raw else raw
    declared = {stage.name: stage for stage in pipeline.stages} if pipeline else {}
    result = []
    for name, value in _mapping(stages or {}, path).items():
        entry = _mapping(value, path)
        stage = declared.get(name) or declared.get(name.partition("@")[0])
        folder = stage.wdir if stage else posixpath.dirname(path)
        flags = {out.path: out for out in stage.outs} if stage else {}
        outs = (_item(out, folder, path) for out in _list(entry.get("outs"), path))
        result.append(
            LockStage(
                file=posixpath.join(posixpath.dirname(path), "dvc.yaml"),
                name=name,
                cmd=entry.get("cmd"),
                deps=tuple(_item(dep, folder, path) for dep in _list(entry.get("deps"), path)),
                outs=tuple(_flagged(out, flags.get(out.path)) for out in outs),
                params={
                    _join(folder, file): _mapping(keys or {}, path)
                    for file, keys in _mapping(entry.get("params") or {}, path).items()
                },
            )
        )
    return tuple(result)


def parse_pipeline(data: bytes, path: str) -> Pipeline:
    """A dvc.yaml. Raises DvcFileError."""
    raw = _mapping(_load(data, path), path)
    folder = posixpath.dirname(path)
    stages = tuple(_stage(name, value, path) for name, value in _mapping(raw.get("stages") or {}, path).items())
    artifacts = {
        str(name): {**_mapping(value, path), "path": _join(folder, str(value.get("path", "")))}
        for name, value in _mapping(raw.get("artifacts") or {}, path).items()
        if isinstance(value, dict)
    }
    return Pipeline(
        path,
        stages,
        params=tuple(_join(folder, name) for name in _names(raw.get("params"), path)),
        metrics=tuple(_join(folder, name) for name in _names(raw.get("metrics"), path)),
        artifacts=artifacts,
    )


def _stage(name: str, value: Any, path: str) -> Stage:
    raw = _mapping(value, path)
    templated = "foreach" in raw or "matrix" in raw
    body = _mapping(raw.get("do") or {}, path) if "foreach" in raw else raw
    templated = templated or _has_template(body)
    folder = _folder(path, body.get("wdir") if not _has_template(body.get("wdir")) else None)
    outs: list[Item] = []
    metrics: list[str] = []
    for section in ("outs", "metrics", "plots"):
        for out_name, flags in _flagged_names(body.get(section), path):
            item = Item(
                _join(folder, out_name),
                remote=flags.get("remote"),
                cached=flags.get("cache", True) is not False,
                outside=_outside(folder, out_name),
            )
            outs.append(item)
            if section == "metrics":
                metrics.append(item.path)
    return Stage(
        file=path,
        name=name,
        cmd=body.get("cmd"),
        deps=tuple(_join(folder, dep) for dep in _names(body.get("deps"), path)),
        outs=tuple(outs),
        params=_params(body.get("params"), folder, path),
        metrics=tuple(metrics),
        wdir=folder,
        templated=templated,
        frozen=bool(body.get("frozen")),
    )


def _params(raw: Any, folder: str, path: str) -> dict[str, tuple[str, ...] | None]:
    found: dict[str, tuple[str, ...] | None] = {}
    for entry in _list(raw, path):
        if isinstance(entry, dict):
            for file, keys in entry.items():
                found[_join(folder, str(file))] = tuple(map(str, keys)) if keys else None
        else:
            default = _join(folder, DEFAULT_PARAMS)
            found[default] = (*(found.get(default) or ()), str(entry))
    return found


def _flagged_names(raw: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for entry in _list(raw, path):
        if isinstance(entry, dict):
            for name, flags in entry.items():
                yield str(name), flags if isinstance(flags, dict) else {}
        else:
            yield str(entry), {}


def _names(raw: Any, path: str) -> list[str]:
    return [name for name, _ in _flagged_names(raw, path)]


def _flagged(out: Item, declared: Item | None) -> Item:
    if declared is None:
        return out
    return Item(**{**vars(out), "remote": out.remote or declared.remote, "cached": declared.cached})


def _item(raw: Any, folder: str, path: str) -> Item:
    entry = _mapping(raw, path)
    name = entry.get("path")
    if not isinstance(name, str):
        raise DvcFileError(path, "an entry has no path")
    origin = _origin(entry)
    oid = entry.get("md5")
    if oid is not None and (not isinstance(oid, str) or not _HASH_VALUE.fullmatch(oid)):
        raise DvcFileError(path, f"the md5 of {name} is malformed")
    return Item(
        path=name if origin else _join(folder, name),
        oid=oid,
        hash_name=str(entry.get("hash") or LEGACY_HASH),
        size=_whole(entry.get("size")),
        files=_whole(entry.get("nfiles")),
        remote=entry.get("remote") if isinstance(entry.get("remote"), str) else None,
        cached=entry.get("cache", True) is not False,
        outside=_outside(folder, name),
        origin=origin,
    )


def _origin(entry: Mapping[str, Any]) -> dict[str, str] | None:
    """Where imported data comes from: another DVC repository at a locked rev, or a url at an etag."""
    repo = entry.get("repo")
    if isinstance(repo, dict):
        kept = {key: str(repo[key]) for key in ("url", "rev", "rev_lock") if repo.get(key)}
        return {**kept, "path": str(entry.get("path"))}
    if "://" in str(entry.get("path")):
        return {key: str(entry[key]) for key in ("path", "etag", "checksum") if entry.get(key)}
    return None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _load(data: bytes, path: str) -> Any:
    try:
        value = yaml.load(data, aliases=True, max_bytes=MAX_FILE_BYTES).value
    except yaml.YamlError as fault:
        raise DvcFileError(path, fault.reason, fault.line) from fault
    return {} if value is None else value


def _mapping(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DvcFileError(path, f"a mapping is expected where there is a {type(value).__name__}")
    return {str(key): item for key, item in value.items()}


def _list(value: Any, path: str) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, str | dict):
        return [value]
    raise DvcFileError(path, f"a list is expected where there is a {type(value).__name__}")


def _folder(path: str, wdir: Any) -> str:
    return _join(posixpath.dirname(path), wdir if isinstance(wdir, str) else "")


def _join(folder: str, name: str) -> str:
    joined = posixpath.normpath(posixpath.join(folder, name))
    return "" if joined == "." else joined


def _outside(folder: str, name: str) -> bool:
    joined = _join(folder, name)
    return "://" in name or joined.startswith(("/", "../")) or joined == ".."


def _has_template(value: Any) -> bool:
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(_has_template(key) or _has_template(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_template(item) for item in value)
