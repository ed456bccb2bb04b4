"""Every kind of storage that teams keep data in, behind a real server: recording, verifying, restoring, and what may befall it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.attacks.test_data import WANG_A, WANG_B
from tests.remotes.storages import KINDS, Bucket, Http, Ssh, Storage, Web
from tests.servers import http_server
from tests.world import World, dvc, git, next_experiment

# The clients of DVC leave their sessions to the end of the process; here that is a later test's.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # DVC calls aiohttp as it was
]
LEVELS = ("presence", "fixity")
SERVERS = pytest.mark.parametrize("storage", [kind for kind in KINDS if kind != "local"], indirect=True)
"""A folder asks for no password, and one that is not there is made by the first push."""
WITH_RIGHTS = pytest.mark.parametrize("storage", [kind for kind in KINDS if kind != "s3"], indirect=True)
"""This S3 server has no rights for single objects."""
UNKNOWN = {"object-unreadable", "remote-unreachable"}


def key_of(world: World, path: str) -> str:
    """The object of an out of dvc.lock at HEAD, by its path below the remote."""
    return world.object_path(path).relative_to(world.store).as_posix()


def members(storage: Storage, world: World) -> dict[str, str]:
    """The objects of the files of data/train, by the path inside of it."""
    rows = json.loads(storage.read(key_of(world, "data/train")))
    return {row["relpath"]: f"files/md5/{row['md5'][:2]}/{row['md5'][2:]}" for row in rows}


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def restored(world: World, *arguments: str, code: int) -> tuple[list[str], Path]:
    """The codes of `arcgit restore deep` without DVC's cache, and where it restored to."""
    shutil.rmtree(world.work / ".dvc" / "cache", ignore_errors=True)
    out = world.root / "out"
    document = world.arcgit("restore", "deep", "--to", str(out), *arguments, code=code)
    return [finding["code"] for finding in document["findings"]], out


