"""Vectors of whole archives: the ledger, its events and its policies, and what a verifier knew of it before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.model import policy as policies
from arcgit.model.canonical import sha256
from arcgit.model.event import Subject
from tests.compat import spoil
from tests.compat.archive import person_of, signer_of
from tests.compat.spoil import LEDGER, raw, write
from tests.vectors.make.whole_bench import Change, Copy, Vector, commits, relink, seal
from tests.world import git


def by(who: str, about: str | None = None, **fields: Any) -> Change:
    """One more signed event past every rule."""
    return lambda copy: spoil.signed(lambda archive: getattr(archive, who), about=about, **fields)(copy.work, copy)


def chained(change: Callable[[list[bytes]], list[bytes]]) -> Change:
    """The commits of the ledger in another order or number, linked anew."""
    return lambda copy: relink(copy, change(commits(copy)))


def unsigned(data: list[bytes]) -> list[bytes]:
    """The last event without its signature."""
    head, _, message = data[-1].partition(b"\n\n")
    return [*data[:-1], head.partition(b"\ngpgsig ")[0] + b"\n\n" + message]


def edited(data: list[bytes]) -> list[bytes]:
    """The last event in somebody else's name."""
    return [*data[:-1], data[-1].replace(b'"actor":"bob"', b'"actor":"ada"').replace(b" by bob", b" by ada")]


def merged(copy: Copy) -> None:
    """The last commit with a second parent."""
    data = commits(copy)[-1]
    second = git(copy.work, "rev-parse", f"{LEDGER}~2").encode()
    oid = write(copy.work, "commit", data.replace(b"\nauthor ", b"\nparent " + second + b"\nauthor ", 1))
    git(copy.work, "update-ref", LEDGER, oid)


def noted(copy: Copy) -> None:
    """A signed event whose tree says something else."""
    tip = gitobject.parse_commit(commits(copy)[-1])
    tree = git(copy.work, "rev-parse", "main^{tree}")
    payload = gitobject.commit_payload(tree=tree, parent=tip.parent, author=tip.author, message=tip.message)
    signed = gitobject.sign_commit(payload, signer_of(copy.bob).sign(payload))
    git(copy.work, "update-ref", LEDGER, write(copy.work, "commit", signed))


def forked(copy: Copy) -> None:
    """What was last fetched is sound; the local ledger has an edited event."""
    git(copy.work, "update-ref", "refs/notes/origin/arcgit", LEDGER)
    relink(copy, edited(commits(copy)))


def other_tag(copy: Copy) -> None:
    """A review of another tag object under the same name."""
    subject = Subject(refname=copy.refname("deep"), oid="0" * 40, sha256="0" * 64)
    append(copy, "bob", type="reviewed", subject=subject, data={"outcome": "approved"})


def append(copy: Copy, who: str, **fields: Any) -> None:
    """One more signed event, its subject given as it stands."""
    tip = git(copy.work, "rev-parse", LEDGER)
    before = raw(copy.work, "commit", tip)
    last = gitobject.parse_commit(before)
    event = events.parse_message(last.message)
    new = msgspec.structs.replace(event, **{"seq": event.seq + 1, "previous": sha256(before), **fields})
    payload = gitobject.commit_payload(tree=last.tree, parent=tip, author=last.author, message=events.message(new))
    signed = gitobject.sign_commit(payload, signer_of(getattr(copy, who)).sign(payload))
    git(copy.work, "update-ref", LEDGER, write(copy.work, "commit", signed))


