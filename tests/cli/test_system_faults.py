"""What the system refuses in the middle of a command is told with its thing and the next step, also to programs."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from arcgit.cli import systemfault
from tests.world import World, sh

RESOURCES = {"files": "ulimit -f 0", "open files": "ulimit -n 12", "memory": "ulimit -v 60000"}


@pytest.mark.parametrize("what", RESOURCES)
def test_what_runs_out_is_one_document_with_a_next_step_and_no_bug(world: World, what: str) -> None:
    """An event needs a file of its own size, so no limit here lets the command through."""
    command = (
        f"{RESOURCES[what]}; exec {sys.executable} -m arcgit amend {world.tag()} --owner 'A B' --reason Typo --json"
    )
    done = subprocess.run(["sh", "-c", command], cwd=world.work, capture_output=True, text=True, check=False)
    if what == "memory" and not done.stdout:
        # Python itself may not have come up.
        assert done.returncode != 0
        return
    told = json.loads(done.stdout)["error"]
    assert done.returncode == 3, done.stdout
    assert told["code"] != "internal"
    assert told["hint"]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (errno.ENOSPC, "df -h"),
        (errno.EDQUOT, "df -h"),
        (errno.EROFS, "ls -ld /a/b"),
        (errno.EACCES, "ls -ld /a/b"),
        (errno.EPERM, "ls -ld /a/b"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EIO, "dmesg"),
        (errno.ENAMETOOLONG, "shorter"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_each_refusal_of_the_system_names_a_way_on(number: int, word: str, *, named: bool) -> None:
    fault = OSError(number, os.strerror(number), "/a/b/c") if named else OSError(number, os.strerror(number))
    told = systemfault.told(fault)
    assert told is not None
    assert (told.code, told.exit_code) == ("system-failed", 3)
    assert os.strerror(number) in told.message
    assert "/a/b/c" in told.message or not named
    assert (word if named else word.partition(" /")[0]) in told.hint


def test_what_is_no_refusal_of_the_system_stays_a_bug() -> None:
    assert systemfault.told(FileNotFoundError(errno.ENOENT, "No such file or directory", "x")) is None
    assert systemfault.told(IsADirectoryError(errno.EISDIR, "Is a directory", "x")) is None
    assert systemfault.told(RecursionError("maximum recursion depth exceeded")) is None


def test_a_thread_that_finds_no_room_is_no_bug() -> None:
    told = systemfault.told(RuntimeError("can't start new thread"))
    assert told is not None
    assert (told.code, told.exit_code) == ("system-failed", 3)
    assert "ulimit" in told.hint


NOBODY = """
import pwd, sys
def unknown(*_):
    raise KeyError("getpwuid(): uid not found")
pwd.getpwuid = unknown
from arcgit.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("words", [["list"], ["check", "--rev", "HEAD"], ["policy", "show"], ["verify"]])
def test_a_user_without_any_home_is_told_so_and_reads_what_needs_none(world: World, words: list[str]) -> None:
    """As in a container that runs under a number which its system has no name for."""
    env = {name: value for name, value in os.environ.items() if name in {"PATH", "GIT_CONFIG_NOSYSTEM"}}
    command = [sys.executable, "-c", NOBODY, *words, "--json"]
    done = subprocess.run(command, cwd=world.work, env=env, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    if words == ["verify"]:
        assert done.returncode == 3
        assert told["error"]["hint"] == "set XDG_STATE_HOME to a folder of yours"
    else:
        assert done.returncode == 0, told


def test_a_library_that_finds_no_home_is_no_bug_of_arcgits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise RuntimeError("could not determine the home directory for '~/.config'")

    monkeypatch.setattr("arcgit.cli.verify_command.run_verify", nowhere)
    told = world.arcgit("verify", code=3)["error"]
    assert (told["code"], told["hint"]) == ("system-failed", "name a folder of yours: HOME=DIR arcgit …")
    assert systemfault.told(RuntimeError("dictionary changed size during iteration")) is None


def test_without_memory_a_command_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("arcgit.cli.verify_command.run_verify", none_left)
    told = world.arcgit("verify", code=3)["error"]
    assert told["code"] == "system-failed"


def test_a_full_output_gets_no_second_document(world: World) -> None:
    command = f"{sys.executable} -m arcgit verify --json >/dev/full"
    done = subprocess.run(["sh", "-c", command], cwd=world.work, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "standard output: No space left on device" in done.stderr
    assert done.stderr.count("error:") == 1


@pytest.mark.parametrize("name", ["pre-commit", "pre-receive"])
def test_a_hook_that_the_system_stops_refuses_and_calls_it_no_bug(world: World, name: str, tmp_path: Path) -> None:
    """A hook may open too few files to look at anything."""
    lines = f"{'0' * 40} {sh(world.work, 'git', 'rev-parse', 'HEAD').strip()} refs/notes/arcgit\n"
    command = f"ulimit -n 5; exec {sys.executable} -m arcgit hooks run {name}"
    place = world.work if name == "pre-commit" else world.hub
    done = subprocess.run(["sh", "-c", command], cwd=place, capture_output=True, text=True, input=lines, check=False)
    assert done.returncode not in (0, 4), done.stderr
    assert "bug" not in done.stderr


def test_an_age_beyond_all_calendars_is_no_bug(world: World) -> None:
    assert world.arcgit("verify", "--max-age", "9" * 20, code=2)["error"]["code"] == "usage"
    assert world.verify("--max-age", "366000", code=0) == []
