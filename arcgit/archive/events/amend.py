"""`arcgit amend`: say anew what stands outside of a record's run id. The record itself is never touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange, append, subject_of
from arcgit.archive.ledger import LedgerView
from arcgit.errors import RefusedError, UsageError
from arcgit.model.event import Subject
from arcgit.model.text import word
from arcgit.signing.signer import Signer


def amend(
    context: Context,
    get_signer: Callable[[], Signer],
    wanted: str,
    *,
    said: Mapping[str, str | None],
    reason: str,
    exchange: Exchange,
    now: datetime,
) -> Appended:
    """Write an `amended` event; `said` has owner, purpose and retention, None where nothing is said."""
    fields = {name: text for name, text in said.items() if text is not None}
    if not fields:
        hint = f"arcgit amend {word(wanted)} --purpose TEXT --reason TEXT"
        raise UsageError("usage", "nothing is said anew: give --owner, --purpose or --retention", hint)

    def decide(view: LedgerView) -> tuple[Subject, dict[str, str]]:
        classes = view.ledger.require_policy().retention
        chosen = fields.get("retention")
        if chosen is not None and chosen not in classes:
            message = f"the policy has no retention class `{chosen}`"
            raise RefusedError("retention-class-unknown", message, f"choose one of {', '.join(sorted(classes))}")
        return subject_of(context, view, wanted), {**fields, "reason": reason}

    return append(context, get_signer, kind="amended", decide=decide, exchange=exchange, now=now)