def proposed(
    who: str = "ada",
    change: Callable[[dict[str, Any], Copy], None] = lambda value, copy: None,
    approve: tuple[str, ...] = ("ada",),
    **stated: Any,
) -> Change:
    """A next policy, changed, approved by some, put on the ledger by somebody; `stated` is said of it instead."""

    def spoiled(copy: Copy) -> None:
        before = copy.view().ledger
        value = json.loads(policies.serialise(before.require_policy()))
        value["version"] += 1
        change(value, copy)
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        data = {
            "version": value["version"],
            "digest": policies.digest(text),
            "previous": before.policy_digest,
            "policy": text,
        }
        data |= stated
        payload = policies.approval_payload(
            archive=before.archive, version=data["version"], previous=data["previous"], policy=data["digest"]
        )
        approvals = [_approval(copy, name, payload, before.require_policy()) for name in approve]
        append(copy, who, type="policy", actor=who, subject=None, data={**data, "approvals": approvals})

    return spoiled  # fmt: skip


def _approval(copy: Copy, who: str, payload: bytes, judge: policies.Policy) -> dict[str, str]:
    person = getattr(copy, who)
    fingerprint = signer_of(person).public_key.fingerprint
    signed = signer_of(person).sign(payload, policies.NAMESPACE).decode()
    return {"fingerprint": fingerprint, "person": str(judge.person_of(fingerprint)), "signature": signed}


def myself(value: dict[str, Any], copy: Copy) -> None:
    """Mallory as one more admin."""
    value["people"]["mallory"] = msgspec.to_builtins(person_of(copy.mallory, "admin", "recorder"))


def without_bob(value: dict[str, Any], copy: Copy) -> None:
    """Bob is no longer a recorder."""
    value["people"]["bob"]["roles"] = ["reviewer"]


def removed(copy: Copy) -> None:
    """Bob loses the role; what he recorded before stays good."""
    proposed(change=without_bob)(copy)


def after_removal(copy: Copy) -> None:
    """Bob records something although he has lost the role."""
    removed(copy)
    name = seal(copy, copy.bob, recorded=False)
    tag = raw(copy.work, "tag", name.refname)
    subject = Subject(refname=name.refname, oid=git(copy.work, "rev-parse", name.refname), sha256=sha256(tag))
    commit = git(copy.work, "rev-parse", f"{name.refname}^{{commit}}")
    append(copy, "bob", type="recorded", actor="bob", subject=subject, data={"commit": commit, "record": "0" * 64, "run_id": name.run_id})  # fmt: skip


def pinned(copy: Copy, place: int, *, genesis: str = "") -> None:
    """The verifier has seen the ledger up to the event counted from the end."""
    ledger = copy.view().ledger
    oid, event = ledger.events[-1 - place]
    known = {"genesis": genesis or ledger.genesis, "founder": ledger.founder, "tip": oid, "seq": event.seq}
    copy.pin = {"schema": "arcgit/pin/v1", "archive": ledger.archive, **known}


def back(copy: Copy) -> None:
    """The pin has seen two more events, and the tag that they recorded is gone with them."""
    pinned(copy, 0)
    git(copy.work, "update-ref", "-d", copy.refname("deep"))
    git(copy.work, "update-ref", LEDGER, f"{LEDGER}~{_after(copy, 'deep')}")


def _after(copy: Copy, experiment: str) -> int:
    """How many events to take away so that an experiment was never recorded."""
    return len(commits(copy)) + 1 - _seq(copy, experiment)


def _seq(copy: Copy, experiment: str) -> int:
    return next(seq for seq, data in enumerate(commits(copy), 1) if b"recorded churn/" + experiment.encode() in data)


def rewritten(copy: Copy) -> None:
    """In the place of the last event that the pin has seen, its signer has recorded something else."""
    pinned(copy, 0)
    git(copy.work, "update-ref", LEDGER, f"{LEDGER}~1")
    seal(copy, copy.bob)
    git(copy.work, "update-ref", "-d", copy.refname("deep"))


def emptied(copy: Copy) -> None:
    """Nothing but the founding is left."""
    for name in ("baseline", "wide", "deep"):
        git(copy.work, "update-ref", "-d", copy.refname(name))
    git(copy.work, "update-ref", LEDGER, git(copy.work, "rev-list", "--reverse", LEDGER).split()[1])


