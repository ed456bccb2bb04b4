"""Judging one record under its ref: the tag against the ledger, then the commit and the manifest that it names."""

from __future__ import annotations

from arcgit.archive import unsynced
from arcgit.archive.atcommit import ObjectReader, commit_findings
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git.refs import MISSING, Ref
from arcgit.model import canonical
from arcgit.model.finding import Finding, error, unknown, warning
from arcgit.model.names import RecordName
from arcgit.model.policy import Policy
from arcgit.model.record import Record
from arcgit.rules import doubt
from arcgit.rules.sealed import tag_steps
from arcgit.rules.signature import Checked, Verifier
from arcgit.rules.state import RecordState
from arcgit.rules.steps import Steps, whole


def judge_ref(
    context: Context, view: LedgerView, ref: Ref, raw: bytes | None = None
) -> tuple[Record | None, list[Finding]]:
    """One record under its ref: the tag against the ledger, then the commit and manifest that it names.

    `raw` is the tag object where it was read already.
    """
    return whole(ref_steps(context, view, ref, raw))


def ref_steps(
    context: Context, view: LedgerView, ref: Ref, raw: bytes | None = None, objects: ObjectReader | None = None
) -> Steps[tuple[Record | None, list[Finding]]]:
    """As `judge_ref`, in steps. `objects` reads what the record names."""
    name = RecordName.parse(ref.name)
    if name is None:
        return None, [foreign_tag(ref)]
    if ref.kind not in ("tag", MISSING):
        message = f"the ref points to a {ref.kind}, not to an annotated tag"
        return None, [error("tag-type", name.tag, message, expected="tag", found=ref.kind)]
    known = view.ledger.records.get(ref.name)
    # Nearly all are known; of a bulk each is looked up once.
    waits = unsynced.find(context, view, ref) if known is None or known.subject.oid != ref.oid else None
    try:
        raw = raw if raw is not None else context.repo.read(ref.oid, "tag")
    except (RefusedError, UndeterminedError) as fault:
        make = error if isinstance(fault, RefusedError) else unknown
        return None, [make("object-corrupt" if make is error else "tags-missing", name.tag, fault.message)]
    policy = known.policy if known and not waits else view.ledger.require_policy()
    known = waits or known
    verify = _Watched(view.judge)
    judging = tag_steps(name, raw, archive=view.ledger.archive, policy=policy, known=known, verify=verify)
    record, findings = yield from judging
    if waits is not None:
        findings += unsynced.findings(context, view, waits, verify.last)
    elif known is not None:
        findings += _doubt(view, known, verify.last)
    if known is None and view.ledger.unread:
        # The unread rest of the ledger may have recorded it, under another policy than the last one that was read.
        message = "the part of the ledger that could be read does not know this tag"
        findings = [unknown("unrecorded-tag", name.tag, message, hint="use a version of arcgit that reads the ledger")]
    yield
    if record is not None:
        repo = context.repo
        findings += commit_findings(objects or repo, name.tag, record, shallow=repo.shallow, hint=repo.fetch_hint)
        if known is not None:
            findings += _event(name, record, known)
    return record, findings


class _Watched:
    """A `Verifier` that remembers its last outcome: which key signed the tag."""

    def __init__(self, verify: Verifier) -> None:
        self._verify = verify
        self.last = Checked()

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked:
        self.last = self._verify(policy, payload, signature, namespace)
        return self.last


def _doubt(view: LedgerView, known: RecordState, tag: Checked) -> list[Finding]:
    """Whether what sealed the record still counts: the event, and the tag, which another key may have signed."""
    found = view.ledger.doubts.get(known.seq) or doubt.compromised(view.ledger.policy, tag.fingerprint, known.seq)
    if found is None and (tag.expires or tag.revoked) and tag.fingerprint != view.ledger.keys[known.seq - 1]:
        before = max((event.time for _, event in view.ledger.events[: known.seq - 1]), default="")
        found = doubt.ended(tag.fingerprint, tag.expires, before, revoked=tag.revoked)
    return [doubt.about_record(known, found)] if found is not None else []


def _event(name: RecordName, record: Record, known: RecordState) -> list[Finding]:
    found = canonical.sha256(record.raw)
    if known.content == found:
        return []
    message = "the ledger recorded other content under this name"
    return [error("tag-not-as-recorded", name.tag, message, expected=known.content, found=found)]


def foreign_tag(ref: Ref) -> Finding:
    """The finding for a tag below exp/ that is nobody's record."""
    message = "the tag lies below exp/ but is not named like a record"
    return warning("foreign-tag", ref.name, message, hint="arcgit leaves it alone; rename it if it is yours")
