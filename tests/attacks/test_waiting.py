"""Unpushed events of two people in one clone: neither is in the other's way for ever, and nobody signs for somebody else."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.test_exchange import LEDGER, sealed_here
from tests.attacks.test_unsynced import found, part, statuses
from tests.world import Person, World, git

WAITING = "refs/arcgit/waiting"


def events(place: Path) -> list[tuple[str, str]]:
    """Type and actor of every event of the ledger in a repository."""
    bodies = git(place, "log", "--format=%B", "--reverse", LEDGER).splitlines()
    said = [json.loads(line.removeprefix("Arcgit-Event: ")) for line in bodies if line.startswith("Arcgit-Event: ")]
    return [(event["type"], event["actor"]) for event in said]


def waiting(world: World) -> list[str]:
    return git(world.work, "for-each-ref", "--format=%(objectname)", WAITING).split()


def both(world: World, ada: Person, bob: Person, first: str = "ada") -> dict[str, str]:
    """Ada and Bob each seal a record in this clone and push neither; their tags."""
    people = {"ada": ada, "bob": bob}
    order = [first, *sorted(set(people) - {first})]
    tags: dict[str, str] = {}
    for number, name in enumerate(order, 7):
        people[name].sign_as(world.work)
        tags[name] = sealed_here(world, f"of-{name}", f"lr: {number}\nepochs: 9\n")
    return tags


def waiting_for_bob(world: World, ada: Person, bob: Person) -> dict[str, str]:
    """Ada has brought hers on, and Bob's wait in the clone; by person the tags."""
    tags = both(world, ada, bob)
    part(world, ada)
    ada.sign_as(world.work)
    world.arcgit("sync", "--wait-for", "bob")
    return tags


def refused(world: World, *arguments: str, code: str = "ledger-unsynced") -> dict[str, Any]:
    before = git(world.work, "for-each-ref", "refs/tags", "refs/notes/arcgit", "refs/arcgit/unpushed", WAITING)
    told: dict[str, Any] = world.arcgit("sync", *arguments, code=1)["error"]
    assert told["code"] == code
    assert git(world.work, "for-each-ref", "refs/tags", "refs/notes/arcgit", "refs/arcgit/unpushed", WAITING) == before
    return told


@pytest.mark.parametrize("who", ["ada", "bob"])
def test_where_the_remote_did_not_go_on_either_pushes_what_both_signed(
    world: World, ada: Person, bob: Person, who: str
) -> None:
    both(world, ada, bob)
    {"ada": ada, "bob": bob}[who].sign_as(world.work)
    tip = git(world.work, "rev-parse", LEDGER)
    assert world.arcgit("sync")["resigned"] == []
    assert git(world.hub, "rev-parse", LEDGER) == tip
    assert found(world, code=0) == []


@pytest.mark.parametrize("sealed_first", ["ada", "bob"])
@pytest.mark.parametrize("who", ["ada", "bob"])
def test_whoever_comes_first_is_told_of_the_other_and_has_a_way_on_that_loses_nothing(
    world: World, ada: Person, bob: Person, who: str, sealed_first: str
) -> None:
    people = {"ada": ada, "bob": bob}
    tags = both(world, ada, bob, sealed_first)
    part(world, ada)
    other = "bob" if who == "ada" else "ada"
    people[who].sign_as(world.work)
    told = refused(world)
    assert f"recorded churn/of-{other}" in told["message"]
    assert told["hint"].startswith(f"arcgit sync --wait-for {other} ")
    done = world.arcgit("sync", "--wait-for", other)
    assert done["resigned"] == ["recorded"]
    assert done["dropped"] == []
    assert [line.endswith(f"(arcgit sync by {other} in this clone)") for line in done["waiting"]] == [True]
    assert events(world.hub)[-1] == ("recorded", who)
    # Said as what it is, and no pass, by everybody in this clone; the hub knows nothing of it.
    assert statuses(world) | {tags[other]: "unsynced"} == statuses(world)
    assert found(world, code=3) == [("record-unsynced", "unknown", tags[other])]
    assert tags[other] not in git(world.hub, "tag").split()
    # As often as one likes.
    assert world.arcgit("sync")["resigned"] == []
    assert len(waiting(world)) == 1
    people[other].sign_as(world.work)
    done = world.arcgit("sync")
    assert (done["resigned"], done["waiting"]) == (["recorded"], [])
    assert events(world.hub)[-2:] == [("recorded", who), ("recorded", other)]
    assert waiting(world) == []
    assert found(world, code=0) == []
    assert set(tags.values()) <= set(git(world.hub, "tag").split())
    assert git(world.work, "for-each-ref", "refs/arcgit/unpushed") == ""


def test_any_command_of_theirs_brings_on_what_has_waited(world: World, ada: Person, bob: Person) -> None:
    waiting_for_bob(world, ada, bob)
    bob.sign_as(world.work)
    world.arcgit("review", world.tag("wide"), "--approve", "-m", "Good.")
    assert events(world.hub)[-2:] == [("recorded", "bob"), ("reviewed", "bob")]
    assert found(world, code=0) == []


