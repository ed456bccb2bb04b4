"""The audit report as JSON, in one value or in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from arcgit.report import copies as copies_part
from arcgit.report.audit import Report
from arcgit.report.audit_facts import facts

SCHEMA = "arcgit/audit-report/v1"


def document(report: Report) -> dict[str, Any]:
    """The JSON document `arcgit/audit-report/v1`."""
    return {**_head(report), "experiments": list(_experiments(report)), "records": list(_records(report))}


def pieces(report: Report, shown: Callable[[Any], str]) -> Iterator[str]:
    """The text of `document` in pieces, each of them a part that `shown` writes, indented by two; it may be very long."""
    yield shown(_head(report)).removesuffix("\n}")
    for key, rows in (("experiments", _experiments(report)), ("records", _records(report))):
        yield f',\n  "{key}": ['
        number = -1
        for number, row in enumerate(rows):
            text = shown(row).replace("\n", "\n    ")
            yield f"{',' if number else ''}\n    {text}"
        yield "\n  ]" if number >= 0 else "]"
    yield "\n}\n"


def _head(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "verdict": report.verdict.value,
        "scope": dict(report.scope),
        "findings": [finding.to_dict() for finding in report.findings],
    }


def _experiments(report: Report) -> Iterator[dict[str, Any]]:
    for entry in report.entries:
        yield {
            "experiment": entry.label,
            "manifest": entry.manifest or None,
            "change": entry.change or None,
            "was": entry.was or None,
            "record": entry.record["tag"] if entry.record else None,
            "state": entry.state,
            "runs": entry.runs.to_dict(),
            "since_base": entry.base.to_dict() if entry.base else None,
            "since_previous": entry.previous.to_dict() if entry.previous else None,
        }


def _records(report: Report) -> Iterator[dict[str, Any]]:
    for entry in report.entries:
        if entry.record is not None:
            yield {
                **entry.record,
                "signer": entry.signer.to_dict() if entry.signer else None,
                "splits": entry.splits.to_dict() if entry.splits else None,
                "copies": copies_part.to_dict(entry.copies),
                "evidence": [fact._asdict() for fact in facts(entry, report.scope)],
            }
