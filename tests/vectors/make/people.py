"""People with real keys in a temporary home: GnuPG under a clock of its own, and ssh-keygen."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from arcgit.signing.keys import PublicKey, parse_public_key

NOW = "20260102T030405"
REVOCATION_REASONS = {"none": "0", "compromised": "1", "superseded": "2", "retired": "3"}


class Home:
    """An empty home. Keys are named; whatever is made with GnuPG is made at the stated moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fingerprints: dict[str, str] = {}

    def run(self, *command: str, stdin: bytes = b"") -> bytes:
        """Standard output of a command that must succeed."""
        env = {**os.environ, "HOME": str(self.folder), "GNUPGHOME": str(self.folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        done = subprocess.run(command, cwd=self.folder, input=stdin, capture_output=True, check=False, env=env)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def gpg(self, *arguments: str, stdin: bytes = b"", at: str = NOW) -> bytes:
        """GnuPG without questions, at a moment that does not pass."""
        quiet = ("--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", "--no-emit-version")
        return self.run("gpg", *quiet, "--faked-system-time", f"{at}!", *arguments, stdin=stdin)

    def openpgp_key(self, name: str, kind: str = "ed25519", *, expires: str = "never", at: str = NOW) -> str:
        """A new OpenPGP key; returns its fingerprint."""
        user = f"{name} <{name}@example.org>"
        self.gpg("--quick-generate-key", user, kind, "sign", expires, at=at)
        listing = self.gpg("--list-keys", "--with-colons", f"{name}@example.org", at=at).decode()
        self.fingerprints[name] = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
        return self.fingerprints[name]

    def openpgp_text(self, name: str) -> str:
        """The armored certificate as GnuPG gives it out today."""
        return self.gpg("--armor", "--export", self.fingerprints[name], at="20300101T000000").decode()

    def openpgp(self, name: str) -> PublicKey:
        """The certificate in the one form that a policy has."""
        return parse_public_key(self.openpgp_text(name))

    def openpgp_sign(self, name: str, payload: bytes, *options: str, at: str = NOW) -> str:
        """An armored detached signature."""
        user = ("--local-user", self.fingerprints[name])
        return self.gpg("--armor", "--detach-sign", *user, *options, stdin=payload, at=at).decode()

    def revoke(self, name: str, reason: str, at: str) -> None:
        """Revoke a key for a reason."""
        answers = f"y\n{REVOCATION_REASONS[reason]}\n\ny\n".encode()
        command = ("gpg", "--no-tty", "--yes", "--pinentry-mode", "loopback", "--passphrase", "", "--command-fd", "0")
        clock = ("--faked-system-time", f"{at}!", "--armor", "--gen-revoke", self.fingerprints[name])
        self.gpg("--import", stdin=self.run(*command, *clock, stdin=answers), at=at)

    def ssh_key(self, name: str, kind: str = "ed25519", bits: int | None = None) -> None:
        """A new SSH key."""
        size = ("-b", str(bits)) if bits else ()
        self.run("ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "", "-f", name)

    def ssh_text(self, name: str) -> str:
        """`type base64`, without a comment."""
        return " ".join((self.folder / f"{name}.pub").read_text().split()[:2])

    def ssh(self, name: str) -> PublicKey:
        """The key in the one form that a policy has."""
        return parse_public_key(self.ssh_text(name))

    def ssh_sign(self, name: str, payload: bytes, *options: str, namespace: str = "git") -> str:
        """An armored signature under a namespace."""
        return self.run("ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", name, *options, stdin=payload).decode()


@dataclass(frozen=True)
class Person:
    """Somebody who signs with one key, as arcgit does."""

    home: Home
    name: str
    kind: str = "ssh"

    @property
    def key(self) -> PublicKey:
        """The public key."""
        return self.home.ssh(self.name) if self.kind == "ssh" else self.home.openpgp(self.name)

    def sign(self, payload: bytes, namespace: str = "git") -> str:
        """An armored signature."""
        if self.kind == "ssh":
            return self.home.ssh_sign(self.name, payload, namespace=namespace)
        return self.home.openpgp_sign(self.name, payload)


@contextmanager
def home() -> Iterator[Home]:
    """A home that is gone afterwards. Its path is short, for the sake of GnuPG's sockets."""
    folder = Path(tempfile.mkdtemp(prefix="ag"))
    made = Home(folder)
    try:
        yield made
    finally:
        made.run("gpgconf", "--kill", "all")
        shutil.rmtree(folder)
