"""git itself is killed in the middle of a transaction of refs: some are moved, the others are locked and stay as they were."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import NoReturn

import pytest

from arcgit.git.repository import ZERO, RefUpdate, Repository
from tests.crashes.scenes import SCENES, arguments, half, require_done
from tests.world import World, git, invoke

SceneWorld = Callable[[str], World]


class Killed(BaseException):
    """Stands for a kill: nothing in the code under test may catch it."""


def torn(repo: Repository, updates: list[RefUpdate], moved: int) -> NoReturn:
    """What git leaves: it locks all refs, moves them in the order given, and deletes last."""
    ordered = sorted(updates, key=lambda update: update.new == ZERO)
    for update in ordered[:moved]:
        change = ["-d", update.ref] if update.new == ZERO else [update.ref, update.new]
        git(repo.root, "update-ref", *change)
    for update in ordered[moved:]:
        lock = repo.common_dir / f"{update.ref}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(f"{update.new}\n")
    raise Killed


def tear(patch: pytest.MonkeyPatch, at: int, moved: int) -> list[int]:
    """Let the transaction number `at` be torn after `moved` refs; the list that is returned gets the size of each."""
    sizes: list[int] = []
    numbers, true = count(1), Repository.update_refs

    def update_refs(self: Repository, updates: Iterable[RefUpdate]) -> None:
        listed = list(updates)
        sizes.append(len(listed))
        if next(numbers) == at:
            torn(self, listed, moved)
        true(self, listed)

    patch.setattr(Repository, "update_refs", update_refs)
    return sizes


def run_on(world: World, name: str) -> None:
    """Run the command again, doing what it says for as long as a lock is in the way."""
    command = arguments(SCENES[name], world)
    for _ in range(10):
        answer = invoke(world.work, *command, code=None)
        if "error" not in answer:
            return
        assert answer["error"]["code"] == "lock-held", answer
        _, _, told = answer["error"]["hint"].rpartition(": ")
        lock = Path(shlex.split(told)[1])
        assert str(lock) in answer["error"]["message"]
        assert "its owner has died" in answer["error"]["message"]
        assert lock.exists(), "git's locks are not arcgit's to remove"
        subprocess.run(shlex.split(told), check=True)
    raise AssertionError("the locks do not come to an end")


CASES = [("record", 1, moved) for moved in range(5)]
CASES += [("record", 2, 1)]
CASES += [("sync", at, moved) for at, most in ((1, 6), (2, 2), (3, 2)) for moved in range(most + 1)]
CASES += [("policy adopt", 1, 0)]


@pytest.mark.parametrize(("name", "at", "moved"), CASES)
def test_a_torn_transaction_is_finished_or_rolled_back(scene: SceneWorld, name: str, at: int, moved: int) -> None:
    world = scene(name)
    with pytest.MonkeyPatch.context() as patch:
        tear(patch, at, moved)
        with pytest.raises(Killed):
            world.arcgit(*arguments(SCENES[name], world))
    world.verify()
    assert not (world.last["verdict"] == "pass" and half(world.work)), "half a record never passes"
    assert half(world.hub) == []
    run_on(world, name)
    require_done(world, SCENES[name])


@pytest.mark.parametrize("name", ["record", "sync"])
def test_every_transaction_is_torn_at_every_place(scene: SceneWorld, name: str) -> None:
    world = scene(name)
    with pytest.MonkeyPatch.context() as patch:
        sizes = tear(patch, at=0, moved=0)
        world.arcgit(*arguments(SCENES[name], world))
    most = {
        at: max(moved for which, number, moved in CASES if (which, number) == (name, at))
        for at in range(1, len(sizes) + 1)
    }
    assert all(most[at] >= size or size <= 1 for at, size in enumerate(sizes, 1)), (sizes, most)


def test_what_was_rolled_back_is_kept(scene: SceneWorld) -> None:
    """The tag is there and its event is not: nobody recorded it."""
    world = scene("record")
    with pytest.MonkeyPatch.context() as patch:
        tear(patch, at=1, moved=2)
        with pytest.raises(Killed):
            world.arcgit("record", "--no-push")
    (refname,) = half(world.work)
    oid = git(world.work, "rev-parse", refname)
    assert "unrecorded-tag" in world.verify(code=1)
    (world.work / ".git" / "refs" / "notes" / "arcgit.lock").unlink()
    synced = world.arcgit("sync")
    assert synced["dropped"] == [refname.removeprefix("refs/tags/")]
    assert git(world.work, "rev-parse", f"refs/arcgit/lost/{oid}") == oid
    assert world.verify(code=0) == []
    again = world.arcgit("record", "--no-push")
    assert again["created"] is True
