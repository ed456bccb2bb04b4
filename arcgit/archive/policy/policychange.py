"""`arcgit policy`: what is in force, what is proposed, approvals of it, and its adoption on the ledger.

A proposal in the work tree has no force. It takes force by an event of an admin that carries the whole text and approvals
by as many admins of the policy before as that policy asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange, Written, WrittenBefore, append
from arcgit.archive.ledger import LedgerView
from arcgit.archive.policy import lockout, policyfile, policywords
from arcgit.errors import RefusedError, UsageError
from arcgit.git import exchange, worktree
from arcgit.model import canonical
from arcgit.model import policy as policies
from arcgit.model.policy import Policy
from arcgit.model.tagmessage import flatten
from arcgit.model.text import word
from arcgit.rules.doubt import AT_THE_ROOT
from arcgit.rules.loosening import Loosening, loosenings
from arcgit.signing.signer import Signer

APPROVALS_FOLDER = f"{policyfile.FOLDER}/approvals"
MAX_APPROVAL_BYTES = 64 * 1024


@dataclass(frozen=True)
class Change:
    """One difference between two policies: the place, and what stood and stands there (None for nothing)."""

    place: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Proposal:
    """A proposal against the policy in force: its ledger text and digest, what it changes, and who approved it.

    `loosened` is what it would allow that is not allowed today.
    """

    policy: Policy
    text: str
    digest: str
    changes: list[Change]
    loosened: list[Loosening]
    approved: list[str]
    needed: int


def in_force(context: Context) -> LedgerView:
    """The ledger with the policy in force. Raises as `ledger.require`."""
    return ledger.require(context)


def proposal(context: Context, view: LedgerView) -> Proposal:
    """The proposal in the work tree. Raises RefusedError where it cannot follow the policy in force."""
    context.require_work_tree()
    present = view.ledger.require_policy()
    proposed = policyfile.proposal(context.root)
    if proposed is None:
        sparse = exchange.is_committed(context.root, policyfile.POLICY_FILE) and exchange.is_sparse(context.root)
        # Git does not know a path that a sparse checkout leaves out when it is told to check it out.
        way = f"git sparse-checkout add {policyfile.FOLDER}" if sparse else f"git checkout HEAD -- {policyfile.FOLDER}"
        hint = f"{way} brings it back"
        raise UsageError("policy-missing", f"there is no {policyfile.POLICY_FILE}", hint)
    if proposed.archive != present.archive:
        message = f"{policyfile.POLICY_FILE} is of archive {proposed.archive}, this is {present.archive}"
        raise RefusedError("wrong-archive", message, f"set `archive: {present.archive}`")
    policywords.require_clean(proposed, present)
    text = policies.serialise(proposed)
    found = list(changes(present, proposed))
    if found and proposed.version != present.version + 1:
        message = f"{policyfile.POLICY_FILE} has version {proposed.version}, and version {present.version} is in force"
        raise RefusedError("policy-chain", message, f"set `version: {present.version + 1}` in {policyfile.POLICY_FILE}")
    digest = policies.digest(text)
    approvals = _approvals(context, view, proposed, digest)
    people = [row["person"] for row in approvals]
    return Proposal(proposed, text, digest, found, loosenings(present, proposed), people, present.thresholds.policy)


def changes(before: Policy, after: Policy) -> Iterator[Change]:
    """What differs, in order of the places; the version itself is left out."""
    old, new = (_flat(policy) for policy in (before, after))
    for place in sorted(old.keys() | new.keys()):
        if old.get(place) != new.get(place) and place != "version":
            # What only says again that a key came or went is left out.
            if ".certificates." in place and (place not in old or place not in new):
                continue
            yield Change(place, old.get(place), new.get(place))


def _flat(policy: Policy) -> dict[str, Any]:
    value = msgspec.to_builtins(policy)
    for person in value["people"].values():
        # A certificate stays the same key when its subkeys, dates or revocations change; its digest tells.
        if person["keys"]:
            person["certificates"] = {
                key["fingerprint"]: canonical.sha256(key["public_key"].encode()) for key in person["keys"]
            }
        person["keys"] = [key["fingerprint"] for key in person["keys"]]
        person["roles"] = list(person["roles"])
    for entry in (value.get("compromised") or value.pop("compromised")).values():
        if text := entry.pop("public_key", ""):
            entry["certificate"] = canonical.sha256(text.encode())
    value["required"] = list(value["required"])
    return flatten({"": value})


def sign(context: Context, signer: Signer) -> tuple[str, Proposal]:
    """Approve the proposal: writes a file to commit beside it; returns its path. Raises RefusedError."""
    view = ledger.require(context)
    found = proposal(context, view)
    person = _require_changes(view, found, signer)
    approval = _approval(view, found, signer, person)
    path = f"{APPROVALS_FOLDER}/{found.digest[:16]}-{person}.json"
    worktree.write(context.root, path, canonical.dumps(approval) + b"\n")
    return path, proposal(context, view)


def adopt(
    context: Context,
    get_signer: Callable[[], Signer],
    *,
    exchange: Exchange,
    now: datetime,
    known: LedgerView | None = None,
) -> tuple[Appended, Proposal]:
    """Put the proposal on the ledger, with the approvals that lie beside it and one's own. Raises RefusedError.

    `known` is as in `ledger.read_once`.
    """
    adopted: list[Proposal] = []

    def decide(view: LedgerView) -> tuple[None, dict[str, Any]]:
        found = proposal(context, view)
        adopted.append(found)
        if (written := _adopted(view, found, get_signer())) is not None:
            raise WrittenBefore(written)
        person = _require_changes(view, found, get_signer())
        lockout.require_open(view.ledger.require_policy(), found.policy, now)
        own = _approval(view, found, get_signer(), person)
        others = [row for row in _approvals(context, view, found.policy, found.digest) if row["person"] != person]
        keys = ("fingerprint", "person", "signature")
        approvals = [{key: row[key] for key in keys} for row in (own, *others)]
        previous = view.ledger.policy_digest
        stated = {"version": found.policy.version, "digest": found.digest, "previous": previous, "policy": found.text}
        return None, {**stated, "approvals": approvals}

    result = append(context, get_signer, kind="policy", decide=decide, exchange=exchange, now=now, known=known)
    return result, adopted[-1]


def _adopted(view: LedgerView, found: Proposal, signer: Signer) -> Written | None:
    """The event by which this person put just this text in force, in an earlier run that may have died before its end."""
    at = view.ledger.policy_seq
    oid, event = view.ledger.events[at - 1]
    # Whoever took the own key out of the policy has signed that with it, and is known by it to the policy before.
    before = [one.policy for one in view.ledger.adopted[-2:]]
    mine = event.actor in {policy.person_of(signer.public_key.fingerprint) for policy in before}
    # The founding is nobody's adoption: whoever adopts what it says has changed nothing yet.
    return Written(at, oid) if mine and found.digest == view.ledger.policy_digest and at > AT_THE_ROOT else None


def _require_changes(view: LedgerView, found: Proposal, signer: Signer) -> str:
    person = ledger.person_of(view, signer)
    own = signer.public_key.fingerprint
    if own in found.policy.compromised:
        message = f"the proposal declares your own key {own} compromised, so it cannot vouch for the proposal"
        hint = "another admin adopts it, or you with another key that is in the policy: git config user.signingKey KEY"
        raise RefusedError("key-compromised", message, hint)
    if not found.changes:
        version = view.ledger.require_policy().version
        raise RefusedError("policy-unchanged", f"the proposal is what is in force (version {version})", "edit it first")
    return person


def _payload(view: LedgerView, version: int, digest: str) -> bytes:
    known = view.ledger
    return policies.approval_payload(
        archive=known.archive, version=version, previous=known.policy_digest or None, policy=digest
    )


def _approval(view: LedgerView, found: Proposal, signer: Signer, person: str) -> dict[str, Any]:
    signature = signer.sign(_payload(view, found.policy.version, found.digest), policies.NAMESPACE).decode()
    return {
        "fingerprint": signer.public_key.fingerprint,
        "person": person,
        "policy": found.digest,
        "schema": "arcgit/approval/v1",
        "signature": signature,
        "version": found.policy.version,
    }


def _approvals(context: Context, view: LedgerView, proposed: Policy, digest: str) -> list[dict[str, Any]]:
    """The approvals beside the proposal that count: of this text, by admins of the policy in force, each once."""
    present = view.ledger.require_policy()
    payload = _payload(view, proposed.version, digest)
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((context.root / APPROVALS_FOLDER).glob("*.json")):
        name = f"{APPROVALS_FOLDER}/{path.name}"
        way_on = f"no approval is as long: rm {word(name)}; if it was yours: arcgit policy sign"
        data = worktree.read(context.root, name, MAX_APPROVAL_BYTES, way_on=way_on)
        try:
            row = msgspec.json.decode(data or b"")
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue
        if not isinstance(row, dict) or row.get("policy") != digest or not isinstance(row.get("signature"), str):
            continue
        checked = view.judge(present, payload, row["signature"].encode(), policies.NAMESPACE)
        person = present.person_of(checked.fingerprint) if not checked.code else None
        stated = (row.get("fingerprint"), row.get("person"))
        if (
            person is not None
            and present.has_role(person, frozenset({"admin"}))
            and stated == (checked.fingerprint, person)
        ):
            found[person] = row
    return list(found.values())
