"""Judging one sealed record: the tag object under a refname, against what the ledger says of it."""

from __future__ import annotations

from arcgit.model import canonical, gitobject, record, tagmessage
from arcgit.model.finding import Finding, error, unknown
from arcgit.model.gitobject import TagObject, object_id
from arcgit.model.names import RecordName
from arcgit.model.policy import Policy
from arcgit.model.record import Record
from arcgit.rules.signature import Verifier, signer_findings
from arcgit.rules.state import ROLES, RecordState
from arcgit.rules.steps import Steps, whole


def judge_tag(
    name: RecordName, raw: bytes, *, archive: str, policy: Policy, known: RecordState | None, verify: Verifier
) -> tuple[Record | None, list[Finding]]:
    """The record inside the raw tag object, if it can be read, and everything wrong with it.

    `known` is what the ledger recorded under this name, `policy` the one in force at that position (today's where the
    ledger knows nothing).
    """
    return whole(tag_steps(name, raw, archive=archive, policy=policy, known=known, verify=verify))


def tag_steps(
    name: RecordName, raw: bytes, *, archive: str, policy: Policy, known: RecordState | None, verify: Verifier
) -> Steps[tuple[Record | None, list[Finding]]]:
    """As `judge_tag`, in steps."""
    subject = name.tag
    findings = _as_recorded(subject, raw, known)
    try:
        tag = gitobject.parse_tag(raw)
    except gitobject.GitObjectError as fault:
        return None, [*findings, error("tag-not-canonical", subject, f"the tag object is malformed: {fault}")]
    if tag.target_type != "commit":
        message = f"the tag points to a {tag.target_type}"
        return None, [*findings, error("tag-type", subject, message, expected="commit", found=tag.target_type)]
    if tag.name != name.tag:
        message = "the tag object was made under another name"
        findings.append(error("tag-name-mismatch", subject, message, expected=name.tag, found=tag.name))
    yield
    findings += _signature(subject, tag, policy, verify)
    yield
    sealed, faults = _content(subject, tag, name)
    findings += faults
    if sealed is not None:
        findings += _consistency(subject, sealed, tag, archive, known)
    return sealed, findings


def _as_recorded(subject: str, raw: bytes, known: RecordState | None) -> list[Finding]:
    if known is None:
        message = "the ledger does not know this tag"
        hint = "if it was sealed in another clone: arcgit sync there; otherwise ask its tagger"
        return [error("unrecorded-tag", subject, message, hint=hint)]
    oid = object_id("tag", raw)
    if (oid, canonical.sha256(raw)) == (known.subject.oid, known.subject.sha256):
        return []
    message = "the tag is not the one that was recorded: it was moved or made anew"
    hint = f"the recorded object is {known.subject.oid}: git fetch it from a clone that has it"
    return [error("tag-not-as-recorded", subject, message, expected=known.subject.oid, found=oid, hint=hint)]


def _signature(subject: str, tag: TagObject, policy: Policy, verify: Verifier) -> list[Finding]:
    if tag.signature is None:
        return [error("signature-missing", subject, "the tag is not signed")]
    checked = verify(policy, tag.payload, tag.signature, "git")
    return signer_findings(checked, policy, ROLES["recorded"], subject)[1]


def _content(subject: str, tag: TagObject, name: RecordName) -> tuple[Record | None, list[Finding]]:
    try:
        text, data = tagmessage.split_message(tag.message)
        if len(data) > record.MAX_RECORD_BYTES:
            message = f"the record has {len(data)} bytes"
            return None, [error("record-too-large", subject, message, expected=f"at most {record.MAX_RECORD_BYTES}")]
        sealed = record.parse(data)
    except record.UnknownRecordVersionError as fault:
        return None, [unknown("record-malformed", subject, str(fault), hint="use a version of arcgit that knows it")]
    except record.RecordError as fault:
        return None, [error("record-malformed", subject, f"the record is malformed: {fault}")]
    if text != tagmessage.readable(sealed, name):
        message = "the readable part of the tag does not say what the record says"
        return sealed, [error("tag-not-canonical", subject, message)]
    return sealed, []


def _consistency(
    subject: str, sealed: Record, tag: TagObject, archive: str, known: RecordState | None
) -> list[Finding]:
    findings = []
    predicate, content = sealed.predicate, sealed.content
    name = RecordName.parse(f"refs/tags/{subject}")
    if predicate.archive != archive:
        message = "the record was sealed for another archive"
        findings.append(error("wrong-archive", subject, message, expected=archive, found=predicate.archive))
    stated = (content.project, content.experiment, predicate.run_id)
    if name is None or stated != (name.project, name.experiment, name.run_id):
        message = "the record belongs under another name"
        findings.append(error("tag-name-mismatch", subject, message, expected="/".join(stated), found=subject))
    if predicate.commit.oid != tag.target:
        message = "the record is of another commit than the tag points to"
        findings.append(error("commit-mismatch", subject, message, expected=predicate.commit.oid, found=tag.target))
    if known is not None and known.commit != tag.target:
        message = "the ledger recorded it on another commit"
        findings.append(error("commit-mismatch", subject, message, expected=known.commit, found=tag.target))
    return findings
