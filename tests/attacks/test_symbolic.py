"""Symbolic refs on the server, in the place of refs that are pushed: what is pushed there is written somewhere else."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from tests.attacks.test_exchange import FIXITY, LEDGER, sealed_here
from tests.world import World, git


def place(world: World, which: str, tag: str) -> str:
    return {"ledger": LEDGER, "lists": FIXITY, "tag": f"refs/tags/{tag}"}[which]


@pytest.mark.parametrize("which", ["ledger", "lists", "tag"])
def test_nothing_is_pushed_through_a_symbolic_ref_of_the_server(world: World, which: str) -> None:
    tag = sealed_here(world)
    name = place(world, which, tag)
    before = git(world.hub, "for-each-ref", name)
    oid = before.split()[0] if before else ""
    git(world.hub, "symbolic-ref", name, "refs/heads/main")
    main = git(world.hub, "rev-parse", "main")
    assert world.arcgit("sync", code=1)["error"]["code"] == "ref-symbolic"
    told = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "ref-symbolic"
    assert f"in the place of {name}: it stands for refs/heads/main" in told["message"]
    assert git(world.hub, "rev-parse", "main") == main
    command = told["hint"].partition("there: ")[2].partition(" ends it")[0]
    subprocess.run(shlex.split(command), cwd=world.hub, check=True)
    assert git(world.hub, "rev-parse", "main") == main
    if oid:
        git(world.hub, "update-ref", name, oid)
    assert f"refs/tags/{tag}" in world.arcgit("sync")["pushed"]
    assert world.verify("--level", "fixity", code=0) == []


@pytest.mark.parametrize("to", ["refs/heads/nowhere", "refs/tags/nowhere"])
def test_a_dangling_symbolic_ref_in_the_place_of_a_new_record_is_named(world: World, to: str) -> None:
    """git does not show it, and tells only of what it stands for."""
    tag = sealed_here(world)
    name = f"refs/tags/{tag}"
    git(world.hub, "symbolic-ref", name, to)
    before = git(world.hub, "for-each-ref", "refs/notes")
    if to.startswith("refs/tags"):
        # A tag may be written there, and is; the next who comes sees what it is.
        assert name in world.arcgit("sync")["pushed"]
        assert world.verify(code=0) == []
        return
    assert world.arcgit("sync", code=1)["error"]["code"] == "ref-symbolic"
    told = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "ref-symbolic"
    assert f"in the place of {name}: it stands for {to}" in told["message"]
    assert git(world.hub, "for-each-ref", "refs/notes") == before
    subprocess.run(
        shlex.split(told["hint"].partition("there: ")[2].partition(" ends it")[0]), cwd=world.hub, check=True
    )
    assert set(world.arcgit("sync")["pushed"]) == {LEDGER, name}
    assert world.verify(code=0) == []


def test_lists_that_went_through_a_dangling_symbolic_ref_are_seen_before_the_record_goes(world: World) -> None:
    tag = sealed_here(world)
    git(world.hub, "update-ref", "-d", FIXITY)
    git(world.hub, "symbolic-ref", FIXITY, "refs/heads/nowhere")
    told = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "ref-symbolic"
    assert FIXITY in told["message"]
    assert tag not in git(world.hub, "tag").split()
    git(world.hub, "symbolic-ref", "--delete", FIXITY)
    world.arcgit("sync")
    assert world.verify("--level", "fixity", code=0) == []


def test_a_dangling_symbolic_ref_in_the_place_of_the_ledger_is_a_ledger_that_is_gone(world: World) -> None:
    sealed_here(world)
    git(world.hub, "symbolic-ref", LEDGER, "refs/heads/nowhere")
    told = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "ledger-rollback"
    assert told["hint"].endswith(f"git push origin refs/notes/origin/arcgit:{LEDGER}")


def test_another_symbolic_ref_below_exp_is_in_nobodys_way(world: World) -> None:
    tag = sealed_here(world)
    git(world.hub, "symbolic-ref", "refs/tags/exp/latest", f"refs/tags/{world.tag()}")
    assert f"refs/tags/{tag}" in world.arcgit("sync")["pushed"]
