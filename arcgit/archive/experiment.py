"""From a snapshot to the facts about each experiment in it. Reads git blobs only: no data, no network, no DVC import."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from arcgit.dvc import files as dvcfiles
from arcgit.dvc import lineage, lockstep
from arcgit.dvc.files import DvcFile, DvcFileError, Item, LockStage, Pipeline, Stage
from arcgit.errors import RefusedError
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical, manifest, paths, yaml
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.finding import Finding, Place, error
from arcgit.model.manifest import Manifest

MAX_VALUES_BYTES = 4 * 1024 * 1024


class Reader:
    """Reads the experiments of one snapshot; DVC's files are parsed once for all of them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.faults: list[Finding] = []
        self.pipelines: list[Pipeline] = []
        self.locks: list[LockStage] = []
        self.sources: list[DvcFile] = []
        self._values: dict[str, Mapping[str, Any] | None] = {}
        self._load()
        self.outs: dict[str, Item] = {out.path: out for out in self._all_outs()}
        self.stages: dict[tuple[str, str], Stage] = {
            (stage.file, stage.name): stage for pipeline in self.pipelines for stage in pipeline.stages
        }

    def _all_outs(self) -> Iterator[Item]:
        yield from (out for stage in self.locks for out in stage.outs)
        yield from (out for file in self.sources for out in file.outs)

    def _load(self) -> None:
        for path in self.snapshot.named("*.dvc", "dvc.yaml", "dvc.lock"):
            if not self.snapshot.is_file(path) or path.endswith("dvc.lock"):
                continue
            try:
                if path.endswith(".dvc"):
                    self.sources.append(dvcfiles.parse_dvcfile(self._read(path), path))
                else:
                    self.pipelines.append(dvcfiles.parse_pipeline(self._read(path), path))
            except (DvcFileError, RefusedError) as fault:
                self.faults.append(_unreadable(path, fault))
        by_path = {pipeline.path: pipeline for pipeline in self.pipelines}
        for path in self.snapshot.named("dvc.lock"):
            try:
                pipeline = by_path.get(f"{path[: -len('dvc.lock')]}dvc.yaml")
                self.locks += dvcfiles.parse_lock(self._read(path), path, pipeline)
            except (DvcFileError, RefusedError) as fault:
                self.faults.append(_unreadable(path, fault))

    def _read(self, path: str) -> bytes:
        return self.snapshot.read(path, dvcfiles.MAX_FILE_BYTES) or b""

    def read(self, path: str) -> tuple[Experiment | None, list[Finding]]:
        """The experiment of the manifest at `path`, or None with the faults that keep it from being read."""
        try:
            data = self.snapshot.read(path, manifest.MAX_MANIFEST_BYTES)
        except RefusedError as fault:
            return None, [manifest.unsafe(path, fault.message)]
        if data is None:
            return None, [self._no_manifest(path)]
        found, faults, lines = manifest.read(data, path)
        if found is None:
            return None, faults
        folder = path[: -len(manifest.FILE_NAME)]
        located = {name: folder + artifact.path for name, artifact in found.artifacts.items()}
        try:
            traced = lineage.trace(self.locks, self.sources, located.values())
        except lineage.LineageCycleError as fault:
            return None, [*faults, error("lineage-broken", path, str(fault), hint="dvc dag")]
        stored = {name: self._stored(place) for name, place in located.items()}
        findings = [*faults, *self.faults, *self._inside(path, located, stored)]
        params, missing = self._params(folder, found, path)
        findings += missing
        findings += self._drift(path, traced, located.values())
        metrics = {
            place: values
            for name, place in located.items()
            if found.artifacts[name].role == "metrics" and (values := self.values(place)) is not None
        }
        return (
            Experiment(
                manifest_path=path,
                manifest_sha256=canonical.sha256(data),
                manifest=found,
                artifacts=stored,
                params=params,
                metrics=metrics,
                lineage=_json(traced.to_json()),
                stored=tuple(_from_out(out) for out in traced.cached()),
                has_pipeline=bool(self.pipelines),
                produced=frozenset(out.path for stage in self.stages.values() for out in stage.outs),
                findings=tuple(findings),
                touches=self._touches(path, found, folder, located.values(), traced),
                environment=self._environment(found, located),
                lines=lines,
            ),
            [],
        )

    def _no_manifest(self, path: str) -> Finding:
        message = f"there is no {path} in {self.snapshot.label}"
        if path in self.snapshot:
            message = f"{path} in {self.snapshot.label} is not a regular file"
        return error("manifest-missing", path, message, hint="arcgit draft writes one", place=Place(path))

    def _environment(self, found: Manifest, located: Mapping[str, str]) -> dict[str, str]:
        """The text of environment files in git; a lock file that is too large to look at is left out."""
        texts = {}
        for name, path in located.items():
            if found.artifacts[name].role == "environment" and self.snapshot.is_file(path):
                with contextlib.suppress(RefusedError):
                    texts[path] = (self.snapshot.read(path, MAX_VALUES_BYTES) or b"").decode(errors="replace")
        return texts

    def _stored(self, path: str) -> Stored | None:
        out = self.outs.get(path)
        if out is not None and out.cached:
            return _from_out(out) if out.oid else None
        if self.snapshot.is_file(path):
            return Stored(path, "file", "git", self.snapshot.entries[path].oid, "git")
        if self.snapshot.below(path):
            return Stored(path, "directory", "git", self.snapshot.tree_oid(path), "git")
        return None

    def _inside(
        self, manifest_path: str, located: Mapping[str, str], stored: Mapping[str, Stored | None]
    ) -> Iterator[Finding]:
        for name, path in located.items():
            holder = next((out for out in self.outs if out and path.startswith(f"{out}/")), None)
            if stored[name] is None and holder is not None:
                message = f"{path} is a part of the directory {holder} that DVC keeps as a whole"
                hint = f"name the whole directory: path: {holder}"
                place = Place(manifest_path, ("artifacts", name))
                yield error("artifact-untracked", f"{manifest_path}: {name}", message, hint=hint, place=place)

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

    def _params(self, folder: str, found: Manifest, path: str) -> tuple[dict[str, Any], list[Finding]]:
        before = len(self.faults)
        params, findings = {}, []
        for number, name in enumerate(found.params):
            values = self.values(folder + name)
            if values is not None:
                params[folder + name] = values
            elif len(self.faults) == before:
                message = f"the params file {folder + name} is not in git, or holds no values"
                place = Place(path, ("params", number))
                hint = f"git add {folder + name}"
                findings.append(error("hyperparameters-missing", path, message, hint=hint, place=place))
        return params, [*findings, *self.faults[before:]]

    def _drift(self, path: str, traced: lineage.Lineage, wanted: Iterable[str]) -> Iterator[Finding]:
        locked = {(stage.file, stage.name) for stage in traced.stages}
        targets = set(wanted)
        for key, stage in self.stages.items():
            if key not in locked and not stage.templated and any(out.path in targets for out in stage.outs):
                message = f"the stage {stage.name} of {stage.file} is not in dvc.lock"
                place = Place(stage.file, ("stages", stage.name))
                hint = "dvc repro && git add dvc.lock"
                yield error("lock-out-of-date", f"{path}: {stage.name}", message, hint=hint, place=place)
        for lock in traced.stages:
            declared = self.stages.get((lock.file, lock.name)) or self.stages.get(
                (lock.file, lock.name.partition("@")[0])
            )
            subject = f"{lock.file}: {lock.name}"
            place = Place(lock.file, ("stages", lock.name.partition("@")[0]))
            hint = f"dvc repro {lock.name}, then git add dvc.lock"
            if declared is None:
                message = "dvc.lock has a stage that dvc.yaml does not have"
                yield error("lock-out-of-date", subject, message, hint=hint, place=place)
                continue
            locked_values = replace(lock, params=_json(lock.params))
            drifts = lockstep.compare(declared, locked_values, params=self.values, read=self._read_dep, outs=self.outs)
            for drift in drifts:
                message = f"{drift.what} changed since dvc.lock was written"
                seen = {"expected": drift.locked, "found": drift.present}
                yield error("lock-out-of-date", subject, message, **seen, hint=hint, place=place)

    def _read_dep(self, path: str) -> bytes | None:
        return self.snapshot.read(path) if self.snapshot.is_file(path) else None

    def _touches(
        self, path: str, found: Manifest, folder: str, located: Iterable[str], traced: lineage.Lineage
    ) -> frozenset[str]:
        """The files in git that the experiment is made of: a change in one of them makes the tree dirty for it."""
        touched = {path, *(folder + name for name in found.params), *located}
        for stage in traced.stages:
            touched |= {stage.file, f"{stage.file[: -len('dvc.yaml')]}dvc.lock", *stage.params}
            touched |= {dep.path for dep in stage.deps if not dep.outside}
            touched |= {out.path for out in stage.outs if not out.cached}
        outs = {source.out.path for source in traced.sources}
        touched |= {file.path for file in self.sources if any(out.path in outs for out in file.outs)}
        return frozenset(name for name in touched if name and not paths.unsafe_reason(name))


