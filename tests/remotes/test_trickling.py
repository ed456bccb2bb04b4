"""Servers that give an object a byte at a time: silent they are not, and nobody can wait for them."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from types import SimpleNamespace

import pytest

from arcgit.dvc import patience
from arcgit.dvc.resuming import RESUMED, hold_to_few
from arcgit.dvc.streams import Stream
from arcgit.errors import UndeterminedError
from tests.remotes.between import Between, Exchange, between
from tests.remotes.conftest import made
from tests.remotes.storages import Bucket, Web
from tests.world import World

# The clients of DVC leave their sessions to the end of the process; here that is a later test's.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # DVC calls aiohttp as it was
]


@pytest.fixture(params=["s3", "http", "webdav"])
def server(world: World, request: pytest.FixtureRequest) -> Iterator[Between]:
    """What stands between the world and its storage; a folder here has all of it too."""
    shutil.copytree(world.store, world.root / "second")
    storage = made(request.param, world, request)
    real = request.getfixturevalue("endpoint") if isinstance(storage, Bucket) else None
    if isinstance(storage, Web):
        real = f"http://127.0.0.1:{storage.server.port}"
    assert real is not None
    storage.use()
    with between(real) as found:
        if isinstance(storage, Bucket):
            storage.configure({"endpointurl": found.url})
        else:
            url = storage.settings()["url"].replace(real.removeprefix("http:"), found.url.removeprefix("http:"))
            storage.configure({"url": url})
        shutil.rmtree(world.work / ".dvc" / "cache")
        yield found


@pytest.mark.parametrize("of", ["model.pkl", "data/train"])
def test_an_object_that_trickles_is_given_up_and_the_next_place_has_it(
    world: World, server: Between, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    """Sooner here than otherwise, where a slow server has a minute for a kilobyte."""
    monkeypatch.setattr(patience, "SLOW_SECONDS", 0.3)
    name = (world.work / "dvc.lock").read_text().split(f"path: {of}\n")[1].split("md5: ")[1].split("\n")[0]

    def drips(exchange: Exchange) -> None:
        exchange.drips = exchange.asks("GET", f"{name[:2]}/{name[2:]}")

    server.lie = drips
    assert set(world.verify("deep", "--level", "fixity", code=3)) == {"remote-unreachable"}
    assert "bytes came" in world.last["findings"][0]["message"]
    config = world.work / ".dvc" / "config"
    config.write_text(config.read_text() + "['remote \"second\"']\n    url = ../../second\n")
    done = world.arcgit("restore", "deep", "--to", "../out")
    assert {found["code"] for found in done["findings"]} == {"object-unreadable"}
    assert (world.root / "out" / "model.pkl").read_bytes() == (world.work / "model.pkl").read_bytes()


class Clock:
    """A stream of so many bytes at a time, each of which takes so many seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, bytes_each: int, seconds_each: float, times: int) -> None:
        self.now, self.left = 0.0, times
        self._bytes, self._seconds = bytes_each, seconds_each
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def read(self, size: int = -1) -> bytes:
        del size
        self.now += self._seconds
        self.left -= 1
        return b"x" * self._bytes if self.left >= 0 else b""


def unread(error: Exception) -> UndeterminedError:
    return UndeterminedError("object-unreadable", str(error))


@pytest.mark.parametrize(("bytes_each", "seconds_each", "times"), [(1024, 59, 500), (1, 0.05, 500), (2000, 300, 9)])
def test_what_is_slow_and_comes_is_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch, bytes_each: int, seconds_each: float, times: int
) -> None:
    clock = Clock(monkeypatch, bytes_each, seconds_each, times)
    assert len(Stream(clock, unread).read(1 << 30)) == bytes_each * times


def test_the_first_byte_may_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A storage may have to fetch an object from a tape; how long that may take says its own setting."""
    assert Stream(Clock(monkeypatch, 9, 86400, 1), unread).read(1 << 20) == b"x" * 9


def test_what_trickles_is_a_fault_also_where_a_buffer_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, 9, 10, 10**6)
    with pytest.raises(UndeterminedError, match="bytes came in 60 seconds"):
        Stream(clock, unread).read(1 << 20)
    stream = Stream(Clock(monkeypatch, 9, 10, 10**6), unread)
    buffer = memoryview(bytearray(1 << 20))
    with pytest.raises(UndeterminedError, match="bytes came in 60 seconds"):
        deque(iter(lambda: stream.readinto(buffer), 0), maxlen=0)


def test_pieces_that_are_waited_for_side_by_side_take_their_time_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty of them for fifty seconds are fifty seconds; one after the other they are as many as they are."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pace = patience.Pace()
    pace.came(1)
    with ExitStack() as waits:
        for _ in range(40):
            waits.enter_context(pace.waiting())
        now[0] += 50
    pace.came(1)
    with pace.waiting():
        now[0] += 10
    with pytest.raises(patience.TrickleError):
        pace.came(1)


@pytest.mark.parametrize("server", ["webdav"], indirect=True)
def test_a_webdav_server_that_never_gets_to_the_end_is_asked_a_few_times(world: World, server: Between) -> None:
    """The client asks for the rest whenever a connection ends, for as often as it takes."""
    name = (world.work / "dvc.lock").read_text().split("path: model.pkl\n")[1].split("md5: ")[1].split("\n")[0]
    part = f"{name[:2]}/{name[2:]}"

    def ends(exchange: Exchange) -> None:
        if exchange.asks("GET", part):
            exchange.headers["Accept-Ranges"] = "bytes"
            exchange.sent, exchange.hang = (0 if "Range" in exchange.wanted else 40), True

    config = world.work / ".dvc" / "config.local"
    config.write_text(f"{config.read_text()}    timeout = 1\n")
    server.lie = ends
    world.verify("deep", "--level", "fixity", code=3)
    assert "time and again at the same place" in world.last["findings"][0]["message"]
    asked = [path for method, path in server.asked if method == "GET" and part in path]
    assert len(asked) == 2 + RESUMED


def test_what_a_webdav_server_gives_from_its_beginning_is_not_taken_for_the_rest() -> None:
    import httpx  # noqa: PLC0415  only with such a remote

    fs = SimpleNamespace(protocol="webdav", fs_args={})
    hold_to_few(fs)
    (answered,) = fs.fs_args["event_hooks"]["response"]
    for status, range_, fails in ((200, "bytes=5-", True), (206, "bytes=5-", False), (200, None, False)):
        wanted = {"Range": range_} if range_ else {}
        response = httpx.Response(status, request=httpx.Request("GET", "http://127.0.0.1/x", headers=wanted))
        with pytest.raises(OSError, match="where it was") if fails else nullcontext():
            answered(response)
