"""Copies on real servers: an S3 server, and HTTP servers that lie about what they took."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

from tests.attacks.test_replicate import codes, events
from tests.servers import KEY, SECRET, s3_server
from tests.world import World, dvc

# DVC's HTTP client leaves its session to the end of the process; here that is a later test's.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


class Shelf:
    """What an HTTP server was given, and what it makes of it: `trick` says how it lies about `victim`."""

    def __init__(self, trick: str, victim: str) -> None:
        self.trick = trick
        self.victim = victim
        self.kept: dict[str, bytes] = {}
        self.lock = Lock()

    def take(self, path: str, data: bytes) -> int:
        mine = path.endswith(self.victim)
        if mine and self.trick == "full":
            return 507
        if mine and self.trick == "read-only":
            return 403
        with self.lock:
            if mine and self.trick == "stores nothing":
                return 200
            self.kept[path] = data[:-3] if mine and self.trick == "keeps a part" else data
        return 200

    def give(self, path: str) -> tuple[int, bytes, int | None]:
        with self.lock:
            data = self.kept.get(path)
        if data is None:
            return 404, b"", None
        if not path.endswith(self.victim):
            return 200, data, None
        if self.trick == "other bytes":
            return 200, data[::-1], None
        if self.trick == "HTML":
            return 200, b"<html>sign in</html>", None
        if self.trick == "cut off":
            return 200, data[:-5], len(data)
        if self.trick == "broken":
            return 500, b"", None
        return 200, data, None


@contextmanager
def serving(shelf: Shelf) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding", "") == "chunked":
                body = b""
                while size := int(self.rfile.readline().strip() or b"0", 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._say(shelf.take(self.path, body), b"", None)

        def do_GET(self) -> None:
            self._say(*shelf.give(self.path))

        do_PUT, do_HEAD = do_POST, do_GET  # noqa: N815  the library's names

        def _say(self, status: int, body: bytes, length: int | None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def shelf_of(world: World, trick: str) -> Shelf:
    path = world.object_path("model.pkl")
    return Shelf(trick, f"{path.parent.name}/{path.name}")


def test_a_server_that_keeps_what_it_takes_is_a_replica(world: World) -> None:
    """So that the lies are known to be what the others are refused for."""
    shelf = shelf_of(world, "none")
    with serving(shelf) as url:
        dvc(world.work, "remote", "add", "--quiet", "mirror", f"{url}/mirror")
        done = world.arcgit("replicate", "mirror")
        assert codes(done) == []
        assert {path.removeprefix("/mirror/"): data for path, data in shelf.kept.items()} == {
            str(path.relative_to(world.store)): path.read_bytes() for path in world.store.rglob("*") if path.is_file()
        }
        shutil.rmtree(world.store)
        shutil.rmtree(world.work / ".dvc" / "cache")
        assert world.verify("--level", "fixity", "--remote", "mirror", code=0) == []
    assert [event["data"]["remote"] for event in events(world)] == ["mirror"]


LIES = {
    "stores nothing": ({"object-missing"}, 1),
    "keeps a part": ({"object-corrupt"}, 1),
    "other bytes": ({"object-corrupt"}, 1),
    "HTML": ({"object-corrupt"}, 1),
    "cut off": ({"replica-unwritable"}, 3),
    "broken": ({"replica-unwritable"}, 3),
    "full": ({"replica-unwritable"}, 3),
    "read-only": ({"replica-unwritable"}, 3),
}


@pytest.mark.parametrize("trick", LIES)
def test_a_server_that_lies_about_what_it_took_proves_nothing(world: World, trick: str) -> None:
    expected, code = LIES[trick]
    with serving(shelf_of(world, trick)) as url:
        dvc(world.work, "remote", "add", "--quiet", "mirror", f"{url}/mirror")
        done: dict[str, Any] = world.arcgit("replicate", "mirror", "deep", code=code)
    assert set(codes(done)) == expected
    assert (done["event"], events(world)) == (None, [])
    assert not list((world.work / ".git" / "arcgit" / "replicas").iterdir()), "nothing is left in the staging folder"


def test_a_server_that_is_not_there_is_not_known(world: World) -> None:
    dvc(world.work, "remote", "add", "--quiet", "mirror", "http://127.0.0.1:9/mirror")
    done = world.arcgit("replicate", "mirror", "deep", code=3)
    assert "replica-unwritable" in codes(done)
    assert events(world) == []


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "server") as url:
        yield url


def bucket(world: World, endpoint: str, name: str, remote: str = "cloud") -> Any:
    """A DVC remote in a bucket of its own, with the client of a person who may do everything there."""
    import s3fs  # type: ignore[import-untyped]  # noqa: PLC0415

    fs = s3fs.S3FileSystem(key=KEY, secret=SECRET, client_kwargs={"endpoint_url": endpoint}, use_listings_cache=False)
    if not fs.exists(name):
        fs.mkdir(name)
    dvc(world.work, "remote", "add", "--quiet", remote, f"s3://{name}/data")
    for key, value in (("endpointurl", endpoint), ("access_key_id", KEY), ("secret_access_key", SECRET)):
        dvc(world.work, "remote", "modify", "--quiet", "--local", remote, key, value)
    return fs


def test_a_bucket_is_a_replica_dvc_pulls_from_it_and_its_damage_is_found(world: World, endpoint: str) -> None:
    fs = bucket(world, endpoint, "copies")
    done = world.arcgit("replicate", "cloud")
    assert codes(done) == []
    assert len(done["objects"]) == done["read_back"]["objects"] == len(fs.find("copies"))
    good = world.object_path("model.pkl").read_bytes()
    key = f"copies/data/{world.object_path('model.pkl').relative_to(world.store)}"
    fs.pipe_file(key, good[:-1] + b"?")
    again = world.arcgit("replicate", "cloud", "deep", code=1)
    assert codes(again) == ["object-corrupt"]
    assert fs.cat_file(key) != good, "it was not repaired"
    assert world.verify("--level", "fixity", "--remote", "cloud", code=1) == ["object-corrupt"]
    fs.rm_file(key)
    assert world.arcgit("replicate", "cloud", "deep")["counts"]["copied"]["objects"] == 1
    shutil.rmtree(world.store)
    shutil.rmtree(world.work / ".dvc" / "cache")
    (world.work / "model.pkl").unlink()
    dvc(world.work, "pull", "--quiet", "-r", "cloud")
    assert (world.work / "model.pkl").read_bytes() == good
    restored = world.arcgit("restore", "deep", "--to", str(world.root / "out"))
    assert (world.root / "out" / "model.pkl").read_bytes() == good
    assert restored["counts"]["failed"]["files"] == 0


def test_two_names_of_one_bucket_are_one_place(world: World, endpoint: str) -> None:
    bucket(world, endpoint, "twice")
    shutil.rmtree(world.work / ".dvc" / "cache")
    world.arcgit("replicate", "cloud")
    bucket(world, endpoint, "twice", remote="twin")
    dvc(world.work, "remote", "modify", "--quiet", "storage", "url", "s3://twice/data")
    for key, value in (("endpointurl", endpoint), ("access_key_id", KEY), ("secret_access_key", SECRET)):
        dvc(world.work, "remote", "modify", "--quiet", "--local", "storage", key, value)
    assert world.arcgit("replicate", "twin", "deep", code=1)["error"]["code"] == "replica-not-apart"


def test_a_bucket_that_lets_nobody_in_gets_no_event(world: World, endpoint: str) -> None:
    bucket(world, endpoint, "closed")
    dvc(world.work, "remote", "modify", "--quiet", "--local", "cloud", "secret_access_key", "wrong")
    done = world.arcgit("replicate", "cloud", "deep", code=3)
    assert "replica-unwritable" in codes(done)
    assert events(world) == []
    assert SECRET not in str(done)


def test_a_file_of_a_folder_that_is_no_utf8_path_is_no_matter(world: World) -> None:
    """What else lies in the remote's folder is nobody's business here."""
    folder = world.root / "offline"
    folder.mkdir()
    dvc(world.work, "remote", "add", "--quiet", "offline", "../offline")
    Path(f"{folder}/odd \udcff").write_bytes(b"x")
    assert codes(world.arcgit("replicate", "offline", "deep")) == []
