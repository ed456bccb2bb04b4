"""`arcgit retire`: a record is no longer in use. It stays in the archive, and the same content may be recorded anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange, append, subject_of
from arcgit.archive.ledger import LedgerView
from arcgit.model.event import Subject
from arcgit.model.names import TAG_PREFIX
from arcgit.signing.signer import Signer


class Retired(msgspec.Struct, frozen=True):
    """The event that was written, and the tag that takes the record's place, if one was named."""

    event: Appended
    successor: str | None


def retire(
    context: Context,
    get_signer: Callable[[], Signer],
    wanted: str,
    *,
    reason: str,
    successor: str | None = None,
    exchange: Exchange,
    now: datetime,
) -> Retired:
    """Write a `retired` event; `successor` is the record that takes its place, if there is one."""
    named: list[Subject] = []

    def decide(view: LedgerView) -> tuple[Subject, dict[str, Any]]:
        named[:] = [subject_of(context, view, successor)] if successor is not None else []
        instead = {"superseded_by": msgspec.to_builtins(named[0])} if named else {}
        return subject_of(context, view, wanted), {"reason": reason, **instead}

    done = append(context, get_signer, kind="retired", decide=decide, exchange=exchange, now=now)
    return Retired(done, named[0].refname.removeprefix(TAG_PREFIX) if named else None)
