"""The ledger's tree: a rendering of the events as git notes, so that `git log --notes=arcgit` shows them.

The tree is not an authority; the signed messages are. It is a pure function of the events: for every commit that has
records, a note at `<2 hex>/<38 hex>` of the commit's oid with one line an event, in order, at most 64 of them. The
verifier recomputes it and compares tree oids.
"""

from __future__ import annotations

from typing import NamedTuple

from arcgit.model.event import Event
from arcgit.model.gitobject import object_id
from arcgit.model.names import RecordName
from arcgit.model.text import escape

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
MAX_LINES = 64


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


class NoteTree:
    """The rendering of all events so far. `oid` is the tree that the next ledger commit must have."""

    def __init__(self) -> None:
        self.oid = EMPTY_TREE
        self._lines: dict[str, list[str]] = {}
        self._dropped: dict[str, int] = {}
        self._folders: dict[str, dict[str, bytes]] = {}
        self._root: dict[str, bytes] = {}

    def preview(self, commit: str, event: Event) -> tuple[RawObject, RawObject, RawObject]:
        """The blob, folder and root that the tree needs with one more event on `commit`; nothing is changed."""
        lines = [*self._lines.get(commit, ()), note_line(event)]
        earlier = self._dropped.get(commit, 0) + max(0, len(lines) - MAX_LINES)
        head = [f"({earlier} earlier: arcgit log)"] if earlier else []
        blob = _raw("blob", "".join(f"{line}\n" for line in head + lines[-MAX_LINES:]).encode())
        folder = _tree(self._folders.get(commit[:2], {}), _row("100644", commit[2:], blob))
        root = _tree(self._root, _row("40000", commit[:2], folder))
        return blob, folder, root

    def take(self, commit: str, event: Event, planned: tuple[RawObject, RawObject, RawObject]) -> None:
        """Make what `preview` returned the state."""
        blob, folder, root = planned
        lines = self._lines.setdefault(commit, [])
        lines.append(note_line(event))
        if len(lines) > MAX_LINES:
            del lines[0]
            self._dropped[commit] = self._dropped.get(commit, 0) + 1
        self._folders.setdefault(commit[:2], {}).update([_row("100644", commit[2:], blob)])
        self._root.update([_row("40000", commit[:2], folder)])
        self.oid = root.oid


def _row(mode: str, name: str, thing: RawObject) -> tuple[str, bytes]:
    """One entry of a tree, by its name; kept as bytes, because a ledger writes each of them very often."""
    return name, b"%s %s\x00%s" % (mode.encode(), name.encode(), bytes.fromhex(thing.oid))


def _tree(rows: dict[str, bytes], row: tuple[str, bytes]) -> RawObject:
    """The tree of `rows` with one more, or another, among them. Names are hex, so the bytes sort as the names do."""
    return _raw("tree", b"".join(sorted((rows | dict([row])).values())))


def _raw(kind: str, raw: bytes) -> RawObject:
    return RawObject(kind, object_id(kind, raw), raw)
