"""Events that wait in this clone for the person who signed them, while the ledger has gone on without them.

Only that person can sign them again. Each is kept by a ref below refs/arcgit/waiting/, named by its commit, until they run
`arcgit sync` here. The whole chain that leads to an event is judged before anybody is asked to sign what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.errors import ArcgitError
from arcgit.git.refs import Ref
from arcgit.git.repository import ZERO, RefUpdate
from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.model.event import Event, EventError
from arcgit.model.gitobject import GitObjectError
from arcgit.model.names import WAITING_PREFIX


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
        return f"{ref.name} is no event of a ledger (git update-ref -d {ref.name} takes it away)"
    return f"event {event.seq}, {events.title(event)} (arcgit sync by {event.actor} in this clone)"


def tags(context: Context) -> set[str]:
    """The tag objects that waiting events record, as these say themselves: nothing that is half done."""
    said = (_said(context, ref) for ref in context.repo.refs(WAITING_PREFIX))
    return {event.subject.oid for event in said if event and event.type == "recorded" and event.subject}


def _said(context: Context, ref: Ref) -> Event | None:
    try:
        return events.parse_message(gitobject.parse_commit(context.repo.read(ref.oid, "commit")).message)
    except (ArcgitError, GitObjectError, EventError):
        return None
