"""The parts of a kept ledger that are read only when they are asked for: its records, and its notes.

So a push onto ten thousand records reads those that it is about.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec

from arcgit.model.event import Event
from arcgit.model.gitobject import parse_tree
from arcgit.model.notetree import EMPTY_TREE, NoteTree, RawObject, Rows
from arcgit.rules.chain import Ledger
from arcgit.rules.state import RecordState


class BrokenError(Exception):
    """What was kept turned out to be damaged, or not enough, while it was used: forget it and judge anew."""


def require_enough(ledger: Ledger, raw: bytes) -> None:
    """Raise BrokenError where an event may change what those before it count for: that needs all of them."""
    if isinstance(ledger.records, KeptRecords) and b'"type":"policy"' in raw:
        raise BrokenError("a policy is judged with the whole ledger")


class KeptRecords(dict[str, RecordState]):
    """The records of a kept ledger: each is read when it is asked for, and only those that were are in the mapping."""

    def __init__(self, read: Callable[[str], RecordState | None]) -> None:
        super().__init__()
        self._read = read

    def __getitem__(self, refname: str) -> RecordState:
        found: RecordState | None = self.get(refname)
        if found is None:
            raise KeyError(refname)
        return found

    def __contains__(self, refname: object) -> bool:
        return isinstance(refname, str) and self.get(refname) is not None

    def get(self, refname: str, default: Any = None) -> Any:
        found = super().get(refname)
        if found is None:
            try:
                found = self._read(refname)
            except (sqlite3.Error, msgspec.MsgspecError, ValueError, OverflowError) as fault:
                raise BrokenError(str(fault)) from fault
            if found is not None:
                self[refname] = found
        return found if found is not None else default


class KeptNotes(NoteTree):
    """The rendering of a kept ledger, whose notes are read from the tree that was judged when they are asked for."""

    def __init__(self, oid: str, read: Callable[[str, str], bytes]) -> None:
        super().__init__()
        self.oid = oid
        self._read = read
        self._rooted = oid == EMPTY_TREE
        self._loaded: set[str] = set()

    def preview(self, commit: str, event: Event) -> tuple[RawObject, RawObject, RawObject]:
        if not self._rooted:
            self._root, self._rooted = Rows("40000", 2, self._read(self.oid, "tree")), True
        folder = self._root.oid(commit[:2])
        if folder is not None and commit[:2] not in self._loaded:
            for length, raw in _by_length(self._read(folder, "tree")).items():
                self._folders[commit[:2], length + 2] = Rows("100644", length, raw)
        self._loaded.add(commit[:2])
        return super().preview(commit, event)

    def _note(self, commit: str) -> bytes:
        known = super()._note(commit)
        blob = self._rows(commit).oid(commit[2:])
        return self._read(blob, "blob") if blob is not None and not known else known


def _by_length(tree: bytes) -> dict[int, bytes]:
    """The entries of a tree, together by the lengths of their names."""
    found: dict[int, list[bytes]] = {}
    for mode, name, oid in parse_tree(tree):
        row = b"%s %s\0%s" % (mode.encode(), name.encode(), bytes.fromhex(oid))
        found.setdefault(len(name), []).append(row)
    return {length: b"".join(rows) for length, rows in found.items()}
