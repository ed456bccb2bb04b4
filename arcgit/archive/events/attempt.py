"""The event of a command that is not there for the event: written when it can be, and else it is said why it is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from arcgit.archive import newevent
from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Decide, Exchange, append
from arcgit.errors import ArcgitError
from arcgit.git.repository import RefUpdate
from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.model.event import EventError
from arcgit.model.gitobject import GitObjectError
from arcgit.model.names import LEDGER_REF, tracking_ref
from arcgit.signing.signer import Signer


def written_or_not(
    context: Context,
    get_signer: Callable[[], Signer],
    kind: str,
    decide: Decide,
    data: dict[str, Any],
    *,
    exchange: Exchange,
    now: datetime,
) -> Appended:
    """Write an event that says `data`, as `append` does. Raises ArcgitError; then it is not on the ledger here either."""
    try:
        return append(context, get_signer, kind=kind, decide=decide, exchange=exchange, now=now)
    except ArcgitError:
        _take_back(context, kind, data, now)
        raise


def _take_back(context: Context, kind: str, data: dict[str, Any], now: datetime) -> None:
    """An event that could not be pushed must not stand in the way of every later sync of a person who may not push."""
    repo = context.repo
    tip = repo.ref(LEDGER_REF)
    if tip is None or (context.remote and repo.ref(tracking_ref(context.remote)) == tip):
        return
    try:
        commit = gitobject.parse_commit(repo.read(tip, "commit"))
        event = events.parse_message(commit.message)
    except (ArcgitError, GitObjectError, EventError):
        return
    mine = event.type == kind and event.data == data and event.time == newevent.timestamp(now)
    if mine and commit.parent is not None:
        repo.update_refs([RefUpdate(LEDGER_REF, commit.parent, tip)])
