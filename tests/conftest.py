"""Every test runs in an empty home, with no git, GnuPG or ssh settings of the person who runs it."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from botocore import loaders  # type: ignore[import-untyped]
from hypothesis import settings

from arcgit.cli import app
from tests import zygote
from tests.home import openpgp_person, own_home, ssh_person
from tests.world import Person, World, build_template, copy_world

# How long an example takes says something about the machine, not about arcgit.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

REQUIRED_TOOLS = ("git", "gpg", "gpgv", "gpgconf", "ssh-keygen")
MEMORY, ENOUGH = Path("/dev/shm"), 4 << 30  # noqa: S108  only the folder in which each run makes its own
LONGEST = ("test_stateful.py", "test_many.py", "test_bench.py", "test_pictures.py")
"""Files whose tests take longest one by one: begun last, one of them would keep a whole run waiting."""


def pytest_configure() -> None:
    """Keep what tests write in memory, where there is enough: 400 files a test on a disk, with each one synced, is its rest.

    Whoever sets TMPDIR has it where that says, on a disk for example.
    """
    if "TMPDIR" not in os.environ and _in_memory():
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None
    zygote.read_versions_once()
    # An installed arcgit is compiled; without this each of many processes would compile the checkout anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # A shell that starts a run in the background has it ignored, and every command that a test interrupts would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _in_memory() -> bool:
    """Whether there is room for the tests' files in memory, and programs among them run there."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ENOUGH:
        return False
    with tempfile.TemporaryDirectory(prefix="ag", dir=MEMORY) as folder:
        program = Path(folder) / "program"
        program.write_text("#!/bin/sh\nexit 7\n")
        program.chmod(0o755)
        try:
            return subprocess.run([program], check=False).returncode == 7
        except OSError:
            return False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end; looking for garbage in it takes time from every test."""
    gc.collect()
    gc.freeze()


def pytest_sessionstart(session: pytest.Session) -> None:
    """A missing tool fails the run: a skipped check would look like a passed one."""
    missing = [tool for tool in REQUIRED_TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.exit(f"missing tools: {', '.join(missing)} (Debian: apt-get install git gnupg gpgv openssh-client)", 2)


@pytest.fixture(autouse=True)
def left_by_libraries(request: pytest.FixtureRequest) -> Iterator[None]:
    """What DVC's HTTP library leaves open is found in the test that says so, not in whichever comes next."""
    yield
    marks = request.node.iter_markers("filterwarnings")
    if any(mark.args[0].endswith("Unclosed client session") for mark in marks):
        gc.collect()


@pytest.fixture(scope="session", autouse=True)
def built_once() -> Iterator[None]:
    """A process builds its commands out of their functions for the one that it runs; here one process runs very many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "build", functools.cache(app.build))
        patch.setattr(typer.main, "get_command", functools.cache(typer.main.get_command))
        yield


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """Half of what a client for S3 takes to begin is reading what Amazon's library has in JSON about its services."""
    read, models = loaders.JSONFileLoader.load_file, dict[str, object]()

    def load_file(self: object, path: str) -> object:
        if path not in models:
            models[path] = read(self, path)
        return models[path]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loaders.JSONFileLoader, "load_file", load_file)
        yield


@pytest.fixture(scope="session", autouse=True)
def isolated_home() -> Iterator[Path]:
    """A home of its own for all tests."""
    with own_home() as home:
        yield home


@pytest.fixture(scope="session")
def ada(isolated_home: Path) -> Person:
    """The founder, with an OpenPGP key."""
    return openpgp_person(isolated_home, "Ada Lovelace", "ada@example.org")


@pytest.fixture(scope="session")
def bob(isolated_home: Path) -> Person:
    """A recorder and reviewer, with an SSH key."""
    return ssh_person(isolated_home, "Bob Byte", "bob@example.org")


@pytest.fixture(scope="session")
def mallory(isolated_home: Path) -> Person:
    """Somebody whom no policy knows, with an SSH key."""
    return ssh_person(isolated_home, "Mallory", "mallory@example.org")


@pytest.fixture(scope="session")
def template(isolated_home: Path, ada: Person, bob: Person) -> Path:
    """A valid archive, built once with real tools; tests copy it."""
    root = isolated_home / "template" / "world"
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_STATE_HOME", str(root.parent / "state"))
    try:
        build_template(root, ada, bob)
    finally:
        patch.undo()
    return root


@pytest.fixture
def world(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of the archive with its pin, free to be damaged."""
    made = copy_world(template, tmp_path / "world", tmp_path / "state")
    monkeypatch.setenv("XDG_STATE_HOME", str(made.state))
    return made
