"""Restoring from real servers whose objects were damaged, hidden, or change between two requests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import KEY, SECRET, http_server, s3_server
from tests.world import World, dvc

# DVC's HTTP client leaves its session to the end of the process; here that is a later test's.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "server") as url:
        yield url


class Bucket:
    """A bucket of the server that a DVC remote points to, with the client of a person who may do everything there."""

    def __init__(self, world: World, endpoint: str, name: str) -> None:
        import s3fs  # type: ignore[import-untyped]  # noqa: PLC0415

        options = {"endpoint_url": endpoint}
        self.fs = s3fs.S3FileSystem(key=KEY, secret=SECRET, client_kwargs=options, use_listings_cache=False)
        self.fs.mkdir(name)
        self.name = name
        for path in sorted((world.store / "files").rglob("*")):
            if path.is_file():
                self.fs.put_file(str(path), f"{name}/{path.relative_to(world.store)}")
        dvc(world.work, "remote", "modify", "--quiet", "storage", "url", f"s3://{name}")
        for key, value in (("endpointurl", endpoint), ("access_key_id", KEY), ("secret_access_key", SECRET)):
            dvc(world.work, "remote", "modify", "--quiet", "--local", "storage", key, value)
        shutil.rmtree(world.work / ".dvc" / "cache")

    def key(self, world: World, path: str) -> str:
        return f"{self.name}/{world.object_path(path).relative_to(world.store)}"


def codes(document: dict[str, Any]) -> list[str]:
    return [item["code"] for item in document["findings"]]


def test_an_s3_server_with_damaged_objects_and_a_replica(world: World, endpoint: str, tmp_path: Path) -> None:
    bucket = Bucket(world, endpoint, "restore")
    whole = world.arcgit("restore", "deep", "--to", str(tmp_path / "whole"))
    assert {row["source"] for row in whole["files"]} == {"git", "storage"}
    assert (tmp_path / "whole" / "model.pkl").read_bytes() == world.object_path("model.pkl").read_bytes()
    shown = world.arcgit("restore", "deep", "--dry-run")
    assert {row["source"] for row in shown["files"]} == {"git", "storage"}
    key, good = bucket.key(world, "model.pkl"), world.object_path("model.pkl").read_bytes()
    for damaged in (bytes([good[0] ^ 1]) + good[1:], good[:-1], good + b"x", b"", b"<html>sign in</html>"):
        bucket.fs.pipe_file(key, damaged)
        failed = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), code=1)
        assert codes(failed) == ["object-corrupt"]
        assert not (tmp_path / "out" / "model.pkl").exists()
    bucket.fs.rm_file(key)
    assert codes(world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), code=1)) == ["object-missing"]
    dvc(world.work, "remote", "add", "--quiet", "replica", str(world.store))
    done = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"))
    assert codes(done) == ["object-missing"]
    assert (tmp_path / "out" / "model.pkl").read_bytes() == good


def test_an_s3_server_that_does_not_let_in_or_is_gone_is_not_known(world: World, endpoint: str, tmp_path: Path) -> None:
    Bucket(world, endpoint, "closed")
    dvc(world.work, "remote", "modify", "--quiet", "--local", "storage", "secret_access_key", "wrong")
    refused = world.arcgit("restore", "deep", "--only", "model", "--to", str(tmp_path / "out"), code=3)
    assert codes(refused) == ["object-unreadable"]
    dvc(world.work, "remote", "modify", "--quiet", "--local", "storage", "endpointurl", "http://127.0.0.1:9")
    gone = world.arcgit("restore", "deep", "--only", "model", "--to", str(tmp_path / "out"), code=3)
    assert codes(gone) == ["object-unreadable"]


@pytest.mark.parametrize(
    "trick", ["other bytes the second time", "short", "hangs up", "HTML", "gone", "endless", "listed but 404"]
)
def test_an_http_server_that_lies(world: World, tmp_path: Path, trick: str) -> None:
    """What is checked is what is written: one stream, hashed as it goes by."""
    shutil.rmtree(world.work / ".dvc" / "cache")
    model = world.object_path("model.pkl")
    good = model.read_bytes()

    def answer(method: str, path: str, before: int) -> tuple[int, bytes, int | None] | None:
        file = world.store / path.removeprefix("/store/")
        if not file.is_file():
            return 404, b"", None
        data = file.read_bytes()
        if file != model:
            return 200, data, None
        if trick == "gone":
            return 404, b"", None
        if trick == "endless":
            return 200, data + b"x" * 3_000_000, None
        if method == "HEAD":
            return 200, data, None
        if trick == "other bytes the second time":
            return 200, data if before == 0 else data[::-1], None
        if trick == "short":
            return 200, data[:-9], len(data)
        if trick == "hangs up":
            return None
        if trick == "HTML":
            return 200, b"<html>".ljust(len(data)), None
        return 404, b"", None

    with http_server(answer) as url:
        dvc(world.work, "remote", "modify", "--quiet", "storage", "url", f"{url}/store")
        out = tmp_path / "out"
        first = ["restore", "deep", "--only", "model", "--only", "train", "--to", str(out)]
        if trick == "other bytes the second time":
            assert world.arcgit(*first)["counts"]["restored"]["files"] == 4
            assert (out / "model.pkl").read_bytes() == good
            out = tmp_path / "again"
            first[-1] = str(out)
        expected = 3 if trick in {"short", "hangs up"} else 1
        failed = world.arcgit(*first, code=expected)
        code = {
            3: "object-unreadable",
            1: "object-missing" if trick in {"gone", "listed but 404"} else "object-corrupt",
        }
        assert codes(failed) == [code[expected]]
        assert not (out / "model.pkl").exists()
        assert (out / "data" / "train" / "0.csv").is_file()
        dvc(world.work, "remote", "add", "--quiet", "replica", str(world.store))
        done = world.arcgit(*first)
        assert codes(done) == [code[expected]]
        assert (out / "model.pkl").read_bytes() == good


def test_kill_9_while_restoring_leaves_nothing_unproven_and_the_next_run_goes_on(world: World, tmp_path: Path) -> None:
    """The server gives half of the model and then says nothing; there the program is killed."""
    shutil.rmtree(world.work / ".dvc" / "cache")
    model = world.object_path("model.pkl")
    reached, release = threading.Event(), threading.Event()

    def answer(method: str, path: str, before: int) -> tuple[int, bytes, int | None] | None:
        file = world.store / path.removeprefix("/store/")
        if file == model and method == "GET":
            reached.set()
            release.wait(60)
        return (200, file.read_bytes(), None) if file.is_file() else (404, b"", None)

    out = tmp_path / "out"
    with http_server(answer) as url:
        dvc(world.work, "remote", "modify", "--quiet", "storage", "url", f"{url}/store")
        # Two files at a time, where a run of its own would have all of these few wait for one another.
        program = "from arcgit import staging; from arcgit.__main__ import main; staging.MANY = 2; main()"
        command = [sys.executable, "-c", program, "restore", "deep", "--to", str(out), "-j", "1"]
        running = subprocess.Popen(command, cwd=world.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert reached.wait(60)
        os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        release.set()
        left = [path for path in out.rglob("*") if path.is_file() and ".arcgit-restore-" not in str(path)]
        sealed = {row["path"]: row for row in world.arcgit("restore", "deep", "--dry-run")["files"]}
        assert {str(path.relative_to(out)) for path in left} < sealed.keys()
        assert all(path.stat().st_size == sealed[str(path.relative_to(out))]["size"] for path in left)
        assert list(out.glob(".arcgit-restore-*"))
        done = world.arcgit("restore", "deep", "--to", str(out))
    assert done["counts"]["kept"]["files"] == len(left) > 0
    assert done["counts"]["restored"]["files"] == 10 - len(left)
    assert not list(out.glob(".arcgit-restore-*"))


def test_a_remote_that_is_not_as_the_policy_pins_it_is_asked_nothing(world: World, tmp_path: Path) -> None:
    """A change of .dvc/config must send no request, and so no credentials, to another host."""
    shutil.rmtree(world.work / ".dvc" / "cache")
    policy = world.work / ".arcgit" / "policy.yaml"
    text = policy.read_text().replace("version: 1\n", "version: 2\n")
    policy.write_text(text + "remotes:\n  storage: {url: ../store}\n")
    world.arcgit("policy", "adopt")
    asked: list[str] = []

    def answer(method: str, path: str, before: int) -> tuple[int, bytes, int | None] | None:
        asked.append(path)
        return 404, b"", None

    with http_server(answer) as url:
        dvc(world.work, "remote", "modify", "--quiet", "storage", "url", f"{url}/store")
        dvc(world.work, "remote", "add", "--quiet", "other", f"{url}/other")
        done = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), code=1)
        assert "remote-not-pinned" in codes(done)
        assert world.arcgit("gc", "--workspace", "--cloud", "--force", code=1)["error"]["code"] == "remote-not-pinned"
    assert asked == []
    assert (tmp_path / "out" / "src" / "train.py").is_file()
    assert not (tmp_path / "out" / "model.pkl").exists()
