"""Attacks on restoring: hostile names, links and files in the way, and places that give other bytes."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arcgit import durable, staging
from arcgit.archive.placing import destination
from arcgit.model import paths
from tests.attacks.test_data import WANG_A, WANG_B, change
from tests.hostile import folder_of, reseal
from tests.world import Person, World, dvc, git, invoke

UNSAFE = [
    ".git/hooks/pre-commit", ".GIT/config", "git~1/config", ".git /config", ".git./config", "a/.git/x", "CON", "aux.txt",
    "sub/nul.tar.gz", "x:ads", "ends.", "ends ", "a/ends./b", ".g\u200cit/config", ".arcgit-restore-1/x",
]  # fmt: skip
OUTSIDE = ["../x", "/abs", "a/../../x", "C:\\x", "\\\\srv\\s", "a\\..\\b", "a\nb", "a\x00b", "a//b", "./a", ""]


def tree(folder: Path) -> dict[str, Any]:
    """Everything below a folder, with bytes, mode and number of names; links are not followed."""
    found: dict[str, Any] = {}
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(base) / name
            status = path.lstat()
            data = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
            link = str(path.readlink()) if stat.S_ISLNK(status.st_mode) else None
            found[str(path.relative_to(folder))] = (stat.S_IFMT(status.st_mode), status.st_mode, data, link)
    return found


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    """A destination with a canary beside it that nothing may touch."""
    canary = tmp_path / "canary"
    canary.mkdir()
    (canary / "kept").write_text("kept")
    before = tree(canary)
    yield tmp_path / "out"
    assert tree(canary) == before


def codes(document: dict[str, Any], severity: str | None = None) -> list[str]:
    return [item["code"] for item in document["findings"] if severity in {None, item["severity"]}]


def cold(world: World) -> None:
    """Leave only the remote: no cache on this machine."""
    shutil.rmtree(world.work / ".dvc" / "cache")


# -- names


def test_a_sealed_record_with_a_hostile_name_writes_nothing(world: World, ada: Person, out: Path) -> None:
    for path in UNSAFE:
        tag = reseal(world, ada, lambda facts, path=path: facts["model"].update(path=path))  # type: ignore[misc]
        before = tree(world.root)
        refused = world.arcgit("restore", tag, "--to", str(out), code=1)
        assert refused["error"]["code"] == "path-unsafe", path
        assert not out.exists()
        assert tree(world.root) == before


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_name_that_leads_out_is_no_record_at_all(path: str) -> None:
    assert not paths.stays_inside(path)


def test_a_hostile_name_inside_a_directory_writes_nothing(world: World, ada: Person, out: Path) -> None:
    for path in (*UNSAFE[:-1], *OUTSIDE):
        blob, fields = folder_of((path, b"evil"), ("good.csv", b"1"))
        tag = reseal(world, ada, lambda facts, fields=fields: facts["train"].update(fields), blobs=(blob,))  # type: ignore[misc]
        before = tree(world.root)
        refused = world.arcgit("restore", tag, "--to", str(out), code=1)
        assert refused["error"]["code"] in {"path-unsafe", "fixity-list"}, path
        assert not out.exists()
        assert tree(world.root) == before


def test_two_names_that_some_system_takes_for_one_are_refused(world: World, ada: Person, out: Path) -> None:
    pairs = (("A.csv", "a.csv"), ("caf\u00e9.csv", "cafe\u0301.csv"), ("stra\u00dfe", "STRASSE"), ("\u212aelvin", "kelvin"), ("D/x", "d/y"))  # fmt: skip
    for first, second in pairs:
        blob, fields = folder_of((first, b"1"), (second, b"2"))
        tag = reseal(world, ada, lambda facts, fields=fields: facts["train"].update(fields), blobs=(blob,))  # type: ignore[misc]
        assert world.arcgit("restore", tag, "--to", str(out), code=1)["error"]["code"] == "path-unsafe"
    assert not out.exists()


def test_two_artifacts_that_clash_are_refused(world: World, ada: Person, out: Path) -> None:
    for path in ("MODEL.pkl", "model.pkl/inside"):
        tag = reseal(world, ada, lambda facts, path=path: facts["train-code"].update(path=path))  # type: ignore[misc]
        assert world.arcgit("restore", tag, "--to", str(out), code=1)["error"]["code"] == "path-unsafe"
    tag = reseal(world, ada, lambda facts: facts["train-code"].update(path="data/train/0.csv"))
    assert world.arcgit("restore", tag, "--to", str(out), code=1)["error"]["code"] == "path-unsafe"
    tag = reseal(world, ada, lambda facts: facts["train-code"].update(path="data"))
    assert world.arcgit("restore", tag, "--to", str(out), code=1)["error"]["code"] == "path-unsafe"
    assert not out.exists()


@pytest.mark.parametrize("relpath", ["../../outside/evil.txt", ".git/hooks/pre-commit", "/abs", "0.csv"])
def test_an_edited_listing_leads_nowhere(world: World, out: Path, relpath: str) -> None:
    """DVC itself would write where the edited listing says; here it only names objects."""
    cold(world)
    path = world.object_path("data/train")
    entries = json.loads(path.read_bytes())
    entries[1]["relpath"] = relpath
    change(path, json.dumps(entries).encode())
    done = world.arcgit("restore", "deep", "--to", str(out), code=1)
    assert "object-corrupt" in codes(done, "error")
    assert sorted(str(item.relative_to(out)) for item in out.rglob("*") if item.is_file()) == [
        "data/test/0.csv", "data/test/1.csv", "data/test/2.csv", "metrics.json", "model.pkl", "requirements.txt", "src/train.py",
    ]  # fmt: skip
    assert sorted(item.name for item in out.parent.iterdir()) == ["canary", "out", "state", "world"]


# -- what stands in the way


@pytest.mark.parametrize("place", ["data", "data/train", "src", "model.pkl", "data/train/0.csv"])
@pytest.mark.parametrize("force", [False, True])
def test_no_link_in_the_destination_is_followed(world: World, out: Path, place: str, force: bool) -> None:  # noqa: FBT001
    link = out / place
    link.parent.mkdir(parents=True)
    is_folder = place in {"data", "data/train", "src"}
    link.symlink_to(out.parent / "canary" / ("" if is_folder else "kept"))
    done = invoke(world.work, "restore", "deep", "--to", str(out), *(["--force"] if force else []), code=None)
    if is_folder or not force:
        assert "destination-occupied" in codes(done, "error")
        assert link.is_symlink()
    else:
        assert done["verdict"] == "pass"
        assert not link.is_symlink()
    assert (out / "requirements.txt").is_file()


@pytest.mark.parametrize("kind", ["file", "hardlink", "fifo", "socket", "folder", "dangling"])
def test_nothing_that_is_there_is_overwritten(world: World, out: Path, kind: str) -> None:
    out.mkdir()
    place = out / "model.pkl"
    if kind == "file":
        place.write_text("mine")
    elif kind == "hardlink":
        os.link(out.parent / "canary" / "kept", place)
    elif kind == "fifo":
        os.mkfifo(place)
    elif kind == "socket":
        place.parent.mkdir(exist_ok=True)
        short = Path(tempfile.gettempdir()) / f"s{os.getpid()}"  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(short))
        short.rename(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("nowhere")
    before = place.lstat()
    done = world.arcgit("restore", "deep", "--to", str(out), code=1)
    assert codes(done) == ["destination-occupied"]
    assert done["counts"]["failed"]["files"] == 1
    assert done["counts"]["restored"]["files"] == 9
    assert os.path.samestat(before, place.lstat())
    forced = world.arcgit("restore", "deep", "--to", str(out), "--force", code=1 if kind == "folder" else 0)
    assert forced["counts"]["kept"]["files"] == 9
    assert place.is_dir() if kind == "folder" else place.stat().st_size == 219


def test_a_destination_that_is_a_link_or_a_file_is_refused(world: World, out: Path) -> None:
    out.symlink_to(out.parent / "canary")
    assert world.arcgit("restore", "deep", "--to", str(out), code=1)["error"]["code"] == "destination-occupied"
    out.unlink()
    out.write_text("a file")
    assert world.arcgit("restore", "deep", "--to", str(out), code=1)["error"]["code"] == "destination-occupied"
    assert (
        world.arcgit("restore", "deep", "--to", str(out / "below"), code=1)["error"]["code"] == "destination-occupied"
    )


def test_a_link_that_the_repository_brought_leads_no_write_out_of_it(world: World, out: Path) -> None:
    (world.work / "reports").symlink_to(out.parent / "canary")
    for place in ("reports", "reports/new", "reports/../reports/new"):
        refused = world.arcgit("restore", "deep", "--to", place, code=1)
        assert refused["error"]["code"] == "destination-occupied"


@pytest.mark.parametrize("place", ["n" * 256, "/".join(["d" * 200] * 25)], ids=["a name", "a path"])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]], ids=["", "dry"])
def test_a_destination_whose_name_is_too_long_is_said_to_be(
    world: World, tmp_path: Path, place: str, dry: list[str]
) -> None:
    refused = world.arcgit("restore", "deep", "--to", str(tmp_path / place), *dry, code=3)
    assert refused["error"]["code"] == "destination-unwritable"
    assert "too long" in refused["error"]["message"]
    assert list(tmp_path.glob("[nd]*")) == []


@pytest.mark.parametrize("place", [".git/hooks", ".git", ".GIT/x", "sub/.git"])
def test_gits_own_folder_is_no_destination(world: World, place: str) -> None:
    before = tree(world.work / ".git" / "hooks")
    assert world.arcgit("restore", "deep", "--to", place, code=1)["error"]["code"] == "path-unsafe"
    assert tree(world.work / ".git" / "hooks") == before


def test_a_folder_swapped_for_a_link_while_restoring_leads_nowhere(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the folder and opening it, somebody who may write there puts a link in its place."""
    real = os.mkdir

    def swapped(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        real(path, mode, dir_fd=dir_fd)
        if path == "data":
            os.rmdir(path, dir_fd=dir_fd)
            os.symlink(out.parent / "canary", path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", swapped)
    done = world.arcgit("restore", "deep", "--to", str(out), "--jobs", "1", code=1)
    assert {"destination-occupied"} == set(codes(done, "error"))
    assert (out / "data").is_symlink()


def test_a_file_that_appears_at_the_last_moment_is_not_overwritten(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def late(source: Any, target: Any, **more: Any) -> None:
        if target == "model.pkl":
            (out / "model.pkl").write_text("somebody else's")
        real(source, target, **more)

    monkeypatch.setattr(os, "link", late)
    assert codes(world.arcgit("restore", "deep", "--to", str(out), code=1)) == ["destination-occupied"]
    assert (out / "model.pkl").read_text() == "somebody else's"


def test_a_file_system_without_hard_links_is_written_as_well(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **more: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert world.arcgit("restore", "deep", "--to", str(out))["counts"]["restored"]["files"] == 10
    (out / "model.pkl").write_text("mine")
    assert codes(world.arcgit("restore", "deep", "--to", str(out), code=1)) == ["destination-occupied"]
    assert (out / "model.pkl").read_text() == "mine"


def test_what_a_killed_run_left_is_taken_away_and_what_lives_stays(world: World, out: Path) -> None:
    stale = out / f"{destination.STAGING_PREFIX}dead"
    stale.mkdir(parents=True)
    (stale / "half").write_text("half")
    hostile = out / f"{destination.STAGING_PREFIX}link"
    hostile.symlink_to(out.parent / "canary")
    living = out / f"{destination.STAGING_PREFIX}alive"
    living.mkdir()
    held = os.open(living, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        world.arcgit("restore", "deep", "--to", str(out))
    finally:
        os.close(held)
    left = sorted(path.name for path in out.iterdir() if path.name.startswith(destination.STAGING_PREFIX))
    assert left == [living.name, hostile.name]


# -- bytes


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    change(path, bytes(data))


def longer(path: Path) -> None:
    change(path, path.read_bytes() + b"more")


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


DAMAGE: dict[str, tuple[Callable[[Path], None], str, int]] = {
    "flipped": (flip, "object-corrupt", 1),
    "truncated": (lambda path: change(path, path.read_bytes()[:-1]), "object-corrupt", 1),
    "empty": (lambda path: change(path, b""), "object-corrupt", 1),
    "longer": (longer, "object-corrupt", 1),
    "an HTML page": (lambda path: change(path, b"<html>login</html>"), "object-corrupt", 1),
    "missing": (lambda path: path.unlink(), "object-missing", 1),
    "a folder": (folder, "object-unreadable", 3),
    "a fifo": (fifo, "object-unreadable", 3),
    "a loop": (loop, "object-unreadable", 3),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_everywhere_fails_that_file_alone(world: World, out: Path, damage: str) -> None:
    spoil, code, exit_code = DAMAGE[damage]
    cold(world)
    spoil(world.object_path("model.pkl"))
    done = world.arcgit("restore", "deep", "--to", str(out), code=exit_code)
    assert codes(done) == [code]
    assert done["findings"][0]["subject"] == f"{world.tag('deep')}: model.pkl"
    assert "storage" in done["findings"][0]["message"]
    assert done["counts"]["restored"]["files"] == 9
    assert not (out / "model.pkl").exists()
    assert [row["path"] for row in done["files"] if row["state"] == "failed"] == ["model.pkl"]
    assert not list(out.glob(f"{destination.STAGING_PREFIX}*"))


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_replica_steps_in_for_any_damage(world: World, out: Path, damage: str) -> None:
    spoil, code, _ = DAMAGE[damage]
    cold(world)
    shutil.copytree(world.store, world.root / "second")
    dvc(world.work, "remote", "add", "--quiet", "second", "../second")
    spoil(world.object_path("model.pkl"))
    done = world.arcgit("restore", "deep", "--to", str(out), code=0)
    assert done["counts"]["restored"]["files"] == 10
    noticed = [item for item in done["findings"] if item["severity"] == "warning"]
    assert [item["code"] for item in noticed] == [code]
    assert "`storage`" in noticed[0]["message"]
    assert world.object_path("model.pkl").parent.name + world.object_path("model.pkl").name in noticed[0]["message"]
    assert next(row["source"] for row in done["files"] if row["path"] == "model.pkl") == "second"


@pytest.mark.parametrize("spoil", [flip, longer, lambda path: path.unlink(), lambda path: change(path, b"[]")])
def test_a_replica_steps_in_for_a_damaged_listing(world: World, out: Path, spoil: Callable[[Path], None]) -> None:
    cold(world)
    shutil.copytree(world.store, world.root / "second")
    dvc(world.work, "remote", "add", "--quiet", "second", "../second")
    spoil(world.object_path("data/train"))
    done = world.arcgit("restore", "deep", "--to", str(out), code=0)
    assert done["counts"]["restored"]["files"] == 10
    assert set(codes(done)) & {"object-corrupt", "object-missing"}


def test_a_damaged_cache_is_no_source(world: World, out: Path) -> None:
    path = world.object_path("model.pkl")
    flip(world.work / ".dvc" / "cache" / path.relative_to(world.store))
    done = world.arcgit("restore", "deep", "--to", str(out), code=0)
    assert codes(done) == ["object-corrupt"]
    assert "DVC's cache" in done["findings"][0]["message"]
    assert next(row["source"] for row in done["files"] if row["path"] == "model.pkl") == "storage"


def test_each_file_comes_from_wherever_it_is_good(world: World, out: Path) -> None:
    """Two remotes, each with another half of the files damaged."""
    cold(world)
    shutil.copytree(world.store, world.root / "second")
    dvc(world.work, "remote", "add", "--quiet", "second", "../second")
    flip(world.object_path("model.pkl"))
    train = world.object_path("data/train").relative_to(world.store)
    (world.root / "second" / train).unlink()
    for entry in json.loads(world.object_path("data/train").read_bytes()):
        (world.root / "second" / "files" / "md5" / entry["md5"][:2] / entry["md5"][2:]).unlink()
    done = world.arcgit("restore", "deep", "--to", str(out), code=0)
    sources = {row["path"]: row["source"] for row in done["files"]}
    assert sources["model.pkl"] == "second"
    assert sources["data/train/0.csv"] == "storage"


def test_the_objects_of_two_files_swapped_are_noticed(world: World, out: Path) -> None:
    cold(world)
    first, second = (
        world.store / "files" / "md5" / entry["md5"][:2] / entry["md5"][2:]
        for entry in json.loads(world.object_path("data/train").read_bytes())[:2]
    )
    one, other = first.read_bytes(), second.read_bytes()
    change(first, other)
    change(second, one)
    done = world.arcgit("restore", "deep", "--to", str(out), code=1)
    assert codes(done) == ["object-corrupt"] * 2
    assert done["counts"]["failed"]["files"] == 2


def test_two_contents_with_one_md5_are_told_apart(world: World, out: Path) -> None:
    (world.work / "weights.bin").write_bytes(WANG_A)
    dvc(world.work, "add", "--quiet", "weights.bin")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  weights: {role: other, path: weights.bin}\n")
    world.commit("a colliding file")
    tag = world.arcgit("record")["tag"]
    cold(world)
    md5 = "79054025255fb1a26e4bc422aef54eb4"
    change(world.store / "files" / "md5" / md5[:2] / md5[2:], WANG_B)
    done = world.arcgit("restore", tag, "--only", "weights", "--to", str(out), code=1)
    assert codes(done) == ["md5-collision"]
    assert not (out / "weights.bin").exists()


def test_no_remote_at_all_is_not_known_rather_than_failed(world: World, out: Path) -> None:
    cold(world)
    dvc(world.work, "remote", "remove", "storage")
    done = world.arcgit("restore", "deep", "--to", str(out), code=3)
    assert done["verdict"] == "cannot-verify"
    assert set(codes(done)) == {"object-unreadable", "remote-missing"}
    assert (out / "src" / "train.py").is_file()


# -- records that do not verify


def test_nothing_is_written_from_a_record_that_does_not_verify(world: World, mallory: Person, out: Path) -> None:
    git(world.work, "update-ref", f"refs/tags/{world.tag('deep')}", f"refs/tags/{world.tag('wide')}")
    done = world.arcgit("restore", world.tag("deep"), "--to", str(out), code=1)
    assert "tag-not-as-recorded" in codes(done, "error")
    assert done["files"] == []
    assert not out.exists()


def test_nothing_is_written_where_the_ledger_is_missing_or_nobody_trusts_it(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clone = world.clone()
    tag = world.tag("deep")
    missing = invoke(clone, "restore", tag, "--to", str(out), code=3)
    assert "notes-missing" in codes(missing)
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nobody"))
    unknown = invoke(clone, "restore", tag, "--to", str(out), code=3)
    assert "trust-root-unknown" in codes(unknown)
    assert not out.exists()


def test_a_forged_blob_in_git_is_not_written(world: World, ada: Person, out: Path) -> None:
    tag = reseal(world, ada, lambda facts: facts["train-code"].update(sha256="0" * 64))
    done = world.arcgit("restore", tag, "--to", str(out), code=1)
    assert codes(done, "error") == ["object-corrupt"]
    assert not (out / "src").exists()


def test_a_full_disk_ends_the_run_and_says_what_is_there(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lock, written = staging.Temporary.write, threading.Lock(), [0]

    def full(self: staging.Temporary, data: bytes) -> None:
        with lock:
            written[0] += 1
            if written[0] > 4:
                raise OSError(28, "No space left on device")
        real(self, data)

    monkeypatch.setattr(staging.Temporary, "write", full)
    done = world.arcgit("restore", "deep", "--to", str(out), code=3)
    assert "destination-unwritable" in codes(done, "unknown")
    hints = {row["hint"] for row in done["findings"] if row["code"] == "destination-unwritable"}
    assert hints == {"make room or write access there, then run the same command again: it goes on"}
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert there == {row["path"] for row in done["files"] if row["state"] == "restored"}
    assert done["counts"]["failed"]["files"] == 10 - len(there)
    monkeypatch.setattr(staging.Temporary, "write", real)
    assert world.arcgit("restore", "deep", "--to", str(out))["counts"]["kept"]["files"] == len(there)


def test_files_that_cannot_be_made_durable_get_no_name(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(names: object, folder: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "settle_files", broken)
        done = world.arcgit("restore", "deep", "--to", str(out), code=3)
    assert set(codes(done)) == {"destination-unwritable"}
    assert done["counts"]["failed"]["files"] == 10
    assert not [path for path in out.rglob("*") if path.is_file()]
    assert world.arcgit("restore", "deep", "--to", str(out))["counts"]["restored"]["files"] == 10


def test_what_appears_while_files_wait_for_the_disk_is_not_written_over(
    world: World, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = durable.settle_files

    def late(names: list[str], folder: int) -> None:
        real(names, folder)
        (out / "model.pkl").write_bytes(b"mine")
        (out / "src").symlink_to(out.parent)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "settle_files", late)
        done = world.arcgit("restore", "deep", "--to", str(out), code=1)
    assert set(codes(done)) == {"destination-occupied"}
    assert (out / "model.pkl").read_bytes() == b"mine"
    assert not (out.parent / "train.py").exists()
    assert {row["path"] for row in done["files"] if row["state"] == "failed"} == {"model.pkl", "src/train.py"}


def test_many_files_become_durable_in_one_go_and_one_by_one_where_the_system_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [str(number) for number in range(durable.FEW + 1)]
    for name in names:
        (tmp_path / name).write_bytes(b"1")
    folder = os.open(tmp_path, os.O_RDONLY)
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    durable.settle_files(names, folder)
    in_one_go = len(synced)
    monkeypatch.setattr(durable, "_settle_file_system", lambda descriptor: False)
    durable.settle_files(names, folder)
    os.close(folder)
    assert in_one_go in {0, len(names)}
    assert len(synced) - in_one_go == len(names)
