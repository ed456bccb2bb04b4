"""The ledger's tree: a rendering of the events as git notes, so that `git log --notes=arcgit` shows them.

The tree is not an authority; the signed messages are. It is a pure function of the events: for every commit that has
records, a note at `<2 hex>/<38 hex>` of the commit's oid with one line an event, in order, at most 64 of them. The
verifier recomputes it and compares tree oids.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from typing import NamedTuple

from arcgit.model.event import Event
from arcgit.model.gitobject import object_id
from arcgit.model.names import RecordName
from arcgit.model.text import escape

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
MAX_LINES = 64
_EARLIER = re.compile(rb"\(([0-9]+) earlier: arcgit log\)\n")
_OID = 20


class RawObject(NamedTuple):
    """A git object to be written: its kind, oid and raw bytes."""

    kind: str
    oid: str
    raw: bytes


def note_line(event: Event) -> str:
    """How one event reads in a note."""
    name = RecordName.parse(event.subject.refname) if event.subject else None
    about = f" {name.project}/{name.experiment} {name.short_id}" if name else ""
    return f"#{event.seq} {event.time} {escape(event.type)}{about} by {escape(event.actor)}"


class Rows:
    """The entries of one tree, all of one mode and with names of one length, as the bytes that git hashes.

    Each may have a text beside it. A ledger of a hundred thousand records has as many of them.
    """

    def __init__(self, mode: str, length: int, raw: bytes = b"") -> None:
        self._head = mode.encode() + b" "
        self._name = slice(len(self._head), len(self._head) + length)
        self._size = len(self._head) + length + 1 + _OID
        self.raw = bytearray(raw)
        self._sizes = array("I", bytes(4 * (len(raw) // self._size)))
        self._texts = bytearray()
        self._found = ("", 0, False)

    def oid(self, name: str) -> str | None:
        """What an entry points to, None without such an entry."""
        place, there = self._find(name)
        end = (place + 1) * self._size
        return self.raw[end - _OID : end].hex() if there else None

    def text(self, name: str) -> bytes:
        """What stands beside an entry, empty where nothing does."""
        place, there = self._find(name)
        begin = sum(self._sizes[:place])
        return bytes(self._texts[begin : begin + self._sizes[place]]) if there else b""

    def having(self, name: str, oid: str) -> bytes:
        """The tree with one more entry, or with another in its place."""
        place, there = self._find(name)
        begin = place * self._size
        end = begin + self._size if there else begin
        return b"".join((self.raw[:begin], self._row(name, oid), self.raw[end:]))

    def put(self, name: str, oid: str, text: bytes = b"") -> None:
        """Make it so, with a text beside the entry."""
        place, there = self._find(name)
        at, begin = place * self._size, sum(self._sizes[:place])
        self._found = (name, place, True)
        if there:
            self.raw[at : at + self._size] = self._row(name, oid)
            self._texts[begin : begin + self._sizes[place]] = text
            self._sizes[place] = len(text)
        else:
            self.raw[at:at] = self._row(name, oid)
            self._texts[begin:begin] = text
            self._sizes.insert(place, len(text))

    def split(self, raw: bytes) -> list[bytes]:
        """The entries of a tree of such rows, one by one."""
        return [raw[begin : begin + self._size] for begin in range(0, len(raw), self._size)]

    def _row(self, name: str, oid: str) -> bytes:
        return b"%s%s\0%s" % (self._head, name.encode(), bytes.fromhex(oid))

    def _find(self, name: str) -> tuple[int, bool]:
        """The place of an entry, and whether it is there. Names are hex, so the bytes sort as git sorts."""
        if name == self._found[0]:
            # Each entry is asked for several times in a row.
            return self._found[1:]
        raw, size, first, last = self.raw, self._size, self._name.start, self._name.stop
        wanted, number = bytearray(name.encode()), len(self._sizes)
        place = bisect_left(range(number), wanted, key=lambda row: raw[row * size + first : row * size + last])
        begin = place * size
        self._found = (name, place, place < number and raw[begin + first : begin + last] == wanted)
        return self._found[1:]


class NoteTree:
    """The rendering of all events so far. `oid` is the tree that the next ledger commit must have."""

    def __init__(self) -> None:
        self.oid = EMPTY_TREE
        self._folders: dict[tuple[str, int], Rows] = {}
        self._root = Rows("40000", 2)

    def preview(self, commit: str, event: Event) -> tuple[RawObject, RawObject, RawObject]:
        """The blob, folder and root that the tree needs with one more event on `commit`; nothing is changed."""
        return self.with_line(commit, note_line(event).encode())

    def with_line(self, commit: str, line: bytes) -> tuple[RawObject, RawObject, RawObject]:
        """As `preview`, for an event that reads so."""
        blob = _raw("blob", _with_line(self._note(commit), line))
        folder = _raw("tree", self._tree(commit, blob.oid))
        root = _raw("tree", self._root.having(commit[:2], folder.oid))
        return blob, folder, root

    def take(self, commit: str, planned: tuple[RawObject, RawObject, RawObject]) -> None:
        """Make what `preview` returned the state."""
        blob, folder, root = planned
        rows = self._folders.setdefault((commit[:2], len(commit)), self._rows(commit))
        rows.put(commit[2:], blob.oid, blob.raw)
        self._root.put(commit[:2], folder.oid)
        self.oid = root.oid

    def _tree(self, commit: str, blob: str) -> bytes:
        """The folder of a commit with its note in it."""
        rows = self._rows(commit)
        raw = rows.having(commit[2:], blob)
        # An event may name a commit of the other hash, which nobody has; it sorts among the others.
        other = self._folders.get((commit[:2], 40 + 64 - len(commit)))
        return raw if other is None else b"".join(sorted([*rows.split(raw), *other.split(bytes(other.raw))]))

    def _rows(self, commit: str) -> Rows:
        return self._folders.get((commit[:2], len(commit))) or Rows("100644", len(commit) - 2)

    def _note(self, commit: str) -> bytes:
        """The note that a commit has so far."""
        return self._rows(commit).text(commit[2:])


def _with_line(note: bytes, line: bytes) -> bytes:
    """A note with one more line; of too many the first give way to their number."""
    if not note:
        return line + b"\n"
    head = _EARLIER.match(note)
    lines = [*note[head.end() if head else 0 :].split(b"\n")[:-1], line]
    earlier = (int(head[1]) if head else 0) + max(0, len(lines) - MAX_LINES)
    first = [b"(%d earlier: arcgit log)" % earlier] if earlier else []
    return b"".join(b"%s\n" % one for one in first + lines[-MAX_LINES:])


def _raw(kind: str, raw: bytes) -> RawObject:
    return RawObject(kind, object_id(kind, raw), raw)
