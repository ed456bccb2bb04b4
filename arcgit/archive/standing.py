"""Where each record stands by the ledger in force, for lists and searches: read, not judged.

Links, sequence, roles and states are followed as in a judgement, by the signers that the signatures name. The signatures
themselves and the rendered trees are not checked, so this is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import lt
from typing import Literal

import msgspec
from msgspec.structs import replace

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.judge import ClaimReader
from arcgit.archive.ledger import LedgerView
from arcgit.model.names import LEDGER_REF, TAG_PREFIX, tracking_ref
from arcgit.rules import reviews
from arcgit.rules.packed import Records
from arcgit.rules.people import People
from arcgit.rules.state import RecordState

Status = Literal["recorded", "held", "retired", "purged", "tainted", "unsynced", "unrecorded", "altered", "malformed"]


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """One record by the ledger: its tag object, its status, who recorded it, and what was amended since.

    `review` is what its reviews add up to, `evaluated` has the outcome of each evaluation, `superseded_by` a tag.
    """

    oid: str
    status: Status
    signer: str
    amended: dict[str, str] | None = None
    review: str = "open"
    evaluated: tuple[str, ...] = ()
    superseded_by: str | None = None


_ENDS: dict[str, Status] = {"retired": "retired", "purged": "purged"}


class Standings(msgspec.Struct, frozen=True):
    """All records of a ledger; `tip` is the last event that holds. Without a ledger both are None.

    `rows` has each record's refname and standing, packed, in the order of the refnames; `count` says how many.
    """

    ref: str | None
    tip: str | None
    count: int = 0
    rows: bytes = b""

    def __iter__(self) -> Iterator[tuple[str, Standing]]:
        """The refnames in their order, each with its standing. Raises MsgspecError, ValueError for bytes that are none."""
        begin = 0
        while begin < len(self.rows):
            middle = begin + _WIDTH
            end = middle + int.from_bytes(self.rows[begin:middle], "big")
            yield _ROW.decode(self.rows[middle:end])
            begin = end


_WIDTH = 4
_ROW = msgspec.msgpack.Decoder(tuple[str, Standing])
NOTHING = Standings(None, None)
"""What stands where there is no ledger."""


class InOrder:
    """Looks up standings by refnames that are asked for in their order."""

    def __init__(self, standings: Standings) -> None:
        self._rows = iter(standings)
        self._next = next(self._rows, None)

    def of(self, refname: str) -> Standing | None:
        """The standing of a record, None for one that is not on the ledger."""
        while self._next is not None and self._next[0] < refname:
            self._next = next(self._rows, None)
        return self._next[1] if self._next is not None and self._next[0] == refname else None


class Reading(msgspec.Struct, frozen=True):
    """What was read of a ledger. `whole` where nothing was found wrong with it: only such a reading is kept."""

    standings: Standings
    whole: bool


def tips(context: Context) -> str:
    """What the ledger's refs are now: with the same tips, the same stands."""
    tracking = context.repo.ref(tracking_ref(context.remote)) if context.remote else None
    return f"{context.repo.ref(LEDGER_REF)} {tracking}"


def read(context: Context) -> Reading:
    """The standings by the ledger in force."""
    view = ledger.in_force(context, ClaimReader(), remember="standing")
    return Reading(of_view(view), not view.findings) if view is not None else Reading(NOTHING, whole=False)


def of_view(view: LedgerView) -> Standings:
    """The standings of a ledger that was read or replayed."""
    rows, last, count = bytearray(), "", 0
    # One behind the other as they come: a list of them would take more memory than the ledger itself.
    for name, standing in _standings(view.ledger.records, People(view.ledger.adopted)):
        if name < last:
            return _sorted(view)
        row = msgspec.msgpack.encode((name, standing))
        rows += len(row).to_bytes(_WIDTH, "big") + row
        last, count = name, count + 1
    return Standings(view.ref, view.ledger.tip, count, bytes(rows))


def _sorted(view: LedgerView) -> Standings:
    said = _standings(view.ledger.records, People(view.ledger.adopted))
    found = sorted((name, msgspec.msgpack.encode((name, standing))) for name, standing in said)
    rows = b"".join(part for _, row in found for part in (len(row).to_bytes(_WIDTH, "big"), row))
    return Standings(view.ref, view.ledger.tip, len(found), rows)


def _standings(records: Mapping[str, RecordState], people: People) -> Iterator[tuple[str, Standing]]:
    if not isinstance(records, Records):
        yield from ((name, standing_of(known, people)) for name, known in records.items())
        return
    # Most records differ from one another by their names and digests alone.
    made: dict[tuple[int, int, int], Standing] = {}
    for name, oid, shared in records.alike():
        known = made.get(shared) if shared is not None else None
        standing = replace(known, oid=oid) if known is not None else standing_of(records[name], people)
        if shared is not None:
            made.setdefault(shared, standing)
        yield name, standing


def standing_of(known: RecordState, people: People) -> Standing:
    """One record's standing."""
    after = known.superseded_by
    return Standing(
        known.subject.oid,
        _status(known),
        known.recorder,
        known.amended or None,
        reviews.standing(known, people).word,
        tuple(event.data["outcome"] for event in known.events if event.type == "evaluated"),
        after.removeprefix(TAG_PREFIX) if after else None,
    )


def _status(known: RecordState) -> Status:
    if known.status != "recorded":
        return _ENDS[known.status]
    if known.tainted:
        return "tainted"
    return "held" if known.holds else "recorded"


def encode(found: Standings) -> bytes:
    """The bytes of standings, for `decode`."""
    return msgspec.msgpack.encode(found)


def decode(data: bytes | None) -> Standings | None:
    """The standings that `encode` wrote, or None where these bytes are none."""
    if data is None:
        return None
    try:
        found = msgspec.msgpack.decode(data, type=Standings)
        names = [name for name, _ in found]
        return found if len(names) == found.count and all(map(lt, names, names[1:])) else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
