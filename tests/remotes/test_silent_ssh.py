"""SSH servers that fall silent or are cut off, before they say anything, at the handshake or in the middle of an object."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from arcgit.dvc import patience
from tests.remotes.between import Line, line
from tests.remotes.storages import Ssh
from tests.servers import SshServer
from tests.world import World, dvc, git, invoke

NUMBERS = iter(range(10**6))
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
