"""An own event that another clone has made impossible: it is named, nothing is lost, and there is a way on."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive.context import open_context
from arcgit.archive.events.append import Exchange, append, subject_of
from arcgit.archive.ledger import LedgerView
from arcgit.git import exchange
from arcgit.model.event import Subject
from arcgit.signing.signer import signer_from_config
from tests.crashes.scenes import Killable, half, types
from tests.world import Person, World, git, invoke, next_experiment

LEDGER = "refs/notes/arcgit"


@pytest.fixture
def other(world: World, ada: Person) -> Path:
    """Another clone of Ada's, in step with the hub."""
    clone = world.clone("other")
    ada.sign_as(clone)
    invoke(clone, "init")
    return clone


def retired_twice(world: World, other: Path, *more: tuple[str, ...]) -> str:
    """Both clones retire the same record; the other one has pushed. Returns the local ledger's tip, with `more` on it."""
    world.arcgit("retire", world.tag(), "-m", "From here.", "--no-push")
    for command in more:
        world.arcgit(*command, "--no-push")
    invoke(other, "retire", world.tag(), "-m", "From there.")
    return git(world.work, "rev-parse", LEDGER)


def amending(world: World) -> tuple[str, ...]:
    return ("amend", world.tag("wide"), "--purpose", "Wider.", "--reason", "Rest.")


def reasons(place: Path) -> list[Any]:
    bodies = git(place, "log", "--format=%B", "--reverse", LEDGER).splitlines()
    events = [json.loads(line.removeprefix("Arcgit-Event: ")) for line in bodies if line.startswith("Arcgit-Event: ")]
    return [event["data"].get("reason") for event in events if event["type"] in {"retired", "amended"}]


def test_an_own_event_that_cannot_stand_any_more_is_named_with_the_way_on(world: World, other: Path) -> None:
    tip = retired_twice(world, other)
    for command in (["sync"], ["amend", world.tag("wide"), "--purpose", "x", "--reason", "y"]):
        told = world.arcgit(*command, code=1)["error"]
        assert told["code"] == "event-impossible"
        assert "event 6, retired churn/baseline" in told["message"]
        assert "the record was retired before" in told["message"]
        assert told["hint"].startswith("arcgit sync --drop 6")
        assert git(world.work, "rev-parse", LEDGER) == tip


def test_what_is_dropped_is_kept_aside_and_the_rest_is_signed_again(world: World, other: Path) -> None:
    tip = retired_twice(world, other, amending(world))
    done = world.arcgit("sync", "--drop", "6")
    assert done["resigned"] == ["amended"]
    assert [text.partition(" (")[0] for text in done["dropped"]] == [f"event 6, retired {about(world)}"]
    assert git(world.work, "rev-parse", f"refs/arcgit/lost/{tip}") == tip
    assert reasons(world.hub) == ["From there.", "Rest."]
    assert git(world.work, "rev-parse", LEDGER) == git(world.hub, "rev-parse", LEDGER)
    assert world.verify(code=0) == []
    assert world.arcgit("sync")["pushed"] == []


def about(world: World) -> str:
    return world.tag().removeprefix("exp/").rpartition("/")[0] + " " + world.tag().rpartition("/")[2]


def test_all_that_cannot_stand_is_named_at_once(world: World, other: Path) -> None:
    """A release hangs on the hold before it, so what falls with a dropped event falls with it."""
    tag, wide = world.tag(), world.tag("wide")
    world.arcgit("retire", tag, "-m", "x", "--no-push")
    world.arcgit("amend", wide, "--purpose", "Kept.", "--reason", "y", "--no-push")
    world.arcgit("retire", wide, "-m", "x", "--no-push")
    for name in (tag, wide):
        invoke(other, "retire", name, "-m", "From there.")
    told = world.arcgit("sync", code=1)["error"]
    assert told["hint"].startswith("arcgit sync --drop 6 --drop 8")
    assert world.arcgit("sync", "--drop", "6", code=1)["error"]["hint"].startswith("arcgit sync --drop 6 --drop 8")
    assert world.arcgit("sync", "--drop", "6", "--drop", "8")["resigned"] == ["amended"]
    assert world.verify(code=0) == []


