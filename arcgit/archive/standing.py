"""Where each record stands by the ledger in force, for lists and searches: read, not judged.

Links, sequence, roles and states are followed as in a judgement, by the signers that the signatures name. The signatures
themselves and the rendered trees are not checked, so this is no evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.judge import ClaimReader
from arcgit.archive.ledger import LedgerView
from arcgit.model.names import LEDGER_REF, tracking_ref
from arcgit.rules.state import RecordState

if TYPE_CHECKING:
    from arcgit.archive.index import Index  # with it comes SQLite, which `show` does without

Status = Literal["recorded", "held", "retired", "purged", "tainted", "unrecorded", "altered"]


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """One record by the ledger: its tag object, its status, who recorded it, and what was amended since."""

    oid: str
    status: Status
    signer: str
    amended: dict[str, str] | None = None


class Standings(msgspec.Struct, frozen=True):
    """All records of a ledger by refname; `tip` is the last event that holds. Without a ledger both are None."""

    ref: str | None
    tip: str | None
    records: dict[str, Standing]


NOTHING = Standings(None, None, {})
"""What stands where there is no ledger."""


def read(context: Context, index: Index) -> tuple[Standings, tuple[str, bytes] | None]:
    """The standings, and what the index may keep of them: only a ledger without any finding is kept."""
    tracking = context.repo.ref(tracking_ref(context.remote)) if context.remote else None
    tips = f"{context.repo.ref(LEDGER_REF)} {tracking}"
    known = _decoded(index.standing(tips))
    if known is not None:
        return known, None
    view = ledger.in_force(context, ClaimReader())
    found = of_view(view) if view is not None else NOTHING
    return found, (tips, msgspec.msgpack.encode(found)) if view is not None and not view.findings else None


def of_view(view: LedgerView) -> Standings:
    """The standings of a ledger that was read or replayed."""
    records = {name: standing_of(known) for name, known in view.ledger.records.items()}
    return Standings(view.ref, view.ledger.tip, records)


def standing_of(known: RecordState) -> Standing:
    """One record's standing."""
    return Standing(known.subject.oid, _status(known), known.recorder, known.amended or None)


def _status(known: RecordState) -> Status:
    word: Status = msgspec.convert(known.status, Status)
    if known.tainted and word == "recorded":
        return "tainted"
    return "held" if known.holds and word == "recorded" else word


def _decoded(data: bytes | None) -> Standings | None:
    if data is None:
        return None
    try:
        return msgspec.msgpack.decode(data, type=Standings)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
