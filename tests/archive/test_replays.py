"""A ledger is replayed once by a command, and what is not the ledger that was replayed is never taken for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import demands, ledger
from arcgit.model.names import LEDGER_REF
from tests.home import ssh_person
from tests.world import World, git, next_experiment


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tips that were replayed, one by one."""
    tips: list[str] = []
    real = ledger._replayed

    def counting(repo: Any, tip: str, *arguments: Any, **options: Any) -> Any:
        tips.append(tip)
        return real(repo, tip, *arguments, **options)

    monkeypatch.setattr(ledger, "_replayed", counting)
    return tips


def test_an_event_that_is_pushed_needs_one_replay(world: World, replayed: list[str]) -> None:
    begin = git(world.work, "rev-parse", LEDGER_REF)
    world.arcgit("evaluate", "baseline", "--outcome", "reproduced", "-m", "again")
    assert replayed == [begin]
    replayed.clear()
    world.arcgit("runs", "log", "-m", "Diverged")
    assert replayed == [git(world.work, "rev-parse", f"{LEDGER_REF}^")]
    assert world.verify(code=0) == []


def test_a_record_needs_one_replay_and_so_does_finding_it_again(world: World, replayed: list[str]) -> None:
    next_experiment(world.work, "once-more", "lr: 0.7\nepochs: 2\n")
    begin = git(world.work, "rev-parse", LEDGER_REF)
    for created in (True, False):
        assert world.arcgit("record")["created"] is created
        assert replayed == [begin]
        begin = git(world.work, "rev-parse", LEDGER_REF)
        replayed.clear()
    assert git(world.hub, "rev-parse", LEDGER_REF) == begin


def test_a_key_that_is_proposed_and_adopted_needs_one_replay(world: World, replayed: list[str], tmp_path: Path) -> None:
    key = Path(ssh_person(tmp_path, "Carol", "carol@example.org").key)
    begin = git(world.work, "rev-parse", LEDGER_REF)
    named = ("--name", "Carol", "--email", "carol@example.org", "--role", "auditor")
    world.arcgit("keys", "add", "carol", str(key), *named, "--adopt")
    assert replayed == [begin]
    assert world.verify(code=0) == []


def test_of_two_ledgers_each_is_replayed_once(world: World, replayed: list[str]) -> None:
    """Here is an event that the remote has not."""
    shared = git(world.work, "rev-parse", LEDGER_REF)
    world.arcgit("evaluate", "baseline", "--outcome", "reproduced", "-m", "again", "--no-push")
    replayed.clear()
    world.arcgit("sync")
    assert replayed == [shared, git(world.work, "rev-parse", LEDGER_REF)]


def test_what_comes_on_the_ledger_behind_an_event_is_not_pushed_unread(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stock `git notes` writes between the event and its push."""
    real = demands.remember

    def meddle(*arguments: Any) -> None:
        git(world.work, "notes", "--ref=arcgit", "append", "-m", "mine", "HEAD")
        real(*arguments)

    monkeypatch.setattr("arcgit.archive.events.append.demands.remember", meddle)
    done = world.arcgit("evaluate", "baseline", "--outcome", "reproduced", "-m", "again")
    assert git(world.hub, "rev-parse", LEDGER_REF) == done["oid"] == git(world.work, "rev-parse", LEDGER_REF)
    assert len(git(world.work, "for-each-ref", "refs/arcgit/lost").splitlines()) == 1
    assert world.verify(code=0) == []
