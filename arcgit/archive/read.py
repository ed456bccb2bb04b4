"""`arcgit show` and `log`: reading the archive. They say what stands there; judging all of it is `verify`'s work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from arcgit.archive import ledger, unsynced
from arcgit.archive.context import Context
from arcgit.archive.judge import ClaimReader
from arcgit.archive.judgeref import judge_ref
from arcgit.archive.ledger import LedgerView
from arcgit.archive.row import Row
from arcgit.archive.select import select
from arcgit.archive.standing import standing_of
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git.refs import Ref
from arcgit.model import gitobject, record, tagmessage
from arcgit.model import summary as summaries
from arcgit.model.event import Event
from arcgit.model.finding import Finding
from arcgit.model.names import RecordName
from arcgit.model.record import Record
from arcgit.model.summary import Summary
from arcgit.model.text import word
from arcgit.rules import survival, waivers
from arcgit.rules.eventdata import records_of
from arcgit.rules.history import NOTHING, Histories, History
from arcgit.rules.proof import Proofs, proofs
from arcgit.rules.runs import experiment_of
from arcgit.rules.state import RecordState
from arcgit.rules.survival import Held

RECORDS = "refs/tags/exp"
_ABOUT_POLICIES = (b'"type":"genesis"', b'"type":"policy"', b'"namespace":"arcgit-policy"')


@dataclass(frozen=True)
class Page:
    """Everything about one record: its row, tag, signer, ledger events, and what a judge finds wrong with it."""

    row: Row
    record: Record
    tag_oid: str
    tagger: str
    events: list[Event]
    findings: list[Finding]
    signer: str | None
    amended: dict[str, str]
    history: History = NOTHING
    today: date | None = None
    proofs: Proofs = field(default_factory=Proofs)

    @property
    def held(self) -> list[Held]:
        """What of it lies where, and when that was last proven, as events of the ledger claim."""
        return survival.held(self.row.name.refname, self.record.predicate.artifacts, self.proofs)

    def to_dict(self) -> dict[str, Any]:
        predicate = self.record.predicate
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
            "waivers": waivers.as_sealed(predicate.waivers, self.today),
            **self.history.to_dict(),
            "proven": [one.to_dict() for one in self.held],
            "events": [ledger.to_dict(event) for event in self.events],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def show(context: Context, wanted: str, *, today: date | None = None) -> Page:
    """One record, its signatures checked: its tag, its events, and the policies that they hang on.

    With `today` it is said which of its waivers have ended.

    Raises UsageError for an unknown name, RefusedError where its tag cannot be read as a record.
    """
    refs = context.repo.refs(RECORDS)
    view, names = trusted(context, lambda view: list(select(view, refs, [wanted])))
    return page(context, view, names[0], refs, today=today)


def page(
    context: Context, view: LedgerView | None, name: RecordName, refs: Sequence[Ref], *, today: date | None = None
) -> Page:
    """One record by a ledger that was read already; `refs` has its ref, if it is here."""
    ref = next((ref for ref in refs if ref.name == name.refname), None)
    if ref is None:
        hint = f"arcgit sync, or: git fetch {word(context.remote or 'origin')} {name.refname}:{name.refname}"
        raise UndeterminedError("recorded-tag-missing", f"the tag of {name.tag} is not in this clone", hint)
    try:
        sealed, tagger, summary = sealed_under(context, ref)
    except ValueError as fault:
        raise RefusedError("record-malformed", f"{name.tag} cannot be read: {fault}", "arcgit verify") from fault
    findings: list[Finding] = []
    if view is not None and view.ledger.policy is not None:
        findings = [*view.findings, *judge_ref(context, view, ref)[1]]
    known = view.ledger.records.get(ref.name) if view else None
    if today is not None and not (known and known.ended):
        findings += waivers.ended(name.tag, sealed.predicate.waivers, today)
    waits = view is not None and view.ledger.policy is not None and unsynced.find(context, view, ref) is not None
    histories = Histories(view.ledger if view and known else None)
    row = Row(ref, name, summary, standing_of(known, histories.people) if known else None, waits=waits)
    events, history = (list(known.events), histories.of(known)) if known else ([], NOTHING)
    said = proofs_of(known)
    return Page(row, sealed, ref.oid, tagger, events, findings, row.signer, row.amended, history, today, said)


def proofs_of(state: RecordState | None) -> Proofs:
    """What the events about one record claim of fixity; those in doubt claim nothing."""
    if state is None:
        return Proofs()
    return proofs([("", event) for event in state.events if event.seq not in state.doubted], {})


def sealed_under(context: Context, ref: Ref) -> tuple[Record, str, Summary]:
    """The record in the tag under a ref, its tagger line, and its summary. Raises ArcgitError, ValueError."""
    raw = context.repo.read(ref.oid, "tag")
    tag = gitobject.parse_tag(raw)
    return record.parse(tagmessage.split_message(tag.message)[1]), tag.tagger, summaries.of_tag(raw)


def trusted(
    context: Context, choose: Callable[[LedgerView | None], list[RecordName]]
) -> tuple[LedgerView | None, list[RecordName]]:
    """The ledger, relied upon for the records that `choose` takes; replayed as a whole where anything does not hold."""
    claims = ClaimReader(keep=True)
    view = ledger.in_force(context, claims)
    names = choose(view)
    if view is not None and (view.findings or not _holds(view, claims, names)):
        view = ledger.in_force(context)
        names = choose(view)
    return view, names


def _holds(view: LedgerView, claims: ClaimReader, names: Sequence[RecordName]) -> bool:
    """True where the signatures of the records' events, of the policies and of their approvals are good.

    Which payloads these are is told by words that canonical JSON spells in one way only.
    """
    words = [*_ABOUT_POLICIES, *(name.refname.encode() for name in names)]
    words += [b'"experiment":"%s"' % name.experiment.encode() for name in names]  # the runs of it
    asked = (believed for believed in claims.believed if any(word in believed[1] for word in words))
    return all(not view.judge(*believed).code for believed in asked)


def log(context: Context, wanted: str | None) -> list[tuple[str, Event]]:
    """The ledger's events with their commit oids, oldest first; of one record where `wanted` names it."""
    view = claimed(context)
    events = list(view.ledger.events)
    if wanted is None:
        return events
    if (of := about_experiment(view, wanted)) is not None:
        return [(oid, event) for oid, event in events if of(event)]
    name = next(iter(select(view, context.repo.refs(RECORDS), [wanted])))
    return [(oid, event) for oid, event in events if name.refname in records_of(event)]


def claimed(context: Context) -> LedgerView:
    """The ledger in force as it is written, its signatures not checked. Raises UndeterminedError without one."""
    view = ledger.in_force(context, ClaimReader())
    if view is None:
        hint = f"arcgit init (or, in a clone of an archive: {ledger.fetch_command(context)})"
        raise UndeterminedError("ledger-missing", "this repository has no arcgit ledger", hint)
    return view


def about_experiment(view: LedgerView, wanted: str) -> Callable[[Event], bool] | None:
    """Tells the events of an experiment, its runs with them, if `wanted` is the name of exactly one; else None."""
    keys = {(state.name.project, state.name.experiment) for state in view.ledger.records.values()}
    keys |= {key for event in view.ledger.runs if (key := experiment_of(event)) is not None}
    chosen = [key for key in keys if wanted in {"/".join(key), key[1]}]
    if len(chosen) != 1:
        return None
    known = {state.name.refname for state in view.ledger.records.values() if _key(state.name) == chosen[0]}
    return lambda event: (
        (event.type == "run" and experiment_of(event) == chosen[0]) or bool(known & set(records_of(event)))
    )


def _key(name: RecordName) -> tuple[str, str]:
    return name.project, name.experiment