@pytest.mark.parametrize(("seq", "why"), [(7, "can stand"), (3, "is on `origin`"), (99, "no event 99")])
def test_what_can_stand_what_was_pushed_and_what_is_not_there_are_not_dropped(
    world: World, other: Path, seq: int, why: str
) -> None:
    retired_twice(world, other, amending(world))
    before = git(world.work, "for-each-ref", "refs/notes/arcgit", "refs/tags", "refs/arcgit")
    told = world.arcgit("sync", "--drop", "6", "--drop", str(seq), code=1)["error"]
    assert told["code"] == "drop-refused"
    assert why in told["message"]
    assert git(world.work, "for-each-ref", "refs/notes/arcgit", "refs/tags", "refs/arcgit") == before
    assert reasons(world.hub) == ["From there."]


@pytest.mark.parametrize("unpushed", [True, False])
def test_nothing_is_dropped_where_nothing_has_parted(world: World, unpushed: bool) -> None:  # noqa: FBT001
    if unpushed:
        world.arcgit("amend", world.tag(), "--purpose", "Wider.", "--reason", "Rest.", "--no-push")
    for seq in (5, 6, 7):
        assert world.arcgit("sync", "--drop", str(seq), code=1)["error"]["code"] == "drop-refused"
    assert world.arcgit("sync")["dropped"] == []
    assert types(world.hub).count("amended") == unpushed


def test_somebody_elses_event_is_not_dropped(world: World, other: Path, bob: Person, ada: Person) -> None:
    retired_twice(world, other)
    tip = git(world.work, "rev-parse", LEDGER)
    bob.sign_as(world.work)
    told = world.arcgit("sync", "--drop", "6", code=1)["error"]
    assert told["code"] == "ledger-unsynced"
    assert "ada" in told["message"]
    assert git(world.work, "rev-parse", LEDGER) == tip
    ada.sign_as(world.work)
    world.arcgit("sync", "--drop", "6")
    assert reasons(world.hub) == ["From there."]


def test_the_tag_of_a_recording_that_is_dropped_goes_aside_with_its_memory(
    world: World, other: Path, ada: Person, bob: Person
) -> None:
    """Ada takes the role away with which Bob has sealed a record that he has not pushed."""
    bob.sign_as(world.work)
    next_experiment(world.work, "own", "lr: 7\nepochs: 9\n")
    made = world.arcgit("record", "--no-push")
    tip = git(world.work, "rev-parse", LEDGER)
    policy = other / ".arcgit" / "policy.yaml"
    policy.write_text(
        policy.read_text().replace("version: 1", "version: 2").replace("[recorder, reviewer]", "[reviewer]")
    )
    invoke(other, "policy", "adopt")
    told = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "event-impossible"
    assert "bob may not do this" in told["message"]
    done = world.arcgit("sync", "--drop", "6")
    assert made["tag"] in done["dropped"]
    assert git(world.work, "for-each-ref", f"refs/tags/{made['tag']}", "refs/arcgit/unpushed") == ""
    for oid in (tip, made["tag_oid"]):
        assert git(world.work, "rev-parse", f"refs/arcgit/lost/{oid}") == oid
    assert half(world.work) == half(world.hub) == []
    assert world.verify(code=0) == []
    ada.sign_as(world.work)
    again = world.arcgit("record")
    assert (again["tag"], again["created"]) == (made["tag"], True)
    assert world.verify(code=0) == []


def test_a_key_that_the_policy_has_let_go_can_still_give_its_events_up(world: World, other: Path, bob: Person) -> None:
    bob.sign_as(world.work)
    world.arcgit("review", world.tag(), "--approve", "-m", "Fine.", "--no-push")
    invoke(other, "keys", "retire", "bob", "--adopt")
    told = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "event-impossible"
    assert "is not in the archive's policy" in told["message"]
    assert world.arcgit("sync", "--drop", "6")["resigned"] == []
    assert git(world.work, "rev-parse", LEDGER) == git(world.hub, "rev-parse", LEDGER)


