"""Pushing over a network and reading back, several objects at a time: errors, interruptions, and what may be seen meanwhile."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Condition, Event, Lock, get_ident
from typing import Any

import pytest

from arcgit import several
from arcgit.cli import output
from arcgit.cli.clock import now
from arcgit.dvc import uploads
from arcgit.dvc.opening import open_remote
from arcgit.dvc.remote import DataRemote
from arcgit.dvc.uploads import PART
from tests.archive.test_pushing import add_files
from tests.attacks.test_replicate_servers import Shelf, serving
from tests.remotes.conftest import made
from tests.remotes.storages import Bucket, Ssh, Web
from tests.world import World, dvc, git

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
FILES = 20
OBJECT = re.compile(r"files/md5/[0-9a-f]{2}/[0-9a-f]{30}(\.dir)?")
"""What is under an object's own name. The library for SSH has names of its own for what it is writing."""


class Taking(Shelf):
    """A server that counts who is with it at a time, and writes down what it took."""

    def __init__(self, least: int = 1) -> None:
        super().__init__("none", "nothing")
        self.least = least
        self.most = {"PUT": 0, "GET": 0}
        self.now = {"PUT": 0, "GET": 0}
        self.order: list[str] = []
        self.full: Callable[[str], bool] = lambda path: False
        self.other: Callable[[str], bool] = lambda path: False
        self.together = Condition()

    def _with_others(self, kind: str) -> None:
        """Wait until so many are here together, which they will be for the first time and never again."""
        with self.together:
            self.now[kind] += 1
            self.most[kind] = max(self.most[kind], self.now[kind])
            self.together.notify_all()
            assert self.together.wait_for(lambda: self.most[kind] >= self.least, 60)

    def _leaves(self, kind: str) -> None:
        with self.together:
            self.now[kind] -= 1

    def take(self, path: str, data: bytes) -> int:
        self._with_others("PUT")
        try:
            if self.full(path):
                return 507
            status = super().take(path, data)
            with self.lock:
                self.order.append(path)
            return status
        finally:
            self._leaves("PUT")

    def give(self, path: str) -> tuple[int, bytes, int | None]:
        if path not in self.kept:
            return 404, b"", None
        self._with_others("GET")
        try:
            status, data, length = super().give(path)
            return status, (data[::-1] if self.other(path) else data), length
        finally:
            self._leaves("GET")


def use(world: World, url: str) -> None:
    dvc(world.work, "remote", "modify", "--quiet", "storage", "url", f"{url}/store")
    world.commit("a remote on a server")


def name_of(path: str) -> str:
    """The hash value of an object by its path on the server."""
    return "".join(path.split("/")[-2:])


def refs(world: World) -> str:
    return git(world.work, "for-each-ref")


def side_by_side(patch: pytest.MonkeyPatch, owner: type, name: str) -> list[int]:
    """How many threads were in a method at once, noted whenever one more came in."""
    real, lock, seen, inside = getattr(owner, name), Lock(), [0], set[int]()

    def noted(*given: Any) -> Any:
        with lock:
            inside.add(get_ident())
            seen.append(len(inside))
        try:
            return real(*given)
        finally:
            with lock:
                inside.discard(get_ident())

    patch.setattr(owner, name, noted)
    return seen


