"""The parts of a kept ledger that are read only when they are asked for: its records, and its notes.

So a push onto ten thousand records reads those that it is about.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec

from arcgit.model.event import Event
from arcgit.model.gitobject import parse_tree
from arcgit.model.notetree import EMPTY_TREE, NoteTree, RawObject
from arcgit.rules.chain import Ledger
from arcgit.rules.state import RecordState

_EARLIER = re.compile(r"\(([0-9]+) earlier: arcgit log\)")


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
        self._seen: set[str] = set()

    def preview(self, commit: str, event: Event) -> tuple[RawObject, RawObject, RawObject]:
        if not self._rooted:
            self._root, self._rooted = self._rows(self.oid), True
        folder, name = commit[:2], commit[2:]
        if folder in self._root and folder not in self._folders:
            self._folders[folder] = self._rows(_oid(self._root[folder]))
        if commit not in self._seen and commit not in self._lines and name in self._folders.get(folder, {}):
            text = self._read(_oid(self._folders[folder][name]), "blob").decode()
            lines = text.split("\n")[:-1]
            if lines and (head := _EARLIER.fullmatch(lines[0])):
                self._dropped[commit] = int(head[1])
                del lines[0]
            self._lines[commit] = lines
        self._seen.add(commit)
        return super().preview(commit, event)

    def _rows(self, tree: str) -> dict[str, bytes]:
        rows = parse_tree(self._read(tree, "tree"))
        return {name: b"%s %s\0%s" % (mode.encode(), name.encode(), bytes.fromhex(oid)) for mode, name, oid in rows}


def _oid(row: bytes) -> str:
    return row[-20:].hex()
