"""SSH servers that fall silent or are cut off, before they say anything, at the handshake or in the middle of an object."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from arcgit.dvc import patience
from arcgit.dvc.uploads import Uploads
from tests.remotes.between import Line, line
from tests.remotes.storages import Ssh
from tests.servers import SshServer
from tests.world import World, dvc, git, invoke

NUMBERS = iter(range(10**6))
ROOT = Path(__file__).parents[2]
SOON = 60
"""So many seconds a command has that was told to end or lost its server; it needs about three."""
LARGE = 12 << 20
AT = {
    "at once": 0,
    "at the handshake": 2000,
    "at a listing": 6000,
    "at a file": 9000,
    "in the middle of an object": LARGE // 3,
}


@pytest.fixture
def wire(world: World, ssh: SshServer) -> Iterator[Line]:
    """A line to a server that has a record with a large object; the cache is gone."""
    storage = Ssh(world, f"silent-{next(NUMBERS)}", ssh)
    storage.use()
    (world.work / "large.bin").write_bytes(os.urandom(LARGE))
    dvc(world.work, "add", "--quiet", "large.bin")
    manifest = world.work / "arcgit.yaml"
    text = manifest.read_text().replace("experiment: deep", "experiment: large")
    manifest.write_text(f"{text}  large: {{role: other, path: large.bin}}\n")
    world.commit("large")
    git(world.work, "push", "--quiet", "origin", "main")
    world.arcgit("record")
    shutil.rmtree(world.work / ".dvc" / "cache")
    with line(ssh.port) as made:
        storage.configure({"url": f"ssh://127.0.0.1:{made.port}{storage.folder}"})
        yield made


def started(world: World, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "arcgit", *arguments, "--json"]
    return subprocess.Popen(command, cwd=world.work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


COMMANDS = {"verify": ("verify", "large", "--level", "fixity"), "restore": ("restore", "large", "--to", "../out")}


@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_line_that_is_cut_is_no_pass_and_keeps_nobody_waiting(
    command: str, at: str, world: World, wire: Line
) -> None:
    """In a process of its own: what the client leaves open is closed when that ends."""
    wire.most, wire.cut = AT[at], True
    running = started(world, *COMMANDS[command])
    try:
        out, _ = running.communicate(timeout=SOON)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 3, out
    assert '"verdict": "cannot-verify"' in out
    assert "object-missing" not in out
    assert "object-corrupt" not in out


@pytest.mark.parametrize("at", AT)
def test_ctrl_c_ends_a_check_of_a_silent_server(at: str, world: World, wire: Line) -> None:
    wire.most = AT[at]
    running = started(world, *COMMANDS["verify"])
    try:
        assert wire.silent.wait(SOON)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=SOON)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130


@pytest.mark.parametrize("at", AT)
def test_a_silent_server_is_given_up(at: str, world: World, wire: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sooner here than otherwise, where a slow server has a minute."""
    monkeypatch.setattr(patience, "CONNECT_SECONDS", 2)
    monkeypatch.setattr(patience, "LOGIN_SECONDS", 2)
    monkeypatch.setattr(patience, "ALIVE_SECONDS", 1)
    wire.most = AT[at]
    document = invoke(world.work, *COMMANDS["verify"], code=3)
    assert {finding["code"] for finding in document["findings"]} <= {"remote-unreachable", "object-unreadable"}


@pytest.fixture
def unanswered(world: World, tmp_path: Path) -> Iterator[Path]:
    """What a server that is alive does not answer, as `tests/remotes/mute.py` reads it; the cache is gone."""
    said = tmp_path / "unanswered"
    said.write_text("")
    command = [sys.executable, "-m", "tests.remotes.mute", str(said)]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    try:
        port = int(running.stdout.readline())
        (world.work / ".dvc" / "config").write_text(
            f"[core]\n    remote = storage\n['remote \"storage\"']\n"
            f"    url = ssh://127.0.0.1:{port}{world.store}\n    user = somebody\n"
        )
        shutil.rmtree(world.work / ".dvc" / "cache")
        yield said
    finally:
        running.kill()
        running.communicate()


def restored_from_the_second(world: World) -> dict[str, Any]:
    """What a restore says that has a second remote with the same data, once it came from there."""
    config = world.work / ".dvc" / "config"
    config.write_text(f"{config.read_text()}['remote \"second\"']\n    url = ../../store\n")
    done = world.arcgit("restore", "deep", "--to", "../out")
    assert {finding["code"] for finding in done["findings"]} == {"object-unreadable"}
    assert (world.root / "out" / "model.pkl").read_bytes() == (world.work / "model.pkl").read_bytes()
    return dict(done)


@pytest.mark.parametrize("what", ["stat", "read"])
def test_a_server_that_is_alive_and_never_answers_is_given_up_and_the_next_place_has_it(
    world: World, unanswered: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one whose disk hangs. The others of its objects are judged."""
    monkeypatch.setattr(patience, "ANSWER_SECONDS", 8)
    unanswered.write_text(f"{what} {world.object_path('model.pkl').name}")
    assert set(world.verify("deep", "--level", "fixity", code=3)) <= {"remote-unreachable", "object-unreadable"}
    done = restored_from_the_second(world)
    assert {row["source"] for row in done["files"]} == {"git", "storage", "second"}


@pytest.mark.parametrize("of", ["model.pkl", "data/train"])
def test_a_server_that_answers_with_a_byte_at_a_time_is_given_up_and_the_next_place_has_it(
    world: World, unanswered: Path, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its answers comes soon, and the client asks for the rest of what it wanted in one piece."""
    monkeypatch.setattr(patience, "SLOW_SECONDS", 0.3)
    unanswered.write_text(f"drip {world.object_path(of).name}")
    assert set(world.verify("deep", "--level", "fixity", code=3)) <= {"remote-unreachable", "object-unreadable"}
    assert any("bytes came" in finding["message"] for finding in world.last["findings"])
    restored_from_the_second(world)


def test_a_server_that_does_not_say_that_a_file_is_closed_has_given_it(
    world: World, unanswered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "ANSWER_SECONDS", 8)
    unanswered.write_text(f"close {world.object_path('model.pkl').name}")
    done = world.arcgit("restore", "deep", "--only", "model", "--to", "../out")
    assert (done["verdict"], done["findings"]) == ("pass", [])


def test_a_server_that_is_silent_while_a_file_gets_its_name_is_asked_nothing_more(tmp_path: Path) -> None:
    """Each further question would be waited for as long."""
    asked: list[str] = []

    def mv(*paths: str) -> None:
        asked.append("mv")
        raise patience.SilentError(f"the server is there, and did not answer about {paths[0]}")

    silent = SimpleNamespace(
        protocol="ssh",
        fs=SimpleNamespace(rm_file=lambda *paths: asked.append("rm_file")),
        parent=lambda path: path.rpartition("/")[0],
        makedirs=lambda *paths: asked.append("makedirs"),
        put_file=lambda *paths: asked.append("put_file"),
        exists=lambda *paths: asked.append("exists"),
        mv=mv,
    )
    (tmp_path / "file").write_text("x")
    with pytest.raises(patience.SilentError):
        Uploads(silent, "/store").put(tmp_path / "file", "/store/files/md5/ab/cd")
    assert asked == ["makedirs", "put_file", "mv"]
