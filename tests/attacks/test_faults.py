"""Faults in the middle of `record`: afterwards nothing is half done, and the next run finishes."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from arcgit.archive import fixity, readback
from arcgit.git import exchange
from arcgit.git.repository import Repository
from tests.world import World, git, next_experiment

STEPS: dict[str, tuple[Any, str]] = {
    "while data is pushed": (readback, "push_and_read_back"),
    "before the first object is written": (Repository, "held"),
    "before the fixity lists": (fixity, "add"),
    "before the refs move": (Repository, "update_refs"),
    "before the push": (exchange, "push"),
}


class Killed(BaseException):
    """Stands for a kill: nothing in the code under test may catch it."""


def killed(*_: object, **__: object) -> NoReturn:
    raise Killed


@pytest.mark.parametrize("step", STEPS)
def test_a_record_that_is_killed_is_whole_or_not_there(world: World, step: str) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    tags = git(world.work, "tag", "-l")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*STEPS[step], killed)
        with pytest.raises(Killed):
            world.arcgit("record")
    assert world.verify(code=0) == []
    sealed = git(world.work, "tag", "-l") != tags
    assert sealed == (step == "before the push")
    again = world.arcgit("record")
    assert again["created"] is not sealed
    assert git(world.hub, "rev-parse", f"refs/tags/{again['tag']}") == again["tag_oid"]
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") == git(world.work, "rev-parse", "refs/notes/arcgit")
    assert world.verify("--level", "fixity", code=0) == []
    assert git(world.work, "for-each-ref", "refs/arcgit/unpushed") == ""


def test_a_stale_lock_on_a_ref_is_named_and_left_alone(world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    lock = world.work / ".git" / "refs" / "notes" / "arcgit.lock"
    lock.touch()
    before = git(world.work, "for-each-ref")
    refused = world.arcgit("record", "--no-push", code=1)
    assert "arcgit.lock" in refused["error"]["message"]
    assert lock.exists()
    assert git(world.work, "for-each-ref") == before
    lock.unlink()
    assert world.arcgit("record", "--no-push")["created"]


def test_a_hub_that_refuses_the_push_leaves_a_whole_local_record(world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    hook = world.hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'not today' >&2\nexit 1\n")
    hook.chmod(0o755)
    refused = world.arcgit("record", code=1)
    assert refused["error"]["code"] == "push-refused"
    assert world.verify(code=0) == []
    hook.unlink()
    assert world.arcgit("record")["created"] is False
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") == git(world.work, "rev-parse", "refs/notes/arcgit")
