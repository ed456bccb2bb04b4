"""Records that were sealed here and are not on the ledger in force: named as what they are, and a cover for nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.test_exchange import LEDGER, sealed_here
from tests.world import Person, World, git, invoke

TRACKING = "refs/notes/origin/arcgit"


def clone_of(world: World, person: Person, name: str = "other") -> Path:
    """Another clone, in step with the hub."""
    clone = world.clone(name)
    person.sign_as(clone)
    invoke(clone, "init")
    return clone


def part(world: World, ada: Person) -> None:
    """The hub's ledger goes on by another clone, and is fetched here by git alone."""
    other = clone_of(world, ada)
    invoke(other, "amend", world.tag(), "--purpose", "News.", "--reason", "So that the ledger goes on.")
    git(world.work, "fetch", "--quiet", "origin")


def found(world: World, *arguments: str, code: int | None = None) -> list[tuple[str, str, str]]:
    world.verify(*arguments, code=code)
    return [(one["code"], one["severity"], one["subject"]) for one in world.last["findings"]]


def statuses(world: World) -> dict[str, str]:
    return {row["tag"]: row["status"] for row in world.arcgit("list")["records"]}


UNSYNCED = ("ledger-unsynced", "warning", LEDGER)


def test_an_own_record_is_no_stranger_after_a_fetch_and_no_pass_either(world: World, ada: Person) -> None:
    tag = sealed_here(world)
    part(world, ada)
    assert found(world, code=3) == [("record-unsynced", "unknown", tag), UNSYNCED]
    told = world.last["findings"][0]
    assert told["message"].startswith("ada sealed it in this clone, and `origin` has gone on since")
    assert told["hint"] == "arcgit sync, by ada in this clone"
    assert statuses(world)[tag] == "unsynced"
    shown = world.arcgit("show", tag)["record"]
    assert shown["status"] == "unsynced"
    assert "record-unsynced" in {one["code"] for one in shown["findings"]}
    report = world.arcgit("audit-report", "--format", "json", code=3)
    # The tag's own, and that of the experiment at HEAD, which is not called unrecorded either.
    codes = [(one["code"], one["subject"]) for one in report["findings"]]
    assert codes == [("record-unsynced", "churn/own"), ("record-unsynced", tag), ("ledger-unsynced", LEDGER)]
    assert {row["tag"]: row["status"] for row in report["records"]}[tag] == "unsynced"
    world.arcgit("sync")
    assert found(world, code=0) == []
    assert statuses(world)[tag] == "recorded"


def test_a_tag_that_no_ledger_here_records_is_slipped_in_whatever_waits_beside_it(world: World, ada: Person) -> None:
    tag = sealed_here(world)
    part(world, ada)
    stray = "exp/churn/own/0123456789ab"
    git(world.work, "update-ref", f"refs/tags/{stray}", f"refs/tags/{tag}")
    git(world.work, "update-ref", "refs/arcgit/unpushed/0123456789ab", f"refs/tags/{tag}")
    assert ("unrecorded-tag", "error", stray) in found(world, code=1)
    assert statuses(world)[stray] in {"unrecorded", "malformed"}


def test_a_waiting_record_whose_tag_was_moved_is_slipped_in(world: World, ada: Person) -> None:
    tag = sealed_here(world)
    raw = subprocess.run(["git", "cat-file", "tag", tag], cwd=world.work, capture_output=True, check=True).stdout
    forged = raw.replace(b"Baseline before", b"Replaced after ")
    command = ["git", "hash-object", "-t", "tag", "-w", "--literally", "--stdin"]
    oid = subprocess.run(command, cwd=world.work, input=forged, capture_output=True, check=True).stdout.decode().strip()
    part(world, ada)
    git(world.work, "update-ref", f"refs/tags/{tag}", oid)
    assert {"unrecorded-tag", "signature-bad"} <= {code for code, _, _ in found(world, code=1)}
    assert statuses(world)[tag] == "unrecorded"


def test_whoever_may_not_record_any_more_has_nothing_waiting(world: World, ada: Person, bob: Person) -> None:
    """Bob's event holds on the local ledger, which does not know yet that he was sent away."""
    bob.sign_as(world.work)
    tag = sealed_here(world)
    other = clone_of(world, ada)
    invoke(other, "keys", "retire", "bob", "--adopt")
    git(world.work, "fetch", "--quiet", "origin")
    codes = found(world, code=1)
    assert ("unrecorded-tag", "error", tag) in codes
    assert ("signer-unknown", "error", tag) in codes
    assert statuses(world)[tag] == "unrecorded"