def read(snapshot: Snapshot, path: str) -> tuple[Experiment | None, list[Finding]]:
    """One experiment of a snapshot; use a `Reader` for several."""
    return Reader(snapshot).read(path)


def with_metrics(found: Experiment, values: Mapping[str, bytes]) -> Experiment:
    """The experiment with the values of metrics files that DVC keeps. Raises RefusedError for malformed ones."""
    metrics = dict(found.metrics)
    for path, data in values.items():
        try:
            parsed = parse_values(data, path)
        except ValueError as fault:
            message = f"the metrics in {path} cannot be read: {fault}"
            raise RefusedError("metrics-missing", message, "dvc repro") from fault
        if parsed is not None:
            metrics[path] = parsed
    return replace(found, metrics=metrics)


def parse_values(data: bytes, path: str) -> Mapping[str, Any] | None:
    """The mapping in a params or metrics file by its ending (YAML, JSON, TOML); None where it holds none.

    Raises ValueError.
    """
    ending = path.rpartition(".")[2].lower()
    if ending == "json":
        value = yaml.load_json(data)
    elif ending == "toml":
        value = _toml(data)
    elif ending in {"yaml", "yml"}:
        value = yaml.load(data, aliases=True).value
    else:
        return None
    return _json(value) if isinstance(value, dict) else None


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


def _json(value: Any) -> Any:
    return canonical.normalise(yaml.to_json_value(value))


def _from_out(out: Item) -> Stored:
    return Stored(
        path=out.path,
        kind="directory" if str(out.oid).endswith(".dir") else "file",
        by="dvc",
        oid=str(out.oid),
        hash_name=out.hash_name,
        size=out.size,
        files=out.files,
        remote=out.remote,
    )


def _unreadable(path: str, fault: DvcFileError | RefusedError) -> Finding:
    place = Place(path, (), (fault.line or 0) if isinstance(fault, DvcFileError) else 0)
    reason = fault.reason if isinstance(fault, DvcFileError) else fault.message
    hint = f"mend {path}; dvc status tells more"
    return error("yaml-unsafe", str(place), f"it cannot be read: {reason}", hint=hint, place=place)
