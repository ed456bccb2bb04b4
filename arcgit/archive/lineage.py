"""`arcgit lineage`: what a record was made from, from its sealed lineage alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from arcgit.archive import read
from arcgit.archive.context import Context
from arcgit.archive.lists import Lists
from arcgit.archive.read import Page
from arcgit.archive.row import Row
from arcgit.archive.search import search
from arcgit.errors import ArcgitError
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
    page = read.show(context, wanted)
    record, tag = page.record, page.row.name.tag
    lists = Lists(context)
    lineage = lists.lineage(record)
    unknown = []
    if lineage is None:
        unknown.append(lists.finding(tag, str(record.content.lineage["sha256"]), "what the stages were"))
    links, unreadable = _links(context, record, tag, provenance.inputs(record, lineage))
    return Traced(page, provenance.graph(record, tag, lineage, links), unknown, unreadable)


def _links(
    context: Context, record: Record, tag: str, inputs: dict[str, str]
) -> tuple[list[Link], list[tuple[str, str]]]:
    """The records that made what this one used, and the tags that could not be asked."""
    wanted = frozenset(inputs.values())

    def candidate(row: Row) -> Row | None:
        return row if any(fact.get("sha256") in wanted for fact in row.artifacts.values()) else None

    found = search(context, show=candidate)
    unreadable = list(found.unreadable)
    links = []
    for row in filter(None, found.rows):
        try:
            other = read.sealed_under(context, row.ref)[0]
        except (ArcgitError, ValueError) as fault:
            unreadable.append((row.name.tag, str(fault)))
            continue
        if row.name.tag != tag and other.raw != record.raw:
            made = provenance.outputs(other)
            used = [(path, digest) for path, digest in inputs.items() if digest in made]
            links += [Link(row.name.tag, row.status, made[digest], path, digest) for path, digest in used]
    return sorted(links, key=lambda link: (link.tag, link.used)), unreadable
