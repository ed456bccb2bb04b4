"""`arcgit lineage`: what a record was made from, from its sealed lineage alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from arcgit.archive import ledger, read
from arcgit.archive.context import Context
from arcgit.archive.lists import Lists
from arcgit.archive.read import Listing, Page
from arcgit.model.finding import Finding, worst_first
from arcgit.model.record import Record
from arcgit.rules import provenance
from arcgit.rules.provenance import Graph, Link


@dataclass(frozen=True)
class Traced:
    """A record and its graph. `unknown` says that the lineage is not at hand; `unreadable` tags could not be asked."""

    page: Page
    graph: Graph
    unknown: list[Finding]
    unreadable: list[tuple[str, str]]

    @property
    def findings(self) -> list[Finding]:
        return worst_first([*self.unknown, *self.page.findings])

    def to_dict(self) -> dict[str, Any]:
        return {
            "record": self.page.row.to_dict(),
            **self.graph.to_dict(),
            "unreadable": [{"tag": tag, "reason": reason} for tag, reason in self.unreadable],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def trace(context: Context, wanted: str) -> Traced:
    """One record and what it was made from. Raises UsageError for an unknown name."""
    view = ledger.in_force(context)
    page = read.page(context, view, wanted)
    record, tag = page.row.record, page.row.name.tag
    lists = Lists(context)
    lineage = lists.lineage(record)
    unknown = []
    if lineage is None:
        unknown.append(lists.finding(tag, str(record.content.lineage["sha256"]), "what the stages were"))
    others = read.listing(context, view)
    links = _links(record, tag, provenance.inputs(record, lineage), others)
    return Traced(page, provenance.graph(record, tag, lineage, links), unknown, others.unreadable)


def _links(record: Record, tag: str, inputs: dict[str, str], others: Listing) -> list[Link]:
    found = []
    for row in others.rows:
        if row.name.tag != tag and row.record.raw != record.raw:
            made = provenance.outputs(row.record)
            used = [(path, digest) for path, digest in inputs.items() if digest in made]
            found += [Link(row.name.tag, row.status, made[digest], path, digest) for path, digest in used]
    return sorted(found, key=lambda link: (link.tag, link.used))
