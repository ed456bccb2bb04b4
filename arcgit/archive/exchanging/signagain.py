"""Own events that the remote does not have, put on top of its ledger: judged there, then signed again.

What cannot stand at its new place is named before anything is signed, and left out only where the person says so. Events by
somebody else are never signed again: they wait in this clone for that person, where this is asked for. All that was there
stays under refs/arcgit/lost/.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from arcgit.archive import ledger, newevent
from arcgit.archive.context import Context
from arcgit.archive.exchanging import waiting
from arcgit.archive.exchanging.waiting import Waiting, lost
from arcgit.archive.judge import Rehearsal
from arcgit.archive.ledger import LedgerView
from arcgit.archive.newevent import NewEvent
from arcgit.errors import ArcgitError, RefusedError
from arcgit.git.repository import ZERO, RefMovedError, RefUpdate
from arcgit.model import event as events
from arcgit.model.event import Event
from arcgit.model.names import LEDGER_REF, LOST_PREFIX, WAITING_PREFIX
from arcgit.model.notetree import RawObject
from arcgit.signing import bound
from arcgit.signing.signer import Signer

GetSigner = Callable[[], Signer]
_SHOWN = 3


@dataclass(frozen=True)
class Asked:
    """What is asked for beside signing again: numbers of own events to drop, and whose events may wait in this clone."""

    drop: Collection[int] = ()
    wait_for: Collection[str] = ()


class _Own(NamedTuple):
    """An own event, from the local ledger or one that has waited. `after` are others whose events stand before it."""

    oid: str
    event: Event
    after: frozenset[str]
    waited: bool


class _Impossible(NamedTuple):
    own: _Own
    why: str


class _Hand(NamedTuple):
    """Who signs, as whom by the policies of either ledger, and why nobody does."""

    signer: Signer | None
    people: frozenset[str]
    fault: ArcgitError | None = None


@dataclass(frozen=True)
class Again:
    """What came of it: the types that were signed again, and a line for each event that was dropped."""

    resigned: list[str]
    dropped: list[str]


def sign_again(
    context: Context, theirs: LedgerView, local: str, get_signer: GetSigner, *, asked: Asked, remote: str
) -> Again:
    """Make the local ledger `theirs` with the own events of `local` behind, and before these own ones that have waited.

    Raises RefusedError `event-impossible` for an event that cannot stand and is not to be dropped, `drop-refused` for a
    number that may not be dropped, `ledger-unsynced` for an event of somebody else who is not to be waited for. Nothing
    has changed then.
    """
    known = {oid for oid, _ in theirs.ledger.events}
    view = _local(context, local)
    ours = [(oid, current) for oid, current in view.ledger.events if oid not in known]
    require_droppable(asked.drop, shared=view.ledger.seq - len(ours), last=view.ledger.seq, remote=remote)
    hand = _hand(get_signer, theirs, view)
    others = {oid: current for oid, current in ours if current.actor not in hand.people}
    _require_waited_for(others, asked.wait_for, theirs, hand)
    waited = waiting.sound(context, theirs.ledger.genesis)
    mine = [*_waited(waited, hand, theirs), *_of_ledger(ours, hand)]
    # A record that the remote has under the same name has made room for it already.
    mine = [one for one in mine if not _recorded_there(theirs, one.event)]
    unable = _rehearsed(context, theirs, hand.signer, mine)
    dropped = _dropped(unable, asked.drop, remote)
    stay = [bad.own for bad in unable if bad not in dropped]
    left_out = {bad.own.oid for bad in unable}
    rest = [one.event for one in mine if one.oid not in left_out]
    objects = _signatures(context, theirs, hand.signer, rest)
    updates = [
        *([lost(context, local)] if ours else []),
        *(waiting.keep(oid) for oid, current in others.items() if not _recorded_there(theirs, current)),
        *(waiting.keep(one.oid) for one in stay if not one.waited),
        RefUpdate(LEDGER_REF, theirs.ledger.tip or ZERO, local),
        # Last, as git deletes last: an event that waits although it was signed again is found out by what it says.
        *(waiting.let_go(one.oid) for one in waited if one.event.actor in hand.people and one.oid not in left_out),
    ]
    with context.repo.held(objects) if objects else nullcontext():
        context.repo.update_refs(updates)
    gone = [f"{_told(bad.own.event)} (kept under {LOST_PREFIX}{local})" for bad in dropped]
    return Again([event.type for event in rest], gone)


def waits(context: Context, view: LedgerView, get_signer: GetSigner) -> bool:
    """True where events of whoever signs wait in this clone, to be signed again behind `view`."""
    waited = waiting.sound(context, view.ledger.genesis)
    return bool(waited) and any(one.event.actor in _hand(get_signer, view, view).people for one in waited)


def _hand(get_signer: GetSigner, *views: LedgerView) -> _Hand:
    try:
        signer = get_signer()
    except ArcgitError as fault:
        return _Hand(None, frozenset(), fault)
    fingerprint = signer.public_key.fingerprint
    people = {view.ledger.require_policy().person_of(fingerprint) for view in views}
    return _Hand(signer, frozenset(person for person in people if person is not None))


def _require_waited_for(
    others: Mapping[str, Event], wait_for: Collection[str], theirs: LedgerView, hand: _Hand
) -> None:
    """Only the signer's own events can be signed again, or dropped; those of others stop everything, or wait."""
    people = list(dict.fromkeys(event.actor for event in others.values() if event.actor not in wait_for))
    if not people:
        return
    if hand.signer is None and hand.fault is not None:
        raise hand.fault
    if hand.signer is not None and not hand.people:
        newevent.person_of(theirs, hand.signer)
    named = "; ".join(_told(event) for event in list(others.values())[:_SHOWN])
    named += f"; and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    who = " and ".join(people)
    message = f"the local ledger has unpushed events by {who}, which nobody else can sign again: {named}"
    options = " ".join(f"--wait-for {person}" for person in people)
    hint = f"arcgit sync {options} keeps them here until {who} runs `arcgit sync` in this clone, and brings yours on"
    raise RefusedError("ledger-unsynced", message, hint)


