"""Attacks on the bytes in the DVC remote, at both levels that look at them."""

from __future__ import annotations

import json
import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.world import MANIFEST, World, dvc, git, next_experiment

WANG_A = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a"
    "085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"
)
WANG_B = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a"
    "085125e8f7cdc99fd91dbd7280373c5bd8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080280d1ec69821bcb6a8839396f965ab6ff72a70"
)


def change(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def listing(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its bytes and mode."""
    return {str(path): (path.read_bytes(), path.stat().st_mode) for path in sorted(folder.rglob("*")) if path.is_file()}


def test_untouched_data_passes_at_every_level(world: World) -> None:
    assert world.verify("--level", "presence", code=0) == []
    assert world.verify("--level", "fixity", code=0) == []
    assert world.last["scope"]["objects_checked"] > 9


@pytest.mark.parametrize("position", [0, 20, -1])
def test_one_flipped_bit_is_found_and_nothing_is_changed(world: World, position: int) -> None:
    target = world.object_path("model.pkl")
    data = bytearray(target.read_bytes())
    data[position] ^= 1
    change(target, bytes(data))
    before = listing(world.store)
    assert world.verify("--level", "presence", code=0) == []
    assert "object-corrupt" in world.verify("--level", "fixity", code=1)
    assert "deep" in world.last["findings"][0]["subject"]
    assert "model" in world.last["findings"][0]["subject"]
    assert listing(world.store) == before


@pytest.mark.parametrize("level", ["presence", "fixity"])
@pytest.mark.parametrize("make", [Path.touch, os.mkfifo], ids=["file", "fifo"])
def test_a_store_that_is_no_folder_is_unreachable_and_nothing_in_it_is_missing(
    world: World, level: str, make: Callable[[Path], None]
) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    world.store.rename(world.root / "moved")
    make(world.store)
    assert world.verify("--level", level, code=3) == ["remote-unreachable"]
    assert world.arcgit("record", code=3)["error"]["code"] == "remote-unreachable"


@pytest.mark.parametrize("level", ["presence", "fixity"])
@pytest.mark.parametrize("data", [b"", b"short"])
def test_a_truncated_object_is_found(world: World, level: str, data: bytes) -> None:
    change(world.object_path("model.pkl"), data)
    assert "object-corrupt" in world.verify("--level", level, code=1)


@pytest.mark.parametrize("level", ["presence", "fixity"])
def test_a_missing_object_is_found(world: World, level: str) -> None:
    world.object_path("model.pkl").unlink()
    assert world.verify("--level", level, code=1) == ["object-missing"]


@pytest.mark.parametrize("level", ["presence", "fixity"])
@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_something_else_in_the_place_of_an_object_cannot_be_verified(world: World, level: str, kind: str) -> None:
    path = world.object_path("model.pkl")
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(path)
    assert world.verify("--level", level, code=3) == ["object-unreadable"]


def test_every_damaged_file_of_a_directory_is_named(world: World) -> None:
    """The members of data/train, by the md5 in DVC's listing."""
    entries = json.loads(world.object_path("data/train").read_bytes())
    for entry in entries[:2]:
        path = world.store / "files" / "md5" / entry["md5"][:2] / entry["md5"][2:]
        change(path, b"x" * path.stat().st_size)
    assert "object-corrupt" in world.verify("deep", "--level", "fixity", code=1)
    subjects = {finding["subject"] for finding in world.last["findings"]}
    assert {f"{world.tag('deep')}: train/{entry['relpath']}" for entry in entries[:2]} == subjects


@pytest.mark.parametrize("how", ["added", "removed", "renamed", "unsafe", "not JSON"])
def test_an_edited_directory_listing_is_found(world: World, how: str) -> None:
    path = world.object_path("data/train")
    entries = json.loads(path.read_bytes())
    if how == "added":
        entries.append({"md5": entries[0]["md5"], "relpath": "more.csv"})
    elif how == "removed":
        del entries[0]
    elif how == "renamed":
        entries[0]["relpath"] = "other.csv"
    elif how == "unsafe":
        entries[0]["relpath"] = "../../.git/hooks/pre-commit"
    change(path, b"{" if how == "not JSON" else json.dumps(entries).encode())
    assert "object-corrupt" in world.verify("deep", "--level", "fixity", code=1)


def test_two_contents_with_one_md5_are_told_apart(world: World) -> None:
    """A model whose md5 collides with another file's: DVC cannot see the swap."""
    (world.work / "weights.bin").write_bytes(WANG_A)
    dvc(world.work, "add", "--quiet", "weights.bin")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  weights: {role: other, path: weights.bin}\n")
    world.commit("a colliding file")
    world.arcgit("record")
    md5 = "79054025255fb1a26e4bc422aef54eb4"
    change(world.store / "files" / "md5" / md5[:2] / md5[2:], WANG_B)
    assert world.verify("--level", "presence", code=0) == []
    assert world.verify("--level", "fixity", code=1) == ["md5-collision"]


def test_record_refuses_a_remote_that_has_other_bytes_under_the_same_md5(world: World) -> None:
    (world.work / "weights.bin").write_bytes(WANG_A)
    dvc(world.work, "add", "--quiet", "weights.bin")
    md5 = "79054025255fb1a26e4bc422aef54eb4"
    target = world.store / "files" / "md5" / md5[:2] / md5[2:]
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(WANG_B)
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  weights: {role: other, path: weights.bin}\n")
    world.commit("a colliding file")
    before = git(world.work, "for-each-ref")
    assert world.arcgit("record", code=1)["error"]["code"] == "md5-collision"
    assert git(world.work, "for-each-ref") == before
    assert target.read_bytes() == WANG_B


def test_record_refuses_a_damaged_cache(world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    store_path = world.object_path("model.pkl")
    cached = world.work / ".dvc" / "cache" / store_path.relative_to(world.store)
    change(cached, b"x" * cached.stat().st_size)
    assert world.arcgit("record", code=1)["error"]["code"] == "object-corrupt"
    assert not store_path.exists()


def test_record_refuses_a_damaged_object_that_is_in_the_remote_already(world: World) -> None:
    """Recording the same data anew must not give a fresh signature to a damaged remote."""
    path = world.object_path("model.pkl")
    change(path, b"short")
    (world.work / "arcgit.yaml").write_text(MANIFEST.format(experiment="again"))
    world.commit("the same data under another name")
    assert world.arcgit("record", code=1)["error"]["code"] == "object-corrupt"
    assert path.read_bytes() == b"short"


@pytest.mark.parametrize(
    ("data", "code", "severity"),
    [(b"arcgit/fixity/v2\nanything\n", 3, "unknown"), (b"arcgit/fixity/v1\nanything\n", 1, "error")],
)
def test_a_newer_fixity_list_is_not_called_wrong(
    world: World, monkeypatch: pytest.MonkeyPatch, data: bytes, code: int, severity: str
) -> None:
    monkeypatch.setattr("arcgit.archive.fixity.Shelf.lay", lambda shelf, digest: data)
    assert set(world.verify("--level", "presence", code=code)) == {"fixity-list"}
    assert {finding["severity"] for finding in world.last["findings"]} == {severity}


def lists(world: World) -> list[tuple[str, str]]:
    """The blobs beside the records: oid and path, which is their sha256."""
    rows = git(world.work, "ls-tree", "-r", "refs/arcgit/fixity").splitlines()
    return [(row.split()[2], row.split("\t")[1]) for row in rows]


@pytest.mark.parametrize("large", [1 << 20, 0], ids=["as it is", "taken for large"])
@pytest.mark.parametrize("fake", [b"", b"arcgit/fixity/v1\n"], ids=["empty", "list"])
def test_a_list_of_any_size_counts_only_under_the_name_of_its_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch, large: int, fake: bytes
) -> None:
    """A large one is put aside as git hands it over, and hashed on its way."""
    monkeypatch.setattr("arcgit.archive.fixity.LARGE", large)
    assert world.verify("--level", "fixity", code=0) == []
    other = git(world.work, "hash-object", "-w", "--stdin", stdin=fake.decode())
    index = str(world.root / "index")
    for _, path in lists(world):
        git(world.work, "update-index", "--add", "--cacheinfo", f"100644,{other},{path}", GIT_INDEX_FILE=index)
    tree = git(world.work, "write-tree", GIT_INDEX_FILE=index)
    commit = git(world.work, "commit-tree", tree, "-m", "other lists")
    for ref in ("refs/arcgit/fixity", "refs/arcgit/remotes/origin/fixity"):
        git(world.work, "update-ref", ref, commit)
    assert set(world.verify("--level", "fixity", code=3)) == {"fixity-list"}
    assert "has other bytes than its name says" in world.last["findings"][0]["message"]


@pytest.mark.parametrize("large", [1 << 20, 0], ids=["as it is", "taken for large"])
@pytest.mark.parametrize("spoil", [lambda raw: raw[:-2] + b'x"', lambda raw: raw[:-1], lambda raw: raw + b"\n"])
def test_a_list_that_was_damaged_in_git_is_no_list(
    world: World, monkeypatch: pytest.MonkeyPatch, large: int, spoil: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr("arcgit.archive.fixity.LARGE", large)
    objects = world.work / ".git" / "objects"
    for pack in list(objects.rglob("*.pack")):
        aside = pack.rename(world.root / pack.name)
        pack.with_suffix(".idx").unlink()
        with aside.open("rb") as file:
            subprocess.run(["git", "unpack-objects", "-q"], cwd=world.work, check=True, stdin=file)
    for oid, _ in lists(world):
        path = objects / oid[:2] / oid[2:]
        path.chmod(0o644)
        data = spoil(zlib.decompress(path.read_bytes()).partition(b"\0")[2])
        path.write_bytes(zlib.compress(b"blob %d\0" % len(data) + data))
    assert set(world.verify("--level", "fixity", code=None)) <= {"object-corrupt", "fixity-list", "git-failed"}
    assert world.last["verdict"] != "pass"
