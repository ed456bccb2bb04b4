"""An S3 server behind another one that lies: about sizes, ranges and bytes, in the middle of an answer, or by saying nothing."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.remotes.between import Between, Change, Exchange, between
from tests.remotes.storages import Bucket
from tests.world import World, git, invoke, next_experiment

# The clients of DVC leave their sessions to the end of the process; here that is a later test's.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NUMBERS = iter(range(10**6))
SOON = 30
"""So many seconds a command has that was told to end; it needs about two."""


@pytest.fixture
def liar(endpoint: str) -> Iterator[Between]:
    with between(endpoint) as server:
        yield server


@pytest.fixture
def key(world: World, endpoint: str, liar: Between) -> str:
    """The object of a model in a bucket that everybody reaches through the liar only."""
    bucket = Bucket(world, f"lied-{next(NUMBERS)}", endpoint)
    bucket.answered_by(liar.url)
    bucket.use()
    return world.object_path("model.pkl").relative_to(world.store).as_posix()


def fixity(world: World) -> tuple[str, set[str]]:
    codes = world.verify("deep", "--level", "fixity")
    return world.last["verdict"], set(codes)


def restored(world: World) -> tuple[str, set[str]]:
    """What restoring without DVC's cache says; what was written must be what was sealed."""
    shutil.rmtree(world.work / ".dvc" / "cache", ignore_errors=True)
    out = world.root / "out"
    document = invoke(world.work, "restore", "deep", "--to", str(out), code=None)
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert path.read_bytes() == (world.work / path.relative_to(out)).read_bytes()
    assert [path for path in out.rglob(".arcgit-*") if path.is_file()] == []
    return document["verdict"], {finding["code"] for finding in document["findings"]}


def body(change: Callable[[bytes], bytes], *, ranges: bool = True) -> Change:
    """Other bytes in every answer that has an object, or only where all of it was asked for."""

    def lie(exchange: Exchange) -> None:
        if ranges or "Range" not in exchange.wanted:
            exchange.body = change(exchange.body)
            exchange.headers["Content-Length"] = str(len(exchange.body))

    return lie


def only_for(key: str, change: Change) -> Change:
    def lie(exchange: Exchange) -> None:
        if exchange.asks("GET", key):
            change(exchange)

    return lie


def half(exchange: Exchange) -> None:
    exchange.sent = len(exchange.body) // 2


def hung_up(exchange: Exchange) -> None:
    exchange.status, exchange.sent = 0, 0


WRONG: dict[str, Change] = {
    "flipped": body(lambda data: bytes([data[0] ^ 1]) + data[1:]),
    "flipped in its last byte": body(lambda data: data[:-1] + bytes([data[-1] ^ 128])),
    "shorter than HEAD says": body(lambda data: data[:-1]),
    "empty": body(lambda data: b""),
    "longer than HEAD says": body(lambda data: data + b"more"),
    "longer where no range was asked for": body(lambda data: data + b"more", ranges=False),
    "a page": lambda exchange: exchange.answer(200, b"<html>Please log in</html>"),
    "no content": lambda exchange: exchange.answer(204, b""),
}
"""What an answer has in the place of the object. HEAD, and the list of the bucket, say what they always did."""


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_the_object_that_was_sealed_is_named_whatever_head_says(
    what: str, world: World, liar: Between, key: str
) -> None:
    liar.lie = only_for(key, WRONG[what])
    assert world.verify("deep", "--level", "presence", code=0) == []
    assert fixity(world) == ("fail", {"object-corrupt"})
    assert restored(world) == ("fail", {"object-corrupt"})


def test_an_object_that_is_listed_and_not_given_is_missing(world: World, liar: Between, key: str) -> None:
    gone = b"<Error><Code>NoSuchKey</Code></Error>"
    liar.lie = lambda exchange: exchange.answer(404, gone, "text/xml") if exchange.asks("GET", key) else None
    assert world.verify("deep", "--level", "presence", code=0) == []
    assert fixity(world) == ("fail", {"object-missing"})
    assert restored(world) == ("fail", {"object-missing"})


UNTOLD: dict[str, Change] = {
    "forbidden": lambda exchange: exchange.answer(403, b"<Error><Code>AccessDenied</Code></Error>", "text/xml"),
    "broken": lambda exchange: exchange.answer(501, b""),
    "half of it": half,
    "hung up": hung_up,
}


