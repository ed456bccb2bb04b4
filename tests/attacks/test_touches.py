"""A key that asks for a touch or a PIN is asked at most three times a command, and nothing is lost by that.

The programs that sign are the real ones, behind a script that counts how often they are asked.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest

from arcgit.archive import retry
from arcgit.git import exchange
from arcgit.git.repository import RefMovedError, Repository
from arcgit.signing.bound import BoundedSigner
from arcgit.signing.signer import signer_from_config
from tests.crashes.scenes import half, types
from tests.vectors.make import spoil
from tests.world import Person, World, git, invoke, next_experiment

LEDGER = "refs/notes/arcgit"
CARD = "D2760001240103040006123456780000"


class Counted:
    """The clone's signing program, counted. `on_card` lets GnuPG list the key as one on a card."""

    def __init__(self, world: World, *, on_card: bool = True) -> None:
        self._log = world.root / "asked"
        self._log.touch()
        program = world.root / "counting-gpg"
        real = shutil.which("gpg")
        listed = rf'"$GPG" "$@" | sed -E "s/^((sec|ssb):([^:]*:){{13}})[+]:/\1{CARD}:/"; exit' if on_card else ":"
        program.write_text(
            f"#!/bin/sh\nGPG={real}\n"
            f'case " $* " in *" --detach-sign "*) echo x >>{self._log};; *" --list-secret-keys "*) {listed};; esac\n'
            'exec "$GPG" "$@"\n'
        )
        program.chmod(0o755)
        git(world.work, "config", "gpg.program", str(program))

    def times(self) -> int:
        """How often it was asked since the last question."""
        count = len(self._log.read_text())
        self._log.write_text("")
        return count // 2


@pytest.fixture
def other(world: World, ada: Person) -> Path:
    """Another clone of Ada's, with a key that asks nobody."""
    clone = world.clone("other")
    ada.sign_as(clone)
    invoke(clone, "init")
    return clone


def faster(world: World, other: Path, patch: pytest.MonkeyPatch, times: int) -> None:
    """Let the other clone push something before each of the next pushes."""
    true, left = exchange.push, [times]

    def push(root: Path, *given: Any, **options: Any) -> None:
        if root == world.work and left[0]:
            left[0] -= 1
            invoke(other, "amend", world.tag("wide"), "--purpose", f"Faster {left[0]}.", "--reason", "First.")
        true(root, *given, **options)

    patch.setattr(exchange, "push", push)


def waiting(world: World, count: int) -> None:
    for n in range(count):
        world.arcgit("amend", world.tag(), "--purpose", f"Own {n}.", "--reason", "Own.", "--no-push")


