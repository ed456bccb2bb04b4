"""`arcgit list`, `show` and `log`: reading the archive. They say what stands there; judging it is `verify`'s work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.select import select
from arcgit.archive.verify import judge_ref
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git.repository import Ref
from arcgit.model import gitobject, record, tagmessage
from arcgit.model.event import Event
from arcgit.model.finding import Finding
from arcgit.model.names import RecordName
from arcgit.model.record import Record
from arcgit.rules.eventdata import records_of


@dataclass(frozen=True)
class Row:
    """One record as a list shows it. `status` is the ledger's word for it, or `unrecorded` or `altered`."""

    name: RecordName
    record: Record
    status: str

    def to_dict(self) -> dict[str, Any]:
        predicate, content = self.record.predicate, self.record.content
        return {
            "tag": self.name.tag,
            "project": self.name.project,
            "experiment": self.name.experiment,
            "run_id": self.name.run_id,
            "commit": predicate.commit.oid,
            "owner": predicate.owner,
            "status": self.status,
            "time": predicate.time,
            "purpose": predicate.purpose,
            "retention": predicate.retention,
            "params": tagmessage.flatten(content.params),
            "metrics": tagmessage.flatten(content.metrics),
        }


@dataclass(frozen=True)
class Listing:
    """All readable records, newest first, and what could not be read."""

    rows: list[Row]
    unreadable: list[tuple[str, str]]


@dataclass(frozen=True)
class Page:
    """Everything about one record: its row, tag, signer, ledger events, and what a judge finds wrong with it."""

    row: Row
    tag_oid: str
    tagger: str
    events: list[Event]
    findings: list[Finding]
    signer: str | None
    amended: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        predicate = self.row.record.predicate
        content: Any = msgspec.json.decode(predicate.content)
        return {
            **self.row.to_dict(),
            "tag_oid": self.tag_oid,
            "tagger": self.tagger,
            "recorded_by": self.signer,
            "amended": self.amended,
            "archive": predicate.archive,
            "tree": predicate.commit.tree,
            "manifest": msgspec.to_builtins(predicate.manifest),
            "artifacts": msgspec.to_builtins(predicate.artifacts),
            "lineage": content["lineage"],
            "environment": predicate.environment,
            "known": predicate.known,
            "waivers": msgspec.to_builtins(predicate.waivers),
            "events": [ledger.to_dict(event) for event in self.events],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def list_records(context: Context) -> Listing:
    """Every record whose tag is here."""
    view = ledger.in_force(context)
    rows, unreadable = [], []
    for ref, name in _record_refs(context):
        try:
            sealed, _ = sealed_under(context, ref)
        except (ArcgitError, ValueError) as fault:
            unreadable.append((name.tag, str(fault)))
            continue
        rows.append(Row(name, sealed, status_of(view, ref)))
    rows.sort(key=lambda row: (row.record.predicate.time, row.name), reverse=True)
    return Listing(rows, unreadable)


def show(context: Context, wanted: str) -> Page:
    """One record. Raises UsageError for an unknown name, RefusedError where its tag cannot be read as a record."""
    view = ledger.in_force(context)
    refs = context.repo.refs("refs/tags/exp")
    name = next(iter(select(view, refs, [wanted])))
    ref = next((ref for ref in refs if ref.name == name.refname), None)
    if ref is None:
        hint = f"arcgit sync, or: git fetch {context.remote or 'origin'} {name.refname}:{name.refname}"
        raise UndeterminedError("recorded-tag-missing", f"the tag of {name.tag} is not in this clone", hint)
    try:
        sealed, tagger = sealed_under(context, ref)
    except ValueError as fault:
        raise RefusedError("record-malformed", f"{name.tag} cannot be read: {fault}", "arcgit verify") from fault
    findings: list[Finding] = []
    if view is not None and view.ledger.policy is not None:
        findings = [*view.findings, *judge_ref(context, view, ref)[1]]
    known = view.ledger.records.get(ref.name) if view else None
    row = Row(name, sealed, status_of(view, ref))
    events = list(known.events) if known else []
    recorder = known.recorder if known else None
    return Page(row, ref.oid, tagger, events, findings, recorder, known.amended if known else {})


def log(context: Context, wanted: str | None) -> list[tuple[str, Event]]:
    """The ledger's events with their commit oids, oldest first; of one record where `wanted` names it."""
    view = ledger.in_force(context)
    if view is None:
        hint = f"arcgit init (or, in a clone of an archive: {ledger.fetch_command(context)})"
        raise UndeterminedError("ledger-missing", "this repository has no arcgit ledger", hint)
    events = view.ledger.events
    if wanted is None:
        return events
    name = next(iter(select(view, context.repo.refs("refs/tags/exp"), [wanted])))
    return [(oid, event) for oid, event in events if name.refname in records_of(event)]


def _record_refs(context: Context) -> Iterator[tuple[Ref, RecordName]]:
    for ref in context.repo.refs("refs/tags/exp"):
        name = RecordName.parse(ref.name)
        if name is not None:
            yield ref, name


def sealed_under(context: Context, ref: Ref) -> tuple[Record, str]:
    """The record in the tag under a ref, and its tagger line. Raises ArcgitError, ValueError where it cannot be read."""
    tag = gitobject.parse_tag(context.repo.read(ref.oid, "tag"))
    return record.parse(tagmessage.split_message(tag.message)[1]), tag.tagger


def status_of(view: LedgerView | None, ref: Ref) -> str:
    """The ledger's word for the record under a ref, or `unrecorded` or `altered`."""
    known = view.ledger.records.get(ref.name) if view else None
    if known is None:
        return "unrecorded"
    if known.subject.oid != ref.oid:
        return "altered"
    return "held" if known.holds and known.status == "recorded" else known.status
