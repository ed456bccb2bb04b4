"""Web servers that answer something else than was asked: more than they said, nothing at all, or another server's address."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from arcgit.dvc.objects import ObjectId
from arcgit.dvc.opening import open_remote
from arcgit.errors import UndeterminedError
from tests.servers import KEY, SECRET
from tests.world import World

# DVC's HTTP client leaves its session to the end of the process; here that is a later test's.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # DVC calls aiohttp as it was
]

Asked = list[tuple[str, str, dict[str, str]]]
Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(reply: Reply) -> Iterator[tuple[str, Asked]]:
    """A server on loopback whose answers `reply` writes, and every request that it got: method, path, headers."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def __getattr__(self, name: str) -> Callable[[], None]:
            if not name.startswith("do_"):
                raise AttributeError(name)
            return self._answer

        def _answer(self) -> None:
            asked.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))
            self.close_connection = True
            reply(self)

        def log_message(self, *arguments: object) -> None:
            del arguments

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{found.server_address[1]}", asked
    finally:
        found.shutdown()
        found.server_close()
        thread.join()


def say(asked: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    asked.send_response(status)
    for key, value in {"Content-Length": str(len(body)), "Connection": "close", **headers}.items():
        asked.send_header(key, value)
    asked.end_headers()
    if asked.command != "HEAD":
        asked.wfile.write(body)


def honest(world: World, asked: BaseHTTPRequestHandler) -> None:
    path = world.store / asked.path.lstrip("/")
    say(asked, 200, path.read_bytes()) if path.is_file() else say(asked, 404)


def use(world: World, url: str, **settings: str) -> None:
    """Make it the remote, with settings of the person alone, and take the cache away."""
    shutil.rmtree(world.work / ".dvc" / "cache", ignore_errors=True)
    (world.work / ".dvc" / "config").write_text(
        f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url}\n"
    )
    lines = "".join(f"    {key} = {value}\n" for key, value in settings.items())
    (world.work / ".dvc" / "config.local").write_text(f"['remote \"storage\"']\n{lines}")


def lies_about(world: World, path: Path, lie: Reply) -> Reply:
    """Honest, save for one object."""
    name = f"/{path.relative_to(world.store).as_posix()}"
    return lambda asked: lie(asked) if asked.path == name else honest(world, asked)


@pytest.mark.parametrize("of", ["model.pkl", "data/train"])
def test_an_object_that_is_longer_than_the_server_said_is_corrupt(world: World, tmp_path: Path, of: str) -> None:
    """It is read to its end, not as far as an earlier answer said that it goes."""
    path = world.object_path(of)

    def longer(asked: BaseHTTPRequestHandler) -> None:
        say(asked, 200, path.read_bytes() + (b"" if asked.command == "HEAD" else b" "))

    with server(lies_about(world, path, longer)) as (url, _):
        use(world, url)
        assert set(world.verify("--level", "fixity", "deep", code=1)) == {"object-corrupt"}
        failed = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), code=1)
        assert {finding["code"] for finding in failed["findings"]} == {"object-corrupt"}


@pytest.mark.parametrize("status", [300, 302, 304, 307])
def test_an_answer_that_points_nowhere_is_neither_the_object_nor_other_bytes_of_it(
    world: World, tmp_path: Path, status: int
) -> None:
    """The client takes what comes with it for the object: nobody said what the object is."""

    def lie(asked: BaseHTTPRequestHandler) -> None:
        say(asked, status, b"" if status == 304 else b"<html>elsewhere</html>")

    with server(lies_about(world, world.object_path("model.pkl"), lie)) as (url, _):
        use(world, url)
        assert world.verify("--level", "fixity", "deep", code=3) == ["object-unreadable"]
        assert str(status) in world.last["findings"][0]["message"]
        failed = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), code=3)
        assert {finding["code"] for finding in failed["findings"]} == {"object-unreadable"}


