"""`arcgit list` and `search`: the records whose tags are here, those that a query means, in an order, as many as wanted."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from arcgit.archive import ledger, standing
from arcgit.archive.aside import Aside
from arcgit.archive.context import Context
from arcgit.archive.judge import ClaimReader
from arcgit.archive.kept.index import Index
from arcgit.archive.ledger import LedgerView
from arcgit.archive.row import Row
from arcgit.archive.standing import InOrder, Reading, Standings
from arcgit.errors import ArcgitError
from arcgit.git.refs import Ref, Refs
from arcgit.model import summary as summaries
from arcgit.model.names import TAG_PREFIX, RecordName
from arcgit.model.oids import Oids
from arcgit.model.summary import Summary
from arcgit.rules import comparing
from arcgit.rules.fields import Field
from arcgit.rules.query import Query
from arcgit.spool import Spool

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


class _Kept:
    """What is shown of the rows that were found, in the order of their names, and what they are sorted by."""

    def __init__(self, order: Order | None) -> None:
        self._order = order
        self._times: list[str] = []
        self._keys: list[tuple[int, Any] | None] = []
        self.shown: list[Any] = []

    def take(self, row: Row, shown: Any) -> None:
        self._times.append(row.summary.time)
        if self._order is not None:
            self._keys.append(_key(row.values(self._order.field)))
        self.shown.append(shown)

    def sorted(self) -> list[Any]:
        """The newest first, or as the order says; among equals the last by name comes first."""
        places = sorted(range(len(self.shown)), key=self._times.__getitem__)
        places.reverse()
        if self._order is not None:
            there = [place for place in places if self._keys[place] is not None]
            there.sort(key=lambda place: self._keys[place] or (0, 0), reverse=self._order.descending)
            places = [*there, *(place for place in places if self._keys[place] is None)]
        return [self.shown[place] for place in places]


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
        kept = _Kept(order)
        for row in reading.rows():
            if query is None or query.matches(row.values):
                kept.take(row, show(row))
        reading.keep()
    finally:
        index.close()
    reading.found.matched = len(kept.shown)
    reading.found.rows = kept.sorted()[:limit]
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
        self.refs = record_refs(context, most)
        self.unreadable: list[tuple[str, str]] = []
        # What is looked into for tags that the standings do not know, once it was needed.
        self._view: LedgerView | None = None
        self._looked = False
        self._standing: tuple[str, bytes] | None = None
        # The places of the tags that the index lacked, and what was read of each; empty where it could not be read.
        self._lacking = array("I")
        self._read = Spool()
        known = self._standings() if standings else lambda: standing.NOTHING
        self._read_tags()
        self.standings = known()
        self.found: Found[Any] = Found([], self.standings, unreadable=self.unreadable)

    def rows(self) -> Iterator[Row]:
        present, standings = 0, InOrder(self.standings)
        read, lacking = iter(self._read), iter(self._lacking)
        next_read = next(lacking, None)
        for place, ref in enumerate(self.refs):
            known = standings.of(ref.name)
            present += known is not None
            if place == next_read:
                summary, next_read = summaries.decode(next(read)), next(lacking, None)
            else:
                summary = self._summary(ref)
            if summary is not None:
                self.found.records += 1
                row = Row(ref, _name_of(ref), summary, known)
                if row.status in {"unrecorded", "altered"} and self.standings.ref is not None:
                    row.status = self._unrecorded(ref, row.status)
                yield row
        self.found.missing = self.standings.count - present

    def _unrecorded(self, ref: Ref, status: str) -> str:
        """Nobody signed on the ledger for this one, so it is read as strictly as `verify` reads; there are few of them."""
        from arcgit.archive import unsynced  # noqa: PLC0415  what judges is seldom needed here
        from arcgit.archive.read import sealed_under  # noqa: PLC0415

        claims = ClaimReader()
        if not self._looked:
            self._looked = True
            if unsynced.possible(self.context, self.standings.ref):
                self._view = ledger.in_force(self.context, claims, remember="standing")
        if self._view is not None and unsynced.find(self.context, self._view, ref, claims) is not None:
            return "unsynced"
        if status == "altered":
            return status
        try:
            sealed_under(self.context, ref)
        except (ArcgitError, ValueError):
            return "malformed"
        return "unrecorded"

    def keep(self) -> None:
        """Let the index have what it lacked."""
        if len(self._read) or self._standing is not None:
            read = zip(self._lacking, self._read, strict=True)
            self.index.keep(((self.refs.oid(place), data) for place, data in read if data), self._standing)
        self._read.close()

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
        oids = Oids()
        for place in range(len(self.refs)):
            oid = self.refs.oid(place)
            if not self.index.has_summary(oid):
                self._lacking.append(place)
                oids.append(oid)
        with closing(self.context.repo.batch()) as objects:
            for place, raw in zip(self._lacking, objects.stream(oids, "tag"), strict=True):
                found = self._of_tag(self.refs[place], raw)
                self._read.append(summaries.encode(found) if found is not None else b"")

    def _of_tag(self, ref: Ref, raw: bytes | None = None) -> Summary | None:
        try:
            return summaries.of_tag(raw if raw is not None else self.context.repo.read(ref.oid, "tag"))
        except (ArcgitError, ValueError) as fault:
            self.unreadable.append((ref.name.removeprefix(TAG_PREFIX), str(fault)))
            return None

    def _summary(self, ref: Ref) -> Summary | None:
        """What the index had a moment ago; another process may have taken it away."""
        data = self.index.summary(ref.oid)
        return (summaries.decode(data) if data else None) or self._of_tag(ref)


def record_refs(context: Context, most: int | None = None) -> Refs:
    """The refs that are named like records, all or the first `most`."""
    found = context.repo.refs("refs/tags/exp")
    named = (place for place, ref in enumerate(found) if RecordName.parse(ref.name) is not None)
    return found.only(islice(named, most))


def _name_of(ref: Ref) -> RecordName:
    name = RecordName.parse(ref.name)
    if name is None:  # pragma: no cover  `record_refs` has looked
        raise ValueError(ref.name)
    return name


def _key(values: list[Any]) -> tuple[int, Any] | None:
    """Numbers before texts, so that any two values can be compared; None where there is nothing."""
    if not values:
        return None
    first = values[0]
    if isinstance(first, (int, float)) and not isinstance(first, bool):
        return (0, first)
    return (1, str(first))
