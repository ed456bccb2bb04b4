"""Which files of a directory differ, from its two fixity lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from arcgit.model.fixity import FixityEntry


@dataclass(frozen=True)
class FileChanges:
    """The files of two directories, each list in order of the path. `renamed`: the same sha256 under another path."""

    added: tuple[FixityEntry, ...]
    removed: tuple[FixityEntry, ...]
    changed: tuple[tuple[FixityEntry, FixityEntry], ...]
    renamed: tuple[tuple[FixityEntry, FixityEntry], ...]
    same: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "added": [_entry(entry) for entry in self.added],
            "removed": [_entry(entry) for entry in self.removed],
            "changed": [{"before": _entry(one), "after": _entry(other)} for one, other in self.changed],
            "renamed": [{"before": _entry(one), "after": _entry(other)} for one, other in self.renamed],
            "same": self.same,
        }


def compare_files(before: Sequence[FixityEntry], after: Sequence[FixityEntry]) -> FileChanges:
    """The files of two lists side by side."""
    one = {entry.path: entry for entry in before}
    other = {entry.path: entry for entry in after}
    both = [(one[path], other[path]) for path in sorted(one.keys() & other.keys())]
    changed = tuple(pair for pair in both if pair[0].sha256 != pair[1].sha256)
    gone = [one[path] for path in sorted(one.keys() - other.keys())]
    new = [other[path] for path in sorted(other.keys() - one.keys())]
    renamed = _renames(gone, new)
    left, right = ({pair[side] for pair in renamed} for side in (0, 1))
    return FileChanges(
        added=tuple(entry for entry in new if entry not in right),
        removed=tuple(entry for entry in gone if entry not in left),
        changed=changed,
        renamed=renamed,
        same=len(both) - len(changed),
    )


def _renames(gone: Iterable[FixityEntry], new: Iterable[FixityEntry]) -> tuple[tuple[FixityEntry, FixityEntry], ...]:
    """Each file that went, with one of the same bytes that came; where several have the same bytes, in path order."""
    waiting: dict[str, list[FixityEntry]] = {}
    for entry in reversed(list(new)):
        waiting.setdefault(entry.sha256, []).append(entry)
    return tuple((entry, found.pop()) for entry in gone if (found := waiting.get(entry.sha256)))


def _entry(entry: FixityEntry) -> dict[str, Any]:
    return {"path": entry.path, "sha256": entry.sha256, "size": entry.size}
