"""Everything that DVC's files in one snapshot say: pipelines, locks, `.dvc` files, values, and which project each is of.

Reads git blobs only: no data, no network, no DVC import.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from arcgit.dvc import files as dvcfiles
from arcgit.dvc.files import DvcFile, DvcFileError, Item, LockStage
from arcgit.dvc.ignore import Ignore
from arcgit.dvc.lock import parse_lock
from arcgit.dvc.pipeline import Pipeline, Stage, parse_pipeline
from arcgit.errors import RefusedError
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical, yaml
from arcgit.model.finding import Finding, Place, error
from arcgit.model.text import word

MAX_VALUES_BYTES = 4 * 1024 * 1024
MAX_IGNORE_BYTES = 1024 * 1024


class Workspace:
    """The DVC files of one snapshot, parsed once. `faults` says which could not be read.

    `leftover` holds what a dvc.lock says of stages that no dvc.yaml has any more; DVC takes no notice of them.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.faults: list[Finding] = []
        self.pipelines: list[Pipeline] = []
        self.locks: list[LockStage] = []
        self.sources: list[DvcFile] = []
        self.leftover: list[LockStage] = []
        self._raw: dict[str, Any] = {}
        self._values: dict[str, Mapping[str, Any] | None] = {}
        self.projects = projects(snapshot)
        self._load()
        self.outs: dict[str, Item] = {out.path: out for out in self._all_outs()}
        self.metrics_files = self._metrics_files()
        self.stages: dict[tuple[str, str], Stage] = {
            (stage.file, stage.name): stage for pipeline in self.pipelines for stage in pipeline.stages
        }

    def project_of(self, path: str) -> str:
        """The folder of the DVC project that a path belongs to, empty for the repository's root."""
        holders = (folder for folder in self.projects if not folder or path.startswith(f"{folder}/"))
        return max(holders, key=len, default="")

    def values(self, path: str) -> Mapping[str, Any] | None:
        """The values of a params or metrics file in git, or None where it is not there or holds no mapping."""
        if path not in self._values:
            self._values[path] = self._taken(path, lambda: _json_mapping(self._loaded(path)))
        return self._values[path]

    def _loaded(self, path: str) -> Mapping[Any, Any] | None:
        """The same as templates see it: numbers and keys as the file has them."""
        if path not in self._raw:
            self._raw[path] = self._taken(path, lambda: self._read_values(path))
        return self._raw[path]  # type: ignore[no-any-return]

    def _read_values(self, path: str) -> Any:
        data = self.snapshot.read(path, MAX_VALUES_BYTES)
        return None if data is None else _load_values(data, path)

    def _taken(self, path: str, take: Callable[[], Any]) -> Any:
        try:
            return take()
        except (ValueError, RefusedError) as fault:
            place = Place(path, (), getattr(fault, "line", None) or 0)
            hint = f"mend {path}, or name another file under params or metrics"
            message = f"its values cannot be read: {fault}"
            self.faults.append(error("manifest-invalid", path, message, hint=hint, place=place))
            return None

    def _all_outs(self) -> Iterator[Item]:
        yield from (out for stage in self.locks for out in stage.outs)
        yield from (out for file in self.sources for out in file.outs)

    def _metrics_files(self) -> list[str]:
        """The files that DVC's files call metrics."""
        found = {name for pipeline in self.pipelines for name in pipeline.metrics}
        found |= {name for pipeline in self.pipelines for stage in pipeline.stages for name in stage.metrics}
        return sorted(found | {out.path for out in self.outs.values() if out.section == "metrics"})

    def _load(self) -> None:
        names = [path for path in self.snapshot.named("*.dvc", "dvc.yaml", "dvc.lock") if self.snapshot.is_file(path)]
        names = self.seen(names)
        for path in names:
            if path.endswith(".dvc"):
                self._read(path, lambda data, path=path: self.sources.append(dvcfiles.parse_dvcfile(data, path)))
            elif path.endswith("dvc.yaml"):
                self._read(path, lambda data, path=path: self.pipelines.append(self._pipeline(data, path)))
        for path in names:
            if path.endswith("dvc.lock"):
                self._read(path, lambda data, path=path: self._lock(data, path))
        self.locks += [file.stage for file in self.sources if file.stage is not None]

    def seen(self, names: list[str]) -> list[str]:
        """Those of `names` that no `.dvcignore` hides from DVC."""
        projects = {name: self.project_of(name) for name in names}
        rules = self._rules
        return [name for name in names if projects[name] not in rules or not rules[projects[name]].hides(name)]

    @cached_property
    def _rules(self) -> dict[str, Ignore]:
        lines: dict[str, dict[str, list[str]]] = {}
        for file in self.snapshot.named(".dvcignore"):
            text = (self.snapshot.read(file, MAX_IGNORE_BYTES) or b"").decode(errors="replace")
            lines.setdefault(self.project_of(file), {})[file[: -len(".dvcignore")]] = text.splitlines()
        return {project: Ignore(found) for project, found in lines.items()}

    def _lock(self, data: bytes, path: str) -> None:
        beside = f"{path[: -len('dvc.lock')]}dvc.yaml"
        pipeline = next((found for found in self.pipelines if found.path == beside), None)
        stages = parse_lock(data, path, pipeline)
        if pipeline is None and beside in self.snapshot and self.seen([beside]):
            # Nobody can tell which of them are current; that dvc.yaml cannot be read is a finding of its own.
            self.locks += stages
            if not self.snapshot.is_file(beside):
                message = "it is a link or a submodule, so that what DVC would read in its place is not known"
                hint = "put the file itself in its place"
                self.faults.append(error("manifest-invalid", beside, message, hint=hint, place=Place(beside)))
            return
        known = {stage.name for stage in pipeline.stages} if pipeline else set()
        open_groups = {stage.name for stage in pipeline.stages if stage.unresolved} if pipeline else set()
        for stage in stages:
            current = stage.name in known or stage.name.rpartition("@")[0] in open_groups
            (self.locks if current else self.leftover).append(stage)

    def _read(self, path: str, take: Any) -> None:
        try:
            take(self.snapshot.read(path, dvcfiles.MAX_FILE_BYTES) or b"")
        except (DvcFileError, RefusedError) as fault:
            self.faults.append(_unreadable(path, fault))

    def _pipeline(self, data: bytes, path: str) -> Pipeline:
        return parse_pipeline(data, path, self._loaded, self._parsing(self.project_of(path)))

    def _parsing(self, project: str) -> Mapping[str, str]:
        """How templates write mappings: the `parsing` section of the project's configuration."""
        data = self.snapshot.read(f"{project}/.dvc/config" if project else ".dvc/config", MAX_IGNORE_BYTES)
        if b"parsing" not in (data or b""):
            return {}
        import configparser  # noqa: PLC0415  few projects write that section

        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read_string((data or b"").decode(errors="replace"))
        except configparser.Error:
            return {}
        return dict(parser["parsing"]) if parser.has_section("parsing") else {}