def test_what_was_recorded_is_read_back_verified_and_restored(storage: Storage, world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    before = storage.objects()
    made = world.arcgit("record")
    assert made["created"] is True
    assert key_of(world, "model.pkl") in storage.objects() - before
    assert world.verify("--level", "presence", code=0) == []
    assert world.verify("--level", "fixity", code=0) == []
    assert world.last["scope"]["bytes_read"] > 1000
    good = {name: (world.work / name).read_bytes() for name in ("model.pkl", "data/train/0.csv", "data/test/2.csv")}
    shutil.rmtree(world.work / ".dvc" / "cache")
    out = world.root / "out"
    document = world.arcgit("restore", "fresh", "--to", str(out))
    assert document["findings"] == []
    assert {row["source"] for row in document["files"]} == {"git", "storage"}
    found = files_of(out)
    assert {name: found[name] for name in good} == good


def test_a_second_recording_pushes_nothing_and_overwrites_nothing(storage: Storage, world: World) -> None:
    before = {key: storage.read(key) for key in storage.objects()}
    (world.work / "arcgit.yaml").write_text((world.work / "arcgit.yaml").read_text().replace("deep", "again"))
    world.commit("the same data under another name")
    assert world.arcgit("record")["created"] is True
    assert {key: storage.read(key) for key in storage.objects()} == before


def test_what_records_need_is_listed_and_never_collected(storage: Storage, world: World) -> None:
    """Listings of directories are read from the remote alone; `dvc gc` works where the storage can be listed."""
    shutil.rmtree(world.work / ".dvc" / "cache")
    listed = world.arcgit("protected")
    assert listed["verdict"] == "pass"
    assert {f"files/md5/{row['md5'][:2]}/{row['md5'][2:]}" for row in listed["objects"]} == storage.objects()
    git(world.work, "rm", "-r", "--quiet", "--cached", "dvc.lock")
    (world.work / "dvc.lock").unlink()
    (world.work / "dvc.yaml").write_text("stages: {}\n")
    before = storage.objects()
    if storage.lists:
        refused = world.arcgit("gc", "--workspace", "--cloud", "--force", code=1)
        assert {finding["code"] for finding in refused["findings"]} == {"protected-object"}
    else:
        refused = world.arcgit("gc", "--workspace", "--cloud", "--force", code=3)
        assert refused["error"]["code"] == "gc-failed"
    assert storage.objects() == before


def test_a_flipped_byte_is_corrupt_and_named(storage: Storage, world: World) -> None:
    key = key_of(world, "model.pkl")
    data = bytearray(storage.read(key))
    data[110] ^= 1
    storage.write(key, bytes(data))
    assert world.verify("--level", "presence", code=0) == []
    assert world.verify("--level", "fixity", code=1) == ["object-corrupt"]
    assert world.last["findings"][0]["subject"] == f"{world.tag('deep')}: model"
    assert storage.read(key) == bytes(data)
    codes, out = restored(world, code=1)
    assert codes == ["object-corrupt"]
    assert not (out / "model.pkl").exists()
    assert (out / "data" / "train" / "0.csv").is_file()


def test_an_object_of_another_length_is_corrupt(storage: Storage, world: World) -> None:
    key = key_of(world, "model.pkl")
    good = storage.read(key)
    for data in (good[:-9], b"", good + b"x"):
        storage.write(key, data)
        for level in LEVELS:
            assert set(world.verify("--level", level, code=1)) == {"object-corrupt"}
        assert restored(world, "--only", "model", code=1)[0] == ["object-corrupt"]


def test_a_missing_object_is_missing(storage: Storage, world: World) -> None:
    storage.remove(key_of(world, "model.pkl"))
    for level in LEVELS:
        assert world.verify("--level", level, code=1) == ["object-missing"]
    assert restored(world, "--only", "model", code=1)[0] == ["object-missing"]


def test_a_folder_in_the_place_of_an_object_cannot_be_told(storage: Storage, world: World) -> None:
    storage.put_folder(key_of(world, "model.pkl"))
    assert world.verify("--level", "presence", code=3) == ["object-unreadable"]
    # An S3 server has no folders: there are other objects, and there is none of this name.
    code, found = (1, "object-missing") if isinstance(storage, Bucket) else (3, "object-unreadable")
    assert world.verify("--level", "fixity", code=code) == [found]
    assert restored(world, "--only", "model", code=code)[0] == [found]


@WITH_RIGHTS
def test_an_object_that_may_not_be_read_cannot_be_told(storage: Storage, world: World) -> None:
    storage.make_unreadable(key_of(world, "model.pkl"))
    if isinstance(storage, Ssh):
        # Who may not read a file may still see its size.
        assert world.verify("--level", "presence", code=0) == []
    else:
        assert world.verify("--level", "presence", code=3) == ["object-unreadable"]
    assert world.verify("--level", "fixity", code=3) == ["object-unreadable"]
    assert restored(world, "--only", "model", code=3)[0] == ["object-unreadable"]


@pytest.mark.parametrize("storage", ["webdav", "http"], indirect=True)
def test_a_server_that_fails_is_no_missing_object(storage: Storage, world: World) -> None:
    """Error 500 for one object, and for the listing of a directory."""
    assert isinstance(storage, Web)
    storage.answer(key_of(world, "model.pkl"), "broken")
    for level in LEVELS:
        assert world.verify("--level", level, code=3) == ["object-unreadable"]
    storage.answer(key_of(world, "data/train"), "broken")
    assert set(world.verify("--level", "presence", code=3)) == {"object-unreadable"}


@pytest.mark.parametrize("storage", ["ssh"], indirect=True)
def test_a_pipe_in_the_place_of_an_object_hangs_nothing(storage: Ssh, world: World) -> None:
    key = key_of(world, "model.pkl")
    storage.remove(key)
    os.mkfifo(storage.folder / key, 0o666)
    assert world.verify("--level", "fixity", code=3) == ["object-unreadable"]
    assert restored(world, "--only", "model", code=3)[0] == ["object-unreadable"]


def test_a_storage_that_nobody_answers_for_is_one_unknown(storage: Storage, world: World) -> None:
    """A server that is down, a disk that is not mounted: nothing is missing, and it is said once, of the remote."""
    storage.unplug()
    for level in LEVELS:
        assert world.verify("--level", level, code=3) == ["remote-unreachable"]
        assert world.last["findings"][0]["subject"] == "remote storage"
    codes, out = restored(world, code=3)
    assert set(codes) <= UNKNOWN
    assert (out / "src" / "train.py").is_file()
    assert not (out / "model.pkl").exists()


def test_a_storage_whose_folder_or_bucket_is_gone_is_one_unknown(storage: Storage, world: World) -> None:
    storage.lose_root()
    if isinstance(storage, Http):
        # A server over plain HTTP has no folders that could be asked for.
        assert set(world.verify("--level", "presence", code=1)) == {"object-missing"}
        return
    for level in LEVELS:
        assert world.verify("--level", level, code=3) == ["remote-unreachable"]
        assert "is not there" in world.last["findings"][0]["message"]
    assert set(restored(world, code=3)[0]) <= UNKNOWN


@SERVERS
def test_wrong_credentials_are_no_missing_objects_and_are_not_printed(storage: Storage, world: World) -> None:
    storage.forget_password()
    for level in LEVELS:
        assert set(world.verify("--level", level, code=3)) <= UNKNOWN
        assert "only-on-loopback" not in str(world.last)
    assert set(restored(world, code=3)[0]) <= UNKNOWN


@SERVERS
def test_nothing_is_recorded_where_nobody_answers(storage: Storage, world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    storage.unplug()
    world.commit("settings")
    before = git(world.work, "for-each-ref", "refs/tags", "refs/notes", "refs/arcgit")
    assert world.arcgit("record", code=3)["error"]["code"] == "remote-unreachable"
    assert git(world.work, "for-each-ref", "refs/tags", "refs/notes", "refs/arcgit") == before


def test_swapped_objects_are_both_named(storage: Storage, world: World) -> None:
    train = sorted(members(storage, world).items())
    (first, a), (second, b) = train[0], train[1]
    one, other = storage.read(a), storage.read(b)
    storage.write(a, other)
    storage.write(b, one)
    assert set(world.verify("deep", "--level", "fixity", code=1)) == {"object-corrupt"}
    named = {finding["subject"] for finding in world.last["findings"]}
    assert named == {f"{world.tag('deep')}: train/{name}" for name in (first, second)}


def test_every_damaged_file_of_a_directory_is_named(storage: Storage, world: World) -> None:
    found = members(storage, world)
    for key in found.values():
        storage.write(key, b"x" * len(storage.read(key)))
    assert set(world.verify("deep", "--level", "fixity", code=1)) == {"object-corrupt"}
    named = {finding["subject"] for finding in world.last["findings"]}
    assert named == {f"{world.tag('deep')}: train/{name}" for name in found}
    codes, out = restored(world, "--only", "train", code=1)
    assert codes == ["object-corrupt"] * len(found)
    assert not (out / "data" / "train").exists() or files_of(out / "data" / "train") == {}


def test_a_listing_that_was_edited_is_corrupt(storage: Storage, world: World) -> None:
    key = key_of(world, "data/train")
    rows = json.loads(storage.read(key))
    rows[0]["relpath"] = "../../.git/hooks/pre-commit"
    storage.write(key, json.dumps(rows).encode())
    for level in LEVELS:
        assert "object-corrupt" in world.verify("deep", "--level", level, code=1)
    codes, out = restored(world, "--only", "train", code=1)
    assert set(codes) == {"object-corrupt"}
    assert not (out / "data" / "train").exists() or files_of(out / "data" / "train") == {}


def test_two_contents_with_one_md5_are_told_apart(storage: Storage, world: World) -> None:
    (world.work / "weights.bin").write_bytes(WANG_A)
    dvc(world.work, "add", "--quiet", "weights.bin")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  weights: {role: other, path: weights.bin}\n")
    world.commit("a colliding file")
    md5 = "79054025255fb1a26e4bc422aef54eb4"
    key = f"files/md5/{md5[:2]}/{md5[2:]}"
    storage.write(key, WANG_B)
    assert world.arcgit("record", code=1)["error"]["code"] == "md5-collision"
    storage.write(key, WANG_A)
    world.arcgit("record")
    assert world.verify("--level", "fixity", code=0) == []
    storage.write(key, WANG_B)
    assert world.verify("--level", "presence", code=0) == []
    assert world.verify("--level", "fixity", code=1) == ["md5-collision"]


@pytest.mark.parametrize("first_is_good", [True, False])
def test_a_server_that_gives_other_bytes_the_second_time_is_judged_by_what_it_gave(
    world: World, *, first_is_good: bool
) -> None:
    """The first reading is the evidence. Bytes that are wrong once are corrupt, and no collision because they are right later."""
    model = world.object_path("model.pkl")
    good = model.read_bytes()
    read: list[str] = []

    def answer(method: str, path: str, before: int) -> tuple[int, bytes, int | None] | None:
        file = world.store / path.removeprefix("/store/")
        if not file.is_file():
            return 404, b"", None
        if file != model or method == "HEAD":
            return 200, file.read_bytes(), None
        read.append(path)
        return 200, good if (len(read) == 1) == first_is_good else good[::-1], None

    with http_server(answer) as url:
        dvc(world.work, "remote", "modify", "--quiet", "storage", "url", f"{url}/store")
        if first_is_good:
            assert world.verify("deep", "--level", "fixity", code=0) == []
            return
        assert world.verify("deep", "--level", "fixity", code=1) == ["object-corrupt"]


@pytest.mark.parametrize("storage", ["ssh"], indirect=True)
def test_a_host_with_another_key_than_known_hosts_names_gets_nothing(storage: Ssh, world: World) -> None:
    """DVC asks for no host key at all; arcgit holds a host that the person's ssh knows to its key."""
    known = Path.home() / ".ssh" / "known_hosts"
    known.parent.mkdir(exist_ok=True)
    try:
        known.write_text(storage.server.host_key)
        assert world.verify("--level", "fixity", code=0) == []
        host = storage.server.host_key.split()[0]
        other = (storage.server.folder / "ours.pub").read_text().split()[1]
        known.write_text(f"{host} ssh-ed25519 {other}\n")
        for level in LEVELS:
            assert world.verify("--level", level, code=3) == ["remote-unreachable"]
        assert "key" in world.last["findings"][0]["message"].lower()
        known.write_text(f"elsewhere.example.org ssh-ed25519 {other}\n")
        assert world.verify("--level", "presence", code=0) == []
    finally:
        known.unlink()
