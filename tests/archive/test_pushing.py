"""Objects on their way into a folder: durable many at a time, and none under its name before that."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from arcgit import crash, durable, staging
from arcgit.dvc.objects import ObjectId
from arcgit.dvc.opening import open_remote
from arcgit.errors import RefusedError
from tests.world import World, dvc, git

MANY = 40


def add_files(world: World, number: int = MANY, folder: str = "data/more") -> None:
    """An experiment with so many new files in a directory more."""
    place = world.work / folder
    place.mkdir()
    for n in range(number):
        (place / f"{n:03}.bin").write_bytes(f"{folder} {n}\n".encode() * 20)
    dvc(world.work, "add", "--quiet", folder)
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + f"  {place.name}: {{role: other, path: {folder}}}\n")
    world.commit("more files")


def objects(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def left(world: World) -> list[str]:
    return [str(path) for path in world.root.rglob(f"{durable.PREFIX}*")]


class Log:
    """What was done to the disk, in order: `settled` bytes of files, `named`, and the folders' `names`."""

    def __init__(self, patch: pytest.MonkeyPatch, store: Path) -> None:
        self.rows: list[tuple[str, str]] = []
        self._store = store
        real_files, real_names, real_link, real_point = (
            durable.settle_files,
            durable.settle_names,
            os.link,
            crash.point,
        )

        def settle_files(names: Any, folder: int) -> None:
            real_files(names, folder)
            self.rows += [("settled", name) for name in names]

        def settle_names(descriptor: int, done: set[int], *, many: bool) -> None:
            real_names(descriptor, done, many=many)
            self.rows.append(("names", ""))

        def link(source: Any, target: Any, **options: Any) -> None:
            real_link(source, target, **options)
            self.rows.append(("named", f"{source} {target}"))

        def point(name: str) -> None:
            self.rows.append(("point", name))
            real_point(name)

        patch.setattr(durable, "settle_files", settle_files)
        patch.setattr(durable, "settle_names", settle_names)
        patch.setattr(os, "link", link)
        patch.setattr(crash, "point", point)

    def at(self, what: str, ending: str = "") -> list[int]:
        return [number for number, row in enumerate(self.rows) if row[0] == what and row[1].endswith(ending)]