def written(place: Path, kind: str, tag: str, data: dict[str, Any], *, push: bool) -> None:
    """An event for which there is no command."""
    context = open_context(place, state_dir=Path(os.environ["XDG_STATE_HOME"]) / "arcgit")
    signer = signer_from_config(context.settings.flat(), email=context.settings.get("user.email"))
    now = datetime(2026, 5, 1, tzinfo=timezone.utc)

    def decide(view: LedgerView) -> tuple[Subject | None, dict[str, Any]]:
        return subject_of(context, view, tag), data

    append(context, lambda: signer, kind=kind, decide=decide, exchange=Exchange(push=push), now=now)


def test_a_purge_that_a_hold_has_overtaken_is_given_up_and_never_done(world: World, other: Path) -> None:
    written(world.work, "purged", world.tag(), {"reason": "Due."}, push=False)
    written(other, "held", world.tag(), {"hold": "case-7", "reason": "Lawsuit."}, push=True)
    told = world.arcgit("sync", code=1)["error"]
    assert "the record is on hold: case-7" in told["message"]
    world.arcgit("sync", "--drop", "6")
    rows = {row["tag"]: row["status"] for row in world.arcgit("list")["records"]}
    assert rows[world.tag()] == "held"
    assert types(world.hub)[-1] == "held"


def test_what_falls_with_a_dropped_event_is_named_with_it(world: World, other: Path) -> None:
    """A release hangs on its hold; where the hold falls, the release does."""
    tag = world.tag()
    written(world.work, "held", tag, {"hold": "case-7", "reason": "Lawsuit."}, push=False)
    written(world.work, "released", tag, {"hold": "case-7", "reason": "Over."}, push=False)
    written(other, "purged", tag, {"reason": "Due."}, push=True)
    assert world.arcgit("sync", code=1)["error"]["hint"].startswith("arcgit sync --drop 6 --drop 7 ")
    assert world.arcgit("sync", "--drop", "6", "--drop", "7")["resigned"] == []
    assert types(world.hub)[-1] == "purged"
    assert git(world.work, "rev-parse", LEDGER) == git(world.hub, "rev-parse", LEDGER)


def test_two_policies_of_the_same_version_leave_a_way_on(world: World, other: Path) -> None:
    for place, name in ((world.work, "Ada of here"), (other, "Ada of there")):
        policy = place / ".arcgit" / "policy.yaml"
        text = policy.read_text().replace("version: 1", "version: 2")
        policy.write_text(re.sub("name: .?Ada Lovelace.?", f"name: {name}", text))
    world.arcgit("policy", "adopt", "--no-push")
    invoke(other, "policy", "adopt")
    assert world.arcgit("sync", code=1)["error"]["code"] == "event-impossible"
    world.arcgit("sync", "--drop", "6")
    assert "Ada of there" in json.dumps(world.arcgit("policy", "show"))


@pytest.mark.parametrize(("at", "then"), [("refs-moved:1", ["--drop", "6"]), ("refs-moved:2", [])])
def test_a_drop_that_was_killed_is_finished_by_the_next_sync(
    world: World, other: Path, at: str, then: list[str]
) -> None:
    tip = retired_twice(world, other)
    assert Killable().run(world, "sync", "--drop", "6", crash_at=at) == -9
    assert world.verify(code=0) == (["ledger-unsynced"] if then else [])
    world.arcgit("sync", *then)
    assert git(world.work, "rev-parse", f"refs/arcgit/lost/{tip}") == tip
    assert reasons(world.hub) == ["From there."]
    assert world.verify(code=0) == []


def test_what_a_faster_clone_makes_impossible_during_a_drop_is_named_anew(
    world: World, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers were given for what was seen: under the same number another event may stand by now."""
    retired_twice(world, other, ("retire", world.tag("wide"), "-m", "Kept?"))
    true, waiting = exchange.push, [world.tag("wide")]

    def push(*given: Any, **options: Any) -> None:
        if waiting:
            invoke(other, "retire", waiting.pop(), "-m", "Faster.")
        true(*given, **options)

    monkeypatch.setattr(exchange, "push", push)
    told = world.arcgit("sync", "--drop", "6", code=1)["error"]
    assert told["code"] == "event-impossible"
    assert "event 7, retired churn/wide" in told["message"]
    assert reasons(world.work)[-1] == "Kept?"
