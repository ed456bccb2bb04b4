"""Every test runs in an empty home, with no git, GnuPG or ssh settings of the person who runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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
