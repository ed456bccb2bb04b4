"""Whether dvc.lock is in step with what a snapshot has: stages that are not run yet, changed, or taken out since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from arcgit.archive.workspace import Workspace, to_json
from arcgit.dvc import lockstep
from arcgit.dvc.files import Item, LockStage
from arcgit.dvc.lineage import Lineage
from arcgit.dvc.lockstep import Drift
from arcgit.dvc.pipeline import Stage
from arcgit.model.finding import Finding, Place, error, warning
from arcgit.model.text import word

LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class DriftFinder:
    """Compares the stages of one workspace; the hashes of code that many stages need are taken once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._snapshot = workspace.snapshot
        self._in_git: dict[tuple[str, str, int | None], list[str]] = {}

    def find(self, manifest_path: str, traced: Lineage, wanted: Iterable[str]) -> Iterator[Finding]:
        """What is out of step on the lineage of the `wanted` paths."""
        locked = {(stage.file, stage.name) for stage in traced.stages}
        groups = {(file, name.rpartition("@")[0]) for file, name in locked if "@" in name}
        targets = set(wanted)
        for key, stage in self._workspace.stages.items():
            if key in locked or stage.unresolved:
                continue
            # A new item of a loop belongs to the experiment that the other items are in.
            if any(out.path in targets for out in stage.outs) or (stage.file, stage.name.rpartition("@")[0]) in groups:
                message = f"the stage {stage.name} of {stage.file} is not in dvc.lock"
                subject, place = f"{manifest_path}: {stage.name}", _declared_at(stage.file, stage.name)
                yield error("lock-out-of-date", subject, message, hint=self._first_run(stage), place=place)
        yield from self._leftover(manifest_path, targets | {dep.path for stage in traced.stages for dep in stage.deps})
        broken = {fault.subject.partition(":")[0] for fault in self._workspace.faults}
        for lock in traced.stages:
            if lock.file not in broken:
                yield from self._stage(lock)

    def _first_run(self, stage: Stage) -> str:
        made = LockStage(stage.file, stage.name, stage.cmd, (), (), {})
        return f"{_repro(made, self._workspace.project_of(stage.file))} && git add {word(lock_file(made))}"

    def _leftover(self, manifest_path: str, needed: set[str]) -> Iterator[Finding]:
        """Data whose only maker is a stage that was taken out of dvc.yaml: DVC does not track it any more."""
        known = self._workspace.outs
        for stage in self._workspace.leftover:
            lost = [out.path for out in stage.outs if out.path in needed and out.path not in known]
            lost = [name for name in lost if name not in self._snapshot]
            if lost:
                message = f"{lost[0]} was made by the stage {stage.name}, which {stage.file} does not have any more"
                hint = f"bring the stage back, or track the data itself: dvc add {word(lost[0])}"
                subject = f"{manifest_path}: {stage.name}"
                yield error("lock-out-of-date", subject, message, hint=hint, place=Place(stage.file))

    def _stage(self, lock: LockStage) -> Iterator[Finding]:
        """How one locked stage differs from what is there now; a stage that is frozen may lag behind on purpose."""
        declared, frozen = self._declared(lock)
        subject = f"{lock.file}: {lock.name}" if declared else lock.file
        place = _declared_at(lock.file, lock.name) if declared else Place(lock.file)
        again = _repro(lock, self._workspace.project_of(lock.file))
        if declared is not None and declared.unresolved:
            message = f"it could not be compared with dvc.lock: {declared.unresolved}"
            yield warning("template-unresolved", subject, message, hint=f"{again} --dry compares it", place=place)
        make = warning if frozen else error
        for drift in self._drifts(declared, lock):
            message = f"{drift.what} changed since {lock_file(lock)} was written"
            hint, found = f"{again}, then git add {word(lock_file(lock))}", drift.present
            if drift.missing:
                message, found = f"{drift.missing} is not in git, or holds no values", ""
                hint = f"git add {word(drift.missing)}"
            elif frozen:
                hint = f"it is frozen; {again.replace('repro', 'unfreeze', 1)} would let dvc repro run it"
            seen = {"expected": drift.locked, "found": found}
            yield make("lock-out-of-date", subject, message, **seen, hint=hint, place=place)

    def _drifts(self, declared: Stage | None, lock: LockStage) -> Iterator[Drift]:
        values = replace(lock, params=to_json(lock.params))
        outs, params = self._workspace.outs, self._workspace.values
        return lockstep.compare(declared, values, params=params, hashes=self._hashes, outs=outs)

    def _declared(self, lock: LockStage) -> tuple[Stage | None, bool]:
        """The stage in dvc.yaml (a `.dvc` file of DVC 1 is both in one), and whether it is frozen."""
        if lock.file.endswith(".dvc"):
            return None, any(file.frozen for file in self._workspace.sources if file.path == lock.file)
        stages = self._workspace.stages
        found = stages.get((lock.file, lock.name)) or stages.get((lock.file, lock.name.rpartition("@")[0]))
        return found, found is not None and found.frozen

    def _hashes(self, item: Item) -> list[str]:
        """The hashes of what git has for an item; many stages need the same code, which is read once."""
        key = (item.path, item.hash_name, item.files)
        if key not in self._in_git:
            below = self._snapshot.below
            self._in_git[key] = lockstep.in_git(item, self._read, lambda folder: self._workspace.seen(below(folder)))
        return self._in_git[key]

    def _read(self, path: str) -> bytes | None:
        """The bytes of a file as DVC hashes them; None where git has none, or only the pointer of git-lfs."""
        data = self._snapshot.read(path) if self._snapshot.is_file(path) else None
        return None if data is not None and data.startswith(LFS_POINTER) else data


def lock_file(stage: LockStage) -> str:
    """The file that says what the stage was run with."""
    return f"{stage.file[: -len('dvc.yaml')]}dvc.lock" if stage.file.endswith("dvc.yaml") else stage.file


def _declared_at(file: str, name: str) -> Place:
    """Where dvc.yaml declares a stage, those that foreach and matrix make included."""
    return Place(file, ("stages", name.rpartition("@")[0] or name))


def _repro(stage: LockStage, project: str) -> str:
    """The command that runs the stage again, from the repository's root."""
    inside = stage.file[len(project) + 1 :] if project else stage.file
    address = stage.name if inside == "dvc.yaml" else inside if inside.endswith(".dvc") else f"{inside}:{stage.name}"
    return f"dvc {f'--cd {word(project)} ' if project else ''}repro {word(address)}"
