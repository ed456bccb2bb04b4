"""The `restored` event: who wrote out what of a record, and why.

It is written when the person can sign and push; otherwise the command says that it is not logged. A policy that gives
`restore-unlogged` the severity `error` wants it on the ledger before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arcgit.archive import newevent
from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange
from arcgit.archive.events.attempt import written_or_not
from arcgit.archive.ledger import LedgerView
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError, UsageError
from arcgit.model.event import Subject
from arcgit.signing.signer import Signer

UNLOGGED = "restore-unlogged"


@dataclass(frozen=True)
class RestoreLog:
    """Where the event of one command goes. `wanted` is false where the person wants none."""

    context: Context
    get_signer: Callable[[], Signer]
    view: LedgerView
    subject: Subject
    exchange: Exchange
    now: datetime
    reason: str
    wanted: bool

    @property
    def demanded(self) -> bool:
        """True where the policy in force wants the event first."""
        return self.view.ledger.require_policy().severities.get(UNLOGGED) == "error"

    @property
    def muted(self) -> bool:
        """True where the policy does not want to hear of a missing event."""
        return self.view.ledger.require_policy().severities.get(UNLOGGED) == "off"

    def require(self, data: dict[str, Any]) -> Appended:
        """Write the event that the policy demands. Raises ArcgitError where it cannot be: then nothing may be written."""
        hint = "say why, and let the event be written: arcgit restore RECORD --to DIR -m WHY"
        if not self.wanted:
            raise RefusedError("restore-unlogged", "the policy wants every restore on the ledger", hint)
        if not self.reason.strip():
            raise UsageError("usage", "the policy wants every restore on the ledger, with a reason", hint)
        try:
            return self._append(data)
        except ArcgitError as fault:
            make = RefusedError if isinstance(fault, RefusedError) else UndeterminedError
            message = f"the policy wants every restore on the ledger, and this one cannot be put there: {fault.message}"
            raise make("restore-unlogged", message, fault.hint) from fault

    def attempt(self, data: dict[str, Any]) -> tuple[Appended | None, str]:
        """The event, or why there is none."""
        if not self.wanted:
            return None, "--no-log was given"
        try:
            # Asked before the remote is, so that somebody without a key of the policy does not wait for the network.
            newevent.person_of(self.view, self.get_signer())
            return self._append(data), ""
        except ArcgitError as fault:
            return None, fault.message

    def _append(self, data: dict[str, Any]) -> Appended:
        said = data | ({"reason": self.reason.strip()} if self.reason.strip() else {})
        return written_or_not(
            self.context,
            self.get_signer,
            "restored",
            lambda view: (self.subject, said),
            said,
            exchange=self.exchange,
            now=self.now,
        )
