"""Servers that refuse some refs of a push and take the others, whatever `--atomic` has promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from arcgit.archive.hooks import hooks
from arcgit.rules.hiding import hides
from tests.attacks.test_exchange import FIXITY, LEDGER, sealed_here
from tests.world import World, git, invoke

PROC_RECEIVE = """\
#!/usr/bin/env python3
import sys
def read():
    size = int(sys.stdin.buffer.read(4), 16)
    return sys.stdin.buffer.read(size - 4) if size else None
def write(data=None):
    sys.stdout.buffer.write(b"0000" if data is None else b"%04x" % (len(data) + 4) + data)
    sys.stdout.buffer.flush()
while read() is not None:
    pass
write(b"version=1\\0atomic")
write()
while (line := read()) is not None:
    name = line.split()[2]
    HOW
write()
"""


def lists_again(world: World) -> str:
    """A sealed record with lists of files that the hub, which never had any, lacks; its tag."""
    tag = sealed_here(world)
    git(world.hub, "update-ref", "-d", FIXITY)
    return tag


def refs(world: World) -> dict[str, str]:
    rows = git(world.hub, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {name: oid for name, _, oid in (row.partition(" ") for row in rows)}


def proc_receive(world: World, how: str, ref: str) -> None:
    hook = world.hub / "hooks" / "proc-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(PROC_RECEIVE.replace("HOW", how))
    hook.chmod(0o755)
    git(world.hub, "config", "receive.procReceiveRefs", ref)


@pytest.mark.parametrize("setting", ["receive.hideRefs", "transfer.hideRefs"])
def test_where_the_lists_are_hidden_nothing_goes_and_the_next_sync_brings_all(world: World, setting: str) -> None:
    tag = lists_again(world)
    git(world.hub, "config", setting, "refs/arcgit")
    before = refs(world)
    for command in ("sync", "record", "sync"):
        told = world.arcgit(command, code=1)["error"]
        assert told["code"] == "ref-hidden"
        assert FIXITY in told["message"]
        assert told["hint"].endswith("then arcgit sync")
        assert refs(world) == before
    git(world.hub, "config", "--unset", setting)
    assert set(world.arcgit("sync")["pushed"]) == {FIXITY, LEDGER, f"refs/tags/{tag}"}
    assert world.verify("--level", "fixity", code=0) == []


def test_lists_that_nobody_may_fetch_are_no_place_to_rest_a_record_on(world: World) -> None:
    tag = lists_again(world)
    git(world.hub, "config", "uploadpack.hideRefs", "refs/arcgit")
    for _ in range(2):
        told = world.arcgit("sync", code=3)["error"]
        assert told["code"] == "ref-hidden"
        assert f"refs/tags/{tag}" not in refs(world)
    git(world.hub, "config", "--unset", "uploadpack.hideRefs")
    world.arcgit("sync")
    assert world.verify("--level", "fixity", code=0) == []


@pytest.mark.parametrize("hidden", ["refs/notes", "refs/tags/exp", FIXITY])
def test_a_push_that_was_taken_in_part_is_said_to_be_and_brought_to_its_end(world: World, hidden: str) -> None:
    """git takes the rest of an atomic push where a ref is hidden: the hub has half of a record then."""
    before = refs(world)
    # A directory of its own gives the record a list that the hub's lists lack.
    extra = world.work / "data" / "train" / "more.csv"
    extra.write_text("7\n")
    tag = sealed_here(world)
    git(world.hub, "config", "receive.hideRefs", hidden)
    changed = {LEDGER, f"refs/tags/{tag}"} | (
        {FIXITY} if git(world.work, "rev-parse", FIXITY) != before[FIXITY] else set()
    )
    if hidden == FIXITY and FIXITY not in changed:
        git(
            world.work,
            "update-ref",
            FIXITY,
            git(world.work, "commit-tree", "-p", FIXITY, "-m", "x", f"{FIXITY}^{{tree}}"),
        )
        changed.add(FIXITY)
    told: Any = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "push-partly-taken"
    kept = {name for name in changed if name.startswith(hidden)}
    taken = {name for name, oid in refs(world).items() if before.get(name) != oid}
    assert (taken, kept) == (changed - kept, kept)
    assert kept
    for name in kept | taken:
        assert name in told["message"]
    assert told["hint"].endswith("then arcgit sync")
    # As often as one asks.
    assert world.arcgit("sync", code=1)["error"]["code"] in {"push-partly-taken", "ref-hidden"}
    assert world.verify(code=0) == []
    git(world.hub, "config", "--unset", "receive.hideRefs")
    assert set(world.arcgit("sync")["pushed"]) == kept
    assert world.verify("--level", "fixity", code=0) == []
    assert git(world.work, "for-each-ref", "refs/arcgit/unpushed") == ""
    clone = world.clone("fresh")
    git(clone, "fetch", "--quiet", "--tags", "origin", f"{LEDGER}:{LEDGER}")
    assert world.verify(cwd=clone, code=0) == []


def test_a_hook_that_refuses_one_ref_refuses_all_and_the_next_sync_brings_them(world: World) -> None:
    """`update` and `proc-receive` do keep git's promise."""
    tag = sealed_here(world)
    before = refs(world)
    hook = world.hub / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncase $1 in refs/notes/*) exit 1;; esac\n")
    hook.chmod(0o755)
    assert world.arcgit("sync", code=1)["error"]["code"] == "push-refused"
    hook.unlink()
    proc_receive(world, 'write(b"ng " + name + b" not here")', "refs/notes")
    told = world.arcgit("sync", code=1)["error"]
    assert (told["code"], "not here" in told["message"]) == ("push-refused", True)
    assert refs(world) == before
    git(world.hub, "config", "--unset", "receive.procReceiveRefs")
    assert set(world.arcgit("sync")["pushed"]) == {LEDGER, f"refs/tags/{tag}"}
    assert world.verify(code=0) == []


def test_a_ref_that_was_taken_under_another_name_is_not_called_pushed(world: World) -> None:
    tag = sealed_here(world)
    proc_receive(world, 'write(b"ok " + name); write(b"option refname refs/for/review")', "refs/tags/exp")
    for _ in range(2):
        told = world.arcgit("sync", code=1)["error"]
        assert told["code"] == "push-renamed"
        assert f"refs/tags/{tag}" in told["message"]
        assert "refs/for/review" in told["message"]
    git(world.hub, "config", "--unset", "receive.procReceiveRefs")
    assert world.arcgit("sync")["pushed"] == [f"refs/tags/{tag}"]
    assert world.verify(code=0) == []


def test_lists_that_were_said_to_be_taken_and_were_not_are_missed_at_once(world: World) -> None:
    tag = lists_again(world)
    proc_receive(world, 'write(b"ok " + name)', "refs/arcgit")
    assert world.arcgit("sync", code=3)["error"]["code"] == "ref-hidden"
    assert f"refs/tags/{tag}" not in refs(world)
    git(world.hub, "config", "--unset", "receive.procReceiveRefs")
    world.arcgit("sync")
    assert world.verify("--level", "fixity", code=0) == []


@pytest.mark.parametrize("told", ["ok", "as pushed"])
@pytest.mark.parametrize("dropped", ["refs/notes", "refs/tags/exp", "refs"])
def test_what_a_server_says_to_have_taken_and_has_not_is_not_called_pushed(
    world: World, dropped: str, told: str
) -> None:
    """git believes a proc-receive hook. Nothing is forgotten or pinned, and the next sync with an honest server heals it."""
    tag, before = sealed_here(world), refs(world)
    pins = {path: path.read_text() for path in (world.state / "arcgit" / "pins").iterdir()}
    as_pushed = 'write(b"option refname " + name); write(b"option new-oid " + line.split()[1])'
    proc_receive(world, f'write(b"ok " + name); {as_pushed if told == "as pushed" else ""}', dropped)
    lacking = {name for name in (LEDGER, f"refs/tags/{tag}") if name.startswith(dropped)}
    for command in (("sync",), ("record",), ("evaluate", tag, "--outcome", "reproduced", "-m", "x"), ("sync",)):
        found = world.arcgit(*command, code=3)["error"]
        assert found["code"] == "push-not-kept"
        assert all(name in found["message"] for name in lacking)
        assert found["hint"].endswith("then arcgit sync")
        moved = {name for name, oid in refs(world).items() if before.get(name) != oid}
        assert moved <= {LEDGER, f"refs/tags/{tag}"} - lacking
    assert git(world.work, "for-each-ref", "refs/arcgit/unpushed") != ""
    assert LEDGER not in lacking or {path: path.read_text() for path in pins} == pins
    git(world.hub, "config", "--unset", "receive.procReceiveRefs")
    assert lacking <= set(world.arcgit("sync")["pushed"])
    assert world.verify("--level", "fixity", code=0) == []
    assert git(world.work, "for-each-ref", "refs/arcgit/unpushed") == ""
    clone = world.clone("fresh")
    git(clone, "fetch", "--quiet", "--tags", "origin", f"{LEDGER}:{LEDGER}")
    assert world.verify(cwd=clone, code=0) == []


@pytest.mark.parametrize("hidden", ["refs/notes", "refs/tags/exp"])
def test_the_servers_hook_takes_no_part_of_a_push_that_git_would_tear(world: World, hidden: str) -> None:
    tag = sealed_here(world)
    hook = world.hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(hooks.script("pre-receive"))
    hook.chmod(0o755)
    git(world.hub, "config", "transfer.hideRefs", hidden)
    git(world.hub, "config", "--add", "uploadpack.hideRefs", f"!{hidden}")
    before = refs(world)
    told = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "ref-hidden"
    assert refs(world) == before
    found = invoke(world.hub, "doctor", "--no-probes", code=1)
    assert [line.partition(" is hidden")[0] for line in found["advice"] if "hidden" in line] == [
        LEDGER if hidden == "refs/notes" else hidden
    ]
    git(world.hub, "config", "--unset", "transfer.hideRefs")
    assert set(world.arcgit("sync")["pushed"]) == {LEDGER, f"refs/tags/{tag}"}


@pytest.mark.parametrize(
    ("rules", "hidden"),
    [
        ([], False),
        (["refs/notes"], True),
        (["refs/notes/"], True),
        (["refs/note"], False),
        (["refs/notes", "!refs/notes/arcgit"], False),
        (["!refs/notes/arcgit", "refs/notes"], True),
        (["^refs/notes/arcgit"], True),
        (["refs/notes/arcgit/below"], False),
    ],
)
def test_what_is_hidden_is_told_as_git_tells_it(tmp_path: Path, rules: list[str], hidden: bool) -> None:  # noqa: FBT001
    assert hides(rules, LEDGER) is hidden
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    git(tmp_path, "init", "--quiet", "work")
    git(tmp_path / "work", "commit", "--quiet", "--allow-empty", "-m", "x")
    for rule in rules:
        git(tmp_path / "hub.git", "config", "--add", "receive.hideRefs", rule)
    git(tmp_path / "work", "push", "--quiet", "../hub.git", f"HEAD:{LEDGER}", code=1 if hidden else 0)
