"""Ledgers about policies: the first, the next, thresholds, approvals, and who may act under which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arcgit.model import policy
from tests import samples
from tests.vectors.make.chain import BASE, WIDE, Link, approval, link, policy_data, policy_of, recorded_data

if TYPE_CHECKING:
    from tests.vectors.make.ledger import Book

APPROVED = {"outcome": "approved"}
FAR = "ab" + "3" * 38


def fill(book: Book) -> None:
    """The cases."""
    _first(book)
    _next(book)
    _position(book)
    _approvals(book)


def adopt(book: Book, before: Link, label: str, text: str, version: int, *people: Any, **changes: Any) -> Link:
    """A policy event by Ada with these approvals; `changes` are of its data."""
    previous = policy.digest(_text_before(before))
    approvals = [approval(person, text, previous, version) for person in people]
    stated = changes.pop("stated", version)
    data = {**policy_data(text, previous, approvals, version), "version": stated, **changes}
    return link(before, label, "policy", book.people.ada, data=data)


def _text_before(before: Link) -> str:
    return next(str(item.event["data"]["policy"]) for item in before.links[::-1] if item.event["type"] == "policy")


# A case a line reads as a table.
# fmt: off
def _first(book: Book) -> None:
    who, genesis = book.people, book.genesis
    other = policy_of(who.roles, remotes={"x": {"url": "s3://x"}})
    made = link(genesis, "another first policy", "policy", who.ada, data=policy_data(other, None, [approval(who.ada, other, None, 1)]))
    book.add("another first policy", "The genesis names the digest of the first policy.", made, "policy-chain", fault="not the one that the genesis names")
    own = policy_of({"mallory": (who.mallory, ["admin"])})
    start = link(None, "genesis of a stranger's policy", "genesis", who.ada, data={"policy": policy.digest(own)})
    made = link(start, "a stranger's policy", "policy", who.mallory, data=policy_data(own, None, [approval(who.mallory, own, None, 1)]))
    book.add("a policy without its founder", "The genesis is signed by an admin of the first policy.", made, "signer-unknown", fault="not one of the keys")
    low = policy_of({**who.roles, "ada": (who.ada, ["recorder"])})
    start = link(None, "genesis by a recorder", "genesis", who.ada, data={"policy": policy.digest(low)})
    made = link(start, "a recorder's policy", "policy", who.carol, data=policy_data(low, None, [approval(who.carol, low, None, 1)]))
    book.add("a founder who is no admin", "The genesis is signed by an admin of the first policy.", made, "signer-role", fault="may not do this")
    bare = link(genesis, "a first policy that nobody approved", "policy", who.ada, data=policy_data(book.text, None, []))
    book.add("a first policy that nobody approved", "The first policy is judged by itself.", bare, "threshold-not-met", fault="too few admins")
    signed = [approval(who.ada, book.text, None, 1)]
    true = link(genesis, "version true", "policy", who.ada, data={**policy_data(book.text, None, signed), "version": True})
    book.add("a version that is a truth value", "It is an integer.", true, "policy-chain", fault="raise the version by one")
    digest = {"policy": book.text}
    start = link(None, "a genesis without a digest", "genesis", who.ada, data=digest)
    book.add("a genesis that does not name its policy", "The genesis names the digest of the first policy.", start, "ledger-event-invalid", fault="data.policy")


def _next(book: Book) -> None:
    who, base = book.people, book.recorded
    text = policy_of(who.roles, 2, thresholds={"policy": 2})
    two = adopt(book, base, "policy 2", text, 2, who.ada)
    three = adopt(book, two, "policy 3", policy_of(who.roles, 3), 3, who.ada, who.carol)
    book.add("a second policy", "It is approved by an admin of the first.", two)
    book.add("a third policy, approved by two", "The threshold of the policy before counts.", three)
    one = adopt(book, two, "policy 3 by one", policy_of(who.roles, 3), 3, who.ada)
    book.add("a third policy, approved by one", "The threshold of the policy before counts.", one, "threshold-not-met", fault="too few admins")

    def wrong(label: str, why: str, code: str, fault: str, text: str = text, version: int = 2, **changes: Any) -> None:
        book.add(label, why, adopt(book, base, label, text, version, who.ada, **changes), code, fault=fault)

    chain, raised = "policy-chain", "raise the version by one"
    wrong("the same version", "Versions rise by one.", chain, raised, policy_of(who.roles, 1), 1)
    wrong("a version left out", "Versions rise by one.", chain, raised, policy_of(who.roles, 3), 3)
    wrong("another version beside it", "The data say what the policy says.", chain, raised, stated=3)
    wrong("another digest", "The data have the sha256 of the text.", chain, raised, digest="0" * 64)
    wrong("another policy before", "It names the digest of the one before.", chain, raised, previous="0" * 64)
    wrong("no policy before", "It names the digest of the one before.", chain, raised, previous=None)
    wrong("no policy", "The event carries the whole policy.", chain, "carries no policy", policy=None)
    wrong("a policy that is no text", "The digest is over stored bytes.", chain, "carries no policy", policy={"version": 2})
    odd = policy_of(who.roles, 2, quorum=2)
    wrong("a policy with an unknown field", "A rule that is not understood must not be skipped.", chain, "unknown field", odd)
    loose = policy_of(who.roles, 2).replace(":", ": ", 1)
    wrong("a policy with a space", "It is canonical JSON.", chain, "not in canonical form", loose)
    far = policy_of(who.roles, 2, archive=samples.ARCHIVE.replace("0", "f"))
    wrong("another archive's policy", "A policy is for one archive.", "wrong-archive", "another archive's", far)
    newer = policy_of(who.roles, 2, schema="arcgit/policy/v2")
    made = adopt(book, base, "a newer policy", newer, 2, who.ada)
    book.add("a newer policy", "Who may act from here on is not known.", made, "?policy-chain", fault="unknown policy schema")
    for label, signer, code, fault in (("by a recorder", who.bob, "signer-role", "may not do this"), ("by a stranger", who.mallory, "signer-unknown", "not one of the keys")):
        digest = policy.digest(book.text)
        data = policy_data(text, digest, [approval(who.ada, text, digest, 2)], 2)
        made = link(base, f"a policy {label}", "policy", signer, data=data)
        book.add(f"a policy {label}", "An admin of the policy before signs the event.", made, code, fault=fault)
    named = link(base, "a policy about a record", "policy", who.ada, data=two.event["data"], name=BASE)
    book.add("a policy about a record", "Policies are about the archive.", named, "ledger-state", fault="names a record")
    tree = link(base, "a policy that changes the notes", "policy", who.ada, data=two.event["data"], tree="2" * 40)
    book.add("a policy that changes the notes", "A policy leaves the tree as it was.", tree, "notes-differ", fault="not what the events say")


def _position(book: Book) -> None:
    """Trust is judged by position in the ledger."""
    who, base = book.people, book.recorded
    roles = dict(who.roles)
    without = {name: row for name, row in roles.items() if name != "bob"}
    left = adopt(book, base, "Bob leaves", policy_of(without, 2), 2, who.ada)
    book.add("somebody leaves", "What they signed before holds for ever.", left)
    made = link(left, "Bob, gone", "reviewed", who.bob, name=BASE, data=APPROVED)
    book.add("by somebody who has left", "The policy in force at the position counts.", made, "signer-unknown", fault="not one of the keys")
    joined = adopt(book, base, "Erin joins", policy_of({**roles, "erin": (who.erin, ["recorder"])}, 2), 2, who.carol)
    made = link(joined, "recorded by Erin", "recorded", who.erin, name=WIDE, data=recorded_data(WIDE, FAR))
    book.add("by somebody who has come", "The policy in force at the position counts.", made)
    early = link(base, "recorded by Erin, early", "recorded", who.erin, name=WIDE, data=recorded_data(WIDE, FAR))
    book.add("by somebody who has not come yet", "The policy in force at the position counts.", early, "signer-unknown", fault="not one of the keys")
    less = adopt(book, base, "Bob reviews no more", policy_of({**roles, "bob": (who.bob, ["recorder"])}, 2), 2, who.ada)
    made = link(less, "Bob, without the role", "reviewed", who.bob, name=BASE, data=APPROVED)
    book.add("by somebody who had the role", "The policy in force at the position counts.", made, "signer-role", fault="may not do this")
    new = policy_of({**roles, "bob": (who.erin, ["recorder", "reviewer"])}, 2)
    rotated = adopt(book, base, "Bob's new key", new, 2, who.ada)
    made = link(rotated, "by Bob's new key", "reviewed", who.erin, actor="bob", name=BASE, data=APPROVED)
    book.add("by somebody's new key", "A person is who has the key now.", made)
    made = link(rotated, "by Bob's old key", "reviewed", who.bob, name=BASE, data=APPROVED)
    book.add("by somebody's old key", "A person is who has the key now.", made, "signer-unknown", fault="not one of the keys")


def _approvals(book: Book) -> None:
    who = book.people
    text = policy_of(who.roles, 2, thresholds={"policy": 2})
    base = adopt(book, book.recorded, "policy 2", text, 2, who.ada)
    three = policy_of(who.roles, 3)
    previous = policy.digest(text)
    ada, carol = (approval(person, three, previous, 3) for person in (who.ada, who.carol))

    def few(label: str, why: str, approvals: Any) -> None:
        data = policy_data(three, previous, approvals, 3)
        book.add(label, why, link(base, label, "policy", who.ada, data=data), "threshold-not-met", fault="too few admins")

    def by_carol(**changes: Any) -> list[dict[str, str]]:
        return [ada, approval(who.carol, three, previous, 3, **changes)]

    full = policy_data(three, previous, [{}, ada, {"signature": 7}, carol], 3)
    book.add("approvals beside others that are none", "What is no approval is passed over.", link(base, "two of four", "policy", who.ada, data=full))
    few("one person twice", "Persons are counted.", [ada, approval(who.ada, three, previous, 3)])
    few("a recorder's approval", "Admins are counted.", [ada, approval(who.bob, three, previous, 3)])
    few("a stranger's approval", "Persons of the policy before are counted.", [ada, approval(who.mallory, three, previous, 3, person="carol")])
    few("an approval of another version", "An approval is of one version.", by_carol(version=4))
    few("an approval for another place", "An approval names the policy before.", by_carol(previous=policy.digest(book.text)))
    few("an approval of another policy", "An approval names the policy's digest.", by_carol(policy="0" * 64))
    few("an approval for another archive", "An approval names the archive.", by_carol(archive=samples.ARCHIVE.replace("0", "f")))
    few("an approval signed as a tag", "SSH approvals are signed under arcgit-policy.", by_carol(namespace="git"))
    few("an approval in another's name", "It names the person who signed.", by_carol(person="dave"))
    few("an approval by another fingerprint", "It names the key that signed.", by_carol(fingerprint=who.dave.key.fingerprint))
    few("an approval without a signature", "An approval is signed.", [ada, {"person": "carol", "fingerprint": who.carol.key.fingerprint}])
    few("an approval with a comment", "A signature has one form.", by_carol(signature=carol["signature"].replace("-----\n", "-----\nComment: x\n", 1)))
    few("approvals by name", "Approvals are a list.", {"ada": ada, "carol": carol})
    few("the hundred-and-first approval", "The first 100 are looked at.", [ada, *[{}] * 99, carol])
