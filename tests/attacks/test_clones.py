"""Clones that lack something: what cannot be checked is never a pass, and the command that brings it is named."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.world import World, git, invoke


def first_hint(document: dict[str, object]) -> str:
    findings = document["findings"]
    assert isinstance(findings, list)
    return str(findings[0]["hint"])


def test_a_plain_clone_has_no_ledger_and_is_told_how_to_get_it(world: World) -> None:
    clone = world.clone()
    document = invoke(clone, "verify", code=3)
    assert document["findings"][0]["code"] == "notes-missing"
    git(clone, *shlex.split(first_hint(document))[1:])
    assert invoke(clone, "verify", code=0)["scope"]["records_checked"] == 3


def test_a_clone_without_tags_is_told_how_to_get_them(world: World) -> None:
    clone = world.clone("clone", "--no-tags")
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    document = invoke(clone, "verify", code=3)
    assert [finding["code"] for finding in document["findings"]] == ["tags-missing"]
    git(clone, *shlex.split(first_hint(document))[1:])
    assert invoke(clone, "verify", code=0)["findings"] == []


def test_a_clone_of_a_single_branch_accuses_nobody_of_the_tags_that_lie_elsewhere(world: World) -> None:
    """git brings only the tags of that branch. What is not on it was not looked for, and is no record that was taken away."""
    git(world.hub, "update-ref", "refs/heads/main", git(world.work, "rev-parse", "HEAD~1"))
    git(world.root, "clone", "--quiet", "--single-branch", f"file://{world.hub}", "clone")
    clone = world.root / "clone"
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    document = invoke(clone, "verify", code=3)
    assert [finding["code"] for finding in document["findings"]] == ["tags-missing"]
    git(clone, *shlex.split(first_hint(document))[1:])
    assert invoke(clone, "verify", code=0)["findings"] == []
    git(clone, "config", "remote.origin.tagOpt", "--tags")
    git(clone, "tag", "--delete", world.tag("deep"))
    assert world.verify(cwd=clone, code=1) == ["recorded-tag-missing"]


def test_a_shallow_clone_is_told_how_to_deepen(world: World) -> None:
    git(world.root, "clone", "--quiet", "--depth", "1", f"file://{world.hub}", "clone")
    clone = world.root / "clone"
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    document = invoke(clone, "verify", code=3)
    codes = {finding["code"] for finding in document["findings"]}
    assert codes & {"tags-missing", "shallow-clone", "notes-missing"}
    git(clone, "fetch", "--quiet", "--unshallow", "--tags")
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    assert invoke(clone, "verify", code=0)["findings"] == []


def test_a_repository_without_ledger_and_remote_cannot_be_verified(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "plain")
    document = invoke(tmp_path / "plain", "verify", code=3)
    assert [finding["code"] for finding in document["findings"]] == ["ledger-missing"]


def test_an_archive_never_seen_before_needs_a_trust_root(world: World) -> None:
    for path in (world.state / "arcgit" / "pins").iterdir():
        path.unlink()
    assert world.verify(code=3) == ["trust-root-unknown"]
    founder = world.last["findings"][0]["hint"].split()[-1]
    assert world.verify("--trust-root", founder, code=0) == []
    assert world.verify(code=0) == [], "what was verified from a trust root is remembered"


@pytest.mark.parametrize("root", ["0" * 40, "SHA256:AAAA", "DEADBEEF", "tip"])
def test_a_wrong_or_shortened_trust_root_fails(world: World, root: str) -> None:
    if root == "tip":
        root = git(world.work, "rev-parse", "refs/notes/arcgit")
    assert "trust-root-unknown" in world.verify("--trust-root", root, code=1)


def test_a_damaged_pin_is_no_first_sight(world: World) -> None:
    for path in (world.state / "arcgit" / "pins").glob("*.json"):
        path.write_text("{")
    assert world.arcgit("verify", code=3)["error"]["code"] == "pin-unreadable"


def test_a_pin_that_is_nested_without_end_is_damaged_and_no_bug(world: World) -> None:
    path = next((world.state / "arcgit" / "pins").glob("*.json"))
    path.write_text('{"x":' + "[" * 50_000 + "]" * 50_000 + "}")
    assert invoke(world.work, "verify", code=3)["error"]["code"] == "pin-unreadable"


@pytest.mark.parametrize("what", ["pin", "pins", "arcgit"])
def test_a_pin_behind_a_link_to_nothing_is_no_first_sight(world: World, what: str) -> None:
    """The state folder lies on a disk that is not mounted: what was seen before is then not known."""
    path = next((world.state / "arcgit" / "pins").glob("*.json"))
    founder = json.loads(path.read_text())["founder"]
    place = {"pin": path, "pins": path.parent, "arcgit": path.parent.parent}[what]
    place.rename(world.root / "away")
    place.symlink_to(world.root / "not-mounted")
    fault = invoke(world.work, "verify", "--trust-root", founder, code=3)["error"]
    assert fault["code"] == "pin-unreadable"
    assert str(place) in fault["hint"]
    assert not (world.root / "not-mounted").exists()


@pytest.mark.parametrize("home", ["x", ".", "./x", "../clone/x"])
def test_a_pin_that_comes_with_the_repository_is_none_whatever_home_says(
    world: World, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where HOME is no absolute path, what lies in the present folder is still the repository's and not the person's."""
    clone = world.clone()
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    for folder in (clone, clone / "x"):
        shutil.copytree(world.state / "arcgit", folder / ".local" / "state" / "arcgit")
    monkeypatch.chdir(clone)
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", home)
    before = sorted(clone.rglob("*.json"))
    for root in ([], ["--trust-root", git(world.work, "rev-list", "--max-parents=0", "refs/notes/arcgit")]):
        told = invoke(clone, "verify", *root, code=3)["error"]
        assert (told["code"], told["hint"]) == ("pin-unreadable", "set XDG_STATE_HOME to a folder of yours")
    assert len(invoke(clone, "list")["records"]) == 3
    assert sorted(clone.rglob("*.json")) == before


