"""The part of the audit report about copies: how many the policy asks for, and which records have fewer.

It says what signed events claim of remotes. Whether the data lies there still is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from arcgit.model.text import count
from arcgit.rules.copies import Copies

RECORDED, NOT_RECORDED = "recorded", "not recorded"
HOW = "on the ledger"


class Held(NamedTuple):
    """The copies of one record, by the name of its tag."""

    tag: str
    copies: Copies


def worth_telling(copies: Copies | None) -> bool:
    """True where the policy asks for copies, or where there is more than what the recording put into its remote."""
    return copies is not None and (copies.wanted > 0 or len(copies.remotes) > 1)


def to_dict(copies: Copies | None) -> dict[str, Any] | None:
    """The JSON form: `asked_for` is 0 where the policy asks for none."""
    if copies is None:
        return None
    return {"asked_for": copies.wanted, "remotes": list(copies.remotes), "short": copies.short}


def fact(copies: Copies) -> tuple[str, str, str, str]:
    """A line of a record's evidence: topic, state, how it is known, what it says."""
    named = ", ".join(copies.remotes) or "none"
    asked = f" of {copies.wanted}" if copies.wanted else ""
    state = NOT_RECORDED if copies.short else RECORDED
    return "copies", state, HOW, f"{len(copies.remotes)}{asked}: {named}"


def scope(counted: Iterable[Copies]) -> dict[str, int] | None:
    """How many records of the report the policy asks copies of, and how many have fewer; None where it asks for none."""
    records = short = 0
    for copies in counted:
        records += copies.wanted > 0
        short += copies.short
    return {"records": records, "short": short} if records else None


def summary(counted: dict[str, int]) -> str:
    """The same in words."""
    whole = counted["records"] - counted["short"]
    return f"{whole} of {count(counted['records'], 'record')} proven in as many remotes as the policy asks for"


def short(held: Iterable[Held]) -> Iterator[tuple[str, str]]:
    """The records that have fewer: tag, and what there is."""
    for one in held:
        if one.copies.short:
            remotes = ", ".join(one.copies.remotes) or "none"
            yield one.tag, f"{len(one.copies.remotes)} of {one.copies.wanted} ({remotes})"
