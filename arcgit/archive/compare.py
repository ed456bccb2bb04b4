"""`arcgit diff`: two records side by side, from a clone alone. No bytes of data are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from arcgit.archive import ledger, read
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.lists import Lists
from arcgit.archive.read import Page
from arcgit.archive.select import select
from arcgit.errors import UsageError
from arcgit.model.finding import Finding, worst_first
from arcgit.model.names import RecordName
from arcgit.model.record import Record
from arcgit.rules.comparison import Comparison, Unknown, compare
from arcgit.rules.state import RecordState


@dataclass(frozen=True)
class Compared:
    """Two records, what they have in common and what not, and what a judge finds wrong with either.

    `unknown` has a finding for each part that could not be told.
    """

    before: Page
    after: Page
    comparison: Comparison
    unknown: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        return worst_first([*self.unknown, *self.before.findings, *self.after.findings])

    def to_dict(self) -> dict[str, Any]:
        return {
            "before": _side(self.before),
            "after": _side(self.after),
            **self.comparison.to_dict(),
            "findings": [finding.to_dict() for finding in self.findings],
        }


def diff(context: Context, wanted: str, other: str | None) -> Compared:
    """The record `wanted` and, after it, `other`; without `other`, the record of the same experiment before `wanted`.

    Raises UsageError for an unknown name, and where there is no record before.
    """
    refs = context.repo.refs(read.RECORDS)

    def choose(view: LedgerView | None) -> list[RecordName]:
        if other is not None:
            return [name for asked in (wanted, other) for name in select(view, refs, [asked])]
        if view is None:
            view = ledger.require(context)
        name = next(iter(select(view, refs, [wanted])))
        return [_require_previous(view, name), name]

    view, names = read.trusted(context, choose)
    before, after = (read.page(context, view, name, refs) for name in names)
    comparison, unknown = compare_records(Lists(context), before.record, after.record)
    return Compared(before, after, comparison, unknown)


def compare_records(lists: Lists, before: Record, after: Record) -> tuple[Comparison, list[Finding]]:
    """Two records with the lists that this clone has, and a finding for each part that could not be told."""
    comparison = compare(before, after, files=lists.files, lineage=lists.lineage)
    return comparison, [_unknown(lists, part) for part in comparison.unknown]


def _unknown(lists: Lists, part: Unknown) -> Finding:
    what = "which files differ" if part.subject.startswith("files of ") else "what the stages were"
    return lists.finding(part.subject, part.sha256, what)


def previous(records: Mapping[str, RecordState], name: RecordName) -> RecordName | None:
    """The last record of the same experiment before this one, by the ledger's order, that is still in force."""
    known = records.get(name.refname)
    if known is None:
        return None
    experiment = (name.project, name.experiment)
    siblings = [state for state in records.values() if (state.name.project, state.name.experiment) == experiment]
    earlier = [state for state in siblings if state.seq < known.seq and not state.ended]
    return max(earlier, key=lambda state: state.seq).name if earlier else None


def _require_previous(view: LedgerView, name: RecordName) -> RecordName:
    found = previous(view.ledger.records, name)
    if found is None:
        known = name.refname in view.ledger.records
        reason = "the ledger has no earlier record of that experiment" if known else "the ledger does not know it"
        message = f"{name.tag} has nothing to be compared with: {reason}"
        raise UsageError("no-earlier-record", message, f"arcgit list, then: arcgit diff RECORD {name.tag}")
    return found


def _side(page: Page) -> dict[str, Any]:
    row = page.row.to_dict()
    kept = ("tag", "project", "experiment", "run_id", "commit", "owner", "status", "time", "purpose", "retention")
    return {**{name: row[name] for name in kept}, "recorded_by": page.signer, "amended": page.amended}
