"""What may happen to a record and by whom: the tables of docs/formats/event.md, and a machine that tries everything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from arcgit.model import canonical, gitobject, policy
from arcgit.model import event as events
from arcgit.model.event import Event
from arcgit.model.names import RecordName
from arcgit.model.notetree import EMPTY_TREE
from arcgit.model.policy import Policy, Thresholds
from arcgit.rules.chain import Entry, Ledger, extend, note_target, replay
from arcgit.rules.eventdata import data_fault
from arcgit.rules.history import Histories
from arcgit.rules.reviews import standing
from arcgit.rules.signature import Checked
from arcgit.rules.state import ROLES, RecordState, apply, record_fault
from tests import samples

PAGE = (Path(__file__).parent.parent.parent / "docs" / "formats" / "event.md").read_text(encoding="utf-8")
SIGNATURE = b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"
EVERY_ROLE = ("admin", "recorder", "reviewer", "custodian", "auditor")
A, B, C = (RecordName("churn", name, f"{number}" * 12) for number, name in enumerate(("a", "b", "c"), 1))
DATA: dict[str, dict[str, Any]] = {
    "recorded": {"commit": samples.COMMIT, "record": "7" * 64},
    "run": {"commit": samples.COMMIT, "outcome": "failed"},
    "amended": {"owner": "Grace"},
    "reviewed": {"outcome": "approved"},
    "evaluated": {"outcome": "reproduced"},
    "held": {"hold": "case-7", "reason": "a request"},
    "released": {"hold": "case-7"},
    "replicated": {"remote": "vault"},
    "verified": {"level": "fixity", "outcome": "pass"},
    "purged": {"reason": "over"},
    "retired": {"reason": "old"},
}


def subject(name: RecordName, **changes: str) -> dict[str, str]:
    seed = canonical.sha256(name.refname.encode())
    return {"refname": name.refname, "oid": seed[:40], "sha256": seed, **changes}


def made(kind: str, name: RecordName | None = A, /, seq: int = 9, actor: str = "ada", **data: Any) -> Event:
    """An event about a record with the least that it must say."""
    said = {**DATA.get(kind, {}), **data}
    if kind == "recorded" and name is not None:
        said.setdefault("run_id", name.run_id)
    value = {**samples.event(kind, seq), "actor": actor, "data": said, "subject": subject(name) if name else None}
    return msgspec.convert(value, Event)


def fault(records: dict[str, RecordState], event: Event) -> str:
    return data_fault(event) or record_fault(records, event)


def after(*happened: Event) -> dict[str, RecordState]:
    """The records after these events, each of which must be possible."""
    records: dict[str, RecordState] = {}
    for event in happened:
        assert fault(records, event) == ""
        apply(records, event, plain_policy())
    return records


def plain_policy(needed: int = 1) -> Policy:
    return Policy(schema="", archive="", version=1, project="p", people={}, thresholds=Thresholds(review=needed))


BOTH = (made("recorded", A), made("recorded", B))
RETIRED = (*BOTH, made("retired", A))
IMPOSSIBLE = [
    ("evaluated before it was recorded", (), made("evaluated", A), "never recorded"),
    ("reviewed before it was recorded", (), made("reviewed", A), "never recorded"),
    ("retired before it was recorded", (), made("retired", A), "never recorded"),
    ("evaluated, another one recorded", BOTH[1:], made("evaluated", A), "never recorded"),
    ("purged under a hold", (*BOTH, made("held", A)), made("purged", A), "on hold: case-7"),
    ("evaluated after the purge", (*BOTH, made("purged", A)), made("evaluated", A), "purged before"),
    ("restored after the purge", (*BOTH, made("purged", A)), made("restored", A), "purged before"),
    ("retired after the purge", (*BOTH, made("purged", A)), made("retired", A), "purged before"),
    ("retired twice", RETIRED, made("retired", A), "retired before"),
    ("in its own place", BOTH, made("retired", A, superseded_by=subject(A)), "its own place"),
    ("a place taken by what never was", BOTH, made("retired", A, superseded_by=subject(C)), "in its place was never"),
    (
        "a place taken by another object",
        BOTH,
        made("retired", A, superseded_by=subject(B, oid="0" * 40)),
        "another tag object in its place",
    ),
    (
        "a place taken by other bytes",
        BOTH,
        made("retired", A, superseded_by=subject(B, sha256="0" * 64)),
        "another tag object in its place",
    ),
    ("a place taken by a retired one", RETIRED, made("retired", B, superseded_by=subject(A)), "was retired before"),
    (
        "a place taken by a purged one",
        (*BOTH, made("purged", A)),
        made("retired", B, superseded_by=subject(A)),
        "was purged before",
    ),
    ("a run about a record that never was", BOTH, made("run", C), "never recorded"),
]
NO_METRICS: tuple[Any, ...] = (
    [], "auc", None, {"auc": True}, {"auc": "0.9"}, {"auc": None}, {"auc": {}}, {"": 1}, {" ": 1},
)  # fmt: skip
NO_SUBJECTS: tuple[Any, ...] = (
    None, "refs/tags/x", [], {}, {**subject(B), "more": 1}, subject(B, oid="x"), subject(B, sha256=""),
    {"refname": 1, "oid": "0" * 40, "sha256": "0" * 64}, {"refname": B.refname},
)  # fmt: skip
FORMS = [
    ("run", {"project": "churn"}, "without the other"),
    ("run", {"experiment": "a"}, "without the other"),
    ("run", {"project": "churn", "experiment": "No Name"}, "`data.experiment`"),
    ("run", {"project": None, "experiment": "a"}, "`data.project`"),
    ("run", {"outcome": "ok"}, "`data.outcome`"),
    ("run", {"commit": "HEAD"}, "`data.commit`"),
    ("evaluated", {"outcome": "  "}, "`data.outcome`"),
    *(("evaluated", {"metrics": value}, "`data.metrics`") for value in NO_METRICS),
    *(("retired", {"superseded_by": value}, "`data.superseded_by`") for value in NO_SUBJECTS),
]


@pytest.mark.parametrize(("label", "before", "event", "why"), IMPOSSIBLE, ids=[row[0] for row in IMPOSSIBLE])
def test_what_cannot_happen_is_refused_and_says_why(
    label: str, before: tuple[Event, ...], event: Event, why: str
) -> None:
    assert why in fault(after(*before), event), label


@pytest.mark.parametrize(("kind", "data", "why"), FORMS)
def test_data_is_in_its_form_or_the_event_is_none(kind: str, data: dict[str, Any], why: str) -> None:
    assert why in data_fault(made(kind, A, **data))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("run", {"project": "churn", "experiment": "a", "comment": ["anything"]}),
        ("evaluated", {"metrics": {}}),
        ("evaluated", {"metrics": {"auc": 0.9, "n": 3, "loss": "NaN", "gain": "-Infinity"}, "by": "rerun"}),
        ("retired", {"superseded_by": subject(B), "more": {"beside": "it"}}),
    ],
)
def test_optional_data_and_more_beside_it_is_taken(kind: str, data: dict[str, Any]) -> None:
    assert fault(after(*BOTH), made(kind, A, **data)) == ""


def test_every_type_has_its_roles_on_the_page() -> None:
    table = PAGE.partition("## Types")[2].partition("\n\nTexts")[0]
    rows = re.findall(r"^\| `([a-z]+)` \| ([a-z, ]+) \|", table, re.MULTILINE)
    said = {kind: frozenset(EVERY_ROLE if roles == "any" else roles.split(", ")) for kind, roles in rows}
    assert said == dict(ROLES)


class Book:
    """A ledger of people with one role each and a verifier that believes who is said to sign."""

    def __init__(self, **people: tuple[str, ...]) -> None:
        given = people or {role: (role,) for role in EVERY_ROLE}
        self.keys = {name: f"{number:040X}" for number, name in enumerate(given, 1)}
        entries = {
            name: {
                "name": name,
                "email": f"{name}@example.org",
                "roles": list(roles),
                "keys": [{"type": "openpgp", "fingerprint": self.keys[name], "public_key": "not read here"}],
            }
            for name, roles in given.items()
        }
        self.founder = next(name for name, roles in given.items() if "admin" in roles)
        fields = {"schema": policy.SCHEMA, "archive": samples.ARCHIVE, "version": 1, "project": "p", "people": entries}
        text = canonical.dumps(fields).decode()
        digest = policy.digest(text)
        approval = {"fingerprint": self.keys[self.founder], "person": self.founder, "signature": SIGNATURE.decode()}
        first = {"version": 1, "digest": digest, "previous": None, "policy": text, "approvals": [approval]}
        self.signer = self.founder
        self.entries: list[Entry] = []
        for kind, data in (("genesis", {"policy": digest}), ("policy", first)):
            self.entries.append(self._entry(kind, None, EMPTY_TREE, data))
        self.ledger, findings = replay(self.entries, self.verify)
        assert findings == []

    def verify(self, *_: object) -> Checked:
        return Checked(self.keys[self.signer])

    def _entry(self, kind: str, name: RecordName | None, tree: str, data: dict[str, Any]) -> Entry:
        before = self.entries[-1] if self.entries else None
        value = {
            **samples.event(kind, len(self.entries) + 1, data=data),
            "actor": self.signer,
            "previous": canonical.sha256(before.raw) if before else None,
            "subject": subject(name) if name else None,
        }
        event = msgspec.convert(value, Event)
        payload = gitobject.commit_payload(
            tree=tree,
            parent=before.oid if before else None,
            author="Ada <ada@example.org> 1767323045 +0000",
            message=events.message(event),
        )
        raw = gitobject.sign_commit(payload, SIGNATURE)
        return Entry(gitobject.object_id("commit", raw), raw)

    def add(self, kind: str, who: str, name: RecordName | None, **data: Any) -> list[str]:
        """The codes of what forbids it; nothing where the event was taken."""
        self.signer = who
        event = made(kind, name, len(self.entries) + 1, who, **data)
        target = note_target(self.ledger, event)
        tree = self.ledger.tree.preview(target, event)[-1].oid if target else self.ledger.tree.oid
        entry = self._entry(kind, name, tree, event.data)
        findings = extend(self.ledger, entry, self.verify)
        if not findings:
            self.entries.append(entry)
        return [found.code for found in findings]


@pytest.mark.parametrize("role", EVERY_ROLE)
@pytest.mark.parametrize("kind", sorted(set(ROLES) - {"genesis", "policy"}))
def test_an_event_counts_if_its_signer_has_a_role_for_it(kind: str, role: str) -> None:
    book = Book()
    assert book.add("recorded", "recorder", A) == []
    if kind == "released":
        assert book.add("held", "custodian", A) == []
    name = B if kind == "recorded" else A
    expected = [] if role in ROLES[kind] else ["signer-role"]
    assert book.add(kind, role, None if kind == "run" else name) == expected


@pytest.mark.parametrize("kind", sorted(set(ROLES) - {"genesis", "policy"}))
def test_a_person_without_a_role_may_do_nothing(kind: str) -> None:
    book = Book(ada=EVERY_ROLE, eve=())
    assert book.add("recorded", "ada", A) == []
    if kind == "released":
        assert book.add("held", "ada", A) == []
    assert book.add(kind, "eve", None if kind == "run" else B if kind == "recorded" else A) == ["signer-role"]


@pytest.mark.parametrize(("label", "before", "event", "why"), IMPOSSIBLE, ids=[row[0] for row in IMPOSSIBLE])
def test_whoever_replays_the_ledger_refuses_what_cannot_happen(
    label: str, before: tuple[Event, ...], event: Event, why: str
) -> None:
    book = Book(ada=EVERY_ROLE)
    codes: list[str] = []
    for happened in (*before, event):
        name = RecordName.parse(happened.subject.refname) if happened.subject else None
        codes = book.add(happened.type, "ada", name, **happened.data)
    assert codes == ["ledger-state"], label


def test_a_run_of_no_experiment_and_one_of_an_experiment_without_a_record_are_taken() -> None:
    book = Book()
    assert book.add("run", "recorder", None) == []
    assert book.add("run", "recorder", None, project="churn", experiment="new", outcome="failed") == []
    assert Histories(book.ledger).runs_of("churn", "new").words == "1 run, none sealed"


STEPS = st.sampled_from(
    ["held", "released", "retired", "purged", "reviewed", "evaluated", "amended", "restored", "replicated", "verified"]
)
PEOPLE = st.sampled_from(["ada", "bob", "eve"])
WORDS = st.sampled_from(["approved", "rejected"])


class Lives(RuleBasedStateMachine):
    """Anything is tried with a few records; an oracle in a few lines of its own says what must come of it."""

    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, RecordState] = {}
        self.status: dict[str, str] = {}
        self.holds: dict[str, set[str]] = {}
        self.words: dict[str, dict[str, str]] = {}
        self.after: dict[str, str] = {}
        self.recorder: dict[str, str] = {}

    def happens(self, event: Event, *, possible: bool) -> bool:
        assert (fault(self.records, event) == "") is possible
        if possible:
            apply(self.records, event, plain_policy(needed=2))
        return possible

    @rule(target=names, project=st.sampled_from(["churn", "cells"]), number=st.integers(1, 3), which=st.integers(1, 3))
    def named(self, project: str, number: int, which: int) -> RecordName:
        return RecordName(project, f"e{number}", f"{number}" * 12, which)

    @rule(name=names, who=PEOPLE)
    def recorded(self, name: RecordName, who: str) -> None:
        earlier = [msgspec.structs.replace(name, number=one).refname for one in range(1, name.number)]
        possible = name.refname not in self.status and all(
            self.status.get(one) in {"retired", "purged"} for one in earlier
        )
        if self.happens(made("recorded", name, 9, who), possible=possible):
            self.status[name.refname] = "recorded"
            self.recorder[name.refname] = who

    @rule(name=names, kind=STEPS, who=PEOPLE, word=WORDS, hold=st.sampled_from(["one", "two"]))
    def lives(self, name: RecordName, kind: str, who: str, word: str, hold: str) -> None:
        status = self.status.get(name.refname)
        holds = self.holds.setdefault(name.refname, set())
        possible = status not in {None, "purged"}
        possible &= not (kind == "purged" and holds)
        possible &= not (kind == "retired" and status == "retired")
        possible &= not (kind == "held" and hold in holds)
        possible &= not (kind == "released" and hold not in holds)
        data = {"held": {"hold": hold}, "released": {"hold": hold}, "reviewed": {"outcome": word}}.get(kind, {})
        if self.happens(made(kind, name, 9, who, **data), possible=possible):
            if kind in {"retired", "purged"}:
                self.status[name.refname] = kind
            elif kind == "held":
                holds.add(hold)
            elif kind == "released":
                holds.discard(hold)
            elif kind == "reviewed":
                self.words.setdefault(name.refname, {})[who] = word

    @rule(name=names, successor=names)
    def superseded(self, name: RecordName, successor: RecordName) -> None:
        possible = self.status.get(name.refname) == "recorded" and self.status.get(successor.refname) == "recorded"
        possible &= name != successor
        if self.happens(made("retired", name, superseded_by=subject(successor)), possible=possible):
            self.status[name.refname] = "retired"
            self.after[name.refname] = successor.refname

    @rule(name=names)
    def replayed_for_another(self, name: RecordName) -> None:
        """The subject of an event names the object that was recorded, not only its name."""
        event = made("evaluated", name)
        assert event.subject is not None
        other = msgspec.structs.replace(event.subject, oid="9" * 40)
        self.happens(msgspec.structs.replace(event, subject=other), possible=False)

    @invariant()
    def it_is_as_the_oracle_says(self) -> None:
        assert {name: state.status for name, state in self.records.items()} == self.status
        assert {name: state.holds for name, state in self.records.items() if state.holds} == {
            name: holds for name, holds in self.holds.items() if holds
        }
        assert {name: state.superseded_by for name, state in self.records.items() if state.superseded_by} == self.after

    @invariant()
    def persons_are_counted_and_never_the_recorder(self) -> None:
        for name, state in self.records.items():
            said = {who: word for who, word in self.words.get(name, {}).items() if who != self.recorder[name]}
            found = standing(state)
            assert set(found.approved) == {who for who, word in said.items() if word == "approved"}
            assert set(found.rejected) == {who for who, word in said.items() if word == "rejected"}
            expected = "rejected" if "rejected" in said.values() else "approved" if len(said) >= 2 else "open"
            assert found.word == expected

    @invariant()
    def who_follows_whom_ends_and_is_told_both_ways(self) -> None:
        histories = Histories(Ledger(records=self.records))
        for name, after in self.after.items():
            found = histories.of(self.records[name])
            assert len(set(found.superseded_by)) == len(found.superseded_by) > 0
            assert self.records[name].name.tag in histories.of(self.records[after]).supersedes


Lives.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLives = Lives.TestCase
