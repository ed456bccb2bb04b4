"""The completeness gate for branches that are pushed: manifests of the new tip that the push has changed.

A manifest is changed where it, or any file that its experiment is read from, is not what it was. On a protected branch each
state counts that the branch would have had: every new commit along its first parents (`arcgit.archive.pushes.branchline`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase

from arcgit.archive import check
from arcgit.archive.pushes import branchline
from arcgit.errors import RefusedError
from arcgit.git import plumbing, snapshot
from arcgit.git.snapshot import Snapshot
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding
from arcgit.model.manifest import FILE_NAME
from arcgit.rules.completeness import Demands
from arcgit.rules.pushes import Command, Sort, sort_of

Asked = Callable[[Snapshot], "tuple[Demands, str, list[Finding]]"]
"""What a manifest of the snapshot must have, where that is said, and what is to be told besides."""
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
    for command in commands:
        if each:
            yield from _below(command, known, extra, asked, today, root)
        with snapshot.of_tree(command.new, extra=extra, label=command.ref) as files:
            if not files.named(FILE_NAME):
                continue
            changed = _changed(command, known, extra)
            if changed is not None and not changed:
                continue
            wanted, source, notes = asked(files)
            concerned = _concerned(changed, files)
            result = check.check(
                files, root=root, demands=wanted, source=source, today=today, before=notes, concerned=concerned
            )
            yield from result.findings


def _below(
    command: Command, known: Sequence[str], extra: Mapping[str, str], asked: Asked, today: date, root: str
) -> Iterator[Finding]:
    found = branchline.below(command, known, extra)
    if found.too_many:
        yield branchline.too_many(command, found)
        return
    for commit, changed in found.commits:
        with snapshot.of_tree(commit, extra=extra, label=f"{command.ref} at {commit}") as files:
            if not files.named(FILE_NAME):
                continue
            wanted, source, notes = asked(files)
            concerned = _concerned(changed, files)
            result = check.check(
                files, root=root, demands=wanted, source=source, today=today, before=notes, concerned=concerned
            )
            yield from branchline.located(command, commit, result.findings)


def _concerned(changed: frozenset[str] | None, files: Snapshot) -> Callable[[str, Experiment | None], bool]:
    gone = any(_is_dvcs(path) and path not in files for path in changed or ())
    settings = any(path.endswith((".dvcignore", ".dvc/config")) for path in changed or ())

    def ask(path: str, found: Experiment | None) -> bool:
        if changed is None or path in changed:
            return True
        if found is None:
            return False
        # What is gone, and what DVC is told, may have meant something to any experiment.
        return gone or settings or any(_covers(touched, changed) for touched in found.touches)

    return ask


def _is_dvcs(path: str) -> bool:
    return path.endswith(".dvc") or path.rpartition("/")[2] in {"dvc.yaml", "dvc.lock"}


def _covers(touched: str, changed: frozenset[str]) -> bool:
    return touched in changed or any(path.startswith(f"{touched}/") for path in changed)


def _changed(command: Command, known: Sequence[str], extra: Mapping[str, str]) -> frozenset[str] | None:
    """The paths that differ from what the branch was, or from every known tip that a new one comes from; None for all."""
    bases = [command.old]
    if command.creates:
        arguments = ["rev-list", "--boundary", command.new, "--not", *known]
        lines = plumbing.run(arguments, cwd=".", extra=extra).decode().split() if known else []
        if known and not lines:
            return frozenset()
        bases = [line[1:] for line in lines if line.startswith("-")]
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
