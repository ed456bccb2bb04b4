"""Ledgers about records: links, signers, roles, notes, versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from arcgit.model.notetree import EMPTY_TREE
from tests import samples
from tests.vectors.make.chain import BASE, WIDE, Link, link, recorded_data, unsigned

if TYPE_CHECKING:
    from tests.vectors.make.ledger import Book

FAR = "ab" + "3" * 38
APPROVED = {"outcome": "approved"}
PASSED = {"level": "fixity", "outcome": "pass"}


def fill(book: Book) -> None:
    """The cases."""
    for part in (_sound, _links, _signers, _roles, _notes, _newer):
        part(book)


# A case a line reads as a table.
# fmt: off
def _sound(book: Book) -> None:
    who = book.people
    book.add("founded", "A ledger begins with its genesis and the policy that it names.", book.founded)
    book.add("a record", "A recorder records.", book.recorded)
    wide = link(book.recorded, "recorded wide", "recorded", who.ada, name=WIDE, data=recorded_data(WIDE, FAR))
    rows: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("reviewed", who.bob, {"name": BASE, "data": APPROVED}),
        ("evaluated", who.carol, {"name": BASE, "data": {"outcome": "equal", "by": "rerun"}}),
        ("amended", who.ada, {"name": BASE, "data": {"owner": "Eve", "reason": "left"}}),
        ("run", who.bob, {"data": {"commit": FAR, "outcome": "failed"}}),
        ("held", who.dave, {"name": BASE, "data": {"hold": "case-7", "reason": "a request"}}),
        ("released", who.dave, {"name": BASE, "data": {"hold": "case-7"}}),
        ("replicated", who.bob, {"data": {"remote": "cold", "records": [BASE.refname, WIDE.refname]}}),
        ("restored", who.carol, {"name": WIDE, "data": {}}),
        ("verified", who.dave, {"data": {**PASSED, "records": [WIDE.refname]}}),
    )
    life = wide
    for kind, signer, fields in rows:
        life = link(life, f"life: {kind}", kind, signer, **fields)
    book.add("a long life", "Every type of event by somebody with the role, about one record, several, or a commit.", life)
    early = link(book.recorded, "an earlier time", "reviewed", who.bob, name=BASE, data=APPROVED, time="1999-01-01T00:00:00Z")
    book.add("a time before the one before", "Times are claims; the position decides.", early)
    more = link(book.recorded, "more data", "reviewed", who.bob, name=BASE, data={**APPROVED, "note": "fine", "seen": [1]}, machine="x")
    book.add("fields of a later writer", "Unknown fields survive.", more)


def _links(book: Book) -> None:
    who = book.people
    follow = link(book.recorded, "reviewed", "reviewed", who.bob, name=BASE, data=APPROVED)
    three, last = book.recorded.links, follow
    book.add("a dropped event", "Every event names the one before it.", [*three[:2], last], "ledger-chain", fault="does not follow")
    book.add("two events swapped", "Every event names the one before it.", [*three[:2], last, three[2]], "ledger-chain", fault="does not follow")
    book.add("an event twice", "Every event names the one before it.", [*three, three[2]], "ledger-chain", fault="does not follow")
    book.add("without its genesis", "It begins with the genesis.", three[1:], "ledger-chain", fault="does not follow")
    for label, why, fields in (
        ("another digest before", "previous is the sha256 of the raw commit before.", {"previous": "0" * 64}),
        ("another parent", "The parent is the commit before.", {"parent": book.founded.oid}),
        ("no parent", "The parent is the commit before.", {"parent": None}),
        ("a number left out", "Events are numbered without holes.", {"seq": 5}),
        ("a number twice", "Events are numbered without holes.", {"seq": 3}),
    ):
        made = link(book.recorded, label, "reviewed", who.bob, name=BASE, data=APPROVED, **fields)
        book.add(label, why, made, "ledger-chain", fault="does not follow")
    other = link(book.recorded, "another archive", "reviewed", who.bob, name=BASE, data=APPROVED, archive=samples.ARCHIVE.replace("0", "f"))
    book.add("another archive", "An event is for one archive.", other, "wrong-archive", fault="another archive")
    again = link(book.recorded, "a second genesis", "genesis", who.ada, data={"policy": "8" * 64})
    book.add("a second genesis", "There is one.", again, "ledger-chain", fault="one genesis and its policy")
    early = link(book.genesis, "recorded at once", "recorded", who.bob, name=BASE, data=recorded_data(BASE))
    book.add("no policy after the genesis", "The first policy follows the genesis.", early, "ledger-chain", fault="one genesis and its policy")
    book.add("the genesis alone", "The first policy follows the genesis.", book.genesis, "policy-chain", fault="not followed by its policy")
    notes = unsigned(follow, "stock git notes", "Arcgit-Event: ", "Notes added by 'git notes add': ")
    book.add("a commit by stock git notes", "It is no event.", notes, "ledger-foreign-commit", fault="not an arcgit event")
    book.add("an event behind a foreign commit", "Behind the first fault nothing counts.", [*three, notes, last], "ledger-foreign-commit", fault="not an arcgit event")
    merge = unsigned(follow, "a merge", "\nauthor ", f"\nparent {book.founded.oid}\nauthor ")
    book.add("a merge", "A ledger commit has one parent.", merge, "ledger-event-invalid", fault="the commit is malformed")


def _signers(book: Book) -> None:
    who, base = book.people, book.recorded
    common: dict[str, Any] = {"name": BASE, "data": APPROVED}
    bare = link(base, "unsigned", "reviewed", None, actor="bob", **common)
    book.add("an unsigned event", "Every event is signed.", bare, "signature-missing", fault="not signed")
    good = link(base, "reviewed", "reviewed", who.bob, **common)
    edited = unsigned(good, "edited", '"outcome":"approved"', '"outcome":"rejected"')
    book.add("an edited event", "The signature is over the whole commit.", edited, "signature-bad", fault="does not fit")
    moved = unsigned(good, "another author", "Ada Lovelace", "Eve Lovelace")
    book.add("another author", "The signature is over the whole commit.", moved, "signature-bad", fault="does not fit")
    stranger = link(base, "by a stranger", "reviewed", who.mallory, actor="bob", **common)
    book.add("an event by a stranger", "Only the policy's keys count.", stranger, "signer-unknown", fault="not one of the keys")
    other = link(base, "in another's name", "reviewed", who.bob, actor="ada", **common)
    book.add("in somebody else's name", "The actor is who signed.", other, "ledger-event-invalid", fault="somebody else than its actor")
    nobody = link(base, "in nobody's name", "reviewed", who.bob, actor="zoe", **common)
    book.add("in nobody's name", "The actor is who signed.", nobody, "ledger-event-invalid", fault="somebody else than its actor")
    space = link(base, "another namespace", "reviewed", who.bob, namespace="arcgit-policy", **common)
    book.add("signed for another purpose", "Ledger commits are signed under the namespace git.", space, "signature-bad", fault="namespace")


def _roles(book: Book) -> None:
    who, base = book.people, book.recorded
    hold = {"hold": "case-7", "reason": "x"}
    rows: tuple[tuple[str, Any, dict[str, Any]], ...] = (
        ("recorded", who.carol, {"name": WIDE, "data": recorded_data(WIDE, FAR)}),
        ("run", who.carol, {"data": {"commit": FAR, "outcome": "failed"}}),
        ("amended", who.bob, {"name": BASE, "data": {"owner": "Eve"}}),
        ("reviewed", who.ada, {"name": BASE, "data": APPROVED}),
        ("evaluated", who.dave, {"name": BASE, "data": {"outcome": "equal"}}),
        ("held", who.bob, {"name": BASE, "data": hold}),
        ("released", who.carol, {"name": BASE, "data": {"hold": "case-7"}}),
        ("replicated", who.carol, {"name": BASE, "data": {"remote": "cold"}}),
        ("purged", who.bob, {"name": BASE, "data": {"reason": "x"}}),
        ("retired", who.carol, {"name": BASE, "data": {"reason": "x"}}),
    )
    for kind, signer, fields in rows:
        made = link(base, f"{kind} by {signer.name}", kind, signer, **fields)
        roles = " and ".join(who.roles[signer.name][1])
        book.add(f"{kind} by {roles}", "Each type has its roles.", made, "signer-role", fault="may not do this")


def _notes(book: Book) -> None:
    who, base = book.people, book.recorded
    for label, why, tree in (
        ("an empty tree", "The tree is rendered from the events.", EMPTY_TREE),
        ("a tree of other notes", "The tree is rendered from the events.", "2" * 40),
        ("the tree before the event", "The event's own line is in it.", _tree(base)),
    ):
        made = link(base, label, "reviewed", who.bob, name=BASE, data=APPROVED, tree=tree)
        book.add(label, why, made, "notes-differ", fault="not what the events say")
    run = {"commit": FAR, "outcome": "failed"}
    made = link(base, "a run without its line", "run", who.bob, data=run, tree=_tree(base))
    book.add("a run without its line", "A run stands on the note of its commit.", made, "notes-differ", fault="not what the events say")


def _newer(book: Book) -> None:
    who, base = book.people, book.recorded
    newer = link(base, "a newer event", "reviewed", who.bob, name=BASE, data=APPROVED, schema="arcgit/event/v2")
    book.add("a newer event", "It is not wrong, only not readable; nothing behind it is known.", newer, "?ledger-event-invalid", fault="unknown event schema")
    after = link(newer, "behind a newer event", "reviewed", who.bob, name=BASE, data=APPROVED)
    book.add("an event behind a newer one", "What is behind it is not read.", after, "?ledger-event-invalid", fault="unknown event schema")
    blessed = link(base, "an unknown type", "blessed", who.bob, name=BASE, data={})
    book.add("a type of a later writer", "It is signed by somebody with a role; what it means is not known.", blessed, "?ledger-event-invalid", fault="unknown event type")
    on = link(blessed, "behind an unknown type", "reviewed", who.bob, name=BASE, data=APPROVED)
    book.add("an event behind an unknown type", "It is read, but nothing is a pass any more.", on, "?ledger-event-invalid", fault="unknown event type")
    wrong = link(base, "an unknown type by a stranger", "blessed", who.mallory, name=BASE, data={}, actor="bob")
    book.add("an unknown type by a stranger", "Every event is signed by somebody of the policy.", wrong, "signer-unknown", fault="not one of the keys")
    lost = link(base, "an unknown type about no record", "blessed", who.bob, name=WIDE, data={})
    book.add("an unknown type about a record that is none", "A subject was recorded.", lost, "?ledger-event-invalid", "ledger-state", fault="never recorded")


def _tree(item: Link) -> str:
    return item.raw[5:45].decode()
