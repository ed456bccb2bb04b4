"""Ledgers about records: states, holds, data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.vectors.make.chain import BASE, WIDE, Link, link, recorded_data, second, subject_of

if TYPE_CHECKING:
    from tests.vectors.make.ledger import Book

FAR = "ab" + "3" * 38
APPROVED = {"outcome": "approved"}
PASSED = {"level": "fixity", "outcome": "pass"}


def fill(book: Book) -> None:
    """The cases."""
    for part in (_states, _holds, _data):
        part(book)


# A case a line reads as a table.
# fmt: off
def _states(book: Book) -> None:
    who, base = book.people, book.recorded
    end = {"reason": "replaced"}
    retired = link(base, "retired", "retired", who.dave, name=BASE, data=end)
    purged = link(base, "purged", "purged", who.dave, name=BASE, data=end)
    two, three = second(BASE), second(BASE, 3)
    for first in (retired, purged):
        new = link(first, f"recorded again, {first.label}", "recorded", who.bob, name=two, data=recorded_data(two))
        book.add(f"recorded again after it was {first.label}", "The same content gets the next number.", new)
    look = link(retired, "reviewed, retired", "reviewed", who.bob, name=BASE, data=APPROVED)
    book.add("a retired record reviewed", "Retiring leaves a record readable; only retiring again is refused.", look)
    gone = link(retired, "purged, retired", "purged", who.dave, name=BASE, data=end)
    book.add("a retired record purged", "Data of a retired record may be purged.", gone)

    def impossible(before: Link, label: str, why: str, kind: str, fault: str, **fields: Any) -> None:
        signer = {"recorded": who.bob, "reviewed": who.bob, "verified": who.dave}.get(kind, who.dave)
        made = link(before, label, kind, signer, **fields)
        book.add(label, why, made, "ledger-state", fault=fault)

    impossible(base, "recorded twice", "A record is recorded once.", "recorded", "recorded before", name=BASE, data=recorded_data(BASE))
    impossible(base, "number 2 before the first has ended", "There is one record in force.", "recorded", "still in force", name=two, data=recorded_data(two))
    impossible(retired, "number 3 before number 2", "Numbers have no holes.", "recorded", "still in force", name=three, data=recorded_data(three))
    impossible(base, "a run id that is not the name's", "The tag's name has the run id.", "recorded", "not the one in the tag's name", name=WIDE, data=recorded_data(BASE))
    impossible(book.founded, "reviewed before it was recorded", "A record is recorded first.", "reviewed", "never recorded", name=BASE, data=APPROVED)
    impossible(base, "about another tag object", "The event names the object that was recorded.", "reviewed", "another tag object", subject=subject_of(BASE, oid="0" * 40), data=APPROVED)
    impossible(base, "about other bytes", "The event names the bytes that were recorded.", "reviewed", "another tag object", subject=subject_of(BASE, sha256="0" * 64), data=APPROVED)
    impossible(base, "about another ref", "A subject is a record.", "reviewed", "not the name of a record", subject=subject_of(BASE, refname="refs/tags/v1.0"), data=APPROVED)
    impossible(base, "a review of nothing", "A review is of a record.", "reviewed", "names no record", data=APPROVED)
    impossible(purged, "reviewed after the purge", "Nothing follows a purge.", "reviewed", "purged before", name=BASE, data=APPROVED)
    impossible(purged, "retired after the purge", "Nothing follows a purge.", "retired", "purged before", name=BASE, data=end)
    impossible(purged, "purged twice", "Nothing follows a purge.", "purged", "purged before", name=BASE, data=end)
    impossible(retired, "retired twice", "A record is retired once.", "retired", "retired before", name=BASE, data=end)
    impossible(base, "several records, one never recorded", "Each of them is judged.", "verified", "never recorded", data={**PASSED, "records": [BASE.refname, WIDE.refname]})
    impossible(purged, "several records, one purged", "Each of them is judged.", "verified", "purged before", data={**PASSED, "records": [BASE.refname]})


def _holds(book: Book) -> None:
    who = book.people
    held = link(book.recorded, "held", "held", who.dave, name=BASE, data={"hold": "case-7", "reason": "a request"})
    both = link(held, "held twice", "held", who.ada, name=BASE, data={"hold": "audit", "reason": "an audit"})
    one = link(both, "one released", "released", who.ada, name=BASE, data={"hold": "case-7"})
    free = link(one, "both released", "released", who.dave, name=BASE, data={"hold": "audit"})
    end = {"reason": "ten years are over"}
    book.add("two holds, one released", "Holds are placed and released by name.", one)
    book.add("a purge after the holds", "Without a hold the data may go.", link(free, "purged at last", "purged", who.dave, name=BASE, data=end))
    book.add("retired on hold", "A hold keeps the data, not the status.", link(held, "retired on hold", "retired", who.dave, name=BASE, data=end))
    for before, label, why, kind, fault, data in (
        (held, "purged on hold", "A record on hold is not purged.", "purged", "on hold: case-7", end),
        (one, "purged with one hold left", "Every hold counts.", "purged", "on hold: audit", end),
        (held, "a hold placed twice", "A hold is in place once.", "held", "in place already", {"hold": "case-7", "reason": "again"}),
        (held, "another hold released", "Holds are released by name.", "released", "no such hold", {"hold": "audit"}),
        (book.recorded, "released without a hold", "There is none.", "released", "no such hold", {"hold": "case-7"}),
        (one, "released twice", "It is not in place any more.", "released", "no such hold", {"hold": "case-7"}),
    ):
        book.add(label, why, link(before, label, kind, who.dave, name=BASE, data=data), "ledger-state", fault=fault)


def _data(book: Book) -> None:
    who, base = book.people, book.recorded
    rows: tuple[tuple[str, str, Any, str, dict[str, Any], dict[str, Any]], ...] = (
        ("recorded without its commit", "recorded", who.bob, "data.commit", recorded_data(WIDE, FAR, commit=None), {"name": WIDE}),
        ("recorded with a short commit", "recorded", who.bob, "data.commit", recorded_data(WIDE, "ab3"), {"name": WIDE}),
        ("recorded without the record's digest", "recorded", who.bob, "data.record", recorded_data(WIDE, FAR, record="7"), {"name": WIDE}),
        ("recorded without its run id", "recorded", who.bob, "data.run_id", recorded_data(WIDE, FAR, run_id=""), {"name": WIDE}),
        ("a run without an outcome", "run", who.bob, "data.outcome", {"commit": FAR}, {}),
        ("a run that went well", "run", who.bob, "data.outcome", {"commit": FAR, "outcome": "ok"}, {}),
        ("a review without an outcome", "reviewed", who.bob, "data.outcome", {"message": "fine"}, {"name": BASE}),
        ("a review with another word", "reviewed", who.bob, "data.outcome", {"outcome": "Approved"}, {"name": BASE}),
        ("an evaluation without an outcome", "evaluated", who.bob, "data.outcome", {"outcome": " "}, {"name": BASE}),
        ("a hold without a name", "held", who.dave, "data.hold", {"reason": "x"}, {"name": BASE}),
        ("a hold whose name is none", "held", who.dave, "data.hold", {"hold": "Case 7", "reason": "x"}, {"name": BASE}),
        ("a hold without a reason", "held", who.dave, "data.reason", {"hold": "case-7"}, {"name": BASE}),
        ("a release without a name", "released", who.dave, "data.hold", {}, {"name": BASE}),
        ("replicated to nowhere", "replicated", who.bob, "data.remote", {"remote": ""}, {"name": BASE}),
        ("verified at no level", "verified", who.dave, "data.level", {"outcome": "pass"}, {"name": BASE}),
        ("verified at another level", "verified", who.dave, "data.level", {"level": "full", "outcome": "pass"}, {"name": BASE}),
        ("verified without an outcome", "verified", who.dave, "data.outcome", {"level": "fixity"}, {"name": BASE}),
        ("purged without a reason", "purged", who.dave, "data.reason", {}, {"name": BASE}),
        ("retired for an empty reason", "retired", who.dave, "data.reason", {"reason": ""}, {"name": BASE}),
        ("amended in nothing", "amended", who.ada, "none of owner, purpose, retention", {"experiment": "x"}, {"name": BASE}),
        ("amended to nobody", "amended", who.ada, "none of owner, purpose, retention", {"owner": ""}, {"name": BASE}),
        ("about several records, and none", "verified", who.dave, "data.records", {**PASSED, "records": []}, {}),
        ("about several records, one twice", "verified", who.dave, "data.records", {**PASSED, "records": [BASE.refname] * 2}, {}),
        ("about several records, by numbers", "verified", who.dave, "data.records", {**PASSED, "records": [3]}, {}),
    )
    for label, kind, signer, fault, data, fields in rows:
        made = link(base, label, kind, signer, data=data, **fields)
        book.add(label, "Each type says what it must say.", made, "ledger-event-invalid", fault=fault)
