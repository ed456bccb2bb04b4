"""Values of which a required part is missing, or null: the same two faults in every format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.samples import copied

Row = tuple[str, str, str, Any]
"""Name, why, fault, value: as the rows of the files that are made here."""


def missing(value: Any, *places: str, why: str = "It is required.") -> Iterator[Row]:
    """For each place, such as `predicate/commit/oid`, the value without it."""
    for place in places:
        changed, holder, name = _holder(value, place)
        del holder[name]
        yield f"without {_words(place)}", why, f"missing required field `{name}`", changed


def null(
    value: Any, *places: str, kind: str, why: str = "What is not known is left out or empty, never null."
) -> Iterator[Row]:
    """For each place, the value with null in it, where a `kind` is expected."""
    for place in places:
        changed, holder, name = _holder(value, place)
        holder[name] = None
        yield f"{_words(place)} as null", why, f"Expected `{kind}`, got `null`", changed


def other(value: Any, place: str, instead: Any, fault: str, why: str) -> Row:
    """The value with something else in one place."""
    changed, holder, name = _holder(value, place)
    holder[name] = instead
    return f"{_words(place)} as {type(instead).__name__}", why, fault, changed


def _holder(value: Any, place: str) -> tuple[Any, Any, Any]:
    changed = copied(value)
    holder = changed
    *folders, name = place.split("/")
    for folder in folders:
        holder = holder[int(folder) if isinstance(holder, list) else folder]
    return changed, holder, int(name) if isinstance(holder, list) else name


def _words(place: str) -> str:
    """The place as a name of a case has it."""
    parts = [part for part in place.split("/") if not part.isdigit()]
    return f"{parts[-1]} of {' of '.join(reversed(parts[:-1]))}" if parts[:-1] else parts[-1]