def test_what_rests_on_an_event_that_waits_waits_with_it(world: World, ada: Person, bob: Person) -> None:
    """Ada reviews what Bob sealed here; her review has no place before his event has one."""
    bob.sign_as(world.work)
    tag = sealed_here(world)
    ada.sign_as(world.work)
    world.arcgit("review", tag, "--approve", "-m", "Good.", "--no-push")
    world.arcgit("amend", world.tag("wide"), "--purpose", "Wider.", "--reason", "So.", "--no-push")
    part(world, ada)
    done = world.arcgit("sync", "--wait-for", "bob")
    assert done["resigned"] == ["amended"]
    assert len(done["waiting"]) == 2
    assert world.arcgit("sync")["resigned"] == []
    bob.sign_as(world.work)
    assert world.arcgit("sync")["resigned"] == ["recorded"]
    ada.sign_as(world.work)
    done = world.arcgit("sync")
    assert (done["resigned"], done["waiting"]) == (["reviewed"], [])
    assert events(world.hub)[-3:] == [("amended", "ada"), ("recorded", "bob"), ("reviewed", "ada")]
    assert found(world, code=0) == []


def test_only_who_is_named_is_waited_for(world: World, ada: Person, bob: Person) -> None:
    both(world, ada, bob)
    part(world, ada)
    ada.sign_as(world.work)
    refused(world, "--wait-for", "carol")
    refused(world, "--wait-for", "ada")


def test_an_event_that_was_signed_again_and_is_said_to_wait_is_not_signed_twice(
    world: World, ada: Person, bob: Person
) -> None:
    """A run that dies between git's moving of one ref and of the next leaves just this."""
    waiting_for_bob(world, ada, bob)
    oid = waiting(world)[0]
    bob.sign_as(world.work)
    world.arcgit("sync")
    tip = git(world.hub, "rev-parse", LEDGER)
    git(world.work, "update-ref", f"{WAITING}/{oid}", oid)
    done = world.arcgit("sync")
    assert (done["resigned"], done["waiting"]) == ([], [])
    assert git(world.hub, "rev-parse", LEDGER) == tip
    assert found(world, code=0) == []


@pytest.mark.parametrize("how", ["unsigned", "by another key", "a blob", "the tip", "a branch"])
def test_nobody_signs_what_was_only_put_among_what_waits(world: World, ada: Person, bob: Person, how: str) -> None:
    """A ref that says that an event of Bob's waits, where he signed nothing of the kind."""
    bob.sign_as(world.work)
    world.arcgit("review", world.tag("wide"), "--approve", "-m", "Good.", "--no-push")
    raw = subprocess.run(["git", "cat-file", "commit", LEDGER], cwd=world.work, capture_output=True, check=True).stdout
    git(world.work, "update-ref", LEDGER, f"{LEDGER}~1")
    head, _, body = raw.replace(b"Good.", b"Bad!!").partition(b"\n\n")
    if how == "unsigned":
        raw = head.split(b"\ngpgsig ")[0] + b"\n\n" + body
    elif how == "by another key":
        raw = head + b"\n\n" + body
    if how in {"unsigned", "by another key"}:
        command = ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
        made = subprocess.run(command, cwd=world.work, input=raw, capture_output=True, check=True).stdout.decode()
        oid = made.strip()
    else:
        oid = git(world.work, "rev-parse", {"a blob": "HEAD:arcgit.yaml", "the tip": LEDGER, "a branch": "HEAD"}[how])
    git(world.work, "update-ref", f"{WAITING}/{oid}", oid)
    tip = git(world.hub, "rev-parse", LEDGER)
    done = world.arcgit("sync")
    assert done["resigned"] == []
    assert git(world.hub, "rev-parse", LEDGER) == tip
    if how in {"a blob", "a branch"}:
        assert done["waiting"] == [
            f"{WAITING}/{oid} is no event of a ledger (git update-ref -d {WAITING}/{oid} takes it away)"
        ]
    assert found(world, code=0) == []


def test_a_tag_is_no_record_because_something_waits_that_would_record_it(
    world: World, ada: Person, bob: Person
) -> None:
    """The event that names it is taken for Bob's by its words alone."""
    bob.sign_as(world.work)
    tag = sealed_here(world)
    raw = subprocess.run(["git", "cat-file", "commit", LEDGER], cwd=world.work, capture_output=True, check=True).stdout
    head, _, body = raw.partition(b"\n\n")
    command = ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
    unsigned = head.split(b"\ngpgsig ")[0] + b"\n\n" + body
    oid = subprocess.run(command, cwd=world.work, input=unsigned, capture_output=True, check=True).stdout.decode()
    git(world.work, "update-ref", LEDGER, f"{LEDGER}~1")
    git(world.work, "update-ref", f"{WAITING}/{oid.strip()}", oid.strip())
    ada.sign_as(world.work)
    world.arcgit("sync")
    assert found(world, code=1) == [("unrecorded-tag", "error", tag)]
    assert statuses(world)[tag] == "unrecorded"


