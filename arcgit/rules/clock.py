"""What the claimed times of a ledger say against it. Order comes from the ledger alone; a time only ever raises a doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone

from arcgit.model.event import Event
from arcgit.model.finding import Finding, error, unknown, warning
from arcgit.model.text import count

TOLERANCE = timedelta(days=1)
"""Clocks are set wrong and work is done offline; what is within a day says nothing."""
MAX_SHOWN = 5


def findings(events: Sequence[tuple[str, Event]], now: datetime, max_age_days: int | None = None) -> Iterator[Finding]:
    """Times in the future of `now` (aware), times long before that of an earlier event, and a ledger without news."""
    limit = _text(now + TOLERANCE)
    future, backwards, latest = [], [], ""
    for _, event in events:
        if event.time > limit:
            future.append(event.seq)
        elif latest and event.time < latest and _moment(latest) - _moment(event.time) > TOLERANCE:
            backwards.append(event.seq)
        latest = max(latest, min(event.time, limit))
    if future:
        message = f"{_named(future)} claims a time that is yet to come"
        hint = "compare the clock of this machine (date -u) with that of whoever signed"
        yield error("time-future", "ledger", message, expected=f"at most {limit}", hint=hint)
    if backwards:
        message = f"{_named(backwards)} claims a time more than a day before that of an earlier event"
        hint = "work done offline or a clock set wrong; the order is the ledger's"
        yield warning("time-backwards", "ledger", message, hint=hint)
    if max_age_days is not None and (not latest or latest < _text(now - timedelta(days=max_age_days))):
        message = f"the newest event here is from {latest or 'never'}; a remote may be holding back what came since"
        hint = "git fetch --all, arcgit sync, or ask a colleague: arcgit compare REMOTE"
        yield unknown(
            "ledger-stale", "ledger", message, expected=f"at most {count(max_age_days, 'day')} old", hint=hint
        )


def _named(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:MAX_SHOWN]))
    return f"event {shown}" + (f" and {len(numbers) - MAX_SHOWN} more" if len(numbers) > MAX_SHOWN else "")


def _text(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
