"""Writing one record: statement, tag, ledger event, fixity lists, and all refs in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from arcgit.archive import demands, fixity, ledger, trust
from arcgit.archive.context import Context
from arcgit.archive.data import Gathered, Receipt
from arcgit.archive.environment import describe
from arcgit.archive.ledger import LedgerView
from arcgit.errors import RefusedError
from arcgit.git.repository import ZERO, RefUpdate
from arcgit.model import canonical, gitobject, tagmessage
from arcgit.model import record as records
from arcgit.model.event import Subject
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding
from arcgit.model.manifest import Waiver
from arcgit.model.names import LEDGER_REF, RecordName
from arcgit.model.notetree import RawObject
from arcgit.model.record import Record
from arcgit.model.text import word
from arcgit.rules.sealed import judge_tag
from arcgit.signing import bound
from arcgit.signing.signer import Signer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from mmap import mmap

SIGNATURES = 2
"""Of a record: one on its tag, one on its event."""
KNOWN: dict[str, list[str]] = {
    "captured": ["archive", "artifacts", "commit", "environment", "manifest", "run_id", "time"],
    "read": ["content.lineage", "content.metrics", "content.params"],
    "asserted": ["content.experiment", "content.project", "owner", "purpose", "retention", "artifacts.*.role"],
}
"""How each group of fields is known: captured by arcgit, read from a file, asserted by a person."""


@dataclass
class RecordResult:
    """What was sealed, or found to be sealed already (`created` is False). `pushed` lists refs."""

    name: RecordName
    tag_oid: str
    commit: str
    created: bool
    receipt: Receipt = field(default_factory=Receipt)
    pushed: list[str] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)


def seal(
    context: Context,
    view: LedgerView,
    signer: Signer,
    found: Experiment,
    gathered: Gathered,
    content: bytes,
    blobs: Sequence[bytes | mmap],
    commit: str,
    receipt: Receipt,
    now: datetime,
) -> RecordResult:
    ledger.require_joined(view)
    bound.require(signer, SIGNATURES)
    identity = context.settings.identity()
    sealed = _statement(context, view, found, gathered, content, commit, now)
    name = _free_name(view, sealed)
    _require_free_ref(context, name)
    payload = gitobject.tag_payload(
        target=commit,
        name=name.tag,
        tagger=ledger.person_line(identity, now),
        message=tagmessage.message(sealed, name),
    )
    raw = payload + signer.sign(payload, "git")
    oid = gitobject.object_id("tag", raw)
    subject = Subject(refname=name.refname, oid=oid, sha256=canonical.sha256(raw))
    _judge_own(view, name, raw)
    facts = {
        "commit": commit,
        "record": canonical.sha256(sealed.raw),
        "run_id": name.run_id,
        "storage": {
            "bytes_read_back": receipt.bytes,
            "objects": receipt.objects,
            "pushed": receipt.pushed,
            "read_back": receipt.read_back,
            **({"unread": receipt.unread} if receipt.unread else {}),
        },
    }
    event = ledger.build(
        view, signer, kind="recorded", subject=subject, data=facts, time=ledger.timestamp(now), identity=identity
    )
    listed, shelved = fixity.add(context.repo, blobs) or ([], None)
    # In this order, which `recover` relies upon: until the ledger moves, the record is not there.
    updates = [
        RefUpdate(name.unpushed_ref, oid, context.repo.ref(name.unpushed_ref) or ZERO),
        *([shelved] if shelved else []),
        RefUpdate(name.refname, oid, ZERO),
        RefUpdate(LEDGER_REF, event.oid, view.local or ZERO),
    ]
    with context.repo.held([*listed, RawObject("tag", oid, raw), *event.objects]):
        context.repo.update_refs(updates)
    if context.remote is None:
        trust.remember(context, view)
    demands.remember(context.repo.common_dir, view.ledger)
    return RecordResult(name, oid, commit, created=True, receipt=receipt)


def _statement(
    context: Context,
    view: LedgerView,
    found: Experiment,
    gathered: Gathered,
    content: bytes,
    commit: str,
    now: datetime,
) -> Record:
    manifest = found.manifest
    facts = {name: _plain(fact) for name, fact in sorted(gathered.facts.items())}
    statement = {
        "_type": records.STATEMENT_TYPE,
        "subject": records.subjects(gathered.facts.values(), found.produced),
        "predicateType": records.PREDICATE_TYPE,
        "predicate": {
            "schema": records.SCHEMA,
            "archive": view.ledger.archive,
            "run_id": records.run_id(content),
            "content": canonical.parse(content),
            "artifacts": facts,
            "commit": {"oid": commit, "tree": context.repo.tree_of(commit)},
            "manifest": {"path": found.manifest_path, "sha256": found.manifest_sha256},
            "owner": manifest.owner or "",
            "purpose": manifest.purpose or "",
            "retention": manifest.retention or "",
            "time": ledger.timestamp(now),
            "environment": describe(),
            "known": _known(waivers=bool(manifest.waivers)),
            "extensions": canonical.normalise(dict(manifest.extensions)),
            # Left out where there are none: what was sealed before there were waivers keeps its bytes.
            **({"waivers": [_waiver(waiver) for waiver in manifest.waivers]} if manifest.waivers else {}),
        },
    }
    raw = canonical.dumps(statement)
    if len(raw) > records.MAX_RECORD_BYTES:
        message = f"the record would have {len(raw)} bytes, more than {records.MAX_RECORD_BYTES}"
        hint = "name smaller params and metrics files in the manifest"
        raise RefusedError("record-too-large", message, hint)
    return records.parse(raw)


def _plain(fact: records.ArtifactFact) -> Any:
    import msgspec  # noqa: PLC0415

    return msgspec.to_builtins(fact)


def _known(*, waivers: bool) -> dict[str, list[str]]:
    """`KNOWN`, with the waivers among what is asserted where there are any."""
    return {**KNOWN, "asserted": [*KNOWN["asserted"], "waivers"]} if waivers else KNOWN


def _waiver(waiver: Waiver) -> Any:
    subject = {"subject": waiver.subject} if waiver.subject is not None else {}
    expires = waiver.expires.isoformat()
    return {"code": waiver.code, "expires": expires, "owner": waiver.owner, "reason": waiver.reason, **subject}


def _free_name(view: LedgerView, sealed: Record) -> RecordName:
    name = records.name_of(sealed)
    while name.refname in view.ledger.records:
        name = RecordName(name.project, name.experiment, name.run_id, name.number + 1)
    return name


def _require_free_ref(context: Context, name: RecordName) -> None:
    """Refs that git could not write, named before anything is written."""
    present = {ref.name for ref in context.repo.refs("refs/tags/exp")}
    parts = name.refname.split("/")
    above = {"/".join(parts[:n]) for n in range(3, len(parts))}
    clash = next(iter(sorted(present & (above | {name.refname}))), None)
    if clash is not None:
        message = f"the ref {clash} is in the way of {name.refname}"
        raise RefusedError(
            "bad-ref-name", message, f"if it is not needed: git tag -d {word(clash.removeprefix('refs/tags/'))}"
        )


def _judge_own(view: LedgerView, name: RecordName, raw: bytes) -> None:
    """The judgement that every verifier will make, made before anything is written."""
    policy = view.ledger.require_policy()
    _, findings = judge_tag(name, raw, archive=view.ledger.archive, policy=policy, known=None, verify=view.judge)
    faults = [found for found in findings if found.code != "unrecorded-tag"]
    if faults:
        raise RefusedError(faults[0].code, faults[0].message, faults[0].hint or "arcgit policy show")