def of(change: spoil.Change) -> Change:
    """A change as the archives of released formats have it."""
    return lambda copy: change(copy.work, copy)


FIXITY = {"level": "fixity", "outcome": "pass"}
UNKNOWN = "cannot-verify"
LEDGERS = (
    Vector("edited-event_fail", "ledger", "An event was put into somebody else's name after it was signed.", chained(edited)),
    Vector("unsigned-event_fail", "ledger", "The signature of an event was cut out.", chained(unsigned)),
    Vector("removed-event_fail", "ledger", "An event was taken out of the middle, and the rest linked anew.", chained(lambda data: [*data[:2], *data[3:]])),
    Vector("swapped-events_fail", "ledger", "Two events have changed places.", chained(lambda data: [*data[:2], data[3], data[2], *data[4:]])),
    Vector("event-twice_fail", "ledger", "An event was put on once more.", chained(lambda data: [*data, data[-1]])),
    Vector("genesis-alone_fail", "ledger", "A genesis is followed by the policy that it names.", lambda copy: relink(copy, commits(copy)[:1])),
    Vector("dropped-events_fail", "ledger", "The last events were taken away, and a tag that they recorded is still there.", lambda copy: git(copy.work, "update-ref", LEDGER, f"{LEDGER}~{_after(copy, 'deep')}")),
    Vector("merge-commit_fail", "ledger", "The ledger is one line.", merged),
    Vector("stock-note_fail", "ledger", "Somebody has used `git notes` on the ledger.", of(spoil.annotated)),
    Vector("notes-differ_fail", "ledger", "The notes of a signed event do not say what the events say.", noted),
    Vector("no-ledger_fail", "ledger", "The clone has no ledger; git does not fetch it by itself.", lambda copy: git(copy.work, "update-ref", "-d", LEDGER), UNKNOWN),
    Vector("local-ledger-differs_fail", "ledger", "What was last fetched is sound, and the local ledger is another one that does not hold.", forked),
    Vector("event-by-a-stranger_fail", "ledger", "The signer is in no policy.", by("mallory", "deep", type="reviewed", actor="bob", data={"outcome": "approved"})),
    Vector("event-without-role_fail", "ledger", "A recorder must not purge.", by("bob", "deep", type="purged", actor="bob", data=spoil.PURGE)),
    Vector("event-in-another-name_fail", "ledger", "The signature is Bob's, the actor Ada.", by("bob", "deep", type="reviewed", actor="ada", data={"outcome": "approved"})),
    Vector("event-of-another-archive_fail", "ledger", "The event was written for another archive.", by("bob", "deep", type="reviewed", actor="bob", archive="ffffffff-6f6b-4b0a-9c2e-1d2f3a4b5c6d", data={"outcome": "approved"})),
    Vector("event-about-another-tag_fail", "ledger", "The event names another tag object than the recorded one.", other_tag),
    Vector("recorded-twice_fail", "ledger", "A record is recorded once.", by("bob", "deep", type="recorded", actor="bob", data={"commit": "1" * 40, "record": "7" * 64, "run_id": "0" * 12})),
    Vector("never-recorded_fail", "ledger", "An event about a record that there never was.", lambda copy: append(copy, "bob", type="verified", actor="bob", subject=None, data={**FIXITY, "records": ["refs/tags/exp/churn/none/0123456789ab"]})),
    Vector("hole-in-the-sequence_fail", "ledger", "Events are numbered without a hole.", lambda copy: append(copy, "bob", type="verified", actor="bob", subject=None, seq=99, data={**FIXITY, "records": [copy.refname("deep")]})),
    Vector("wrong-digest-of-the-one-before_fail", "ledger", "An event names the sha256 of the commit before it.", lambda copy: append(copy, "bob", type="verified", actor="bob", subject=None, previous="0" * 64, data={**FIXITY, "records": [copy.refname("deep")]})),
    Vector("purged-on-hold_fail", "ledger", "A record on hold cannot be purged.", by("carol", "deep", type="purged", actor="carol", data=spoil.PURGE), base="long"),
    Vector("purged-and-restored_fail", "ledger", "What was purged cannot be restored.", by("carol", "wide", type="restored", actor="carol", data={"files": 1}), base="long"),
    Vector("unknown-type_fail", "ledger", "A reader of version 1 cannot know what the event means.", by("bob", None, type="blessed", actor="bob", data={}), UNKNOWN),
    Vector("newer-event_fail", "ledger", "A reader of version 1 is too old to judge an event of version 2.", by("bob", "deep", type="reviewed", actor="bob", schema="arcgit/event/v2", data={"outcome": "approved"}), UNKNOWN),
    Vector("policy-by-no-admin_fail", "policy", "A recorder has adopted a policy.", proposed("bob", approve=("bob",))),
    Vector("policy-by-a-stranger_fail", "policy", "Somebody has adopted a policy in which he is an admin himself.", proposed("mallory", myself, ("mallory",))),
    Vector("policy-by-nobody_fail", "policy", "No admin has approved the policy.", proposed(approve=())),
    Vector("policy-by-one-of-two_fail", "policy", "Two admins are needed, and one has approved.", of(spoil.weak_policy), base="long"),
    Vector("policy-by-one-twice_fail", "policy", "Two admins are needed, and one has approved twice: persons count.", proposed(approve=("ada", "ada")), base="long"),
    Vector("policy-rolled-back_fail", "policy", "An old version was adopted again.", proposed(change=lambda value, copy: value.update(version=1))),
    Vector("policy-skips-a-version_fail", "policy", "Versions are raised by one.", proposed(change=lambda value, copy: value.update(version=3))),
    Vector("policy-of-another-before_fail", "policy", "A policy names the digest of the one before.", proposed(previous="0" * 64)),
    Vector("policy-with-another-digest_fail", "policy", "The event names the digest of its policy.", proposed(digest="0" * 64)),
    Vector("policy-of-another-archive_fail", "policy", "The policy is of another archive.", proposed(change=lambda value, copy: value.update(archive="ffffffff-6f6b-4b0a-9c2e-1d2f3a4b5c6d"))),
    Vector("policy-with-an-unknown-field_fail", "policy", "A rule that is not understood must not be skipped.", proposed(change=lambda value, copy: value.update(mercy=True))),
    Vector("policy-without-people_fail", "policy", "Nobody could ever change it again.", proposed(change=lambda value, copy: value.update(people={}))),
    Vector("newer-policy_fail", "policy", "A reader of version 1 is too old to judge a policy of version 2.", proposed(change=lambda value, copy: value.update(schema="arcgit/policy/v2")), UNKNOWN),
    Vector("recorded-after-removal_fail", "policy", "Somebody who is a recorder no longer has recorded.", after_removal),
    Vector("rolled-back_fail", "rollback", "The ledger is sound and shorter than the verifier has seen it.", back, alone=True),
    Vector("rewritten_fail", "rollback", "The ledger is sound, and an event that the verifier has seen was signed anew.", rewritten, alone=True),
    Vector("another-archive-of-that-id_fail", "rollback", "The verifier knows an archive of that id with another genesis.", lambda copy: pinned(copy, 0, genesis="1" * 40), alone=True),
    Vector("another-trust-root_fail", "rollback", "The archive does not begin with the key that the verifier trusts.", lambda copy: None, options=("--trust-root", "0" * 40), alone=True),
    Vector("no-trust-root_fail", "rollback", "The verifier has never seen the archive, and nobody has told what it begins with.", lambda copy: None, UNKNOWN, alone=True),
    Vector("nothing-recorded_fail", "rollback", "Judging nothing is no pass.", emptied, UNKNOWN),
)  # fmt: skip
