"""`arcgit evaluate`: somebody ran a record again or measured it anew, and signs for the outcome."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange, append, subject_of
from arcgit.archive.ledger import LedgerView
from arcgit.errors import UsageError
from arcgit.model.canonical import MAX_SAFE_INTEGER
from arcgit.model.event import Subject
from arcgit.model.text import word
from arcgit.rules import comparing
from arcgit.rules.eventdata import NO_NUMBERS
from arcgit.rules.people import People
from arcgit.rules.state import RecordState
from arcgit.signing.signer import Signer

MAX_METRICS = 1000
_WORDS = {"nan": "NaN", "inf": "Infinity", "+inf": "Infinity", "-inf": "-Infinity"}
_WORDS |= {word.lower(): word for word in NO_NUMBERS}


@dataclass(frozen=True)
class Evaluated:
    """The event that was written, the tag that it is about, and whether its author is who recorded that."""

    event: Appended
    tag: str
    actor: str
    own: bool


def evaluate(
    context: Context,
    get_signer: Callable[[], Signer],
    wanted: str,
    *,
    outcome: str,
    metrics: Iterable[str] = (),
    comment: str = "",
    exchange: Exchange,
    now: datetime,
) -> Evaluated:
    """Write an `evaluated` event; `metrics` are texts like `auc=0.91`. Raises ArcgitError; nothing is written then."""
    measured = parsed(metrics)
    if not outcome.strip():
        raise UsageError(
            "usage", "an evaluation has an outcome", f"arcgit evaluate {word(wanted)} --outcome reproduced"
        )
    about: list[tuple[RecordState, LedgerView]] = []

    def decide(view: LedgerView) -> tuple[Subject, dict[str, Any]]:
        subject = subject_of(context, view, wanted)
        about[:] = [(view.ledger.records[subject.refname], view)]
        data: dict[str, Any] = {"outcome": outcome, **({"metrics": measured} if measured else {})}
        return subject, {**data, "comment": comment} if comment.strip() else data

    done = append(context, get_signer, kind="evaluated", decide=decide, exchange=exchange, now=now)
    state, view = about[0]
    last = view.ledger.events[-1][1]
    own = state.recorder in People(view.ledger.adopted).names(last.actor, last.seq)
    return Evaluated(done, state.name.tag, last.actor, own)


def parsed(metrics: Iterable[str]) -> dict[str, int | float | str]:
    """The metrics by name. Raises UsageError for what is none, and for a name that is there twice."""
    found: dict[str, int | float | str] = {}
    for text in metrics:
        name, sign, value = (part.strip() for part in text.partition("="))
        number = _number(value)
        if not (name and sign) or number is None:
            raise UsageError("usage", f"`{text}` is not a metric with its number", "--metric auc=0.91")
        if name in found:
            raise UsageError("usage", f"the metric `{name}` is there twice", "give each metric once")
        found[name] = number
    if len(found) > MAX_METRICS:
        raise UsageError("usage", f"these are more than {MAX_METRICS} metrics", "give those that were compared")
    return found


def _number(text: str) -> int | float | str | None:
    if (word := _WORDS.get(text.lower())) is not None:
        return word
    number = comparing.number(text)
    if isinstance(number, int) and abs(number) > MAX_SAFE_INTEGER:
        number = float(number) if math.isfinite(float(number)) else None
    return number
