"""`arcgit retire`: a record is no longer in use. It stays in the archive, and the same content may be recorded anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from arcgit.archive.append import Appended, Exchange, append, subject_of
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.model.event import Subject
from arcgit.signing.signer import Signer


def retire(
    context: Context,
    get_signer: Callable[[], Signer],
    wanted: str,
    *,
    reason: str,
    exchange: Exchange,
    now: datetime,
) -> Appended:
    """Write a `retired` event."""

    def decide(view: LedgerView) -> tuple[Subject, dict[str, str]]:
        return subject_of(context, view, wanted), {"reason": reason}

    return append(context, get_signer, kind="retired", decide=decide, exchange=exchange, now=now)
