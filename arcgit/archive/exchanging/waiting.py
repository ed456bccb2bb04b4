"""Events that wait in this clone for the person who signed them, while the ledger has gone on without them.

Only that person can sign them again. Each is kept by a ref below refs/arcgit/waiting/, named by its commit, until they run
`arcgit sync` here. The whole chain that leads to an event is judged before anybody is asked to sign what it says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.errors import ArcgitError, RefusedError
from arcgit.git.refs import Ref
from arcgit.git.repository import ZERO, RefUpdate
from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.model.event import Event, EventError
from arcgit.model.gitobject import GitObjectError
from arcgit.model.names import LOST_PREFIX, WAITING_PREFIX, RecordName
from arcgit.model.text import word


@dataclass(frozen=True)
class Waiting:
    """An event that holds where it was signed. `after` are the people whose events wait before it on the same ledger."""

    oid: str
    event: Event
    after: frozenset[str]


def keep(oid: str) -> RefUpdate:
    """The part of a transaction that lets an event wait."""
    return RefUpdate(f"{WAITING_PREFIX}{oid}", oid, ZERO)


def let_go(oid: str) -> RefUpdate:
    """The part of a transaction that ends an event's waiting."""
    return RefUpdate(f"{WAITING_PREFIX}{oid}", ZERO, oid)


def sound(context: Context, genesis: str) -> list[Waiting]:
    """The events that wait and hold, on ledgers that begin with `genesis`, in an order for signing them again."""
    refs = context.repo.refs(WAITING_PREFIX)
    oids = {ref.oid for ref in refs}
    found: dict[str, Waiting] = {}
    for ref in refs:
        if ref.oid not in found:
            found |= {one.oid: one for one in _on(context, ref, oids, genesis)}
    return sorted(found.values(), key=lambda one: (one.event.seq, one.oid))


def _on(context: Context, ref: Ref, oids: set[str], genesis: str) -> Iterator[Waiting]:
    try:
        view = ledger.read(context, ref.name) if ref.kind == "commit" else None
    except ArcgitError:
        return
    if view is None or view.ledger.genesis != genesis:
        return
    after: frozenset[str] = frozenset()
    for oid, event in view.ledger.events:
        if oid in oids:
            yield Waiting(oid, event, after)
            after |= {event.actor}


def told(context: Context, refs: Iterable[Ref] | None = None) -> list[str]:
    """A line for each event that waits, as it says itself; `refs` are those of them, where they were listed already."""
    return [_line(context, ref) for ref in (context.repo.refs(WAITING_PREFIX) if refs is None else refs)]


def _line(context: Context, ref: Ref) -> str:
    event = _said(context, ref)
    if event is None:
        return f"{ref.name} is no event of a ledger (git update-ref -d {word(ref.name)} takes it away)"
    return f"event {event.seq}, {events.title(event)} (arcgit sync by {event.actor} in this clone)"


def require(context: Context, people: Iterable[str]) -> None:
    """Refuse to give up what does not wait. Raises RefusedError."""
    actors = {event.actor for _, event in _all(context)}
    for person in people:
        if person not in actors:
            message = f"nothing by `{person}` waits in this clone, so nothing was given up"
            who = word(person)
            hint = f"arcgit sync; where it names events by {who}: arcgit sync --wait-for {who}, then this again"
            raise RefusedError("drop-refused", message, hint)


def give_up(context: Context, people: Collection[str]) -> list[str]:
    """Set aside what waits for these people, and what waits about records that only their events would record.

    Tags that were sealed for them go with them. All of it stays under refs/arcgit/lost/. Returns a line for each.
    """
    waits = [(ref.oid, event) for ref, event in _all(context) if ref.name == f"{WAITING_PREFIX}{ref.oid}"]
    theirs = [event.subject for _, event in waits if event.actor in people and event.type == "recorded"]
    sealed = {subject.oid for subject in theirs if subject is not None}
    gone = [one for one in waits if one[1].actor in people or (one[1].subject and one[1].subject.oid in sealed)]
    updates = [update for oid, _ in gone for update in (lost(context, oid), let_go(oid))]
    for oid, name in ((one.oid, RecordName.parse(one.refname)) for one in theirs if one is not None):
        if name is not None and context.repo.ref(name.unpushed_ref) == oid:
            updates += [lost(context, oid), RefUpdate(name.unpushed_ref, ZERO, oid)]
            updates += [RefUpdate(name.refname, ZERO, oid)] if context.repo.ref(name.refname) == oid else []
    if updates:
        context.repo.update_refs(updates)
    return [f"{events.title(event)}, by {event.actor} (kept as {LOST_PREFIX}{oid})" for oid, event in gone]


def lost(context: Context, oid: str) -> RefUpdate:
    """The part of a transaction that keeps an object which is set aside."""
    name = f"{LOST_PREFIX}{oid}"
    return RefUpdate(name, oid, context.repo.ref(name) or ZERO)


def _all(context: Context) -> list[tuple[Ref, Event]]:
    """What waits, as it says itself, and where, in the order in which it happened."""
    said = ((ref, _said(context, ref)) for ref in context.repo.refs(WAITING_PREFIX))
    return sorted(((ref, event) for ref, event in said if event is not None), key=lambda one: (one[1].seq, one[0].name))


def tags(context: Context) -> set[str]:
    """The tag objects that waiting events record, as these say themselves: nothing that is half done."""
    return {event.subject.oid for _, event in _all(context) if event.type == "recorded" and event.subject}


def _said(context: Context, ref: Ref) -> Event | None:
    try:
        return events.parse_message(gitobject.parse_commit(context.repo.read(ref.oid, "commit")).message)
    except (ArcgitError, GitObjectError, EventError):
        return None
