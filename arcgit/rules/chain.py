"""Replaying the ledger from its genesis: links, signatures, roles, policy changes, states and the rendered tree.

Trust is judged by position: an event counts if its signer held the role in the policy in force just before it. Dates
play no part. The replay stops at the first event that does not hold; what follows it has no standing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Protocol

from arcgit.model import canonical, event, forms, gitobject, policy
from arcgit.model.event import Event
from arcgit.model.finding import Finding, Severity, error, unknown
from arcgit.model.gitobject import CommitObject
from arcgit.model.policy import Policy
from arcgit.rules import doubting
from arcgit.rules.eventdata import data_fault
from arcgit.rules.ledgerstate import Entry, Ledger
from arcgit.rules.packed import Remember
from arcgit.rules.signature import Checked, Verifier, signer_findings
from arcgit.rules.state import ROLES, apply, record_fault

__all__ = ["MAX_APPROVALS", "Entry", "Ledger", "extend", "note_target", "replay"]

MAX_APPROVALS = 100


class Elsewhere(Protocol):
    """A `Verifier` that believes, and has somebody else check; also that a note reads as the event that it tells of."""

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked: ...

    def note(self, target: str | None, current: Event, tree: str) -> None:
        """The ledger has `tree` after this event, which puts a line below the commit `target`, or none."""


class _Broken(Exception):  # noqa: N818  control flow of this module, never seen outside
    def __init__(self, *findings: Finding) -> None:
        super().__init__()
        self.findings = findings


def replay(
    entries: Iterable[Entry],
    verify: Verifier,
    *,
    rendered: bool | Elsewhere = True,
    remember: Remember = "everything",
) -> tuple[Ledger, list[Finding]]:
    """The state after the valid events of `entries` (oldest first), and what is wrong with the first invalid one.

    Without `rendered` the trees are not recomputed, or elsewhere; nothing can be put on top of such a ledger.
    What is not to be remembered is forgotten; such a ledger takes little memory.
    """
    chain = _Chain(verify, Ledger.empty(remember), rendered=rendered)
    findings: list[Finding] = []
    for entry in entries:
        try:
            chain.append(entry, findings)
        except _Broken as broken:
            findings.extend(broken.findings)
            chain.ledger.unread = all(found.severity is Severity.UNKNOWN for found in broken.findings)
            break
    if chain.held_genesis is not None and not findings:
        findings.append(error("policy-chain", "event 1", "the genesis is not followed by its policy"))
    return chain.ledger, findings


def extend(ledger: Ledger, entry: Entry, verify: Verifier) -> list[Finding]:
    """Take one more event into a replayed ledger; returns what forbids it, and then the event is not taken."""
    findings: list[Finding] = []
    try:
        _Chain(verify, ledger).append(entry, findings)
    except _Broken as broken:
        findings.extend(broken.findings)
    return findings


class _Chain:
    def __init__(self, verify: Verifier, ledger: Ledger, *, rendered: bool | Elsewhere = True) -> None:
        self.verify = verify
        self.rendered = rendered
        self.ledger = ledger
        self.held_genesis: tuple[CommitObject, Event] | None = None
        self.signed = Checked()
        self.approvals: list[tuple[str, str]] = []

    def append(self, entry: Entry, findings: list[Finding]) -> None:
        subject = f"event {self.ledger.seq + 1} ({entry.oid[:12]})"
        commit = self._commit(entry, subject)
        current = self._event(commit, subject)
        self._link(entry, commit, current, subject)
        if current.type == "genesis":
            self._genesis(commit, current)
        elif current.type == "policy":
            self._policy(commit, current, subject)
        elif current.type not in event.TYPES:
            self._signer(commit, current, subject, frozenset(policy.ALL_ROLES))
            findings.append(unknown("ledger-event-invalid", subject, f"unknown event type `{current.type}`"))
        else:
            self._signer(commit, current, subject, ROLES[current.type])
        self._state(commit, current, subject)
        ledger = self.ledger
        ledger.seq, ledger.tip, ledger.tip_sha256 = current.seq, entry.oid, canonical.sha256(entry.raw)
        ledger.oids.append(entry.oid)
        ledger.events.append((entry.oid, current))
        ledger.keys.append(sys.intern(self.signed.fingerprint))
        doubting.take(ledger, self.signed, self.approvals, current)
        ledger.latest = max(ledger.latest, current.time)

    @staticmethod
    def _commit(entry: Entry, subject: str) -> CommitObject:
        try:
            commit = gitobject.parse_commit(entry.raw)
        except gitobject.GitObjectError as fault:
            if b"\nArcgit-Event: " not in entry.raw:
                raise _Broken(_foreign(subject)) from fault
            raise _Broken(error("ledger-event-invalid", subject, f"the commit is malformed: {fault}")) from fault
        if event.TRAILER not in commit.message:
            raise _Broken(_foreign(subject))
        if commit.signature is None:
            raise _Broken(error("signature-missing", subject, "the event is not signed"))
        return commit

    @staticmethod
    def _event(commit: CommitObject, subject: str) -> Event:
        try:
            return event.parse_message(commit.message)
        except event.UnknownEventVersionError as fault:
            hint = "use a version of arcgit that knows this schema"
            raise _Broken(unknown("ledger-event-invalid", subject, str(fault), hint=hint)) from fault
        except event.EventError as fault:
            raise _Broken(error("ledger-event-invalid", subject, str(fault))) from fault

    def _link(self, entry: Entry, commit: CommitObject, current: Event, subject: str) -> None:
        ledger = self.ledger
        if (commit.parent, current.previous, current.seq) != (ledger.tip, ledger.tip_sha256, ledger.seq + 1):
            raise _Broken(
                error(
                    "ledger-chain",
                    subject,
                    "the event does not follow the one before it",
                    expected=f"seq {ledger.seq + 1} on {ledger.tip}",
                    found=f"seq {current.seq} on {commit.parent}",
                )
            )
        if (current.type == "genesis") != (ledger.seq == 0) or (current.type == "policy") < (ledger.seq == 1):
            raise _Broken(error("ledger-chain", subject, "a ledger begins with one genesis and its policy"))
        if ledger.seq == 0:
            ledger.genesis = entry.oid
        elif current.archive != ledger.archive:
            message = "the event was written for another archive"
            raise _Broken(error("wrong-archive", subject, message, expected=ledger.archive, found=current.archive))

    def _signer(self, commit: CommitObject, current: Event, subject: str, roles: frozenset[str]) -> None:
        in_force = self.ledger.require_policy()
        self.signed = self.verify(in_force, commit.payload, commit.signature or b"", "git")
        self._person(self.signed, current, in_force, subject, roles)

    @staticmethod
    def _person(checked: Checked, current: Event, by: Policy, subject: str, roles: frozenset[str]) -> None:
        person, faults = signer_findings(checked, by, roles, subject)
        if faults:
            raise _Broken(*faults)
        if person != current.actor:
            message = "the event was signed by somebody else than its actor"
            raise _Broken(error("ledger-event-invalid", subject, message, expected=current.actor, found=str(person)))

    def _genesis(self, commit: CommitObject, current: Event) -> None:
        self.ledger.archive = current.archive
        self.held_genesis = (commit, current)

    def _policy(self, commit: CommitObject, current: Event, subject: str) -> None:
        text, proposed = self._proposed(current, subject)
        ledger = self.ledger
        digest = policy.digest(text)
        version = ledger.policy.version + 1 if ledger.policy else 1
        stated = (current.data.get("version"), current.data.get("digest"), current.data.get("previous"))
        named = stated == (proposed.version, digest, ledger.policy_digest or None) and stated[0] is not True
        if not named or proposed.version != version:
            message = "a policy must raise the version by one and name the digest of the one before"
            raise _Broken(error("policy-chain", subject, message, expected=f"version {version}", found=str(stated)))
        if proposed.archive != ledger.archive:
            message = "the policy is another archive's"
            raise _Broken(error("wrong-archive", subject, message, expected=ledger.archive, found=proposed.archive))
        judge = ledger.policy or proposed
        if self.held_genesis is not None:
            genesis_commit, genesis = self.held_genesis
            if genesis.data["policy"] != digest:
                message = "the first policy is not the one that the genesis names"
                raise _Broken(error("policy-chain", subject, message, expected=genesis.data["policy"], found=digest))
            checked = self.verify(proposed, genesis_commit.payload, genesis_commit.signature or b"", "git")
            self._person(checked, genesis, proposed, "event 1", ROLES["genesis"])
            ledger.founder = checked.fingerprint
        self.signed = self.verify(judge, commit.payload, commit.signature or b"", "git")
        self._person(self.signed, current, judge, subject, ROLES["policy"])
        self._approvals(current, judge, digest, version, subject)
        self.held_genesis = None
        ledger.policy, ledger.policy_digest, ledger.policy_seq = proposed, digest, current.seq

    @staticmethod
    def _proposed(current: Event, subject: str) -> tuple[str, Policy]:
        text = current.data.get("policy")
        if not isinstance(text, str) or len(text.encode()) > policy.MAX_POLICY_BYTES:
            raise _Broken(error("policy-chain", subject, "the event carries no policy"))
        try:
            return text, policy.parse(text)
        except policy.UnknownPolicyVersionError as fault:
            raise _Broken(unknown("policy-chain", subject, str(fault))) from fault
        except policy.PolicyError as fault:
            raise _Broken(error("policy-chain", subject, f"the policy is malformed: {fault}")) from fault

    def _approvals(self, current: Event, judge: Policy, digest: str, version: int, subject: str) -> None:
        payload = policy.approval_payload(
            archive=self.ledger.archive, version=version, previous=self.ledger.policy_digest or None, policy=digest
        )
        approvals = current.data.get("approvals")
        self.approvals = []
        persons = {
            person
            for approval in (approvals if isinstance(approvals, list) else [])[:MAX_APPROVALS]
            if (person := self._approver(approval, judge, payload)) is not None
        }
        if len(persons) < judge.thresholds.policy:
            raise _Broken(
                error(
                    "threshold-not-met",
                    subject,
                    "too few admins of the policy before have approved this one",
                    expected=str(judge.thresholds.policy),
                    found=f"{len(persons)}: {', '.join(sorted(persons)) or 'nobody'}",
                    hint="`arcgit policy sign` adds an approval",
                )
            )

    def _approver(self, approval: Any, judge: Policy, payload: bytes) -> str | None:
        signature = approval.get("signature") if isinstance(approval, dict) else None
        if not isinstance(signature, str):
            return None
        checked = self.verify(judge, payload, signature.encode(), policy.NAMESPACE)
        person, faults = signer_findings(checked, judge, ROLES["policy"], "")
        said = (approval.get("fingerprint"), approval.get("person"))
        if person is None or faults or said != (checked.fingerprint, person):
            return None
        if doubting.ended(self.ledger, checked, self.ledger.seq + 1) is None:
            self.approvals.append((person, checked.fingerprint))
        return person

    def _state(self, commit: CommitObject, current: Event, subject: str) -> None:
        ledger = self.ledger
        if fault := data_fault(current):
            raise _Broken(error("ledger-event-invalid", subject, f"`{current.type}`: {fault}"))
        if fault := record_fault(ledger.records, current):
            raise _Broken(error("ledger-state", subject, f"`{current.type}` cannot happen here: {fault}"))
        if self.rendered is True:
            self._tree(commit, current, subject)
        elif self.rendered:
            self.rendered.note(note_target(ledger, current), current, commit.tree)
        if current.type == "run":
            ledger.runs.append(current)
        elif ledger.policy is not None and current.type in ROLES:
            apply(ledger.records, current, ledger.policy)

    def _tree(self, commit: CommitObject, current: Event, subject: str) -> None:
        ledger = self.ledger
        target = note_target(ledger, current)
        planned = ledger.tree.preview(target, current) if target else None
        expected = planned[-1].oid if planned else ledger.tree.oid
        if commit.tree != expected:
            message = "the notes shown by `git log --notes=arcgit` are not what the events say"
            raise _Broken(error("notes-differ", subject, message, expected=expected, found=commit.tree))
        if target and planned:
            ledger.tree.take(target, planned)


def note_target(ledger: Ledger, current: Event) -> str | None:
    """The commit whose note `current` belongs to, or None where the tree stays as it was."""
    stated = current.data.get("commit")
    if current.type in {"recorded", "run"} and isinstance(stated, str) and forms.is_oid(stated):
        return stated
    record = ledger.records.get(current.subject.refname) if current.subject else None
    return record.commit if record else None


def _foreign(subject: str) -> Finding:
    return error(
        "ledger-foreign-commit",
        subject,
        "the commit is not an arcgit event (stock `git notes` writes such commits)",
        hint="`arcgit sync` backs such commits up under refs/arcgit/lost/ and drops them",
    )
