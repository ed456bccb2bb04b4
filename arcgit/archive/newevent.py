"""New events: what somebody with a key puts on top of a ledger, held first to the judgement that every verifier makes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arcgit.archive.ledger import LedgerView, require_joined
from arcgit.errors import RefusedError
from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.model.event import Event, Subject
from arcgit.model.notetree import EMPTY_TREE, RawObject
from arcgit.model.policy import Policy
from arcgit.rules.chain import Entry, Ledger, extend, note_target
from arcgit.signing.signer import Signer


@dataclass(frozen=True)
class NewEvent:
    """An event ready to be written: the objects that it needs, the last of them its commit."""

    event: Event
    oid: str
    objects: tuple[RawObject, ...]


def build(
    view: LedgerView,
    signer: Signer,
    *,
    kind: str,
    subject: Subject | None,
    data: dict[str, Any],
    time: str,
    identity: tuple[str, str],
) -> NewEvent:
    """Sign one more event on top of `view`, which then has it. Nothing is written to the repository.

    Raises RefusedError where role or state forbid it: the same judgement that every verifier will make.
    """
    require_joined(view)
    ledger = view.ledger
    actor = person_of(view, signer)
    new = Event(
        schema=events.SCHEMA,
        archive=ledger.archive,
        seq=ledger.seq + 1,
        type=kind,
        actor=actor,
        time=time,
        previous=ledger.tip_sha256,
        subject=subject,
        data=data,
    )
    target = note_target(ledger, new) or (data.get("commit") if kind == "recorded" else None)
    planned = ledger.tree.preview(target, new) if target else (RawObject("tree", EMPTY_TREE, b""),)
    tree = planned[-1].oid if target else ledger.tree.oid
    commit = sign_event(new, signer, tree=tree, parent=ledger.tip, identity=identity)
    if faults := extend(ledger, Entry(commit.oid, commit.raw), view.judge):
        hint = "arcgit log RECORD tells what happened" if faults[0].code == "ledger-state" else "arcgit policy show"
        raise RefusedError(faults[0].code, faults[0].message, faults[0].hint or hint)
    if doubt := ledger.doubts.get(new.seq):
        hint = "take a key that is in order: arcgit keys list, git config user.signingKey KEY"
        hint = f"arcgit explain {doubt.code}" if doubt.code == "policy-doubted" else hint
        raise RefusedError(doubt.code, f"the event would not count: {doubt.message}", hint)
    return NewEvent(new, commit.oid, (*planned, commit))


def sign_event(new: Event, signer: Signer, *, tree: str, parent: str | None, identity: tuple[str, str]) -> RawObject:
    """The raw signed commit of an event. The commit's date is the event's claimed time."""
    moment = datetime.fromisoformat(new.time.replace("Z", "+00:00"))
    author = person_line(identity, moment)
    payload = gitobject.commit_payload(tree=tree, parent=parent, author=author, message=events.message(new))
    raw = gitobject.sign_commit(payload, signer.sign(payload, "git"))
    return RawObject("commit", gitobject.object_id("commit", raw), raw)


def person_line(identity: tuple[str, str], moment: datetime) -> str:
    """A git identity line in UTC; characters that git has no room for are dropped, as git does."""
    name, email = ("".join(char for char in part if char not in "<>\n\r\0").strip(" .,:;\"'") for part in identity)
    return f"{name or 'unknown'} <{email}> {int(moment.timestamp())} +0000"


def person_of(view: LedgerView, signer: Signer) -> str:
    """The policy's person behind a signing key. Raises RefusedError."""
    policy = view.ledger.require_policy()
    person = policy.person_of(signer.public_key.fingerprint)
    if person is None:
        message = f"your key {signer.public_key.fingerprint} is not in the archive's policy"
        raise RefusedError("signer-unknown", message, _way_in(view.ledger, policy, signer.public_key.fingerprint))
    return person


def _way_in(ledger: Ledger, policy: Policy, fingerprint: str) -> str:
    """What somebody can do whose key is not in the policy: its own newer key may be, where it was taken out."""
    known = (one.policy.person_of(fingerprint) for one in reversed(ledger.adopted))
    person = policy.people.get(next((name for name in known if name is not None), ""))
    if person is not None and person.keys:
        keys = " or ".join(key.fingerprint for key in person.keys)
        return f"{person.name} signs with {keys} by now: git config user.signingKey KEY"
    admins = ", ".join(name for name, entry in policy.people.items() if "admin" in entry.roles)
    return f"ask an admin ({admins}) to add it, or choose another key: git config user.signingKey KEY"


def timestamp(now: datetime) -> str:
    """`now` (aware) as events and records write it: UTC, whole seconds."""
    from datetime import timezone  # noqa: PLC0415

    return now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