def test_a_key_that_was_stolen_has_nothing_waiting(world: World, ada: Person, bob: Person) -> None:
    bob.sign_as(world.work)
    tag = sealed_here(world)
    other = clone_of(world, ada)
    invoke(other, "keys", "revoke", "bob", "--since", "6", "--reason", "Laptop stolen", "--adopt")
    git(world.work, "fetch", "--quiet", "origin")
    assert ("unrecorded-tag", "error", tag) in found(world, code=1)
    assert statuses(world)[tag] == "unrecorded"


def test_a_local_ledger_that_does_not_hold_vouches_for_nothing(world: World, ada: Person) -> None:
    """The same event without its signature, at the end of the local ledger."""
    tag = sealed_here(world)
    raw = subprocess.run(["git", "cat-file", "commit", LEDGER], cwd=world.work, capture_output=True, check=True).stdout
    head, _, body = raw.partition(b"\n\n")
    lines = head.split(b"\ngpgsig ")[0]
    command = ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"]
    done = subprocess.run(command, cwd=world.work, input=lines + b"\n\n" + body, capture_output=True, check=True)
    git(world.work, "update-ref", LEDGER, done.stdout.decode().strip())
    part(world, ada)
    codes = found(world, code=1)
    assert ("unrecorded-tag", "error", tag) in codes
    assert "ledger-fork" in {code for code, _, _ in codes}


def test_a_foreign_note_at_the_end_of_the_local_ledger_takes_nothing_from_what_waits_below(
    world: World, ada: Person
) -> None:
    tag = sealed_here(world)
    git(world.work, "notes", "--ref=arcgit", "add", "-f", "-m", "looks good", "HEAD")
    part(world, ada)
    assert ("record-unsynced", "unknown", tag) in found(world, code=1)
    world.arcgit("sync")
    assert found(world, code=0) == []


def test_content_that_somebody_else_recorded_first_is_not_called_moved(world: World, ada: Person, bob: Person) -> None:
    """Both sealed the same; sync lets the recorded one take the name."""
    bob.sign_as(world.work)
    tag = sealed_here(world)
    other = clone_of(world, ada)
    git(other, "pull", "--quiet", "--no-tags", str(world.work), "main")
    git(other, "config", "core.hooksPath", "/dev/null")
    for part_of in (".dvc/cache",):
        subprocess.run(["cp", "-r", str(world.work / part_of), str(other / part_of)], check=True)
    assert invoke(other, "record")["tag"] == tag
    git(world.work, "fetch", "--quiet", "--no-tags", "origin", f"+{LEDGER}:{TRACKING}")
    assert found(world, code=3) == [("record-unsynced", "unknown", tag), UNSYNCED]
    assert "has the same content from elsewhere" in world.last["findings"][0]["message"]
    assert statuses(world)[tag] == "unsynced"
    assert world.arcgit("sync")["dropped"] == [tag]
    assert found(world, code=0) == []


@pytest.mark.parametrize(
    "command",
    [
        ("record", "--no-push"),
        ("amend", "TAG", "--purpose", "x", "--reason", "y", "--no-push"),
        ("review", "TAG", "--approve", "-m", "Good.", "--no-push"),
    ],
    ids=lambda command: command[0],
)
def test_nothing_is_written_over_what_waits_on_the_local_ledger(
    world: World, ada: Person, command: tuple[str, ...]
) -> None:
    """Behind the fetched ledger it would have a place, and the local events would be gone."""
    tag = sealed_here(world)
    part(world, ada)
    if command[0] == "record":
        git(world.work, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", "more")
    before = git(world.work, "for-each-ref")
    told: Any = world.arcgit(*(world.tag("deep") if word == "TAG" else word for word in command), code=1)["error"]
    assert told["code"] == "ledger-unsynced"
    assert told["hint"].startswith("arcgit sync")
    assert git(world.work, "for-each-ref") == before
    assert "recorded" in world.arcgit("sync")["resigned"]
    assert statuses(world)[tag] == "recorded"
