"""The completeness gate for branches that are pushed: manifests of the new tip that the push has changed.

A manifest is changed where it, or any file that its experiment is read from, is not what it was. On a protected branch each
state counts that the branch would have had: every new commit along its first parents (`arcgit.archive.pushes.branchline`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

from arcgit.archive import check
from arcgit.archive.pushes import branchline
from arcgit.errors import RefusedError
from arcgit.git import plumbing, snapshot
from arcgit.git.snapshot import Snapshot
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, Severity, error
from arcgit.model.manifest import FILE_NAME
from arcgit.model.text import word
from arcgit.rules.completeness import Demands
from arcgit.rules.pushes import Command, Sort, sort_of

Asked = Callable[[Snapshot], "tuple[Demands, str, list[Finding]]"]
"""What a manifest of the snapshot must have, where that is said, and what is to be told besides."""
_Same = tuple[str, str, str]
MAX_CHANGED_BYTES = 256 * 1024 * 1024
HEADS = "refs/heads/"


def protected(commands: Iterable[Command], patterns: Sequence[str]) -> list[Command]:
    """The lines that give a protected branch a new tip; `*` in a pattern stands for anything."""
    return [
        command
        for command in commands
        if sort_of(command.ref) is Sort.BRANCH
        and not command.deletes
        and any(fnmatchcase(command.ref[len(HEADS) :], pattern) for pattern in patterns)
    ]


def last_of(there: Sequence[Command], gone: Sequence[Command]) -> Iterator[Finding]:
    """The finding about a push that deletes the last of the protected branches, and brings none.

    Without any to compare with, whatever came next would be a repository that moves house, whose past is not judged.
    """
    going = {line.ref for line in gone}
    left = [line for line in there if line.ref not in going]
    if there and not left:
        name = there[-1].ref.removeprefix(HEADS)
        message = "it is the last protected branch here: the next one would be compared with nothing"
        hint = (
            f"push the branch that takes its place first; or whoever runs the server, there: git branch -D {word(name)}"
        )
        yield error("branch-protected", name, message, hint=hint)


def judge(
    commands: Iterable[Command],
    *,
    extra: Mapping[str, str],
    known: Sequence[str],
    asked: Asked,
    today: date,
    root: str,
    each: bool = False,
) -> Iterator[Finding]:
    """The findings about what each line makes of its branch. `known` are the tips that a new branch is compared with.

    With `each`, the new commits below the tip are judged as well.
    """
    gate = _Gate(extra, asked, today, root)
    for command in commands:
        if each:
            yield from _below(command, known, gate)
        bases = _bases(command, known, extra)
        yield from gate.judge(command.new, command.ref, bases, lambda: _changed(command, bases, extra))  # noqa: B023  asked at once


def _below(command: Command, known: Sequence[str], gate: _Gate) -> Iterator[Finding]:
    found = branchline.below(command, known, gate.extra)
    if found.too_many:
        yield branchline.too_many(command, found)
        return
    for commit, parent, changed in found.commits:
        findings = gate.judge(commit, f"{command.ref} at {commit}", [parent], lambda: changed)  # noqa: B023  asked at once
        yield from branchline.located(command, commit, findings)


@dataclass(frozen=True)
class _Gate:
    """What the manifests of a state are held to, wherever in the push it stands."""

    extra: Mapping[str, str]
    asked: Asked
    today: date
    root: str
    seen: dict[str, frozenset[_Same]] = field(default_factory=dict)
    """What is wrong with all manifests of commits that were looked at whole: one is mostly the base of the next."""

    def judge(
        self, commit: str, label: str, bases: Sequence[str], differing: Callable[[], frozenset[str] | None]
    ) -> list[Finding]:
        """What is wrong with a commit's manifests and was not in `bases`, from which the `differing` paths lead to it."""
        with snapshot.of_tree(commit, extra=self.extra, label=label) as files:
            if not files.named(FILE_NAME):
                return []
            changed = differing()
            if changed is not None and not changed:
                return []
            wanted, source, notes = self.asked(files)
            passed_over: set[str] = set()
            found = self._found(files, wanted, source, _concerned(changed, files, passed_over), notes)
            if passed_over and any(files.trace.covers(path) for path in changed or () if not _is_manifest(path)):
                rest = self._found(files, wanted, source, lambda path, _: path in passed_over)
                self.seen[commit] = _wrong([*found, *rest])
                found += self._spoilt(rest, wanted, source, bases)
            return found

    def _spoilt(self, rest: list[Finding], wanted: Demands, source: str, bases: Sequence[str]) -> list[Finding]:
        """What became wrong with manifests that are read from none of the changed files, perhaps only by now.

        What a stage was read from is known as long as it is read from there; of a lock that lost its stages, of a file that
        cannot be read any more or is a link, nothing leads back to the experiments that needed it.
        """
        found = [one for one in rest if one.severity is not Severity.WARNING]
        for base in bases if found else ():
            if base not in self.seen:
                with snapshot.of_tree(base, extra=self.extra, label=base) as earlier:
                    self.seen[base] = _wrong(self._found(earlier, wanted, source, lambda *_: True))
        before = frozenset[_Same]().union(*(self.seen[base] for base in bases if found))
        return [one for one in found if _same(one) not in before]

    def _found(
        self,
        files: Snapshot,
        wanted: Demands,
        source: str,
        concerned: Callable[[str, Experiment | None], bool],
        notes: Sequence[Finding] = (),
    ) -> list[Finding]:
        return check.check(
            files, root=self.root, demands=wanted, source=source, today=self.today, before=notes, concerned=concerned
        ).findings


