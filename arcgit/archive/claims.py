"""The events that say where data was proven, with all that they say, also from a ledger that forgot it while judging."""

from __future__ import annotations

from collections.abc import Iterator

from arcgit.archive.context import Context
from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.model.event import Event
from arcgit.rules.chain import Ledger

PROVING = frozenset({"verified", "replicated"})


def claims(context: Context, ledger: Ledger) -> Iterator[tuple[str, Event]]:
    """The `verified` and `replicated` events of a replayed ledger, oldest first, with their data.

    Where the ledger remembers no data, the events are read again by the oids under which they were judged. Raises
    ArcgitError where one is not there any more.
    """
    for oid, event in ledger.events:
        if event.type not in PROVING:
            continue
        if event.data:
            yield oid, event
            continue
        commit = gitobject.parse_commit(context.repo.read(oid, "commit"))
        yield oid, events.parse_message(commit.message)
