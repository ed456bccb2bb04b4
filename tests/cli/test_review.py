"""A reviewer's word on a record, and its end."""

from __future__ import annotations

from typing import Any

import pytest

from arcgit.cli.app import run
from arcgit.model.event import Event
from arcgit.model.names import RecordName
from arcgit.model.policy import Policy, Thresholds
from arcgit.rules.reviews import standing
from arcgit.rules.state import RecordState
from tests.attacks.test_touches import faster
from tests.world import Person, World, git


def review(world: World, experiment: str, word: str, code: int = 0) -> Any:
    return world.arcgit("review", world.tag(experiment), f"--{word}", "-m", "Looked at.", code=code)


def test_a_second_person_approves_and_everybody_can_verify_that(world: World, bob: Person) -> None:
    bob.sign_as(world.work)
    done = review(world, "baseline", "approve")
    assert (done["standing"], done["approved"], done["needed"]) == ("approved", ["bob"], 1)
    clone = world.clone()
    world.arcgit("sync", cwd=clone)
    assert world.verify(cwd=clone, code=0) == []
    events = world.arcgit("show", world.tag("baseline"), cwd=clone)["record"]["events"]
    said = [(event["actor"], event["data"]) for event in events if event["type"] == "reviewed"]
    assert said == [("bob", {"comment": "Looked at.", "outcome": "approved"})]


def test_the_last_word_of_a_reviewer_counts(world: World, bob: Person) -> None:
    bob.sign_as(world.work)
    assert review(world, "baseline", "approve")["standing"] == "approved"
    assert review(world, "baseline", "reject")["standing"] == "rejected"
    assert review(world, "baseline", "approve")["standing"] == "approved"


def test_nobody_reviews_what_they_recorded(world: World) -> None:
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    error = world.arcgit("review", world.tag("baseline"), "--approve", "-m", "Mine.", code=1)["error"]
    assert error["code"] == "review-own"
    assert "arcgit policy show" in error["hint"]
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


def test_somebody_without_the_role_is_refused_and_nothing_is_written(world: World, bob: Person) -> None:
    policy = world.work / ".arcgit" / "policy.yaml"
    text = policy.read_text().replace("roles: [recorder, reviewer]", "roles: [recorder]")
    policy.write_text(text.replace("version: 1", "version: 2"))
    world.arcgit("policy", "adopt")
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    bob.sign_as(world.work)
    assert review(world, "baseline", "approve", code=1)["error"]["code"] == "signer-role"
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


def test_a_record_that_does_not_verify_can_be_rejected_and_not_approved(world: World, bob: Person) -> None:
    tag = world.tag("baseline")
    forged = git(world.work, "cat-file", "tag", tag).replace("Baseline", "Bassline") + "\n"
    oid = git(world.work, "hash-object", "-t", "tag", "-w", "--stdin", "--literally", stdin=forged)
    git(world.work, "update-ref", f"refs/tags/{tag}", oid)
    bob.sign_as(world.work)
    asked = ["review", tag, "--no-push", "-m", "Odd."]
    assert world.arcgit(*asked, "--approve", code=1)["error"]["code"] in {"signature-bad", "tag-not-as-recorded"}
    assert world.arcgit(*asked, "--reject")["standing"] == "rejected"


def test_a_record_whose_tag_is_not_here_cannot_be_approved(world: World, bob: Person) -> None:
    tag = world.tag("baseline")
    git(world.work, "update-ref", "-d", f"refs/tags/{tag}")
    bob.sign_as(world.work)
    error = world.arcgit("review", tag, "--approve", "--no-push", "-m", "Unseen.", code=3)["error"]
    assert (error["code"], error["hint"]) == ("recorded-tag-missing", "arcgit sync")


@pytest.mark.parametrize("words", [[], ["--approve", "--reject"]])
def test_a_review_says_one_of_two_words(world: World, words: list[str]) -> None:
    assert world.arcgit("review", "baseline", "-m", "x", *words, code=2)["error"]["code"] == "usage"


def test_a_review_says_why(world: World, bob: Person) -> None:
    bob.sign_as(world.work)
    assert world.arcgit("review", "baseline", "--approve", "-m", " ", code=2)["error"]["code"] == "usage"


def test_a_retired_record_stays_and_its_content_may_be_recorded_anew(world: World) -> None:
    tag = world.arcgit("record")["tag"]
    world.arcgit("retire", tag, "--reason", "Wrong owner.")
    status = {row["tag"]: row["status"] for row in world.arcgit("list")["records"]}
    assert status[tag] == "retired"
    assert world.arcgit("retire", tag, "--reason", "Again.", code=1)["error"]["code"] == "ledger-state"
    assert world.arcgit("record")["tag"] == f"{tag}.2"
    assert world.verify(code=0) == []


def reviewed(*said: tuple[str, str], needed: int) -> RecordState:
    base: dict[str, Any] = {"schema": "arcgit/event/v1", "archive": "", "time": "", "previous": None, "subject": None}
    policy = Policy(schema="", archive="", version=1, project="p", people={}, thresholds=Thresholds(review=needed))
    events = [
        Event(**base, seq=number, type="reviewed", actor=actor, data={"outcome": outcome})
        for number, (actor, outcome) in enumerate(said)
    ]
    name = RecordName("p", "e", "0" * 12)
    return RecordState(name, None, "", "ada", policy, 1, events=events)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "needed", "word"),
    [
        ([], 1, "open"),
        ([("ada", "approved")], 1, "open"),
        ([("ada", "approved"), ("bob", "approved")], 2, "open"),
        ([("bob", "approved"), ("bob", "approved")], 2, "open"),
        ([("bob", "approved"), ("eve", "approved")], 2, "approved"),
        ([("bob", "approved"), ("eve", "approved"), ("kim", "rejected")], 2, "rejected"),
        ([("bob", "rejected"), ("bob", "approved")], 1, "approved"),
        ([("ada", "rejected"), ("bob", "approved")], 1, "approved"),
    ],
)
def test_persons_are_counted_and_never_the_recorder(said: list[tuple[str, str]], needed: int, word: str) -> None:
    assert standing(reviewed(*said, needed=needed)).word == word


def test_what_was_said_before_and_is_at_the_remote_is_not_called_only_here(
    world: World, bob: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    bob.sign_as(world.work)
    typed = ["-C", str(world.work), "review", world.tag("baseline"), "--approve", "-m", "Looked at."]
    for _ in range(2):
        assert run(typed) == 0
        assert "only here" not in capsys.readouterr().out
    assert run([*typed[:-1], "Otherwise.", "--no-push"]) == 0
    assert "It is only here until arcgit sync." in capsys.readouterr().out


def test_an_event_that_somebody_faster_has_moved_on_is_told_by_its_new_number(
    world: World, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = world.clone("other")
    ada.sign_as(other)
    bob.sign_as(world.work)
    world.arcgit("sync", cwd=other)
    faster(world, other, monkeypatch, times=2)
    done = review(world, "baseline", "approve")
    assert done["seq"] == 8
    assert done["oid"] == git(world.hub, "rev-parse", "refs/notes/arcgit")


def test_who_lacks_the_role_is_told_which_it_takes_and_which_they_have(world: World, bob: Person) -> None:
    bob.sign_as(world.work)
    told = world.arcgit("retire", world.tag("baseline"), "-m", "x", code=1)["error"]
    assert told["code"] == "signer-role"
    assert told["message"] == "bob may not do this: it takes the role custodian, and bob has recorder, reviewer"
    assert "people.bob" in told["hint"]
