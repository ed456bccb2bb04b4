"""Rare damage: what happened, to which thing, and a next command that helps when it is typed. Never a wrong cause."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from arcgit.git.obstacles import obstacle
from tests.attacks.test_exchange import FIXITY, LEDGER, sealed_here
from tests.world import World, dvc, git, invoke, next_experiment

POLICY = ".arcgit/policy.yaml"


def typed(command: str, cwd: Path) -> None:
    """What a person types after reading a hint."""
    subprocess.run(["sh", "-c", command], cwd=cwd, check=True, capture_output=True)


def with_new_lists(world: World) -> None:
    """An experiment whose folders no list knows yet."""
    (world.work / "data" / "raw.csv").unlink()
    (world.work / "data" / "raw.csv").write_text("\n".join(map(str, range(7, 107))))
    dvc(world.work, "add", "--quiet", "data/raw.csv")
    next_experiment(world.work, "own", "lr: 7\nepochs: 9\n")


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_lists_on_top_of_what_is_no_commit_are_not_begun(world: World, kind: str) -> None:
    """A commit with a blob for its parent would be kept here, and no server would take it."""
    there = {"blob": "HEAD:arcgit.yaml", "tree": "HEAD^{tree}", "tag": f"refs/tags/{world.tag()}"}[kind]
    git(world.work, "update-ref", FIXITY, git(world.work, "rev-parse", there))
    with_new_lists(world)
    before = git(world.work, "for-each-ref")
    told = [world.arcgit(*command, code=1)["error"] for command in (["record"], ["record", "--no-push"], ["sync"])]
    assert [one["code"] for one in told] == ["fixity-list"] * 3
    assert all(one["message"].startswith(f"{FIXITY} points to a {kind} ") for one in told)
    assert git(world.work, "for-each-ref") == before
    typed(told[0]["hint"].partition(" takes that away")[0], world.work)
    world.arcgit("sync")
    world.arcgit("record")
    assert world.verify("--level", "fixity", code=0) == []
    assert git(world.work, "rev-parse", FIXITY) == git(world.hub, "rev-parse", FIXITY)


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_lists_that_a_remote_has_no_place_for_are_said_not_to_be_pushed(world: World, kind: str) -> None:
    """Whoever may push there must not stop everybody else, but a record without its lists is no whole one."""
    there = {"blob": "HEAD:arcgit.yaml", "tree": "HEAD^{tree}", "tag": f"refs/tags/{world.tag()}"}[kind]
    oid = git(world.work, "rev-parse", there)
    git(world.hub, "fetch", "--quiet", str(world.work), "+refs/heads/*:refs/heads/kept-*")
    git(world.hub, "update-ref", FIXITY, oid)
    with_new_lists(world)
    made = world.arcgit("record")
    said = [one for one in made["warnings"] if one["code"] == "fixity-list"]
    assert [one["message"].partition(":")[0] for one in said] == [
        f"`origin` has a {kind} in the place of the lists of files"
    ]
    assert [one["code"] for one in world.arcgit("sync")["warnings"]] == ["fixity-list"]
    command = said[0]["hint"].partition(": ")[2].partition(";")[0]
    typed(command, world.work)
    assert world.arcgit("sync")["warnings"] == []
    assert git(world.work, "rev-parse", FIXITY) == git(world.hub, "rev-parse", FIXITY)
    clone = world.clone("fresh")
    git(clone, "fetch", "--quiet", "--tags", "origin", f"{LEDGER}:{LEDGER}", f"{FIXITY}:{FIXITY}")
    dvc(clone, "pull", "--quiet")
    assert world.verify("--level", "fixity", cwd=clone, code=0) == []


@pytest.mark.parametrize("filled", [b"\n" * 70_000, b"\xff" * 70_000, b"[" * 70_000])
def test_an_approval_that_is_too_long_to_be_one_is_named_with_the_way_on(world: World, filled: bytes) -> None:
    policy = world.work / POLICY
    text = policy.read_text().replace("[recorder, reviewer]", "[reviewer]")
    policy.write_text(text.replace("\nversion: 1\n", "\nversion: 2\n"))
    world.arcgit("policy", "sign")
    path = next((world.work / ".arcgit" / "approvals").iterdir())
    path.write_bytes(path.read_bytes() + filled)
    told = [world.arcgit("policy", command, code=1)["error"] for command in ("diff", "adopt", "sign")]
    assert [one["code"] for one in told] == ["file-too-large"] * 3
    assert all(one["message"].startswith(f".arcgit/approvals/{path.name} has ") for one in told)
    typed(told[0]["hint"].partition(": ")[2].partition(";")[0], world.work)
    world.arcgit("policy", "sign")
    world.arcgit("policy", "adopt")
    assert world.verify(code=0) == []


def with_index_of_packs(repository: Path) -> Path:
    """The index of all packs of a repository that has two."""
    git(repository, "repack", "-q", "-d")
    git(repository, "update-ref", "refs/heads/more", git(repository, "commit-tree", "-m", "x", "HEAD^{tree}"))
    git(repository, "repack", "-q", "-d")
    git(repository, "multi-pack-index", "write")
    found = Path(git(repository, "rev-parse", "--path-format=absolute", "--git-path", "objects/pack/multi-pack-index"))
    found.chmod(0o644)
    return found


@pytest.mark.parametrize(
    "command",
    [
        ["verify"], ["list"], ["show", "TAG"], ["sync"], ["record"], ["audit-report"], ["check", "--rev", "HEAD"],
        ["doctor", "--no-probes"],
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_a_damaged_index_of_all_packs_is_no_ledger_that_is_gone(world: World, command: list[str]) -> None:
    tag = world.tag()
    index = with_index_of_packs(world.work)
    index.write_bytes(bytes(len(index.read_bytes())))
    told = world.arcgit(*(tag if word == "TAG" else word for word in command), code=3)["error"]
    assert told["code"] == "git-failed"
    assert "objects/pack/multi-pack-index" in told["message"]
    typed(told["hint"].partition(" leaves every object")[0], world.work)
    assert world.verify(code=0) == []


def test_what_needs_no_index_of_all_packs_finds_the_ledger_without(world: World) -> None:
    index = with_index_of_packs(world.work)
    index.write_bytes(bytes(len(index.read_bytes())))
    assert len(world.arcgit("log")["events"]) == 5
    assert world.arcgit("init")["outcome"] == "unchanged"


@pytest.mark.parametrize("half", ["truncated", "empty"])
def test_an_index_of_all_packs_that_git_does_without_is_no_fault(world: World, half: str) -> None:
    index = with_index_of_packs(world.work)
    data = index.read_bytes()
    index.write_bytes(data[: len(data) // 2] if half == "truncated" else b"")
    assert world.verify(code=0) == []
    assert len(world.arcgit("list")["records"]) == 3


def test_a_damaged_index_of_all_packs_on_the_server_is_no_address_that_is_wrong(world: World) -> None:
    index = with_index_of_packs(world.hub)
    index.write_bytes(bytes(len(index.read_bytes())))
    tag = sealed_here(world)
    told = world.arcgit("sync", code=3)["error"]
    assert told["code"] == "remote-unreachable"
    assert "its index of all packs" in told["message"]
    typed(told["hint"].partition("there: ")[2].partition(" leaves every object")[0], world.hub)
    assert f"refs/tags/{tag}" in world.arcgit("sync")["pushed"]
    assert invoke(world.work, "verify")["verdict"] == "pass"


def test_a_gnupg_that_cannot_look_is_no_key_that_is_missing(
    world: World, isolated_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a home of GnuPG on a full or read-only disk: its agent cannot be reached. A new key would mend nothing."""
    place = Path(tempfile.mkdtemp(prefix="g", dir=isolated_home))
    shutil.copy(isolated_home / "g" / "pubring.kbx", place)
    (place / "gpg.conf").write_text("no-autostart\n")
    monkeypatch.setenv("GNUPGHOME", str(place))
    told = world.arcgit("retire", world.tag(), "--reason", "Old.", code=3)["error"]
    assert told["code"] == "signing-failed"
    assert "agent" in told["message"]
    assert "gpg --list-secret-keys" in told["hint"]
    git(world.work, "config", "user.signingKey", "F" * 40)
    monkeypatch.setenv("GNUPGHOME", str(isolated_home / "g"))
    told = world.arcgit("retire", world.tag(), "--reason", "Old.", code=3)["error"]
    assert told["code"] == "signing-key-missing"


def test_a_ref_that_finds_no_room_is_told_without_gits_advice_about_other_things(tmp_path: Path) -> None:
    """Of a full disk git says only that it could not write the lock, behind advice about grafts."""
    said = (
        'hint: Turn this message off by running\nhint: "git config advice.graftFileDeprecated false"\n'
        "fatal: prepare: cannot update ref 'refs/x/y': couldn't write '/a/.git/refs/x/y.lock'\n"
    )
    found = obstacle(said, tmp_path)
    assert found is not None
    assert (found.code, found.exit_code) == ("git-write-failed", 3)
    assert "y.lock" in found.message
    assert "hint" not in found.message


@pytest.mark.parametrize(("number", "word"), [(errno.ENOSPC, "df -h"), (errno.EROFS, "may write to")])
def test_hooks_that_find_no_room_are_not_told_to_mend_rights(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, word: str
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("arcgit.archive.hooks.hooks.look", refused)
    states = invoke(world.work, "hooks", "install", code=1)["hooks"]
    assert [word in state["hint"] for state in states] == [True] * len(states)