def test_a_record_asks_three_times_at_most_and_is_kept_where_others_are_faster(
    world: World, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counted(world)
    next_experiment(world.work, "own", "lr: 7\nepochs: 9\n")
    with pytest.MonkeyPatch.context() as patch:
        faster(world, other, patch, times=9)
        told = world.arcgit("record", code=3)["error"]
    assert asked.times() == 3
    assert told["code"] == "signing-limit"
    assert "arcgit sync" in told["hint"]
    assert world.tag("own")
    assert half(world.hub) == []
    assert [name.startswith("refs/tags/exp/churn/own") for name in world.arcgit("sync")["pushed"]].count(True) == 1
    assert asked.times() == 1
    assert half(world.work) == half(world.hub) == []
    assert world.verify(code=0) == []
    again = world.arcgit("record")
    assert (again["created"], asked.times()) == (False, 0)


def test_a_record_that_loses_once_is_through_with_three(
    world: World, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counted(world)
    next_experiment(world.work, "own", "lr: 7\nepochs: 9\n")
    faster(world, other, monkeypatch, times=1)
    world.arcgit("record")
    assert asked.times() == 3
    assert types(world.hub).count("recorded") == 4


def test_a_record_for_which_the_key_may_not_be_asked_often_enough_is_not_begun(world: World, other: Path) -> None:
    """Two events that wait are signed again first; then one signature is left, and a record takes two."""
    next_experiment(world.work, "own", "lr: 7\nepochs: 9\n")
    waiting(world, 2)
    invoke(other, "amend", world.tag("wide"), "--purpose", "Faster.", "--reason", "First.")
    asked = Counted(world)
    assert world.arcgit("record", code=3)["error"]["code"] == "signing-limit"
    assert asked.times() == 2
    assert world.arcgit("record")["created"] is True
    assert asked.times() == 2
    assert types(world.hub).count("amended") == 3
    assert world.verify(code=0) == []


def test_more_events_than_the_key_may_be_asked_for_wait_for_a_word_of_their_owner(world: World, other: Path) -> None:
    waiting(world, 5)
    invoke(other, "amend", world.tag("wide"), "--purpose", "Faster.", "--reason", "First.")
    asked, tip = Counted(world), git(world.work, "rev-parse", LEDGER)
    for command in (["sync"], ["amend", world.tag(), "--purpose", "More.", "--reason", "Own."]):
        told = world.arcgit(*command, code=3)["error"]
        assert (told["code"], asked.times()) == ("signing-limit", 0)
        assert told["hint"].startswith("arcgit sync --signatures 5 ")
        assert git(world.work, "rev-parse", LEDGER) == tip
    assert world.arcgit("sync", "--signatures", "4", code=3)["error"]["code"] == "signing-limit"
    assert asked.times() == 0
    world.arcgit("sync", "--signatures", "5")
    assert asked.times() == 5
    assert types(world.hub).count("amended") == 6
    assert world.verify(code=0) == []


def test_what_is_dropped_asks_for_nothing(world: World, other: Path) -> None:
    waiting(world, 3)
    world.arcgit("retire", world.tag("wide"), "-m", "From here.", "--no-push")
    invoke(other, "retire", world.tag("wide"), "-m", "From there.")
    asked = Counted(world)
    assert world.arcgit("sync", code=1)["error"]["code"] == "event-impossible"
    assert asked.times() == 0
    world.arcgit("sync", "--drop", "9")
    assert asked.times() == 3


def test_events_of_a_race_that_is_never_won_are_kept_and_arrive_with_the_next_sync(world: World, other: Path) -> None:
    asked = Counted(world)
    with pytest.MonkeyPatch.context() as patch:
        faster(world, other, patch, times=9)
        told = world.arcgit("amend", world.tag(), "--purpose", "Own.", "--reason", "Own.", code=3)["error"]
    assert (told["code"], asked.times()) == ("signing-limit", 3)
    world.arcgit("sync")
    assert asked.times() == 1
    assert types(world.hub).count("amended") == 4


def test_a_ledger_that_others_of_this_machine_keep_moving_is_no_reason_to_ask_on(world: World) -> None:
    asked = Counted(world)

    def moved(*_: object) -> NoReturn:
        raise RefMovedError("ref-moved", "somebody was faster", "run the command again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Repository, "update_refs", moved)
        patch.setattr(retry, "wait", lambda attempt, longest: None)
        command = ("amend", world.tag(), "--purpose", "Own.", "--reason", "Own.", "--no-push")
        assert world.arcgit(*command, code=3)["error"]["code"] == "signing-limit"
    assert asked.times() == 3
    assert types(world.work).count("amended") == 0


def test_adopting_a_policy_and_founding_an_archive_take_no_more_than_three(
    world: World, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counted(world)
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 1", "version: 2").replace("[recorder, reviewer]", "[reviewer]"))
    faster(world, other, monkeypatch, times=1)
    world.arcgit("policy", "adopt")
    assert asked.times() == 3
    git(world.work, "remote", "remove", "origin")
    for ref in git(world.work, "for-each-ref", "--format=%(refname)", "refs/notes", "refs/tags", "refs/arcgit").split():
        git(world.work, "update-ref", "-d", ref)
    shutil.rmtree(world.work / ".arcgit")
    world.arcgit("init", "--new-archive")
    assert asked.times() == 3


def test_a_key_that_asks_nobody_signs_as_often_as_it_must(
    world: World, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Counted(world, on_card=False)
    waiting(world, 2)
    faster(world, other, monkeypatch, times=3)
    world.arcgit("amend", world.tag(), "--purpose", "Last.", "--reason", "Own.")
    assert asked.times() == 2 + 1 + 3 * 3
    assert types(world.hub).count("amended") == 6


@pytest.mark.parametrize(("said", "bounded"), [("", True), ("false", False), ("true", True), ("what", True)])
def test_a_fido_key_is_known_by_its_kind_unless_git_says_otherwise(tmp_path: Path, said: str, bounded: bool) -> None:  # noqa: FBT001
    public, _ = spoil.token(b"x", flags=1)
    (tmp_path / "key.pub").write_text(public)
    config = {"gpg.format": "ssh", "user.signingkey": str(tmp_path / "key.pub"), "arcgit.hardwarekey": said}
    assert isinstance(signer_from_config(config, email=""), BoundedSigner) == bounded


@pytest.mark.parametrize(("said", "bounded"), [("", False), ("true", True), ("yes", True), ("0", False)])
def test_of_another_key_git_can_say_that_it_is_in_hardware(bob: Person, said: str, bounded: bool) -> None:  # noqa: FBT001
    config = {"gpg.format": "ssh", "user.signingkey": bob.key, "arcgit.hardwarekey": said}
    assert isinstance(signer_from_config(config, email=""), BoundedSigner) == bounded