def parse_values(data: bytes, path: str) -> Mapping[str, Any] | None:
    """The mapping in a params or metrics file by its ending (YAML, JSON, TOML, Python); None where it holds none.

    Raises ValueError.
    """
    return _json_mapping(_load_values(data, path))


def _json_mapping(value: Mapping[Any, Any] | None) -> Mapping[str, Any] | None:
    return None if value is None else to_json(value)


def _load_values(data: bytes, path: str) -> Mapping[Any, Any] | None:
    ending = path.rpartition(".")[2].lower()
    if ending == "json":
        value = yaml.load_json(data)
    elif ending == "toml":
        value = _toml(data)
    elif ending == "py":
        from arcgit.dvc import pyparams  # noqa: PLC0415  few repositories have Python params

        value = pyparams.parse(data)
    else:
        # DVC takes every other ending for YAML as well; that text of another kind is none is no fault.
        try:
            value = yaml.load(data, aliases=True).value
        except yaml.YamlError:
            if ending in {"yaml", "yml"}:
                raise
            return None
    return value if isinstance(value, dict) else None


def to_json(value: Any) -> Any:
    """A value from a file as records hold it."""
    return canonical.normalise(yaml.to_json_value(value))


def _toml(data: bytes) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib  # noqa: PLC0415  few repositories have TOML params
    else:
        import tomli as tomllib  # noqa: PLC0415
    try:
        value = tomllib.loads(data.decode())
    except RecursionError as fault:
        raise ValueError("it is nested too deep") from fault
    yaml.require_bounded(value)
    return value


def projects(snapshot: Snapshot) -> frozenset[str]:
    """The folders that `dvc init` was run in; `dvc init --subdir` makes one below the root."""
    marks = (".dvc/config", ".dvc/.gitignore")
    found = (path for path in snapshot.named("config", ".gitignore") if path.endswith(marks))
    return frozenset(path[: -len(next(mark for mark in marks if path.endswith(mark)))].rstrip("/") for path in found)


def _unreadable(path: str, fault: DvcFileError | RefusedError) -> Finding:
    place = Place(path, (), (fault.line or 0) if isinstance(fault, DvcFileError) else 0)
    reason = fault.reason if isinstance(fault, DvcFileError) else fault.message
    hint = f"mend {word(path)}; dvc status tells more"
    if "more than" in reason:
        hint = f"dvc.yaml may be split over several folders; see where it comes from: git log -- {word(path)}"
    return error("yaml-unsafe", str(place), f"it cannot be read: {reason}", hint=hint, place=place)
