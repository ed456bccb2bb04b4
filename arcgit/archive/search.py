"""`arcgit list` and `search`: the records whose tags are here, those that a query means, in an order, as many as wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from arcgit.archive import standing
from arcgit.archive.aside import Aside
from arcgit.archive.context import Context
from arcgit.archive.index import Index
from arcgit.archive.row import Row
from arcgit.archive.standing import Reading, Standings
from arcgit.errors import ArcgitError
from arcgit.git.refs import Ref
from arcgit.model import summary as summaries
from arcgit.model.names import RecordName
from arcgit.model.summary import Summary
from arcgit.rules import comparing
from arcgit.rules.fields import Field
from arcgit.rules.query import Query

T = TypeVar("T")
MANY = 1000
"""From so many records on, a second process is worth what it takes to begin it."""


class Order(NamedTuple):
    """What rows are sorted by. Rows without it come last; among equals the newest comes first."""

    field: Field
    descending: bool


@dataclass
class Found(Generic[T]):
    """What a search found, as `show` made it of each row. `records` counts those that were looked at.

    `missing` counts records of the ledger whose tags are not here.
    """

    rows: list[T]
    standings: Standings
    records: int = 0
    matched: int = 0
    missing: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def scope(self) -> dict[str, Any]:
        """What was read and what was not checked, as JSON output has it."""
        return {
            "signatures": "not checked",
            "ledger_ref": self.standings.ref,
            "ledger_tip": self.standings.tip,
            "records": self.records,
            "matched": self.matched,
            "missing": self.missing,
        }


class _Kept(NamedTuple):
    newest: tuple[str, str]
    key: tuple[int, Any] | None
    shown: Any


def search(
    context: Context,
    query: Query | None = None,
    *,
    order: Order | None = None,
    limit: int | None = None,
    show: Callable[[Row], T],
) -> Found[T]:
    """The rows that the query means, newest first or in `order`; only what `show` makes of them is kept."""
    index = Index(context.repo.private_dir)
    try:
        reading = _Reading(context, index)
        kept = []
        for row in reading.rows():
            if query is None or query.matches(row.values):
                key = _key(row.values(order.field)) if order else None
                kept.append(_Kept((row.summary.time, row.ref.name), key, show(row)))
        reading.keep()
    finally:
        index.close()
    reading.found.matched = len(kept)
    reading.found.rows = [entry.shown for entry in _sorted(kept, order)[:limit]]
    found: Found[T] = reading.found
    return found


def names_seen(context: Context, group: str, limit: int | None = None) -> set[str]:
    """The names of the `params` or `metrics` of all records, or of some `limit` of them."""
    index = Index(context.repo.private_dir)
    try:
        rows = _Reading(context, index, standings=False, most=limit).rows()
        return {name for row in rows for name in getattr(row, group)}
    finally:
        index.close()


def values_seen(context: Context, field: Field, limit: int) -> set[str]:
    """The values of a field in some `limit` of the records, as texts."""
    index = Index(context.repo.private_dir)
    try:
        rows = _Reading(context, index, most=limit).rows()
        return {comparing.as_text(value) for row in rows for value in row.values(field)}
    finally:
        index.close()


class _Reading:
    """One pass over the ledger and the tags, from the index where it has them."""

    def __init__(self, context: Context, index: Index, *, standings: bool = True, most: int | None = None) -> None:
        self.context = context
        self.index = index
        self.refs = list(islice(record_refs(context), most))
        self.unreadable: list[tuple[str, str]] = []
        self._standing: tuple[str, bytes] | None = None
        # What was read now, by oid; empty where it could not be read.
        self._read: dict[str, bytes] = {}
        known = self._standings() if standings else lambda: standing.NOTHING
        self._read_tags()
        self.standings = known()
        self.found: Found[Any] = Found([], self.standings, unreadable=self.unreadable)

    def rows(self) -> Iterator[Row]:
        present = 0
        for ref, name in self.refs:
            known = self.standings.records.get(ref.name)
            present += known is not None
            summary = self._summary(ref, name)
            if summary is not None:
                self.found.records += 1
                row = Row(ref, name, summary, known)
                if row.status == "unrecorded" and self.standings.ref is not None:
                    row.status = self._unrecorded(ref)
                yield row
        self.found.missing = len(self.standings.records) - present

    def _unrecorded(self, ref: Ref) -> str:
        """Nobody signed on the ledger for this one, so it is read as strictly as `verify` reads; there are few of them."""
        from arcgit.archive.read import sealed_under  # noqa: PLC0415  what judges is seldom needed here

        try:
            sealed_under(self.context, ref)
        except (ArcgitError, ValueError):
            return "malformed"
        return "unrecorded"

    def keep(self) -> None:
        """Let the index have what it lacked."""
        if self._read or self._standing is not None:
            read = ((oid, data) for oid, data in self._read.items() if data)
            self.index.keep(read, self._standing)

    def _standings(self) -> Callable[[], Standings]:
        """Begin to find out where records stand; what is returned waits for it."""
        tips = standing.tips(self.context)
        kept = standing.decode(self.index.standing(tips))
        if kept is not None:
            return lambda: kept
        if len(self.refs) < MANY:
            return lambda: self._keeping(tips, standing.read(self.context))
        reading = Aside(lambda: msgspec.msgpack.encode(standing.read(self.context)))
        return lambda: self._keeping(tips, msgspec.msgpack.decode(reading.result(), type=Reading))

    def _keeping(self, tips: str, reading: Reading) -> Standings:
        if reading.whole:
            self._standing = tips, standing.encode(reading.standings)
        return reading.standings

    def _read_tags(self) -> None:
        """Read the tags that the index lacks."""
        lacking = [(ref, name) for ref, name in self.refs if not self.index.has_summary(ref.oid)]
        with closing(self.context.repo.batch("tag")) as batch:
            for (ref, name), raw in zip(lacking, batch.read([ref.oid for ref, _ in lacking]), strict=True):
                self._of_tag(ref, name, raw)

    def _of_tag(self, ref: Ref, name: RecordName, raw: bytes | None = None) -> Summary | None:
        try:
            found = summaries.of_tag(raw if raw is not None else self.context.repo.read(ref.oid, "tag"))
        except (ArcgitError, ValueError) as fault:
            self.unreadable.append((name.tag, str(fault)))
            self._read[ref.oid] = b""
            return None
        self._read[ref.oid] = summaries.encode(found)
        return found

    def _summary(self, ref: Ref, name: RecordName) -> Summary | None:
        data = self._read.get(ref.oid)
        if data is None:
            data = self.index.summary(ref.oid)
            return (data and summaries.decode(data)) or self._of_tag(ref, name)
        return summaries.decode(data)


def record_refs(context: Context) -> Iterator[tuple[Ref, RecordName]]:
    """The refs that are named like records, with their names."""
    for ref in context.repo.refs("refs/tags/exp"):
        name = RecordName.parse(ref.name)
        if name is not None:
            yield ref, name


def _key(values: list[Any]) -> tuple[int, Any] | None:
    """Numbers before texts, so that any two values can be compared; None where there is nothing."""
    if not values:
        return None
    first = values[0]
    if isinstance(first, (int, float)) and not isinstance(first, bool):
        return (0, first)
    return (1, str(first))


def _sorted(kept: list[_Kept], order: Order | None) -> list[_Kept]:
    kept.sort(key=lambda entry: entry.newest, reverse=True)
    if order is None:
        return kept
    there = [entry for entry in kept if entry.key is not None]
    there.sort(key=lambda entry: entry.key or (0, 0), reverse=order.descending)
    return [*there, *(entry for entry in kept if entry.key is None)]
