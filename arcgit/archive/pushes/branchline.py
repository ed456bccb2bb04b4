"""The line of a protected branch: its new commits along first parents, and which of them touch an experiment.

What a merge brings along its other parents never was a state of the branch; the merge itself is. So a history from before
arcgit, or from a branch where everything goes, is taken in by a merge, and whoever adds commits one by one adds whole ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from arcgit.archive import experiment
from arcgit.git import plumbing, snapshot
from arcgit.git.trace import Trace
from arcgit.model.finding import Finding, Severity, unknown
from arcgit.model.manifest import FILE_NAME
from arcgit.model.text import word
from arcgit.rules.pushes import Command

MAX_COMMITS = 100
"""So many are judged in a second or two; hosts give a hook five."""
MAX_LISTED = 10_000
_NAMES = frozenset({FILE_NAME, "dvc.yaml", "dvc.lock", ".dvcignore"})


class Below(NamedTuple):
    """The commits below a new tip that touch an experiment, oldest first, each with its first parent and what it changes.

    A commit that begins a history has no parent, which is an empty word. `too_many` is the last commit that could still be
    judged with those before it, where there are more than that.
    """

    commits: list[tuple[str, str, frozenset[str]]]
    too_many: str = ""


def below(command: Command, known: Sequence[str], extra: Mapping[str, str]) -> Below:
    """The commits to judge. A branch that begins with no other to compare brings its whole past: only its tip counts."""
    if command.creates and not known:
        return Below([])
    before = [*known, *([] if command.creates else [command.old])]
    arguments = ["rev-list", "--first-parent", "--reverse", "--parents", command.new, "--not", *before]
    rows = [line.split() for line in plumbing.run(arguments, cwd=".", extra=extra).decode().splitlines()][:-1]
    if len(rows) > MAX_LISTED:
        return Below([], rows[MAX_LISTED - 1][0])
    if not rows:
        return Below([])
    touched = _touched([command.new, *(row[1] for row in rows[:1] if len(row) > 1)], extra)
    parents = {row[0]: row[1] if len(row) > 1 else "" for row in rows}
    changes = _changes(rows, extra)
    found = [(oid, parents[oid], paths) for oid, paths in changes if any(map(touched.matters, paths))]
    return Below(found[:MAX_COMMITS], found[MAX_COMMITS - 1][0] if len(found) > MAX_COMMITS else "")


def too_many(command: Command, found: Below) -> Finding:
    """What is not judged is no pass; the hint is the push that can be judged."""
    name = command.ref.removeprefix("refs/heads/")
    message = f"the push brings more commits that change experiments than the {MAX_COMMITS} that are judged at once"
    part = word(f"{found.too_many}:{command.ref}")
    hint = f"push them in parts: git push REMOTE {part}, then the rest; or one squashed commit"
    return unknown("push-too-long", name, message, hint=hint)


def located(command: Command, commit: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The faults of a commit below the tip, with its name and the way on: another commit on top does not undo it."""
    name = command.ref.removeprefix("refs/heads/")
    for found in findings:
        if found.severity is not Severity.WARNING:
            way = (
                f"mend it in that commit: git rebase -i {commit[:12]}~1; or squash what comes after it on {word(name)}"
            )
            hint = f"{found.hint}; {way}" if found.hint else way
            yield replace(found, message=f"in commit {commit[:12]}: {found.message}", hint=hint)


class _Touched(NamedTuple):
    """What experiments are read from: their own files and folders, and whatever was asked of the states that have them."""

    files: frozenset[str]
    traces: tuple[Trace, ...]

    def matters(self, path: str) -> bool:
        """True where a commit that changes this path may have changed an experiment."""
        name = path.rpartition("/")[2]
        if name in _NAMES or path.endswith((".dvc", ".dvc/config")) or path in self.files:
            return True
        return any(path[:at] in self.files for at, char in enumerate(path) if char == "/") or any(
            trace.covers(path) for trace in self.traces
        )


def _touched(commits: Iterable[str], extra: Mapping[str, str]) -> _Touched:
    touched: set[str] = set()
    traces = []
    for commit in commits:
        with snapshot.of_tree(commit, extra=extra, label=commit) as files:
            reader = experiment.Reader(files)
            for path in files.named(FILE_NAME):
                found, _ = reader.read(path)
                touched |= set(found.touches) if found is not None else set()
            traces.append(files.trace)
    return _Touched(frozenset(touched), tuple(traces))


def _changes(rows: Sequence[list[str]], extra: Mapping[str, str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Each commit with what it changes of its first parent."""
    options = ["-r", "-z", "--raw", "--root", "--no-renames", "--no-ext-diff", "--no-textconv"]
    asked = "".join(f"{' '.join(row[:2])}\n" for row in rows).encode()
    out = plumbing.run(["diff-tree", "--stdin", *options], cwd=".", stdin=asked, extra=extra, bounded=True)
    commit, paths = "", set[str]()
    tokens = iter(out.split(b"\0")[:-1])
    for token in tokens:
        # A line about a file begins with a colon and is followed by the file's name, which may be anything.
        if token.startswith(b":"):
            paths.add(next(tokens, b"").decode(errors="surrogateescape"))
            continue
        if commit:
            yield commit, frozenset(paths)
        commit, paths = token.decode(), set()
    if commit:
        yield commit, frozenset(paths)
