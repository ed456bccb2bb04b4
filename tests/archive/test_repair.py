"""The next step about data that is missing or changed is the very command, and typing it puts the bytes back."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arcgit.model.policy import Remote
from tests.archive.test_copies import add_remote, adopt, short
from tests.attacks.test_data import change
from tests.world import World, dvc, git, invoke

MEMBER = "data/train/0.csv"


def object_of(world: World, path: str) -> Path:
    """The stored object of an out, or of one file of a directory, at HEAD."""
    if not path.endswith(".csv"):
        return world.object_path(path)
    folder, name = path.rsplit("/", 1)
    listing = world.object_path(folder).read_text()
    found = re.search(r'"md5": "([0-9a-f]{32})", "relpath": "' + re.escape(name), listing)
    assert found is not None, listing
    return world.store / "files" / "md5" / found[1][:2] / found[1][2:]


def lose(world: World, path: str = "model.pkl", *, cached: bool = False) -> Path:
    """Take an object out of the store, and out of DVC's cache unless it stays `cached`."""
    stored = object_of(world, path)
    stored.unlink()
    if not cached:
        shutil.rmtree(world.work / ".dvc" / "cache")
    return stored


def step(world: World, *arguments: str) -> str:
    """The one next step of what `verify` finds wrong."""
    world.verify("--level", "fixity", *arguments, code=1)
    hints = {row["hint"] for row in world.last["findings"] if row["severity"] == "error"}
    assert len(hints) == 1, hints
    return str(hints.pop())


def typed(world: World, hint: str, cwd: Path | None = None) -> None:
    """Type the command of a hint, without the words behind it in parentheses."""
    command = hint.partition("  (")[0]
    tools = f"{Path(sys.executable).parent}:$PATH"
    done = subprocess.run(
        ["bash", "-c", f'PATH="{tools}"; {command}'], cwd=cwd or world.work, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def healthy(world: World) -> None:
    assert world.verify("--level", "fixity", code=0) == []


@pytest.mark.parametrize("path", ["model.pkl", MEMBER, "data/train"])
def test_the_cache_of_this_clone_gives_back_what_the_remote_lost(world: World, path: str) -> None:
    lose(world, path, cached=True)
    hint = step(world, "deep")
    assert hint == f"arcgit replicate storage {world.tag('deep')}  (DVC's cache here has it)"
    typed(world, hint)
    healthy(world)


def test_dvc_push_would_not_have_brought_a_file_of_a_directory_back(world: World) -> None:
    """Why the hint names another command."""
    stored = lose(world, MEMBER, cached=True)
    dvc(world.work, "push", "--quiet")
    assert not stored.exists()


def test_a_replica_is_named_with_the_event_that_says_so(world: World) -> None:
    add_remote(world)
    done = world.arcgit("replicate", "offline", "deep")
    lose(world)
    hint = step(world, "deep")
    seq = done["event"]["seq"]
    assert hint == f"arcgit replicate storage {world.tag('deep')}  (`offline` has it, says event {seq} by ada)"
    typed(world, hint)
    assert world.verify("--level", "fixity", "deep", code=0) == []


def test_a_replica_that_this_clone_does_not_know_is_named_with_its_pinned_address(world: World) -> None:
    adopt(world, remotes=_pins(world))
    add_remote(world)
    world.arcgit("replicate", "offline", "deep")
    dvc(world.work, "remote", "remove", "offline")
    lose(world)
    hint = step(world, "deep")
    assert hint.startswith(
        f"dvc remote add offline ../offline && arcgit replicate storage {world.tag('deep')}  (`offline`"
    )
    typed(world, hint)
    assert world.verify("--level", "fixity", "deep", code=0) == []


def _pins(world: World) -> dict[str, Any]:
    return {"storage": Remote(url="../store"), "offline": Remote(url="../offline")}


def test_a_folder_that_no_event_speaks_of_is_named_where_it_has_the_object(world: World) -> None:
    shutil.copytree(world.store, add_remote(world), dirs_exist_ok=True)
    lose(world)
    hint = step(world, "deep")
    assert hint.endswith("(`offline` has an object of that name)")
    typed(world, hint)
    healthy(world)


def test_a_replica_in_which_something_failed_since_is_not_named(world: World) -> None:
    folder = add_remote(world)
    world.arcgit("replicate", "offline", "deep")
    shutil.rmtree(folder)
    folder.mkdir()
    world.verify("--level", "fixity", "--remote", "offline", "--log", "deep", code=1)
    lose(world)
    assert "offline" not in step(world, "deep")


def test_where_nobody_is_known_to_have_it_another_clone_brings_it_back(world: World) -> None:
    other = world.clone("other")
    invoke(other, "sync")
    shutil.copytree(world.work / ".dvc" / "cache", other / ".dvc" / "cache")
    lose(world)
    hint = step(world, "deep")
    words, _, command = hint.partition(": ")
    assert words == "in a clone that still has good bytes in DVC's cache"
    git(other, "config", "user.signingKey", git(world.work, "config", "user.signingKey"))
    typed(world, command, other)
    world.arcgit("sync")
    healthy(world)


@pytest.mark.parametrize("path", ["model.pkl", MEMBER])
def test_what_was_changed_is_kept_as_evidence_and_its_place_is_filled(world: World, path: str) -> None:
    stored = object_of(world, path)
    good = stored.read_bytes()
    bad = b"X" + good[1:]
    change(stored, bad)
    hint = step(world, "deep")
    typed(world, hint)
    assert stored.read_bytes() == good
    assert [found.read_bytes() for found in world.work.glob("evidence-*")] == [bad]
    healthy(world)


def test_a_place_with_a_space_and_a_quote_in_it_is_written_as_a_shell_takes_it(world: World) -> None:
    odd = world.root / "the lab's store; touch pwned"
    world.store.rename(odd)
    dvc(world.work, "remote", "modify", "storage", "url", f"../{odd.name}")
    stored = odd / object_of(world, "model.pkl").relative_to(world.store)
    change(stored, b"X" + stored.read_bytes()[1:])
    typed(world, step(world, "deep"))
    assert not (world.work / "pwned").exists()
    healthy(world)


def test_a_remote_that_was_filled_up_is_no_second_copy(world: World) -> None:
    adopt(world, copies=2)
    lose(world, cached=True)
    typed(world, step(world, "deep"))
    world.verify(code=0)
    assert short(world.last)[world.tag("deep")] == "storage"
    refused = world.arcgit("replicate", "storage", code=1)
    assert refused["error"]["code"] == "replica-not-apart"
    assert "name the records" in refused["error"]["hint"]


def test_the_audit_report_has_the_command_in_every_form(world: World) -> None:
    lose(world, cached=True)
    document = world.arcgit("audit-report", "--level", "fixity", code=1)
    hints = [row["hint"] for row in document["findings"] if row["code"] == "object-missing"]
    assert hints == [f"arcgit replicate storage {world.tag('deep')}  (DVC's cache here has it)"]
    for form in ("text", "md"):
        done = subprocess.run(
            [sys.executable, "-m", "arcgit", "audit-report", "--level", "fixity", "--format", form],
            cwd=world.work, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert f"arcgit replicate storage {world.tag('deep')}" in done.stdout