@pytest.mark.parametrize("how", ["hangs up", "points to itself", "points to a file of this machine"])
@pytest.mark.parametrize("level", ["presence", "fixity"])
def test_a_server_without_an_answer_is_never_taken_for_one_that_has_no_such_object(
    world: World, level: str, how: str
) -> None:
    def lie(asked: BaseHTTPRequestHandler) -> None:
        if how == "hangs up":
            asked.connection.shutdown(socket.SHUT_RDWR)
        else:
            say(asked, 302, Location=asked.path if how == "points to itself" else "file:///etc/hostname")

    with server(lies_about(world, world.object_path("model.pkl"), lie)) as (url, _):
        use(world, url)
        assert world.verify("--level", level, "deep", code=3) == ["object-unreadable"]


def test_one_object_without_an_answer_keeps_no_other_from_being_judged(world: World) -> None:
    listing = json.loads(world.object_path("data/train").read_bytes())
    member = world.store / "files" / "md5" / listing[0]["md5"][:2] / listing[0]["md5"][2:]
    member.chmod(0o644)
    member.write_bytes(bytes([member.read_bytes()[0] ^ 1]) + member.read_bytes()[1:])
    model = world.object_path("model.pkl")
    with server(lies_about(world, model, lambda asked: asked.connection.shutdown(socket.SHUT_RDWR))) as (url, _):
        use(world, url)
        assert world.verify("--level", "fixity", "-j", "1", "deep", code=1) == ["object-corrupt", "object-unreadable"]


def test_a_listing_that_arrives_in_pieces_is_read_to_its_end(world: World) -> None:
    path = world.object_path("data/train")
    paused = threading.Event()

    def slowly(asked: BaseHTTPRequestHandler) -> None:
        data = path.read_bytes()
        asked.send_response(200)
        asked.send_header("Content-Length", str(len(data)))
        asked.end_headers()
        for place in range(0, len(data) if asked.command == "GET" else 0, 40):
            asked.wfile.write(data[place : place + 40])
            asked.wfile.flush()
            paused.wait(0.02)

    with server(lies_about(world, path, slowly)) as (url, _):
        use(world, url)
        assert world.verify("--level", "fixity", code=0) == []


def chunked(asked: BaseHTTPRequestHandler, *parts: bytes) -> None:
    """An answer without a length; without a last part of nothing it has no end either."""
    asked.protocol_version = "HTTP/1.1"
    asked.send_response(200)
    asked.send_header("Transfer-Encoding", "chunked")
    asked.end_headers()
    # A client that only wanted to know whether it is there does not wait for all of it.
    with suppress(ConnectionError):
        for part in parts if asked.command != "HEAD" else ():
            asked.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))


def of_store(world: World, asked: BaseHTTPRequestHandler, change: Callable[[bytes], bytes] = lambda data: data) -> None:
    path = world.store / asked.path.lstrip("/")
    if path.is_file():
        chunked(asked, change(path.read_bytes()), b"")
    else:
        say(asked, 404)


def test_objects_and_listings_without_a_length_are_verified_and_restored(world: World) -> None:
    with server(lambda asked: of_store(world, asked)) as (url, _):
        use(world, url)
        assert world.verify("--level", "fixity", code=0) == []
        assert set(world.verify("--level", "presence", code=3)) == {"object-unreadable"}
        rehearsed = world.arcgit("restore", "deep", "--to", str(world.root / "out"), "--dry-run", code=3)
        assert {found["code"] for found in rehearsed["findings"]} == {"object-unreadable"}
        assert world.arcgit("restore", "deep", "--to", str(world.root / "out"))["findings"] == []
        assert (world.root / "out" / "model.pkl").read_bytes() == (world.work / "model.pkl").read_bytes()


def test_a_listing_without_a_length_that_is_another_one_or_has_no_end_is_named(world: World) -> None:
    with server(lambda asked: of_store(world, asked, lambda data: data + b" ")) as (url, _):
        use(world, url)
        assert set(world.verify("--level", "fixity", code=1)) == {"object-corrupt"}

    def endless(asked: BaseHTTPRequestHandler) -> None:
        path = world.store / asked.path.lstrip("/")
        chunked(asked, path.read_bytes() if path.is_file() else b"")

    with server(endless) as (url, _):
        use(world, url)
        assert set(world.verify("--level", "fixity", code=3)) <= {"object-unreadable", "remote-unreachable"}


