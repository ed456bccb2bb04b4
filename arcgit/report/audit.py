"""The audit report as one value, which text, Markdown and JSON render: what is judged, and what is known.

It says recorded, not recorded or not applicable. What that is worth under a law or a standard, it does not say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from arcgit.model.finding import Finding, Verdict
from arcgit.report.copies import Held
from arcgit.rules.changes import Changes
from arcgit.rules.copies import Copies
from arcgit.rules.history import NO_RUNS
from arcgit.rules.reviews import Standing
from arcgit.rules.runs import RunCount

RECORDED, NOT_RECORDED, NOT_KNOWN = "recorded", "not recorded", "not known"


@dataclass(frozen=True)
class Signer:
    """Who sealed a record: a person of the policy that was in force then, with the roles held then."""

    person: str
    name: str
    email: str
    roles: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"person": self.person, "name": self.name, "email": self.email, "roles": list(self.roles)}


@dataclass(frozen=True)
class Splits:
    """The splits of a record's datasets: which pairs share files, and whose lists of files are not at hand."""

    names: tuple[str, ...]
    shared: tuple[tuple[str, str, int], ...]
    unread: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        shared = [{"one": one, "other": other, "contents": number} for one, other, number in self.shared]
        return {"names": list(self.names), "shared": shared, "unread": list(self.unread)}


@dataclass(frozen=True)
class Entry:
    """One experiment of the report, with its record as `show --json` has it, or None.

    `change` is `new`, `changed`, `renamed`, `unchanged` or `deleted` since the base, empty where there is no base.
    `manifest` is its path at HEAD, empty where HEAD has none of this record; `was` is the name before. `hidden` where
    this clone does not show what the ledger says of it. `review` is what the reviews of its record add up to, `runs` are
    those of the experiment, `remarks` what the day makes of the record, `copies` where its data is proven to lie.
    """

    label: str
    change: str
    manifest: str
    record: Mapping[str, Any] | None
    signer: Signer | None = None
    base: Changes | None = None
    previous: Changes | None = None
    splits: Splits | None = None
    was: str = ""
    hidden: bool = False
    review: Standing | None = None
    runs: RunCount = NO_RUNS
    remarks: tuple[Finding, ...] = ()
    copies: Copies | None = None

    @property
    def state(self) -> str:
        if self.hidden:
            return NOT_KNOWN
        return str(self.record["status"]) if self.record is not None else NOT_RECORDED

    @property
    def short_id(self) -> str:
        """The run id as the tag has it, or nothing."""
        return str(self.record["tag"]).rpartition("/")[2] if self.record else ""


@dataclass(frozen=True)
class Report:
    """The verdict, its findings worst first, its scope, and the experiments, those without a record first."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    scope: Mapping[str, Any]
    entries: Sequence[Entry]

    @property
    def held(self) -> Iterator[Held]:
        """The copies of each record of the report."""
        for entry in self.entries if self.scope.get("copies") else ():
            if entry.record is not None and entry.copies is not None:
                yield Held(str(entry.record["tag"]), entry.copies)

    @property
    def base(self) -> str | None:
        """The rev that was asked for as base, as it was given."""
        return str(self.scope["base"]["rev"]) if self.scope["base"] else None