def test_what_has_waited_too_long_to_have_a_place_is_named_with_a_way_on(
    world: World, ada: Person, bob: Person
) -> None:
    tags = waiting_for_bob(world, ada, bob)
    policy = world.work / ".arcgit" / "policy.yaml"
    text = policy.read_text().replace("[recorder, reviewer]", "[reviewer]")
    policy.write_text(text.replace("\nversion: 1\n", "\nversion: 2\n"))
    world.arcgit("policy", "adopt")
    bob.sign_as(world.work)
    told = refused(world, code="event-impossible")
    assert "recorded churn/of-bob" in told["message"]
    command = told["hint"].partition(" leaves it")[0]
    subprocess.run(command.split(), cwd=world.work, check=True)
    done = world.arcgit("sync")
    assert (done["resigned"], done["waiting"], done["dropped"]) == ([], [], [tags["bob"]])
    assert found(world, code=0) == []


def lost(world: World) -> set[str]:
    return set(git(world.work, "for-each-ref", "--format=%(objectname)", "refs/arcgit/lost").split())


def test_what_waits_for_somebody_who_never_comes_can_be_given_up_and_nothing_of_it_is_deleted(
    world: World, ada: Person, bob: Person
) -> None:
    """The way is in the finding, ends the waiting, and leaves the content to be sealed anew."""
    tags = waiting_for_bob(world, ada, bob)
    assert found(world, code=3) == [("record-unsynced", "unknown", tags["bob"])]
    world.verify(code=3)
    hint = world.last["findings"][0]["hint"]
    assert hint.endswith("; if bob never comes: arcgit sync --give-up bob sets it aside")
    event, tag, tip = waiting(world)[0], git(world.work, "rev-parse", tags["bob"]), git(world.hub, "rev-parse", LEDGER)
    done = world.arcgit("sync", "--give-up", "bob")
    assert [line.startswith("recorded churn/of-bob ") and ", by bob (kept as " in line for line in done["dropped"]] == [
        True
    ]
    assert (done["waiting"], waiting(world), git(world.hub, "rev-parse", LEDGER)) == ([], [], tip)
    assert {event, tag} <= lost(world)
    assert git(world.work, "for-each-ref", "refs/arcgit/unpushed", f"refs/tags/{tags['bob']}") == ""
    assert found(world, code=0) == []
    assert tags["bob"] not in statuses(world)
    world.arcgit("sync")
    assert found(world, code=0) == []
    # HEAD is what was sealed last: Bob's experiment, by whoever may record it now.
    assert world.arcgit("record")["created"] is True
    assert found(world, code=0) == []


def test_what_is_about_a_record_that_was_given_up_falls_with_it(world: World, ada: Person, bob: Person) -> None:
    bob.sign_as(world.work)
    tag = sealed_here(world)
    world.arcgit("runs", "log", "-m", "Diverged.", "--no-push")
    ada.sign_as(world.work)
    world.arcgit("review", tag, "--approve", "-m", "Good.", "--no-push")
    part(world, ada)
    assert len(world.arcgit("sync", "--wait-for", "bob")["waiting"]) == 3
    dropped = world.arcgit("sync", "--give-up", "bob")["dropped"]
    assert [line.split()[0] for line in dropped] == ["recorded", "run", "reviewed"]
    assert waiting(world) == []
    assert found(world, code=0) == []
    assert world.arcgit("sync")["dropped"] == []


@pytest.mark.parametrize("person", ["ada", "carol", ""])
def test_only_what_waits_is_given_up(world: World, ada: Person, bob: Person, person: str) -> None:
    """Neither what can still go out, nor what is somebody else's, nor what is on the remote."""
    both(world, ada, bob)
    refused(world, "--give-up", "bob", code="drop-refused")
    part(world, ada)
    ada.sign_as(world.work)
    told = refused(world, "--give-up", "bob", code="drop-refused")
    assert "arcgit sync --wait-for bob" in told["hint"]
    world.arcgit("sync", "--wait-for", "bob")
    refused(world, "--give-up", person, code="drop-refused")
    refused(world, "--give-up", "bob", "--give-up", person, code="drop-refused")


def test_a_ref_that_was_only_put_there_takes_no_tag_of_somebody_along(world: World, ada: Person, bob: Person) -> None:
    """Words alone make an event wait; what it names was pushed long ago."""
    raw = subprocess.run(["git", "cat-file", "commit", LEDGER], cwd=world.work, capture_output=True, check=True).stdout
    head, _, body = raw.partition(b"\n\n")
    command = ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
    unsigned = head.split(b"\ngpgsig ")[0] + b"\n\n" + body
    oid = (
        subprocess.run(command, cwd=world.work, input=unsigned, capture_output=True, check=True).stdout.decode().strip()
    )
    git(world.work, "update-ref", f"{WAITING}/{oid}", oid)
    git(world.work, "update-ref", f"{WAITING}/elsewhere", oid)
    before = git(world.work, "for-each-ref", "refs/tags", "refs/notes")
    world.arcgit("sync", "--give-up", "bob")
    assert git(world.work, "for-each-ref", "refs/tags", "refs/notes") == before
    assert waiting(world) == [oid]
    assert found(world, code=0) == []