def _waited(waited: Sequence[Waiting], hand: _Hand, theirs: LedgerView) -> Iterator[_Own]:
    """The own events that have waited, but for those that a run which died has signed again already."""
    mine = [one for one in waited if one.event.actor in hand.people]
    times = {one.event.time for one in mine}
    there = [event for _, event in theirs.ledger.events if event.time in times]
    for one in mine:
        if not any(says_the_same(one.event, event) for event in there):
            yield _Own(one.oid, one.event, one.after - hand.people, waited=True)


def says_the_same(one: Event, other: Event) -> bool:
    """True where one event is the other, signed again in another place of the ledger."""
    return all(getattr(one, part) == getattr(other, part) for part in ("type", "actor", "time", "subject", "data"))


def _of_ledger(ours: Sequence[tuple[str, Event]], hand: _Hand) -> Iterator[_Own]:
    after: frozenset[str] = frozenset()
    for oid, event in ours:
        if event.actor in hand.people:
            yield _Own(oid, event, after, waited=False)
        else:
            after |= {event.actor}


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


def _recorded_there(theirs: LedgerView, current: Event) -> bool:
    return (
        current.type == "recorded" and current.subject is not None and current.subject.refname in theirs.ledger.records
    )


def _rehearsed(context: Context, theirs: LedgerView, signer: Signer | None, mine: Sequence[_Own]) -> list[_Impossible]:
    """The events that cannot stand behind `theirs`, told without a signature: a key may have to be touched for each."""
    if signer is None or not mine:
        return []
    stand_in = Rehearsal(signer.public_key)
    scratch = LedgerView(theirs.ref, ledger.believed(context.repo, theirs.ledger.tip or ZERO), judge=stand_in)
    impossible: list[_Impossible] = []
    for own in mine:
        try:
            _signed(context, scratch, stand_in, own.event)
        except RefusedError as fault:
            impossible.append(_Impossible(own, fault.message))
    return impossible


def _dropped(unable: Sequence[_Impossible], drop: Collection[int], remote: str) -> list[_Impossible]:
    """Those that are to be dropped. What may rest on events that still wait for somebody else waits with them.

    Raises RefusedError for any other that cannot stand, and for a number of one that can.
    """
    dropped = [bad for bad in unable if not bad.own.waited and bad.own.event.seq in drop]
    if fine := sorted(set(drop) - {bad.own.event.seq for bad in dropped}):
        _refuse_drop(f"event {fine[0]} can stand on what `{remote}` has")
    hopeless = [bad for bad in unable if bad in dropped or not bad.own.after]
    if kept := [bad for bad in hopeless if bad not in dropped]:
        _name(kept, hopeless, remote)
    return dropped


def _signatures(context: Context, theirs: LedgerView, signer: Signer | None, rest: Sequence[Event]) -> list[RawObject]:
    if signer is None or not rest:
        return []
    bound.require(signer, len(rest), "arcgit sync --signatures")
    return [raw for current in rest for raw in _signed(context, theirs, signer, current).objects]


def _signed(context: Context, view: LedgerView, signer: Signer, current: Event) -> NewEvent:
    return newevent.build(
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


def _name(kept: Sequence[_Impossible], hopeless: Sequence[_Impossible], remote: str) -> NoReturn:
    named = "; ".join(f"{_told(bad.own.event)}: {bad.why}" for bad in kept[:_SHOWN])
    more = f"; and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else ""
    message = f"what `{remote}` has by now leaves no place for {named}{more}"
    raise RefusedError("event-impossible", message, _way_on(hopeless))


def _way_on(hopeless: Sequence[_Impossible]) -> str:
    waited = [bad.own.oid for bad in hopeless if bad.own.waited]
    if waited:
        return f"git update-ref -d {WAITING_PREFIX}{waited[0]} leaves it under {LOST_PREFIX}; then arcgit sync"
    numbers = " ".join(f"--drop {bad.own.event.seq}" for bad in hopeless)
    return f"arcgit sync {numbers} sets that aside under {LOST_PREFIX} and signs the rest again; see arcgit log"