@pytest.mark.parametrize("number", [1, MANY])
def test_no_object_has_its_name_before_its_bytes_are_on_disk_nor_a_listing_before_its_files(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    add_files(world, number)
    with monkeypatch.context() as patch:
        log = Log(patch, world.store)
        world.arcgit("record")
    settled = {name: at for at, (what, name) in enumerate(log.rows) if what == "settled"}
    rows = [(at, row[1].split()) for at, row in enumerate(log.rows) if row[0] == "named"]
    named = [(at, source, target) for at, (source, target) in rows]
    assert len(named) == number + 1
    assert all(settled[source] < at for at, source, _ in named)
    members = [at for at, _, target in named if not target.endswith(".dir")]
    (listing,) = (at for at, _, target in named if target.endswith(".dir"))
    assert any(max(members) < at < listing for at in log.at("names")), "the files' names are on disk first"
    (pushed,) = log.at("point", "data-pushed")
    assert any(listing < at < pushed for at in log.at("names")), "all names are, before anything is built on them"
    assert left(world) == []


def counted(patch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows whenever the disk is waited for because of one file."""
    waits: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        waits.append(descriptor)
        real(descriptor)

    patch.setattr(os, "fsync", fsync)
    return waits


def test_many_objects_do_not_wait_for_the_disk_one_by_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add_files(world)
    with monkeypatch.context() as patch:
        waits = counted(patch)
        world.arcgit("record")
    assert len(waits) < MANY / 2
    assert world.verify("--level", "fixity", code=0) == []


def test_where_the_system_knows_no_other_way_each_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add_files(world)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "_settle_file_system", lambda descriptor: False)
        waits = counted(patch)
        world.arcgit("record")
    assert len(waits) > 2 * MANY, "each file, and each folder"


def broken(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("step", ["settle_files", "settle_names"])
def test_a_disk_that_does_not_keep_what_it_took_seals_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    """The bytes may have reached nothing but memory: what the disk says in the end is what counts."""
    add_files(world)
    before, refs = objects(world.store), git(world.work, "for-each-ref")
    with monkeypatch.context() as patch:
        patch.setattr(durable, step, broken(number))
        said = world.arcgit("record", code=3)["error"]
    assert said["code"] == "remote-unreachable"
    assert os.strerror(number) in said["message"]
    assert git(world.work, "for-each-ref") == refs
    if step == "settle_files":
        assert objects(world.store) == before
        assert "did not take object " in said["message"]
    assert not [name for name in objects(world.store).keys() - before.keys() if name.endswith(".dir")]
    assert left(world) == []
    world.arcgit("record")
    assert world.verify("--level", "fixity", code=0) == []


def test_a_file_system_without_a_way_to_settle_names_is_no_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add_files(world, 1)
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        assert world.arcgit("record")["created"] is True


def test_a_disk_that_fills_up_in_the_middle_leaves_whole_objects_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_files(world)
    real, written = staging.Temporary.write, [0]

    def full(self: staging.Temporary, data: bytes) -> None:
        written[0] += 1
        if written[0] > MANY // 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(staging.Temporary, "write", full)
        patch.setattr(staging, "MANY", 8)
        said = world.arcgit("record", code=3)["error"]
    assert "No space left" in said["message"]
    new = {name: data for name, data in objects(world.store).items() if len(data) and b"data/more" in data[:20]}
    assert len(new) == 16, "two lots of eight had their names"
    assert left(world) == []
    assert world.arcgit("record")["created"] is True
    assert world.verify("--level", "fixity", code=0) == []


def test_an_object_of_the_cache_that_is_not_what_its_name_says_gets_no_name(world: World) -> None:
    add_files(world)
    before = objects(world.store)
    victim = next(
        path
        for path in (world.work / ".dvc" / "cache" / "files" / "md5").rglob("*")
        if path.is_file() and b"data/more" in path.read_bytes()[:20]
    )
    md5 = victim.parent.name + victim.name
    victim.chmod(0o644)
    victim.write_bytes(b"something else")
    remote = open_remote(world.work, None)
    with pytest.raises(RefusedError, match=md5):
        remote.push([ObjectId("md5", md5)], datetime(2026, 12, 1, tzinfo=timezone.utc))
    assert objects(world.store) == before
    assert left(world) == []


KILLS = ["data-written:1", "data-written:7", "data-placed:1", f"data-placed:{MANY}", f"data-written:{MANY + 1}"]


@pytest.mark.parametrize("at", [*KILLS, "data-pushed:1", "data-proven:1"])
def test_killed_anywhere_between_many_objects_the_next_run_goes_on(world: World, at: str) -> None:
    add_files(world)
    before = objects(world.store)
    command = [sys.executable, "-m", "arcgit", "-C", str(world.work), "record"]
    killed = subprocess.run(command, env={**os.environ, crash.VARIABLE: at}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    there = {name: data for name, data in objects(world.store).items() if durable.PREFIX not in name}
    new = there.keys() - before.keys()
    cache = world.work / ".dvc" / "cache"
    assert all(there[name] == (cache / name).read_bytes() for name in new), "each is whole"
    assert not [name for name in new if name.endswith(".dir")] or len(new) == MANY + 1
    assert world.verify(code=0) == []
    assert world.arcgit("record")["created"] is True
    assert left(world) == []
    assert world.verify("--level", "fixity", code=0) == []


def test_what_a_killed_run_left_goes_though_nothing_is_missing_any_more(world: World) -> None:
    add_files(world)
    command = [sys.executable, "-m", "arcgit", "-C", str(world.work), "record"]
    subprocess.run(command, env={**os.environ, crash.VARIABLE: f"data-placed:{MANY}"}, capture_output=True, check=False)
    assert left(world)
    dvc(world.work, "push", "--quiet")
    assert world.arcgit("record")["created"] is True
    assert left(world) == []


def test_the_staging_folder_of_a_run_that_lives_is_left_alone(world: World) -> None:
    add_files(world)
    place = world.store / "files" / "md5"
    living = place / f"{durable.PREFIX}living"
    dead = place / f"{durable.PREFIX}dead"
    for folder in (living, dead):
        folder.mkdir()
        (folder / "half").write_bytes(b"half")
    descriptor = os.open(living, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        world.arcgit("record")
        assert (living / "half").read_bytes() == b"half"
        assert not dead.exists()
    finally:
        os.close(descriptor)
        shutil.rmtree(living)
