"""What a repository seems to have for a manifest: artifacts with their roles, and params files, in a stable order.

A role comes from what somebody wrote down (the `artifacts` section, an out's `type`, the section that an out stands in),
else from names, and where those say nothing from the stage that makes the file. The last is a guess and is marked as one.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from arcgit.archive import filekinds
from arcgit.archive.filekinds import split_of
from arcgit.archive.workspace import Workspace
from arcgit.dvc.files import Item, join
from arcgit.dvc.pipeline import DEFAULT_PARAMS
from arcgit.model.manifest import FILE_NAME
from arcgit.model.names import slugify

ROLES = ("model", "dataset", "code", "config", "metrics", "report", "environment", "other")


@dataclass(frozen=True)
class Suggestion:
    """One artifact that the repository seems to have. `guessed` where only its place in the pipeline tells the role."""

    role: str
    path: str
    split: str | None = None
    version: str | None = None
    guessed: bool = False

    @property
    def name(self) -> str:
        """The name that a person would most likely give it."""
        stem = self.path.rpartition("/")[2].partition(".")[0] or self.path.strip(".").partition("/")[0]
        if self.role == "code":
            return slugify(f"{stem}-code")
        if self.role in {"metrics", "environment"}:
            return slugify(stem if self.role == "metrics" else "environment")
        return slugify(self.split or stem)


def suggest(workspace: Workspace, folder: str) -> tuple[list[Suggestion], list[str]]:
    """Artifacts and params files that the DVC files below `folder` speak of; paths relative to it."""
    prefix = f"{folder}/" if folder else ""
    inner = [path[: -len(FILE_NAME)] for path in workspace.snapshot.named(FILE_NAME)]
    # What lies beside a manifest further down is that one's to name.
    others = tuple(name for name in inner if name != prefix and name.startswith(prefix))
    found: dict[str, Suggestion] = {}
    for item in _all(workspace, prefix):
        ours = item.path.startswith(prefix) and item.path != prefix and not item.path.startswith(others)
        if ours and item.path not in found:
            split = split_of(item.path) if item.role == "dataset" else None
            found[item.path] = replace(item, path=item.path[len(prefix) :], split=split)
    ranked = sorted(found.values(), key=lambda item: ROLES.index(item.role))
    params = (name for name in _params(workspace, prefix) if name.startswith(prefix) and not name.startswith(others))
    return ranked, [name[len(prefix) :] for name in params]


def _all(workspace: Workspace, prefix: str) -> Iterator[Suggestion]:
    snapshot = workspace.snapshot
    for pipeline in workspace.pipelines:
        for artifact in pipeline.artifacts.values():
            path, version = str(artifact["path"]), artifact.get("version")
            if path in workspace.outs or path in snapshot or snapshot.below(path):
                role = _annotated(artifact.get("type")) or "model"
                yield Suggestion(role, path, version=str(version) if version else None)
    metrics = _metrics(workspace, prefix)
    yield from (Suggestion("metrics", path) for path in metrics)
    yield from _outs(workspace, metrics)
    for pipeline in workspace.pipelines:
        for path in pipeline.plots:
            if snapshot.is_file(path) or snapshot.below(path):
                yield Suggestion("report", path)
    params = set(_params(workspace, prefix))
    for stage in workspace.stages.values():
        yield from _from_git(workspace, (*stage.deps, *_scripts(stage.cmd, stage.wdir)), params)
    for file in workspace.sources:
        if file.stage is not None:
            yield from _from_git(workspace, [dep.path for dep in file.stage.deps], params)
    for group in (filekinds.ENVIRONMENT, filekinds.CONTAINER):
        if (found := _nearest(workspace, prefix, group)) is not None:
            yield Suggestion("environment", found)


def _annotated(kind: object) -> str | None:
    """The role behind an annotation of DVC's, which is free text."""
    known = {"model": "model", "dataset": "dataset", "data": "dataset", "metrics": "metrics", "plot": "report"}
    return known.get(str(kind).strip().lower()) if kind else None


def _outs(workspace: Workspace, metrics: list[str]) -> Iterator[Suggestion]:
    """What DVC keeps, and plots that it leaves to git."""
    makers = {out.path: stage.name for stage in workspace.stages.values() for out in stage.outs}
    makers |= {out.path: lock.name for lock in workspace.locks for out in lock.outs if lock.file.endswith(".dvc")}
    rows = [
        (path, *_role(out, makers.get(path)))
        for path, out in sorted(workspace.outs.items())
        if not out.outside and out.pushed and (out.cached or out.section == "plots") and path not in metrics
    ]
    trained = any(role == "model" and path in makers for path, role, _ in rows)
    for path, role, guessed in rows:
        # Where a stage makes a model, one that somebody brought along is what that model was built upon.
        brought = trained and role == "model" and path not in makers and not workspace.outs[path].kind
        yield Suggestion("other" if brought else role, path, guessed=guessed or brought)


