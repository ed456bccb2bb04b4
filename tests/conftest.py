"""Every test runs in an empty home, with no git, GnuPG or ssh settings of the person who runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import Person, World, build_template, copy_world, sh

REQUIRED_TOOLS = ("git", "gpg", "gpgv", "gpgconf", "ssh-keygen")


def pytest_sessionstart(session: pytest.Session) -> None:
    """A missing tool fails the run: a skipped check would look like a passed one."""
    missing = [tool for tool in REQUIRED_TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.exit(f"missing tools: {', '.join(missing)} (Debian: apt-get install git gnupg gpgv openssh-client)", 2)


@pytest.fixture(scope="session", autouse=True)
def isolated_home() -> Iterator[Path]:
    """A home of its own: short, because the GnuPG agent's socket path may not exceed 107 bytes."""
    home = Path(tempfile.mkdtemp(prefix="ag"))
    gnupg = home / "g"
    gnupg.mkdir(mode=0o700)
    patch = pytest.MonkeyPatch()
    for name in list(os.environ):
        if name.startswith(("GIT_", "SSH_", "DVC_", "ARCGIT_", "XDG_", "GPG_")):
            patch.delenv(name)
    for name, value in {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GNUPGHOME": str(gnupg),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_TERMINAL_PROMPT": "0",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }.items():
        patch.setenv(name, value)
    (home / "gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"
        '[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n'
    )
    yield home
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
    patch.undo()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def ada(isolated_home: Path) -> Person:
    """The founder, with an OpenPGP key."""
    user = "Ada Lovelace <ada@example.org>"
    sh(isolated_home, "gpg", "--batch", "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "never")
    listing = sh(isolated_home, "gpg", "--batch", "--list-keys", "--with-colons", "ada@example.org")
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
    return Person("Ada Lovelace", "ada@example.org", "openpgp", fingerprint)


@pytest.fixture(scope="session")
def bob(isolated_home: Path) -> Person:
    """A recorder and reviewer, with an SSH key."""
    return _ssh_person(isolated_home, "Bob Byte", "bob@example.org")


@pytest.fixture(scope="session")
def mallory(isolated_home: Path) -> Person:
    """Somebody whom no policy knows, with an SSH key."""
    return _ssh_person(isolated_home, "Mallory", "mallory@example.org")


def _ssh_person(home: Path, name: str, email: str) -> Person:
    path = home / email.partition("@")[0]
    sh(home, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", email, "-f", str(path))
    return Person(name, email, "ssh", f"{path}.pub")


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