def test_pins_are_private_and_grow_only(world: World) -> None:
    pins = list((world.state / "arcgit" / "pins").glob("*.json"))
    assert [path.stat().st_mode & 0o777 for path in pins] == [0o600]
    seq = json.loads(pins[0].read_text())["seq"]
    assert seq == 5
    git(world.work, "update-ref", "refs/notes/arcgit", "refs/notes/arcgit~1")
    git(world.work, "update-ref", "refs/notes/origin/arcgit", "refs/notes/arcgit")
    world.verify(code=1)
    assert json.loads(pins[0].read_text())["seq"] == seq


def test_a_damaged_git_object_is_no_pass(world: World) -> None:
    """The tag of one record, as a loose object with a flipped byte."""
    oid = git(world.work, "rev-parse", f"refs/tags/{world.tag()}")
    path = world.loose(oid)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(bytes(data))
    assert "object-corrupt" in world.verify(code=1)


@pytest.mark.parametrize("mode", [["--cone", "--sparse-index"], ["--cone"], ["--no-cone"]], ids=" ".join)
def test_what_a_sparse_checkout_leaves_out_is_missed_by_no_command(world: World, mode: list[str]) -> None:
    """The files are in the commit and git calls them unchanged: nothing is untracked, gone, or to be written anew."""
    git(world.work, "push", "--quiet", "--no-verify", "origin", "main")
    clone = world.clone("sparse", "--no-checkout")
    git(clone, "sparse-checkout", "set", *mode, "data")
    git(clone, "checkout", "--quiet", "main")
    assert not (clone / "src" / "train.py").exists()
    invoke(clone, "sync", "--trust-root", git(world.work, "rev-list", "--max-parents=0", "refs/notes/arcgit"))
    for words in (["check"], ["check", "--worktree"], ["check", "--rev", "HEAD"], ["verify"], ["audit-report"]):
        found = invoke(clone, *words, code=0)
        assert {one["code"] for one in found["findings"]} <= {"split-overlap-unchecked"}, words
    told = invoke(clone, "policy", "diff", code=2)["error"]
    assert (told["code"], told["hint"]) == ("policy-missing", "git sparse-checkout add .arcgit brings it back")
    git(clone, "sparse-checkout", "add", ".arcgit")
    assert invoke(clone, "policy", "diff")["changes"] == []
    git(clone, "sparse-checkout", "disable")
    (clone / "src" / "train.py").unlink()
    assert "artifact-untracked" in {one["code"] for one in invoke(clone, "check", "--worktree", code=1)["findings"]}
