"""Which events of a ledger a person asks for: of some types, by somebody, of some days, the last so many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arcgit.model.event import Event
from arcgit.rules import comparing
from arcgit.rules.fields import Field

Entries = Sequence[tuple[str, Event]]
_TIME = Field("time", "time")


@dataclass(frozen=True)
class Choice:
    """What is asked; nothing is everything. Days are by the claimed time, and one that is cut short is all of it."""

    types: frozenset[str] = frozenset()
    actor: str | None = None
    since: str | None = None
    until: str | None = None
    last: int | None = None


def choose(entries: Entries, choice: Choice) -> Entries:
    """The events that are asked for, in their order. Raises ValueFormError for what is no time."""
    tests: list[Callable[[Event], bool]] = []
    if choice.types:
        tests.append(lambda event: event.type in choice.types)
    if choice.actor is not None:
        tests.append(lambda event: event.actor == choice.actor)
    for sign, value in ((">=", choice.since), ("<=", choice.until)):
        if value is not None:
            tests.append(_by_time(sign, value))
    found = [entry for entry in entries if all(test(entry[1]) for test in tests)]
    return found if choice.last is None else found[max(len(found) - choice.last, 0) :]


def _by_time(sign: str, value: str) -> Callable[[Event], bool]:
    condition = comparing.condition(_TIME, sign, value, quoted=True)
    return lambda event: condition(lambda field: [event.time])
