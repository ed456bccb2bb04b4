"""What the events of a ledger claim of fixity: who proved which data where and when, and what proves nothing."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arcgit.model import proven
from arcgit.model.event import Event
from arcgit.model.proven import ProvenError, ProvenObject
from arcgit.rules.doubt import Doubt
from arcgit.rules.eventdata import data_fault
from arcgit.rules.proof import Proofs, Standing, parse_since, proofs
from tests.rules.test_state import A, B, made

NOW = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
BOTH = [A.refname, B.refname]
LIST = "d" * 64
FULL: dict[str, Any] = {"remotes": ["git", "storage"], "objects": 3, "bytes": 60}


def verified(seq: int = 9, records: list[str] | None = None, **data: Any) -> Event:
    """A pass at fixity about some records."""
    return made("verified", None, seq, "dave", records=records or BOTH, **{**FULL, **data})


def at(event: Event, time: str) -> Event:
    return replace(event, time=time)


def said(*events: Event, doubts: dict[int, Doubt] | None = None) -> Proofs:
    for event in events:
        assert data_fault(event) == ""
    return proofs([("0" * 40, event) for event in events], doubts or {})


def test_a_pass_at_fixity_proves_each_record_in_each_remote_by_whom_and_when() -> None:
    found = said(verified())
    for name in BOTH:
        for remote in ("git", "storage"):
            proof = found.of(name, remote).whole
            assert proof is not None
            assert (proof.seq, proof.by, proof.time, proof.objects, proof.bytes) == (9, "dave", verified().time, 3, 60)
    assert found.of(A.refname, "vault") == Standing()
    assert (found.events, found.whole, found.partial) == (1, 1, 0)


def test_a_copy_that_was_read_back_proves_its_remote_and_no_other() -> None:
    copied = made("replicated", A, 9, "carol", remote="vault", objects=2, bytes=9)
    assert said(copied, verified(10, remotes=["vault"])).replicas(A.refname) == {"vault"}
    found = said(copied)
    proof = found.of(A.refname, "vault").whole
    assert proof is not None
    assert (proof.kind, proof.by, proof.outcome) == ("replicated", "carol", "pass")
    assert found.of(A.refname, "storage") == Standing()
    assert (found.replicas(A.refname), found.replicas(B.refname)) == ({"vault"}, set())


def test_records_that_lie_in_some_remotes_only_are_proven_there_alone() -> None:
    found = said(verified(within={"git": [0, 1], "storage": [1]}))
    assert found.of(A.refname, "storage") == Standing()
    assert found.of(A.refname, "git").whole is not None
    assert found.of(B.refname, "storage").whole is not None


@pytest.mark.parametrize(
    "data",
    [
        {"level": "signatures"},
        {"level": "presence"},
        {"outcome": "fail"},
        {"outcome": "cannot-verify"},
        {"remotes": []},
        {"within": {}},
        {"within": {"git": [2], "storage": [7]}},
        {"sample": 2},
        {"sample": 3},
        {"sample": 0},
        {"sample": 2, "proven": LIST},
        {"proven": LIST},
        {"outcome": "fail", "proven": LIST},
        {"level": "presence", "proven": LIST},
    ],
)
def test_nothing_less_than_a_whole_pass_at_fixity_proves_a_record(data: dict[str, Any]) -> None:
    found = said(verified(**data))
    assert all(found.of(name, remote).whole is None for name in BOTH for remote in ("git", "storage"))
    assert found.whole == 0


def test_an_event_that_names_no_remote_proves_nothing_of_one() -> None:
    assert said(made("verified", A)).standings == {}


@pytest.mark.parametrize(
    "data",
    [{"sample": 2, "proven": LIST}, {"outcome": "fail", "proven": LIST}, {"outcome": "cannot-verify", "proven": LIST}],
)
def test_a_list_of_what_was_proven_stands_beside_the_last_whole_proof(data: dict[str, Any]) -> None:
    standing = said(verified(7), verified(9, **data)).of(A.refname, "storage")
    assert standing.whole is not None
    assert [part.proven for part in standing.parts] == [LIST]
    assert (standing.whole.seq, standing.parts[0].seq) == (7, 9)


def test_a_whole_proof_takes_the_place_of_what_was_before_it() -> None:
    standing = said(verified(7, outcome="fail", proven=LIST), verified(9)).of(A.refname, "git")
    assert standing.whole is not None
    assert (standing.whole.seq, standing.parts, standing.failed) == (9, [], None)


@pytest.mark.parametrize("outcome", ["fail", "cannot-verify", "pass"])
def test_what_was_good_as_a_whole_is_proven_whatever_else_was_found(outcome: str) -> None:
    """Else one changed object among very many would take the proofs of all records away, in every remote."""
    found = said(verified(7), verified(9, outcome=outcome, proven=LIST, whole={"git": [0, 1], "storage": [1]}))
    for name, remote in ((A.refname, "git"), (B.refname, "git"), (B.refname, "storage")):
        standing = found.of(name, remote)
        assert standing.whole is not None
        assert (standing.whole.seq, standing.parts, standing.failed) == (9, [], None)
    rest = found.of(A.refname, "storage")
    assert rest.whole is not None
    assert (rest.whole.seq, len(rest.parts), rest.failed is not None) == (7, 1, outcome == "fail")


@pytest.mark.parametrize(
    "data",
    [
        {"level": "presence", "proven": LIST, "whole": {"git": [0]}},
        {"level": "signatures", "proven": LIST, "whole": {"git": [0]}},
        {"whole": {"git": [0]}},
        {"proven": LIST, "whole": {"vault": [0]}},
        {"proven": LIST, "whole": {"git": [7]}},
        {"proven": LIST, "whole": {"git": [0]}, "within": {"storage": [0]}},
    ],
)
def test_what_is_called_whole_counts_of_what_was_read_there_alone(data: dict[str, Any]) -> None:
    found = said(verified(**{"outcome": "fail", **data}))
    assert all(standing.whole is None for standing in found.standings.values())


@pytest.mark.parametrize("level", ["presence", "fixity"])
def test_a_failure_stands_against_an_earlier_proof_until_a_later_one(level: str) -> None:
    failed = at(verified(9, level=level, outcome="fail"), "2026-11-27T00:00:00Z")
    good = at(verified(7), "2026-11-26T00:00:00Z")
    assert said(good).of(A.refname, "git").proven_within(90, NOW)
    assert not said(good, failed).of(A.refname, "git").proven_within(90, NOW)
    again = at(verified(11), "2026-11-28T00:00:00Z")
    assert said(good, failed, again).of(A.refname, "git").proven_within(90, NOW)


@pytest.mark.parametrize("kind", ["verified", "replicated"])
def test_an_event_in_doubt_proves_nothing(kind: str) -> None:
    event = verified(9) if kind == "verified" else made("replicated", A, 9, remote="storage")
    assert said(event, doubts={9: Doubt("key-compromised", "stolen")}).standings == {}


@pytest.mark.parametrize(
    ("time", "within"),
    [
        ("2026-11-28T11:00:00Z", True),
        ("2026-08-30T12:00:00Z", True),
        ("2026-08-30T11:59:59Z", False),
        ("2027-11-28T11:00:00Z", False),
        ("2020-01-01T00:00:00Z", False),
    ],
)
def test_proven_within_ninety_days_is_by_the_claimed_time_and_never_by_one_to_come(time: str, *, within: bool) -> None:
    assert said(at(verified(), time)).of(A.refname, "git").proven_within(90, NOW) is within


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("verified", {"remotes": "storage"}),
        ("verified", {"remotes": ["storage", "git"]}),
        ("verified", {"remotes": ["git", "git"]}),
        ("verified", {"remotes": [""]}),
        ("verified", {"remotes": [3]}),
        ("verified", {"within": ["git"]}),
        ("verified", {"whole": ["git"]}),
        ("verified", {"whole": {"git": [1, 0]}}),
        ("verified", {"whole": {"git": [True]}}),
        ("verified", {"within": {"git": [1, 0]}}),
        ("verified", {"within": {"git": [0, 0]}}),
        ("verified", {"within": {"git": [-1]}}),
        ("verified", {"within": {"git": [True]}}),
        ("verified", {"within": {"git": 1}}),
        ("verified", {"objects": -1}),
        ("verified", {"objects": True}),
        ("verified", {"objects": 1.5}),
        ("verified", {"bytes": "many"}),
        ("verified", {"bytes": "007"}),
        ("verified", {"bytes": "9" * 31}),
        ("verified", {"sample": "2%"}),
        ("verified", {"sample": None}),
        ("verified", {"seed": 7}),
        ("verified", {"proven": "abc"}),
        ("replicated", {"objects": -1}),
        ("replicated", {"bytes": "x"}),
    ],
)
def test_what_proves_is_in_its_form_or_the_event_does_not_hold(kind: str, data: dict[str, Any]) -> None:
    assert "is not in its form" in data_fault(made(kind, A, **data))


def test_numbers_too_large_for_json_are_read_from_their_digits() -> None:
    proof = said(verified(bytes="9007199254740993")).of(A.refname, "git").whole
    assert proof is not None
    assert proof.bytes == 9007199254740993


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("90d", "2026-08-30T12:00:00+00:00"),
        ("2w", "2026-11-14T12:00:00+00:00"),
        ("0d", "2026-11-28T12:00:00+00:00"),
        ("2026-01-31", "2026-01-31T00:00:00+00:00"),
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00+00:00"),
    ],
)
def test_since_takes_days_weeks_and_dates(text: str, day: str) -> None:
    moment = parse_since(text, NOW)
    assert moment is not None
    assert moment.isoformat() == day


@pytest.mark.parametrize("text", ["", "d", "90", "-3d", "999999d", "²d", "soon", "2026-13-01", "90 d"])
def test_since_takes_nothing_else(text: str) -> None:
    assert parse_since(text, NOW) is None


OBJECTS = st.builds(
    ProvenObject,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.integers(0, 10**18),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9),
)


@given(st.lists(OBJECTS, max_size=6))
def test_a_proven_list_comes_back_as_it_went_in(entries: list[ProvenObject]) -> None:
    data = proven.serialise(entries)
    assert set(proven.parse(data)) == set(entries)
    assert proven.serialise(proven.parse(data)) == data


ROW = b'%s 20 "storage"\n' % (b"a" * 64)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"arcgit/fixity/v1\n",
        b"arcgit/proven/v2\n" + ROW,
        proven.HEADER + ROW.strip(),
        proven.HEADER + ROW + ROW,
        proven.HEADER + ROW.replace(b"a", b"b", 1) + ROW,
        proven.HEADER + ROW.replace(b" 20", b" 020"),
        proven.HEADER + ROW.replace(b"storage", b"\\u0073torage"),
        proven.HEADER + ROW.replace(b'"storage"', b"storage"),
        proven.HEADER + ROW.replace(b"storage", b"\xff"),
        proven.HEADER + b"\n",
        proven.HEADER + ROW.replace(b"a", b"A", 1),
    ],
)
def test_what_is_not_in_the_one_form_is_no_proven_list(data: bytes) -> None:
    with pytest.raises(ProvenError):
        proven.parse(data)