FOUND = (
    '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>{}</d:href><d:propstat><d:prop>'
    "<d:getcontentlength>{}</d:getcontentlength><d:resourcetype/></d:prop><d:status>HTTP/1.1 200 OK</d:status>"
    "</d:propstat></d:response></d:multistatus>"
)
BASIC = {"auth": "basic", "user": KEY, "password": SECRET}
HEADER = {"auth": "custom", "custom_auth_header": "Private-Token", "password": SECRET}
SECRETS = ({"http": BASIC, "webdav": {"user": KEY, "password": SECRET}}, {"http": HEADER, "webdav": HEADER})


@pytest.mark.parametrize("scheme", ["http", "webdav"])
@pytest.mark.parametrize("secrets", SECRETS, ids=["basic", "header"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_password_does_not_go_to_a_server_that_the_remote_points_to(
    world: World, scheme: str, secrets: dict[str, dict[str, str]], status: int
) -> None:
    with server(lambda asked: say(asked, 200, b"stolen")) as (other, stolen):

        def redirect(asked: BaseHTTPRequestHandler) -> None:
            if asked.command == "PROPFIND":
                say(
                    asked, 207, FOUND.format(asked.path, len(b"stolen")).encode(), **{"Content-Type": "application/xml"}
                )
            else:
                say(asked, status, Location=f"{other}{asked.path}")

        with server(redirect) as (url, asked):
            settings = {key: value for key, value in secrets[scheme].items() if scheme == "http" or key != "auth"}
            use(world, url.replace("http", scheme, 1), **settings)
            assert world.verify("--level", "fixity", "deep", code=3)
            assert any("authorization" in headers or "private-token" in headers for _, _, headers in asked)
        assert stolen == []


@pytest.mark.parametrize("scheme", ["http", "webdav"])
def test_data_is_not_put_to_a_server_that_the_remote_points_to(world: World, scheme: str) -> None:
    """Also where no password is asked for."""
    path = world.object_path("model.pkl")
    oid = ObjectId("md5", path.parent.name + path.name)
    world.arcgit("verify", "--level", "fixity")
    with server(lambda asked: say(asked, 201)) as (other, stolen):

        def redirect(asked: BaseHTTPRequestHandler) -> None:
            if asked.command == "PUT":
                say(asked, 307, Location=f"{other}{asked.path}")
            else:
                say(asked, 201 if asked.command == "MKCOL" else 404)

        with server(redirect) as (url, asked):
            (world.work / ".dvc" / "config").write_text(
                f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url.replace('http', scheme, 1)}\n"
                + ("    method = PUT\n" if scheme == "http" else "")
            )
            remote = open_remote(world.work, None)
            with pytest.raises(UndeterminedError):
                remote.push([oid], datetime(2026, 12, 1, tzinfo=timezone.utc))
            assert "PUT" in {method for method, _, _ in asked}
        assert stolen == []


def test_where_the_policy_pins_the_address_nothing_is_asked_elsewhere(world: World) -> None:
    """Also where no password is asked for; without pins, what is only read may come from anywhere."""
    path = world.object_path("model.pkl")
    oid = ObjectId("md5", path.parent.name + path.name)
    with server(lambda asked: honest(world, asked)) as (other, stolen):
        with server(lambda asked: say(asked, 302, Location=f"{other}{asked.path}")) as (url, _):
            use(world, url)
            with open_remote(world.work, None).open(oid) as file:
                assert file.read() == path.read_bytes()
            before = len(stolen)
            with pytest.raises(UndeterminedError, match="points to another server"):
                open_remote(world.work, None, pinned=True).open(oid).__enter__()
        assert len(stolen) == before


def test_a_redirect_on_the_same_server_is_followed(world: World) -> None:
    path = world.object_path("model.pkl")

    def moved(asked: BaseHTTPRequestHandler) -> None:
        if asked.path.startswith("/old/"):
            say(asked, 301, Location=asked.path.removeprefix("/old"))
        else:
            honest(world, asked)

    with server(moved) as (url, _):
        use(world, f"{url}/old", **BASIC)
        remote = open_remote(world.work, None, pinned=True)
        with remote.open(ObjectId("md5", path.parent.name + path.name)) as file:
            assert file.read() == path.read_bytes()
