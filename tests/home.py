"""An empty home, with none of the settings of whoever runs this, and people with keys in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import zygote
from tests.world import Person, sh

OF_THE_PERSON = ("GIT_", "SSH_", "DVC_", "ARCGIT_", "XDG_", "GPG_")
"""Beginnings of environment variables that would let somebody's own settings in."""


def isolation(home: Path) -> dict[str, str]:
    """Make `home` an empty home of its own and return the environment that points to it."""
    gnupg = home / "g"
    gnupg.mkdir(mode=0o700)
    (home / "gitconfig").write_text(
        "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n"
        '[init]\n\tdefaultBranch = main\n[protocol "file"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n'
    )
    return {
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
    }


@contextmanager
def own_home() -> Iterator[Path]:
    """A throw-away home that the environment points to. It is short: the GnuPG agent's socket may not exceed 107 bytes."""
    before = dict(os.environ)
    home = Path(tempfile.mkdtemp(prefix="ag"))
    for name in before:
        if name.startswith(OF_THE_PERSON):
            del os.environ[name]
    os.environ.update(isolation(home))
    try:
        yield home
    finally:
        zygote.end()
        subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(home, ignore_errors=True)


def openpgp_person(home: Path, name: str, email: str) -> Person:
    """Somebody with a new OpenPGP key in the home's GnuPG."""
    user = f"{name} <{email}>"
    sh(home, "gpg", "--batch", "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "never")
    listing = sh(home, "gpg", "--batch", "--list-keys", "--with-colons", email)
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
    return Person(name, email, "openpgp", fingerprint)


def ssh_person(home: Path, name: str, email: str) -> Person:
    """Somebody with a new SSH key in the home."""
    path = home / email.partition("@")[0]
    sh(home, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", email, "-f", str(path))
    return Person(name, email, "ssh", f"{path}.pub")
