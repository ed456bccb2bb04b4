"""Signing with the person's ssh-keygen, with a key file or through their agent, as git does it."""

from __future__ import annotations

import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from arcgit.errors import UndeterminedError
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.signer import no_key, no_program, require_good


class SshSigner:
    """Signs with one SSH key: with `key_file`, private or public, or else with `public_key` through the agent."""

    def __init__(self, program: str, public_key: PublicKey, key_file: Path | None) -> None:
        self._program = program
        self._public_key = public_key
        self._key_file = key_file

    @classmethod
    def from_config(cls, config: Mapping[str, str]) -> SshSigner:
        """The signer for user.signingKey, or for the key that gpg.ssh.defaultKeyCommand prints first."""
        program = _expanded(config.get("gpg.ssh.program") or "ssh-keygen")
        wanted = config.get("user.signingkey", "")
        literal = _literal(wanted) if wanted else _default_key(config.get("gpg.ssh.defaultkeycommand", ""))
        if not wanted and not literal:
            raise no_key("gpg.format is ssh, and neither user.signingKey nor gpg.ssh.defaultKeyCommand gives a key")
        key_file = None if literal else Path(_expanded(wanted))
        try:
            public_key = parse_public_key(_public_text(key_file) if key_file else literal)
        except ValueError as error:
            raise no_key(f"the SSH key {wanted or literal} cannot be used: {error}") from error
        if public_key.kind != "ssh":
            raise no_key(f"gpg.format is ssh, and {wanted} is an OpenPGP key")
        return cls(program, public_key, key_file)

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    @property
    def in_token(self) -> bool:
        """True for a FIDO key, which a person has to touch."""
        return self._public_key.text.startswith("sk-")

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """An armored signature over `payload` under `namespace`, checked before it is given out."""
        with tempfile.TemporaryDirectory(prefix="arcgit-") as folder:
            message = Path(folder) / "payload"
            message.write_bytes(payload)
            key, agent = self._key_file, []
            if key is None:
                key, agent = Path(folder) / "key.pub", ["-U"]
                key.write_text(f"{self._public_key.text}\n")
            done = _run([self._program, "-Y", "sign", "-n", namespace, "-f", str(key), *agent, str(message)])
            signed = Path(folder) / "payload.sig"
            if done.returncode != 0 or not signed.is_file():
                hint = "see whether it can: ssh-add -l (agent), or ssh-keygen -y -f KEY (key file)"
                raise UndeterminedError("signing-failed", f"{self._program} did not sign: {_said(done)}", hint)
            armored = signed.read_bytes()
        return require_good(self._public_key, payload, armored, namespace)


def _literal(setting: str) -> str:
    """The public key inside a setting, or nothing where git would take the setting for a path."""
    if setting.startswith("key::"):
        return setting.removeprefix("key::")
    return setting if setting.startswith("ssh-") else ""


def _default_key(command: str) -> str:
    """The key in the first line that `command` prints. git splits the command into words and uses no shell."""
    if not command:
        return ""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise no_program(command, error) from error
    done = _run(words)
    if done.returncode != 0:
        message = f"gpg.ssh.defaultKeyCommand failed: {_said(done)}"
        raise UndeterminedError("signing-failed", message, f"run it by hand: {command}")
    return _literal(done.stdout.decode(errors="replace").partition("\n")[0].strip())


def _public_text(path: Path) -> str:
    """The public key of a key file. Of a private key only the first bytes are read, to know it for one."""
    try:
        with path.open("rb") as file:
            private = file.read(11) == b"-----BEGIN "
        public = Path(f"{path}.pub") if private else path
        if public.is_file():
            return public.read_text(errors="replace")
    except OSError as error:
        raise no_key(f"user.signingKey names {path}: {error.strerror}") from error
    # As in git, always OpenSSH's own program: one that replaces gpg.ssh.program need only know how to sign.
    done = _run(["ssh-keygen", "-y", "-f", str(path)])
    if done.returncode != 0:
        raise no_key(f"{path} gives no SSH public key: {_said(done)}")
    return done.stdout.decode(errors="replace")


def _run(arguments: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Passphrases are asked for at the terminal itself, so both outputs can be held back for the message."""
    try:
        return subprocess.run(arguments, check=False, capture_output=True)
    except (OSError, ValueError) as error:
        raise no_program(arguments[0], error) from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return " ".join(done.stderr.decode(errors="replace").split()) or f"exit code {done.returncode}"


def _expanded(path: str) -> str:
    """`~` as git expands it; a user whom nobody knows is left as written, and the file is then not found."""
    try:
        return str(Path(path).expanduser())
    except RuntimeError:
        return path
