"""Very many tags at once go and come under one pattern: exactly those that would have been named one by one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from arcgit.cli import archive_commands
from arcgit.cli.app import run
from arcgit.git import exchange, outgoing
from arcgit.model.names import LEDGER_REF, OUTGOING_PREFIX
from tests.world import World, git, invoke, next_experiment

MANY = """
from arcgit.git import outgoing
outgoing.MANY = 1
from arcgit.__main__ import main
main()
"""
"""A command line for which one tag is very many."""


@pytest.fixture(autouse=True)
def one_is_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "MANY", 1)


def tags(place: Path) -> dict[str, str]:
    rows = git(place, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags").splitlines()
    return dict(row.split() for row in rows)


def left(place: Path) -> str:
    return git(place, "for-each-ref", OUTGOING_PREFIX, "refs/arcgit/incoming/")


def empty_hub(world: World) -> None:
    """A remote that has nothing yet."""
    shutil.rmtree(world.hub)
    git(world.root, "init", "--quiet", "--bare", str(world.hub))
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")


def test_a_first_sync_brings_every_record_and_no_other_tag(world: World) -> None:
    empty_hub(world)
    git(world.work, "tag", "exp/churn/unrecorded/000000000000", "HEAD")
    git(world.work, "tag", "v1", "HEAD")
    recorded = {name: oid for name, oid in tags(world.work).items() if "/0000" not in name and "exp/" in name}
    pushed = world.arcgit("sync")["pushed"]
    assert tags(world.hub) == recorded
    assert set(recorded) < set(pushed)
    assert left(world.work) == ""


def test_what_a_run_that_died_has_left_is_not_pushed_and_goes(world: World) -> None:
    empty_hub(world)
    git(world.work, "update-ref", f"{OUTGOING_PREFIX}exp/churn/planted/111111111111", "HEAD")
    git(world.work, "update-ref", f"{OUTGOING_PREFIX}v2", "HEAD")
    world.arcgit("sync")
    assert len(tags(world.hub)) == 3
    assert left(world.work) == ""


@pytest.mark.parametrize(
    "at", ["tags-laid-out:1", "tags-laid-out:2", "refs-moved:1", "refs-moved:2", "pushed", "fetched"]
)
def test_a_sync_that_is_killed_is_done_by_the_next(world: World, at: str) -> None:
    clone = world.root / "clone"
    git(world.root, "clone", "--quiet", "--no-tags", str(world.hub), str(clone))
    next_experiment(world.work, "own", "lr: 7\nepochs: 9\n")
    world.arcgit("record", "--no-push")
    reached = []
    for place in (world.work, clone):
        command = [sys.executable, "-c", MANY, "-C", str(place), "sync"]
        done = subprocess.run(command, env={**os.environ, "ARCGIT_CRASH_AT": at}, capture_output=True, check=False)
        assert done.returncode in (-9, 0), done.stderr
        reached.append(done.returncode)
        invoke(place, "sync")
        assert left(place) == ""
    assert -9 in reached
    assert len(tags(world.hub)) == 4
    assert tags(clone) == tags(world.hub) == tags(world.work)
    assert world.verify(code=0) == world.verify(code=0, cwd=clone) == []


def test_a_push_that_is_refused_leaves_nothing_behind(world: World) -> None:
    empty_hub(world)
    hook = world.hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    hook.chmod(0o755)
    assert world.arcgit("sync", code=1)["error"]["code"] == "push-refused"
    assert (tags(world.hub), left(world.work)) == ({}, "")


def test_where_nothing_can_be_written_beside_each_is_named(world: World) -> None:
    empty_hub(world)
    (world.work / ".git" / OUTGOING_PREFIX).parent.mkdir(parents=True, exist_ok=True)
    (world.work / ".git" / OUTGOING_PREFIX.rstrip("/")).write_text(f"{git(world.work, 'rev-parse', 'HEAD')}\n")
    world.arcgit("sync")
    assert len(tags(world.hub)) == 3


def test_a_tag_that_is_sealed_while_others_are_pushed_waits_for_its_event(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event would come later; whoever looked in between would see a tag that no ledger knows."""
    empty_hub(world)
    true, waiting = exchange.push, ["exp/churn/later/222222222222"]

    def push(root: Path, remote: str, goes: Mapping[str, str], **rest: Any) -> None:
        while LEDGER_REF in goes and waiting:
            git(world.work, "tag", waiting.pop(), "HEAD")
        true(root, remote, goes, **rest)

    monkeypatch.setattr(exchange, "push", push)
    world.arcgit("sync")
    assert not waiting
    assert len(tags(world.hub)) == 3


def test_very_many_new_tags_come_at_once_and_a_stranger_s_own_stay_where_they_are(world: World) -> None:
    names = tags(world.work)
    for name in names:
        git(world.work, "update-ref", "-d", name)
    git(world.hub, "tag", "v7", "notes/arcgit")
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    world.arcgit("sync")
    assert tags(world.work) == names
    assert left(world.work) == ""
    assert world.verify(code=0) == []


def test_a_second_place_gets_the_same_refs(world: World) -> None:
    git(world.root, "init", "--quiet", "--bare", "second.git")
    git(world.work, "remote", "add", "second", "../second.git")
    (world.root / "offline").mkdir()
    subprocess.run(
        [sys.executable, "-m", "dvc", "remote", "add", "--quiet", "offline", str(world.root / "offline")],
        cwd=world.work,
        check=True,
    )
    world.commit()
    done = world.arcgit("replicate", "offline", "--git-remote", "second")
    assert done["verdict"] == "pass"
    assert tags(world.root / "second.git") == tags(world.work)
    assert left(world.work) == ""


def test_a_person_is_told_how_many_went_and_a_program_which(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(archive_commands, "SHOWN", 2)
    empty_hub(world)
    assert run(["-C", str(world.work), "sync"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  pushed")]
    assert rows[2:] == ["  pushed       and 3 more; --json names them all"]