def _role(out: Item, maker: str | None) -> tuple[str, bool]:
    """The role of an out, and whether it is a guess. `maker` is the name of the stage that makes it."""
    path, name = out.path, out.path.rpartition("/")[2].lower()
    if said := _annotated(out.kind):
        return said, False
    if out.section == "plots":
        return "report", False
    if name.endswith(filekinds.REPORT_ENDINGS) or (filekinds.REPORT.search(path) and not filekinds.DATA.search(path)):
        return "report", False
    if filekinds.DATA.search(path) and (name.endswith(filekinds.TABLES) or not filekinds.MODEL.search(name)):
        return ("model" if name.endswith(filekinds.WEIGHTS) else "dataset"), False
    if name.endswith(filekinds.MODEL_ENDINGS) or (filekinds.MODEL.search(path) and not name.endswith(filekinds.TABLES)):
        return "model", False
    if maker is not None and (name.endswith(filekinds.LOG_ENDINGS) or filekinds.LOG.search(path)):
        return "other", False
    if maker is None or name.endswith(filekinds.DATA_ENDINGS) or split_of(path):
        return "dataset", maker is not None and bool(filekinds.TRAINS.search(maker))
    return ("model" if filekinds.TRAINS.search(maker) else "dataset"), True


def _metrics(workspace: Workspace, prefix: str) -> list[str]:
    """The metrics, as artifacts: a file, or the directory of DVC's that it lies in."""
    declared = workspace.metrics_files
    kept = [out.path for out in workspace.outs.values() if out.cached and str(out.oid).endswith(".dir")]
    holders = {name: next((out for out in kept if name.startswith(f"{out}/")), name) for name in declared}
    there = [name for name in declared if holders[name] in workspace.outs or name in workspace.snapshot]
    if declared:
        return sorted({holders[name] for name in there or declared})
    return [path for path in (prefix + name for name in filekinds.METRICS) if path in workspace.snapshot]


def _params(workspace: Workspace, prefix: str) -> list[str]:
    snapshot = workspace.snapshot
    named: dict[str, None] = {}
    for stage in workspace.stages.values():
        named |= dict.fromkeys(stage.params)
    for lock in workspace.locks:
        named |= dict.fromkeys(lock.params)
    for pipeline in workspace.pipelines:
        named |= dict.fromkeys(pipeline.params)
    found = [name for name in named if name in snapshot]
    if not found:
        found = [name for name in (prefix + DEFAULT_PARAMS, f"{prefix}dvclive/{DEFAULT_PARAMS}") if name in snapshot][
            :1
        ]
    return found


def _from_git(workspace: Workspace, needed: Iterable[str], params: set[str]) -> Iterator[Suggestion]:
    """Code and configuration that a stage needs and git keeps: its deps, and the scripts that its command names."""
    snapshot = workspace.snapshot
    for path in needed:
        if path in workspace.outs or path in params or not path:
            continue
        inside = snapshot.below(path) if path not in snapshot else []
        if (path.endswith(filekinds.CODE) and path in snapshot) or any(
            name.endswith(filekinds.CODE) for name in inside
        ):
            yield Suggestion("code", path)
        elif path.endswith(filekinds.CONFIG) and path in snapshot:
            yield Suggestion("config", path)


def _scripts(cmd: Any, folder: str) -> Iterator[str]:
    for command in cmd if isinstance(cmd, list) else [cmd]:
        try:
            words = shlex.split(str(command or ""))
        except ValueError:
            continue
        yield from (join(folder, word) for word in words if word.endswith(filekinds.CODE) and not posixpath.isabs(word))


def _nearest(workspace: Workspace, prefix: str, patterns: Iterable[str]) -> str | None:
    """The file that matches the first of the patterns, in the manifest's folder or, if none is there, below it."""
    names = [path[len(prefix) :] for path in workspace.snapshot.below(prefix.rstrip("/"))]
    depth = min((name.count("/") for name in names if _matches(name, patterns)), default=-1)
    near = [name for name in names if name.count("/") == depth]
    return next((prefix + name for pattern in patterns for name in near if _matches(name, (pattern,))), None)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path.rpartition("/")[2], pattern) for pattern in patterns)
