"""Everything that DVC's files in one snapshot say: pipelines, locks, `.dvc` files, values, and which project each is of.

Reads git blobs only: no data, no network, no DVC import.
"""

from __future__ import annotations

import configparser
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from arcgit.dvc import files as dvcfiles
from arcgit.dvc.files import DvcFile, DvcFileError, Item, LockStage
from arcgit.dvc.lock import parse_lock
from arcgit.dvc.pipeline import Pipeline, Stage, parse_pipeline
from arcgit.errors import RefusedError
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical, yaml
from arcgit.model.finding import Finding, Place, error

MAX_VALUES_BYTES = 4 * 1024 * 1024
MAX_IGNORE_BYTES = 1024 * 1024


class Workspace:
    """The DVC files of one snapshot, parsed once. `faults` says which could not be read."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.faults: list[Finding] = []
        self.pipelines: list[Pipeline] = []
        self.locks: list[LockStage] = []
        self.sources: list[DvcFile] = []
        self._values: dict[str, Mapping[str, Any] | None] = {}
        self.projects = _projects(snapshot)
        self._load()
        self.outs: dict[str, Item] = {out.path: out for out in self._all_outs()}
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
            self._values[path] = self._parse(path)
        return self._values[path]

    def _parse(self, path: str) -> Mapping[str, Any] | None:
        try:
            data = self.snapshot.read(path, MAX_VALUES_BYTES)
            return None if data is None else parse_values(data, path)
        except (ValueError, RefusedError) as fault:
            place = Place(path, (), getattr(fault, "line", None) or 0)
            hint = f"mend {path}, or name another file under params or metrics"
            message = f"its values cannot be read: {fault}"
            self.faults.append(error("manifest-invalid", path, message, hint=hint, place=place))
            return None

    def _all_outs(self) -> Iterator[Item]:
        yield from (out for stage in self.locks for out in stage.outs)
        yield from (out for file in self.sources for out in file.outs)

    def _load(self) -> None:
        names = [path for path in self.snapshot.named("*.dvc", "dvc.yaml", "dvc.lock") if self.snapshot.is_file(path)]
        names = _without_ignored(self.snapshot, names)
        for path in names:
            if path.endswith(".dvc"):
                self._read(path, lambda data, path=path: self.sources.append(dvcfiles.parse_dvcfile(data, path)))
            elif path.endswith("dvc.yaml"):
                self._read(path, lambda data, path=path: self.pipelines.append(self._pipeline(data, path)))
        by_path = {pipeline.path: pipeline for pipeline in self.pipelines}
        for path in names:
            if path.endswith("dvc.lock"):
                pipeline = by_path.get(f"{path[: -len('dvc.lock')]}dvc.yaml")
                self._read(
                    path, lambda data, path=path, beside=pipeline: self.locks.extend(parse_lock(data, path, beside))
                )
        self.locks += [file.stage for file in self.sources if file.stage is not None]

    def _read(self, path: str, take: Any) -> None:
        try:
            take(self.snapshot.read(path, dvcfiles.MAX_FILE_BYTES) or b"")
        except (DvcFileError, RefusedError) as fault:
            self.faults.append(_unreadable(path, fault))

    def _pipeline(self, data: bytes, path: str) -> Pipeline:
        return parse_pipeline(data, path, self.values, self._parsing(self.project_of(path)))

    def _parsing(self, project: str) -> Mapping[str, str]:
        """How templates write mappings: the `parsing` section of the project's configuration."""
        data = self.snapshot.read(f"{project}/.dvc/config" if project else ".dvc/config", MAX_IGNORE_BYTES)
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
    ending = path.rpartition(".")[2].lower()
    if ending == "json":
        value = yaml.load_json(data)
    elif ending == "toml":
        value = _toml(data)
    elif ending == "py":
        from arcgit.dvc import pyparams  # noqa: PLC0415  few repositories have Python params

        value = pyparams.parse(data)
    elif ending in {"yaml", "yml"}:
        value = yaml.load(data, aliases=True).value
    else:
        return None
    return to_json(value) if isinstance(value, dict) else None


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


def _projects(snapshot: Snapshot) -> frozenset[str]:
    """The folders that `dvc init` was run in; `dvc init --subdir` makes one below the root."""
    marks = (".dvc/config", ".dvc/.gitignore")
    found = (path for path in snapshot.named("config", ".gitignore") if path.endswith(marks))
    return frozenset(path[: -len(next(mark for mark in marks if path.endswith(mark)))].rstrip("/") for path in found)


def _without_ignored(snapshot: Snapshot, paths: list[str]) -> list[str]:
    """Those of `paths` that no `.dvcignore` hides from DVC."""
    rules = {}
    for file in snapshot.named(".dvcignore"):
        data = snapshot.read(file, MAX_IGNORE_BYTES) or b""
        lines = [line for line in data.decode(errors="replace").splitlines() if line.strip() and line[0] != "#"]
        if lines:
            rules[file[: -len(".dvcignore")]] = lines
    if not rules:
        return paths
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  DVC's own matcher; most repositories have no rules

    specs = {folder: GitIgnoreSpec.from_lines(lines) for folder, lines in rules.items()}
    return [
        path
        for path in paths
        if not any(path.startswith(folder) and spec.match_file(path[len(folder) :]) for folder, spec in specs.items())
    ]


def _unreadable(path: str, fault: DvcFileError | RefusedError) -> Finding:
    place = Place(path, (), (fault.line or 0) if isinstance(fault, DvcFileError) else 0)
    reason = fault.reason if isinstance(fault, DvcFileError) else fault.message
    hint = f"mend {path}; dvc status tells more"
    return error("yaml-unsafe", str(place), f"it cannot be read: {reason}", hint=hint, place=place)