def _same(finding: Finding) -> _Same:
    return finding.code, finding.subject, finding.message


def _wrong(findings: Iterable[Finding]) -> frozenset[_Same]:
    return frozenset(_same(one) for one in findings if one.severity is not Severity.WARNING)


def _concerned(
    changed: frozenset[str] | None, files: Snapshot, passed_over: set[str]
) -> Callable[[str, Experiment | None], bool]:
    """Whether a manifest is judged for what changed; those that are not are added to `passed_over`."""
    gone = any(_is_dvcs(path) and path not in files for path in changed or ())
    settings = any(path.endswith((".dvcignore", ".dvc/config")) for path in changed or ())

    def ask(path: str, found: Experiment | None) -> bool:
        if changed is None or path in changed:
            return True
        # What is gone, and what DVC is told, may have meant something to any experiment.
        if found is not None and (gone or settings or any(_covers(touched, changed) for touched in found.touches)):
            return True
        passed_over.add(path)
        return False

    return ask


def _is_manifest(path: str) -> bool:
    return path.rpartition("/")[2] == FILE_NAME


def _is_dvcs(path: str) -> bool:
    return path.endswith(".dvc") or path.rpartition("/")[2] in {"dvc.yaml", "dvc.lock"}


def _covers(touched: str, changed: frozenset[str]) -> bool:
    return touched in changed or any(path.startswith(f"{touched}/") for path in changed)


def _bases(command: Command, known: Sequence[str], extra: Mapping[str, str]) -> list[str]:
    """What the branch was; of a new one, every known commit that it comes from."""
    if not command.creates:
        return [command.old]
    arguments = ["rev-list", "--boundary", command.new, "--not", *known]
    lines = plumbing.run(arguments, cwd=".", extra=extra).decode().split() if known else []
    # Where nothing is new, it comes from what it is.
    return [line[1:] for line in lines if line.startswith("-")] if lines or not known else [command.new]


def _changed(command: Command, bases: Sequence[str], extra: Mapping[str, str]) -> frozenset[str] | None:
    """The paths that differ from all of the bases; None for all paths."""
    sets = [_differing(base, command.new, extra) for base in bases]
    found = [paths for paths in sets if paths is not None]
    return frozenset.intersection(*found) if found else None


def _differing(old: str, new: str, extra: Mapping[str, str]) -> frozenset[str] | None:
    """The paths that differ between two commits; None where the older one is not here."""
    arguments = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", old, new]
    code, out, _ = plumbing.try_run(arguments, cwd=".", extra=extra, bounded=True)
    if code != 0:
        return None
    if len(out) > MAX_CHANGED_BYTES:
        raise RefusedError("file-too-large", f"the push changes more than can be listed below {new}")
    return frozenset(part.decode(errors="surrogateescape") for part in out.split(b"\0") if part)