@pytest.mark.parametrize("what", UNTOLD)
def test_what_does_not_come_to_its_end_is_neither_missing_nor_corrupt(
    what: str, world: World, liar: Between, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    liar.lie = only_for(key, UNTOLD[what])
    assert fixity(world) == ("cannot-verify", {"object-unreadable"})
    (found,) = world.last["findings"]
    assert found["message"].count(" in `storage`") == 1
    assert found["hint"].startswith("look at address, access and credentials")
    assert restored(world) == ("cannot-verify", {"object-unreadable"})


def test_a_connection_that_ends_early_goes_on_where_it_was(world: World, liar: Between, key: str) -> None:
    def lie(exchange: Exchange) -> None:
        if exchange.asks("GET", key) and "Range" not in exchange.wanted:
            half(exchange)

    liar.lie = lie
    assert fixity(world) == ("pass", set())
    assert restored(world) == ("pass", set())
    assert any(method == "GET" and path.partition("?")[0].endswith(key) for method, path in liar.asked)


def test_what_goes_on_as_another_object_is_not_taken(world: World, liar: Between, key: str) -> None:
    """Half of the right bytes, and then all of them again, or the rest of another ETag."""

    def lie(exchange: Exchange) -> None:
        if exchange.asks("GET", key) and "Range" not in exchange.wanted:
            half(exchange)
        elif exchange.asks("GET", key):
            exchange.headers["ETag"] = '"another"'

    liar.lie = lie
    assert fixity(world) == ("cannot-verify", {"object-unreadable"})
    whole = dict[str, bytes]()

    def again(exchange: Exchange) -> None:
        if exchange.asks("GET", key) and "Range" not in exchange.wanted:
            whole["bytes"] = exchange.body
            half(exchange)
        elif exchange.asks("GET", key):
            exchange.status, exchange.body = 200, whole["bytes"]
            exchange.headers["Content-Length"] = str(len(exchange.body))
            exchange.headers = {name: value for name, value in exchange.headers.items() if name != "Content-Range"}

    liar.lie = again
    assert fixity(world) == ("cannot-verify", {"object-unreadable"})


def test_good_bytes_are_proven_whatever_head_says(world: World, liar: Between, key: str) -> None:
    """Presence goes by what HEAD says and fails; reading all of it is another matter."""

    def lie(exchange: Exchange) -> None:
        if exchange.asks("HEAD", key):
            exchange.headers["Content-Length"] = "1" + exchange.headers["Content-Length"]

    liar.lie = lie
    assert world.verify("deep", "--level", "presence", code=1) == ["object-corrupt"]
    assert fixity(world) == ("pass", set())


def test_an_answer_that_changes_the_second_time_is_never_written(world: World, liar: Between, key: str) -> None:
    def lie(exchange: Exchange) -> None:
        if exchange.asks("GET", key) and exchange.before:
            WRONG["flipped"](exchange)

    liar.lie = lie
    assert fixity(world) == ("pass", set())
    assert restored(world) == ("fail", {"object-corrupt"})


def test_recording_seals_nothing_that_the_server_does_not_give_back(world: World, liar: Between, key: str) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    fresh = world.object_path("model.pkl").relative_to(world.store).as_posix()
    for what in ("longer than HEAD says", "flipped", "a page"):
        liar.lie = only_for(fresh, WRONG[what])
        assert world.arcgit("record", code=1)["error"]["code"] == "object-corrupt"
    liar.lie = lambda exchange: None
    assert world.arcgit("record")["created"] is True


def test_what_may_be_put_there_and_not_looked_at_is_not_called_missing(world: World, liar: Between, key: str) -> None:
    """Rights to write alone: what was pushed cannot be read back, so nothing is sealed."""
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    fresh = world.object_path("model.pkl").relative_to(world.store).as_posix()
    assert fresh != key
    denied = b"<Error><Code>AccessDenied</Code></Error>"

    def lie(exchange: Exchange) -> None:
        put = any(method == "PUT" and fresh in path for method, path in liar.asked)
        if put and exchange.method in {"HEAD", "GET"} and fresh in exchange.key:
            exchange.answer(403, denied, "text/xml")

    liar.lie = lie
    before = git(world.work, "for-each-ref")
    refused = world.arcgit("record", code=3)["error"]
    assert refused["code"] == "object-unreadable"
    assert "credentials" in refused["hint"]
    assert git(world.work, "for-each-ref") == before


SILENT: dict[str, Change] = {
    "before the first byte": lambda exchange: setattr(exchange, "status", 0),
    "in the middle": half,
}
COMMANDS = {
    "verify": ("verify", "deep", "--level", "fixity"),
    "restore": ("restore", "deep", "--to", "../out"),
    "audit-report": ("audit-report", "--level", "fixity", "--format", "json"),
}


@pytest.mark.parametrize("when", SILENT)
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_ends_a_command_that_waits_for_a_silent_server(
    command: str, when: str, world: World, liar: Between, key: str
) -> None:
    shutil.rmtree(world.work / ".dvc" / "cache")

    def lie(exchange: Exchange) -> None:
        if exchange.asks("GET", key):
            SILENT[when](exchange)
            exchange.hang = True

    liar.lie = lie
    running = subprocess.Popen(
        [sys.executable, "-m", "arcgit", *COMMANDS[command], "--json"],
        cwd=world.work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert liar.silent.wait(SOON)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate(timeout=SOON)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130
    assert json.loads(out)["error"]["code"] == "interrupted"


def test_a_server_that_gives_no_word_is_given_up_in_the_end(
    world: World, liar: Between, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the time that DVC's own setting allows; objects that answer are proven all the same."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    config = world.work / ".dvc" / "config.local"
    config.write_text(config.read_text() + "    read_timeout = 1\n")

    def lie(exchange: Exchange) -> None:
        if exchange.asks("GET", key):
            half(exchange)
            exchange.hang = True

    liar.lie = lie
    assert fixity(world) == ("cannot-verify", {"remote-unreachable"})
    assert world.last["scope"]["objects_checked"] > 1
