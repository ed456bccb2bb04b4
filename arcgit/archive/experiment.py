"""From a snapshot to the facts about each experiment in it. Reads git blobs only: no data, no network, no DVC import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from arcgit.archive import filekinds
from arcgit.archive.workspace import Workspace, parse_values, to_json
from arcgit.dvc import lineage, lockstep
from arcgit.dvc.files import Item, LockStage
from arcgit.dvc.pipeline import Stage
from arcgit.errors import RefusedError
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical, manifest, paths
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.finding import Finding, error, warning
from arcgit.model.manifest import Manifest

LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class Reader:
    """Reads the experiments of one snapshot; DVC's files are parsed once for all of them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.workspace = Workspace(snapshot)
        self._in_git: dict[tuple[str, str, int | None], list[str]] = {}
        self._origins = {
            out.path: dep.origin
            for file in self.workspace.sources
            for dep in file.deps[:1]
            for out in file.outs
            if file.stage is None and dep.origin is not None
        }

    def read(self, path: str) -> tuple[Experiment | None, list[Finding]]:
        """The experiment of the manifest at `path`, or None with the faults that keep it from being read."""
        data = self.snapshot.read(path, manifest.MAX_MANIFEST_BYTES)
        if data is None:
            hint = "arcgit draft writes one"
            return None, [error("manifest-missing", path, f"there is no {path} in {self.snapshot.label}", hint=hint)]
        found, faults = manifest.parse(data, path)
        if found is None:
            return None, faults
        folder = path[: -len(manifest.FILE_NAME)]
        located = {name: folder + artifact.path for name, artifact in found.artifacts.items()}
        try:
            traced = lineage.trace(self.workspace.locks, self.workspace.sources, located.values())
        except lineage.LineageCycleError as fault:
            return None, [*faults, error("lineage-broken", path, str(fault), hint="dvc dag")]
        stored = {name: self._stored(place) for name, place in located.items()}
        findings = [*faults, *self.workspace.faults, *self._inside(path, located, stored)]
        params, missing = self._params(folder, found, path)
        findings += missing
        findings += self._drift(path, traced, located.values())
        metrics = {
            file: values
            for name, place in located.items()
            if found.artifacts[name].role == "metrics"
            for file in self._metrics_files(place)
            if (values := self.workspace.values(file)) is not None
        }
        return (
            Experiment(
                manifest_path=path,
                manifest_sha256=canonical.sha256(data),
                manifest=found,
                artifacts=stored,
                params=params,
                metrics=metrics,
                lineage=to_json(traced.to_json()),
                stored=tuple(self._kept(out) for out in traced.kept()),
                has_pipeline=bool(self.workspace.stages or self.workspace.locks),
                produced=frozenset(out.path for stage in self.workspace.stages.values() for out in stage.outs),
                findings=tuple(findings),
                touches=self._touches(path, found, folder, located.values(), traced),
                metrics_files=frozenset(self.workspace.metrics_files),
            ),
            [],
        )

    def _metrics_files(self, place: str) -> list[str]:
        """The metrics files in git behind an artifact: itself, or those in a folder."""
        if place in self.snapshot:
            return [place]
        return filekinds.metrics_in(self.snapshot.below(place), self.workspace.metrics_files)

    def _stored(self, path: str) -> Stored | None:
        out = self.workspace.outs.get(path)
        if out is not None and out.cached:
            return self._kept(out) if out.oid else None
        if self.snapshot.is_file(path):
            return Stored(path, "file", "git", self.snapshot.entries[path].oid, "git")
        if self.snapshot.below(path):
            return Stored(path, "directory", "git", self.snapshot.tree_oid(path), "git")
        return None

    def _inside(
        self, manifest_path: str, located: Mapping[str, str], stored: Mapping[str, Stored | None]
    ) -> Iterator[Finding]:
        for name, path in located.items():
            holder = next((out for out in self.workspace.outs if out and path.startswith(f"{out}/")), None)
            kept = stored[name]
            if kept is not None and kept.by == "dvc" and not kept.pushed and not kept.at_source:
                message = f"DVC keeps {path} out of every remote (push: false), so that nobody could look at it later"
                yield error("artifact-missing", f"{manifest_path}: {name}", message, hint="take out push: false")
            if kept is None and holder is not None:
                message = f"{path} is a part of the directory {holder} that DVC keeps as a whole"
                hint = f"name the whole directory: path: {holder}"
                yield error("artifact-untracked", f"{manifest_path}: {name}", message, hint=hint)

    def _params(self, folder: str, found: Manifest, path: str) -> tuple[dict[str, Any], list[Finding]]:
        faults = self.workspace.faults
        before = len(faults)
        params, findings = {}, []
        for name in found.params:
            values = self.workspace.values(folder + name)
            if values is not None:
                params[folder + name] = values
            elif len(faults) == before:
                message = f"the params file {folder + name} is not in git, or holds no values"
                findings.append(error("hyperparameters-missing", path, message, hint=f"git add {folder + name}"))
        return params, [*findings, *faults[before:]]

    def _drift(self, path: str, traced: lineage.Lineage, wanted: Iterable[str]) -> Iterator[Finding]:
        locked = {(stage.file, stage.name) for stage in traced.stages}
        groups = {(file, name.rpartition("@")[0]) for file, name in locked if "@" in name}
        targets = set(wanted)
        for key, stage in self.workspace.stages.items():
            if key in locked or stage.unresolved:
                continue
            # A new item of a loop belongs to the experiment that the other items are in.
            if any(out.path in targets for out in stage.outs) or (stage.file, stage.name.rpartition("@")[0]) in groups:
                message = f"the stage {stage.name} of {stage.file} is not in dvc.lock"
                yield error("lock-out-of-date", f"{path}: {stage.name}", message, hint=self._first_run(stage))
        yield from self._leftover(path, targets | {dep.path for stage in traced.stages for dep in stage.deps})
        broken = {fault.subject.partition(":")[0] for fault in self.workspace.faults}
        for lock in traced.stages:
            if lock.file not in broken:
                yield from self._stage_drift(lock)

    def _first_run(self, stage: Stage) -> str:
        file = stage.file
        made = LockStage(file, stage.name, stage.cmd, (), (), {})
        return f"{_repro(made, self.workspace.project_of(file))} && git add {_lock_file(made)}"

    def _leftover(self, path: str, needed: set[str]) -> Iterator[Finding]:
        """Data whose only maker is a stage that was taken out of dvc.yaml: DVC does not track it any more."""
        for stage in self.workspace.leftover:
            lost = [out.path for out in stage.outs if out.path in needed and out.path not in self.workspace.outs]
            lost = [name for name in lost if name not in self.snapshot]
            if lost:
                message = f"{lost[0]} was made by the stage {stage.name}, which {stage.file} does not have any more"
                hint = f"bring the stage back, or track the data itself: dvc add {lost[0]}"
                yield error("lock-out-of-date", f"{path}: {stage.name}", message, hint=hint)

    def _stage_drift(self, lock: LockStage) -> Iterator[Finding]:
        """How one locked stage differs from what is there now; a stage that is frozen may lag behind on purpose."""
        declared, frozen = self._declared(lock)
        subject = f"{lock.file}: {lock.name}" if declared else lock.file
        again = _repro(lock, self.workspace.project_of(lock.file))
        if declared is not None and declared.unresolved:
            message = f"it could not be compared with dvc.lock: {declared.unresolved}"
            yield warning("template-unresolved", subject, message, hint=f"{again} --dry compares it")
        make = warning if frozen else error
        values = replace(lock, params=to_json(lock.params))
        workspace = self.workspace
        drifts = lockstep.compare(
            declared,
            values,
            params=workspace.values,
            hashes=self._hashes,
            outs=workspace.outs,
        )
        for drift in drifts:
            message = f"{drift.what} changed since {_lock_file(lock)} was written"
            if drift.missing:
                message, there = f"{drift.missing} is not in git, or holds no values", f"git add {drift.missing}"
                yield make("lock-out-of-date", subject, message, expected=drift.locked, hint=there)
                continue
            hint = f"{again}, then git add {_lock_file(lock)}"
            if frozen:
                hint = f"it is frozen; {again.replace('repro', 'unfreeze', 1)} would let dvc repro run it"
            yield make("lock-out-of-date", subject, message, expected=drift.locked, found=drift.present, hint=hint)

    def _declared(self, lock: LockStage) -> tuple[Stage | None, bool]:
        """The stage in dvc.yaml (a `.dvc` file of DVC 1 is both in one), and whether it is frozen."""
        if lock.file.endswith(".dvc"):
            return None, any(file.frozen for file in self.workspace.sources if file.path == lock.file)
        stages = self.workspace.stages
        found = stages.get((lock.file, lock.name)) or stages.get((lock.file, lock.name.rpartition("@")[0]))
        return found, found is not None and found.frozen

    def _kept(self, out: Item) -> Stored:
        return Stored(
            path=out.path,
            kind="directory" if str(out.oid).endswith(".dir") else "file",
            by="dvc",
            oid=str(out.oid),
            hash_name=out.hash_name,
            size=out.size,
            files=out.files,
            remote=out.remote,
            project=self.workspace.project_of(out.path),
            pushed=out.pushed,
            origin=self._origins.get(out.path),
        )

    def _hashes(self, item: Item) -> list[str]:
        """The hashes of what git has for an item; many stages need the same code, which is read once."""
        key = (item.path, item.hash_name, item.files)
        if key not in self._in_git:
            self._in_git[key] = lockstep.in_git(
                item, self._read_dep, lambda folder: self.workspace.seen(self.snapshot.below(folder))
            )
        return self._in_git[key]

    def _read_dep(self, path: str) -> bytes | None:
        """The bytes of a file as DVC hashes them; None where git has none, or only the pointer of git-lfs."""
        data = self.snapshot.read(path) if self.snapshot.is_file(path) else None
        return None if data is not None and data.startswith(LFS_POINTER) else data

    def _touches(
        self, path: str, found: Manifest, folder: str, located: Iterable[str], traced: lineage.Lineage
    ) -> frozenset[str]:
        """The files in git that the experiment is made of: a change in one of them makes the tree dirty for it."""
        touched = {path, *(folder + name for name in found.params), *located}
        for stage in traced.stages:
            touched |= {stage.file, *stage.params}
            touched.add(_lock_file(stage))
            touched |= {dep.path for dep in stage.deps if not dep.outside}
            touched |= {out.path for out in stage.outs if not out.cached}
        outs = {source.out.path for source in traced.sources}
        touched |= {file.path for file in self.workspace.sources if any(out.path in outs for out in file.outs)}
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


def _repro(stage: LockStage, project: str) -> str:
    """The command that runs the stage again, from the repository's root."""
    inside = stage.file[len(project) + 1 :] if project else stage.file
    address = stage.name if inside == "dvc.yaml" else inside if inside.endswith(".dvc") else f"{inside}:{stage.name}"
    return f"dvc {f'--cd {project} ' if project else ''}repro {address}"


def _lock_file(stage: LockStage) -> str:
    """The file that says what the stage was run with."""
    return f"{stage.file[: -len('dvc.yaml')]}dvc.lock" if stage.file.endswith("dvc.yaml") else stage.file
