"""`arcgit review`: a reviewer's word on a record, signed and on the ledger. Its recorder has none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import msgspec

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange, append, subject_of
from arcgit.archive.judgeref import judge_ref
from arcgit.archive.ledger import LedgerView
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.model.event import Subject
from arcgit.model.finding import Severity, worst_first
from arcgit.rules.people import People
from arcgit.rules.reviews import Standing, standing
from arcgit.rules.state import RecordState
from arcgit.signing.signer import Signer

Outcome = Literal["approved", "rejected"]


class Reviewed(msgspec.Struct, frozen=True):
    """The event that was written, the tag that it is about, and what all reviews of it add up to."""

    event: Appended
    tag: str
    standing: Standing


def review(
    context: Context,
    get_signer: Callable[[], Signer],
    wanted: str,
    *,
    outcome: Outcome,
    comment: str,
    exchange: Exchange,
    now: datetime,
) -> Reviewed:
    """Write a `reviewed` event. Nobody reviews what they recorded, nor approves what does not verify here."""
    about: list[RecordState] = []
    people: list[People] = []

    def decide(view: LedgerView) -> tuple[Subject, dict[str, str]]:
        subject = subject_of(context, view, wanted)
        about[:] = [view.ledger.records[subject.refname]]
        people[:] = [People(view.ledger.adopted)]
        person = ledger.person_of(view, get_signer())
        if about[0].recorder in people[0].names(person, view.ledger.seq + 1):
            message = f"{about[0].name.tag} was recorded by {about[0].recorder}, whose own word on it does not count"
            raise RefusedError("review-own", message, "ask another person with the role reviewer: arcgit policy show")
        if outcome == "approved":
            _require_sound(context, view, about[0])
        return subject, {"outcome": outcome, "comment": comment}

    done = append(context, get_signer, kind="reviewed", decide=decide, exchange=exchange, now=now)
    return Reviewed(done, about[0].name.tag, standing(about[0], people[0]))


def _require_sound(context: Context, view: LedgerView, known: RecordState) -> None:
    """A reviewer signs for what they could see, so the tag must be here and without fault."""
    refname = known.name.refname
    ref = next((ref for ref in context.repo.refs(refname) if ref.name == refname), None)
    if ref is None:
        raise UndeterminedError("recorded-tag-missing", f"the tag {known.name.tag} is not in this clone", "arcgit sync")
    findings = worst_first(judge_ref(context, view, ref)[1])
    fault = next((found for found in findings if found.severity is not Severity.WARNING), None)
    if fault is not None:
        kind = UndeterminedError if fault.severity is Severity.UNKNOWN else RefusedError
        raise kind(fault.code, f"{fault.subject}: {fault.message}", "arcgit verify tells more")
