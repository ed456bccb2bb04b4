"""Own events that the remote does not have, put on top of its ledger: judged there, then signed again.

What cannot stand at its new place is named before anything is signed, and left out only where the person says so. All that
was there stays under refs/arcgit/lost/.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.judge import Rehearsal
from arcgit.archive.ledger import LedgerView, NewEvent
from arcgit.archive.recover import lost
from arcgit.errors import RefusedError
from arcgit.git.repository import ZERO, RefMovedError, RefUpdate
from arcgit.model import event as events
from arcgit.model.event import Event
from arcgit.model.names import LEDGER_REF, LOST_PREFIX
from arcgit.model.notetree import RawObject
from arcgit.signing import bound
from arcgit.signing.signer import Signer

_SHOWN = 3


class _Impossible(NamedTuple):
    event: Event
    why: str


@dataclass(frozen=True)
class Again:
    """What came of it: the types that were signed again, and a line for each event that was dropped."""

    resigned: list[str]
    dropped: list[str]


def sign_again(
    context: Context, theirs: LedgerView, local: str, signer: Signer, *, drop: Collection[int], remote: str
) -> Again:
    """Make the local ledger `theirs` with the own events of `local` behind. `drop` are numbers in the local ledger.

    Raises RefusedError `event-impossible` for an event that cannot stand and is not among `drop`, `drop-refused` for a
    number that may not be dropped, `ledger-unsynced` for an event of somebody else. Nothing has changed then.
    """
    known = {oid for oid, _ in theirs.ledger.events}
    view = _local(context, local)
    ours = [current for oid, current in view.ledger.events if oid not in known]
    require_droppable(drop, shared=view.ledger.seq - len(ours), last=view.ledger.seq, remote=remote)
    _require_mine(ours, theirs, view, signer)
    # A record that the remote has under the same name has made room for it already.
    ours = [current for current in ours if not _recorded_there(theirs, current)]
    impossible = _rehearsed(context, theirs, signer, ours)
    if fine := sorted(set(drop) - {one.event.seq for one in impossible}):
        _refuse_drop(f"event {fine[0]} can stand on what `{remote}` has")
    if kept := [one for one in impossible if one.event.seq not in drop]:
        _name(kept, impossible, remote)
    rest = [current for current in ours if current.seq not in drop]
    bound.require(signer, len(rest), "arcgit sync --signatures")
    objects: list[RawObject] = []
    for current in rest:
        objects += _signed(context, theirs, signer, current).objects
    tip = theirs.ledger.tip or ZERO
    with context.repo.held(objects) if objects else nullcontext():
        context.repo.update_refs([lost(context, local), RefUpdate(LEDGER_REF, tip, local)])
    gone = [f"{_told(one.event)} (kept under {LOST_PREFIX}{local})" for one in impossible]
    return Again([current.type for current in rest], gone)


def require_droppable(drop: Collection[int], *, shared: int, last: int, remote: str) -> None:
    """Refuse numbers of events that the remote has, up to `shared`, or that there are not, above `last`."""
    for seq in sorted(drop):
        if 1 <= seq <= shared:
            _refuse_drop(f"event {seq} is on `{remote}`, and what was pushed stays")
        if not 1 <= seq <= last:
            _refuse_drop(f"there is no event {seq} here")


def refuse_needless(drop: Collection[int], *, shared: int, last: int, remote: str) -> None:
    """Refuse to drop anything from a ledger that stands where it is."""
    require_droppable(drop, shared=shared, last=last, remote=remote)
    if drop:
        _refuse_drop(f"event {min(drop)} can stand where it is")


def _refuse_drop(why: str) -> NoReturn:
    hint = "arcgit sync names the events that can be dropped, if there are any"
    raise RefusedError("drop-refused", f"{why}; nothing was dropped", hint)


def _local(context: Context, local: str) -> LedgerView:
    """The local ledger, valid but for foreign commits at its end, which are left behind."""
    view = ledger.read(context, LEDGER_REF)
    if view is None or context.repo.ref(LEDGER_REF) != local:
        raise RefMovedError("ref-moved", "the local ledger changed while it was read", "arcgit sync")
    bad = [found for found in view.faults if found.code != "ledger-foreign-commit"]
    if bad:
        raise RefusedError(bad[0].code, f"the local ledger does not hold: {bad[0].message}", bad[0].hint)
    return view


def _require_mine(ours: Sequence[Event], theirs: LedgerView, view: LedgerView, signer: Signer) -> None:
    """Only the signer's own events can be signed again, or dropped: by the policy there, or by the one before it here."""
    fingerprint = signer.public_key.fingerprint
    people = {one.ledger.require_policy().person_of(fingerprint) for one in (theirs, view)} - {None}
    if not people:
        ledger.person_of(theirs, signer)
    for current in ours:
        if current.actor not in people:
            message = (
                f"the local ledger has an unpushed event by {current.actor}, which only {current.actor} can sign again"
            )
            hint = f"let {current.actor} run `arcgit sync` in this repository"
            raise RefusedError("ledger-unsynced", message, hint)


def _recorded_there(theirs: LedgerView, current: Event) -> bool:
    return (
        current.type == "recorded" and current.subject is not None and current.subject.refname in theirs.ledger.records
    )


def _rehearsed(context: Context, theirs: LedgerView, signer: Signer, ours: Sequence[Event]) -> list[_Impossible]:
    """The events that cannot stand behind `theirs`, told without a signature: a key may have to be touched for each."""
    stand_in = Rehearsal(signer.public_key)
    scratch = LedgerView(theirs.ref, ledger.believed(context.repo, theirs.ledger.tip or ZERO), judge=stand_in)
    impossible: list[_Impossible] = []
    for current in ours:
        try:
            _signed(context, scratch, stand_in, current)
        except RefusedError as fault:
            impossible.append(_Impossible(current, fault.message))
    return impossible


def _signed(context: Context, view: LedgerView, signer: Signer, current: Event) -> NewEvent:
    return ledger.build(
        view,
        signer,
        kind=current.type,
        subject=current.subject,
        data=current.data,
        time=current.time,
        identity=context.settings.identity(),
    )


def _told(event: Event) -> str:
    return f"event {event.seq}, {events.title(event)}"


def _name(kept: Sequence[_Impossible], impossible: Sequence[_Impossible], remote: str) -> NoReturn:
    named = "; ".join(f"{_told(one.event)}: {one.why}" for one in kept[:_SHOWN])
    more = f"; and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else ""
    message = f"what `{remote}` has by now leaves no place for {named}{more}"
    numbers = " ".join(f"--drop {one.event.seq}" for one in impossible)
    hint = f"arcgit sync {numbers} sets that aside under {LOST_PREFIX} and signs the rest again; see arcgit log"
    raise RefusedError("event-impossible", message, hint)