def test_eight_objects_are_pushed_and_read_back_at_a_time_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server lets nobody go before eight are there, and there are no more threads than eight."""
    add_files(world, FILES)
    shelf = Taking(least=several.NETWORK)
    with serving(shelf) as url, monkeypatch.context() as patch:
        use(world, url)
        putting, reading = side_by_side(patch, uploads.Uploads, "put"), side_by_side(patch, DataRemote, "sha256")
        assert world.arcgit("record")["created"] is True
        assert (max(putting), max(reading)) == (several.NETWORK, several.NETWORK)
        assert shelf.most == {"PUT": several.NETWORK, "GET": several.NETWORK}
        assert len(shelf.order) == len(set(shelf.order)) > FILES


def test_progress_counts_every_object_once_from_none_to_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    add_files(world, FILES)
    told: dict[str, list[tuple[int, int]]] = {}

    @contextmanager
    def progress() -> Iterator[output.Report]:
        yield lambda what, done, total: told.setdefault(what, []).append((done, total))

    shelf = Taking()
    with serving(shelf) as url, monkeypatch.context() as patch:
        use(world, url)
        patch.setattr(output, "progress", progress)
        world.arcgit("record")
    number = len(shelf.kept)
    assert told["pushing"] == [(done, number) for done in range(number + 1)]
    read = len(told["reading back"]) - 1
    assert told["reading back"] == [(done, read) for done in range(read + 1)]
    assert read >= FILES


def test_listings_are_put_once_every_file_is_there(world: World) -> None:
    add_files(world, FILES)
    shelf = Taking()
    with serving(shelf) as url:
        use(world, url)
        world.arcgit("record")
    listings = [number for number, path in enumerate(shelf.order) if path.endswith(".dir")]
    assert len(listings) == 3
    assert listings == list(range(len(shelf.order) - 3, len(shelf.order)))


def test_an_object_that_is_not_taken_is_named_its_listing_is_not_put_and_the_next_run_goes_on(world: World) -> None:
    add_files(world, FILES)
    shelf = Taking()
    victims: list[str] = []

    def full(path: str) -> bool:
        with shelf.lock:
            if not victims and not path.endswith(".dir"):
                victims.append(path)
        return path in victims

    shelf.full = full
    with serving(shelf) as url:
        use(world, url)
        before = refs(world)
        said = world.arcgit("record", code=3)["error"]
        assert said["code"] == "remote-unreachable"
        assert name_of(victims[0]) in said["message"]
        assert refs(world) == before
        assert not [path for path in shelf.order if path.endswith(".dir")]
        there = list(shelf.order)
        shelf.full = lambda path: False
        assert world.arcgit("record")["created"] is True
        assert shelf.order[: len(there)] == there
        assert len(shelf.order) == len(set(shelf.order)), "what was there is not put again"


@pytest.mark.parametrize("lie", ["other bytes", "not there"])
def test_one_object_that_comes_back_otherwise_is_named_and_nothing_is_sealed(world: World, lie: str) -> None:
    add_files(world, FILES)
    shelf = Taking()
    victim = world.object_path("model.pkl")
    ending = f"/{victim.parent.name}/{victim.name}"
    shelf.other = lambda path: lie == "other bytes" and path.endswith(ending)
    shelf.trick, shelf.victim = ("stores nothing", ending[1:]) if lie == "not there" else ("none", "nothing")
    with serving(shelf) as url:
        use(world, url)
        before = refs(world)
        said = world.arcgit("record", code=1 if lie == "other bytes" else 3)["error"]
    assert said["code"] == ("object-corrupt" if lie == "other bytes" else "object-missing")
    assert f"{victim.parent.name}{victim.name}" in said["message"]
    assert refs(world) == before


def running(world: World) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "arcgit", "-C", str(world.work), "record"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("kind", ["PUT", "GET"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_while_a_server_never_answers_it_ends_seals_nothing_and_the_next_run_goes_on(
    world: World, kind: str, number: signal.Signals
) -> None:
    add_files(world, FILES)
    reached, release, hanging, lock = Event(), Event(), [0], Lock()

    class Hanging(Taking):
        def _with_others(self, what: str) -> None:
            super()._with_others(what)
            if what != kind or release.is_set():
                return
            with lock:
                hanging[0] += 1
                # The first few get their answer, so that there is something to go on with.
                if hanging[0] <= 3:
                    return
                if hanging[0] == 3 + several.NETWORK:
                    reached.set()
            release.wait(120)

    shelf = Hanging()
    try:
        with serving(shelf) as url:
            use(world, url)
            before = refs(world)
            child = running(world)
            try:
                assert reached.wait(120)
                child.send_signal(number)
                _, said = child.communicate(timeout=60)
            finally:
                child.kill()
            assert child.returncode == (130 if number == signal.SIGINT else -number)
            assert b"Traceback" not in said
            assert refs(world) == before
            release.set()
            assert world.verify(code=0) == []
            assert world.arcgit("record")["created"] is True
    finally:
        release.set()


DIES_HALFWAY = """\
import os, signal, sys, tempfile
from dvc_objects.fs.base import FileSystem
true = FileSystem.put_file
def put_file(self, path, target, **options):
    data = open(path, "rb").read()
    if not path.endswith(sys.argv[1]):
        return true(self, path, target, **options)
    with tempfile.NamedTemporaryFile() as half:
        half.write(data[: len(data) // 2])
        half.flush()
        true(self, half.name, target, **options)
    os.kill(os.getpid(), signal.SIGKILL)
FileSystem.put_file = put_file
from arcgit.cli.app import run
run(sys.argv[2:])
"""


@pytest.mark.parametrize("kind", ["ssh", "webdav"])
def test_half_an_object_never_has_its_name_where_the_storage_would_show_it(
    kind: str, world: World, request: pytest.FixtureRequest
) -> None:
    """The process dies when half of a file is there, as where neither library nor server keeps such halves apart.

    Under the object's own name nobody might overwrite it ever after.
    """
    storage = made(kind, world, request)
    storage.use()
    add_files(world, FILES)
    cache = world.work / ".dvc" / "cache" / "files" / "md5"
    victim = next(path for path in cache.rglob("*") if path.is_file() and b"data/more 7\n" in path.read_bytes())
    before = storage.objects()
    start = [sys.executable, "-c", DIES_HALFWAY, str(victim.relative_to(cache)), "-C", str(world.work), "record"]
    died = subprocess.run(start, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    new = storage.objects() - before
    halves = {name for name in new if uploads.PREFIX in name}
    objects = {name: storage.read(name) for name in new if OBJECT.fullmatch(name)}
    assert all(data == (cache.parent.parent / name).read_bytes() for name, data in objects.items())
    assert halves, "or the test tests nothing"
    assert world.arcgit("record")["created"] is True
    assert world.verify("--level", "fixity", code=0) == []
    for name in halves:
        path = storage.folder / name  # type: ignore[attr-defined]
        os.utime(path, (path.stat().st_mtime - 2 * 86400,) * 2)
    add_files(world, 1, "data/later")
    world.arcgit("record")
    if isinstance(storage, Web):
        asked = (storage.server.folder / "log" / "access").read_text()
        assert "MOVE /dav/" in asked
        assert "COPY /dav/" not in asked, "half of a copy can be seen"
    assert not [name for name in storage.objects() if uploads.PREFIX in name], "a day later it goes"


DIES_BEFORE_RENAMING = """
import os, signal, sys
from dvc_ssh.spec import SSHFileSystem
async def _mv(self, *paths, **options):
    os.kill(os.getpid(), signal.SIGKILL)
SSHFileSystem._mv = _mv
from arcgit.cli.app import run
run(sys.argv[1:])
"""


def test_what_dvcs_own_client_leaves_of_an_upload_that_was_killed_goes_a_day_later(
    world: World, request: pytest.FixtureRequest
) -> None:
    """Over SSH it puts a file under a name of its own first, wherever it was told to put it."""
    storage = made("ssh", world, request)
    assert isinstance(storage, Ssh)
    storage.use()
    add_files(world, 3)
    before = storage.objects()
    start = [sys.executable, "-c", DIES_BEFORE_RENAMING, "-C", str(world.work), "record"]
    died = subprocess.run(start, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    left = storage.objects() - before
    assert left, "or the test tests nothing"
    assert not [name for name in left if OBJECT.fullmatch(name)]
    mine = storage.folder / ".notes-of-somebody.tmp"
    mine.touch()
    for path in (*(storage.folder / name for name in left), mine):
        os.utime(path, (path.stat().st_mtime - 2 * 86400,) * 2)
    world.arcgit("record")
    assert not left & storage.objects()
    assert mine.exists()


@pytest.mark.parametrize("kind", ["ssh", "webdav", "http", "s3"])
def test_what_somebody_else_puts_there_meanwhile_is_read_back_and_never_overwritten(
    kind: str, world: World, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the push another recorder puts the same objects: nothing is lost, nothing of it is left."""
    storage = made(kind, world, request)
    storage.use()
    add_files(world, FILES)
    real, meanwhile = DataRemote.look, [True]

    def look(self: DataRemote, *asked: Any, **how: Any) -> None:
        real(self, *asked, **how)
        if meanwhile:
            meanwhile.clear()
            dvc(world.work, "push", "--quiet")

    with monkeypatch.context() as patch:
        patch.setattr(DataRemote, "look", look)
        assert world.arcgit("record")["created"] is True
    assert not [name for name in storage.objects() if uploads.PREFIX in name]
    assert world.verify("--level", "fixity", code=0) == []


def test_memory_stays_flat_however_large_the_files_are(
    world: World, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The S3 client takes files of up to 100 MiB whole, and ten parts of 50 MiB of larger ones, unless it is told not to."""
    import s3fs  # type: ignore[import-untyped]  # noqa: PLC0415

    storage = made("s3", world, request)
    storage.use()
    place = world.work / "large"
    place.mkdir()
    for number in range(several.NETWORK):
        (place / str(number)).write_bytes(bytes([number]) * (3 * PART))
    dvc(world.work, "add", "--quiet", "large")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  large: {role: other, path: large}\n")
    world.commit("large files")
    held, most, lock = [0], [0], Lock()
    real = s3fs.S3FileSystem._call_s3

    async def call(self: Any, method: str, *rest: Any, **options: Any) -> Any:
        size = len(options.get("Body", b""))
        with lock:
            held[0] += size
            most[0] = max(most[0], held[0])
        try:
            return await real(self, method, *rest, **options)
        finally:
            with lock:
                held[0] -= size

    with monkeypatch.context() as patch:
        patch.setattr(s3fs.S3FileSystem, "_call_s3", call)
        world.arcgit("record")
    assert PART < most[0] <= several.NETWORK * PART
    assert isinstance(storage, Bucket)
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert world.verify("--level", "fixity", code=0) == []


def test_parts_of_an_upload_that_was_killed_are_removed_a_week_later(
    world: World, request: pytest.FixtureRequest
) -> None:
    """Only those of objects in this very remote: other people's uploads in the bucket go on."""
    storage = made("s3", world, request)
    assert isinstance(storage, Bucket)
    storage.use()
    key = "files/md5/ab/" + "c" * 30
    kept = ("of/team/notes.bin", f"of/team-two/{key}", f"of/{key}")
    for name in (f"of/team/{key}", "of/team/ab/" + "c" * 30, *kept):
        storage.fs.call_s3("create_multipart_upload", Bucket=storage.name, Key=name)

    def unfinished() -> set[str]:
        found = storage.fs.call_s3("list_multipart_uploads", Bucket=storage.name)
        return {row["Key"] for row in found.get("Uploads") or ()}

    remote = open_remote(world.work, None)
    today = now()
    remote.sweep(today + timedelta(days=6))
    assert len(unfinished()) == 5
    remote.sweep(today + timedelta(days=8))
    assert unfinished() == set(kept)
