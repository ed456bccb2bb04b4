"""Signing with the person's ssh-keygen, with a key file or through their agent, as git does it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from arcgit.errors import UndeterminedError
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.signer import no_key
from arcgit.signing.verify import Keyring, SignatureStatus


class SshSigner:
    """Signs with one SSH key. `key_file` is a private or public key file; `literal` a public key in the agent."""

    def __init__(self, program: str, *, key_file: Path | None, literal: str | None) -> None:
        self._program = program
        self._key_file = key_file
        self._literal = literal
        try:
            self._public_key = parse_public_key(literal or _public_text(program, key_file or Path()))
        except ValueError as error:
            raise no_key(f"the SSH key {literal or key_file} cannot be used: {error}") from error
        self._keyring = Keyring([self._public_key])

    @classmethod
    def from_config(cls, config: Mapping[str, str]) -> SshSigner:
        """The signer for user.signingKey, or for what gpg.ssh.defaultKeyCommand prints first."""
        program = config.get("gpg.ssh.program") or "ssh-keygen"
        wanted = config.get("user.signingkey", "") or _default_key(config.get("gpg.ssh.defaultkeycommand", ""))
        if not wanted:
            raise no_key("gpg.format is ssh, and user.signingKey is not set")
        literal = wanted.removeprefix("key::") if wanted.startswith(("key::", "ssh-", "ecdsa-", "sk-")) else None
        if literal:
            return cls(program, key_file=None, literal=literal)
        path = Path(wanted).expanduser()
        if not path.is_file():
            raise no_key(f"user.signingKey names {path}, and there is no such file")
        return cls(program, key_file=path, literal=None)

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """An armored signature over `payload` under `namespace`, checked before it is given out."""
        with tempfile.TemporaryDirectory(prefix="arcgit-") as folder:
            key = self._key_file
            agent: list[str] = []
            if key is None:
                key = Path(folder) / "key.pub"
                key.write_text(f"{self._literal}\n")
                agent = ["-U"]
            message = Path(folder) / "payload"
            message.write_bytes(payload)
            arguments = [self._program, "-Y", "sign", "-n", namespace, "-f", str(key), *agent, str(message)]
            try:
                # A passphrase is asked for at the terminal, so standard input and error stay the person's.
                done = subprocess.run(arguments, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            except OSError as error:
                text = f"`{self._program}` cannot be run: {error.strerror}"
                raise UndeterminedError("signing-program-missing", text, "install OpenSSH") from error
            signed = Path(folder) / "payload.sig"
            if done.returncode != 0 or not signed.is_file():
                words = " ".join(done.stderr.decode(errors="replace").split())
                hint = "check with: ssh-add -l, or give user.signingKey the path of the key file"
                raise UndeterminedError("signing-failed", f"ssh-keygen did not sign: {words}", hint)
            armored = signed.read_bytes()
        checked = self._keyring.verify(payload, armored, namespace)
        if checked.status is not SignatureStatus.GOOD:
            text = f"the signature that ssh-keygen made does not verify: {checked.detail}"
            raise UndeterminedError("signing-failed", text, "is user.signingKey the key that ssh-keygen used?")
        return armored


def _public_text(program: str, path: Path) -> str:
    """The public key of a key file. A private key is never read here; ssh-keygen prints its public half."""
    public = path if path.suffix == ".pub" else Path(f"{path}.pub")
    if public.is_file():
        return public.read_text(errors="replace").strip()
    try:
        done = subprocess.run([program, "-y", "-f", str(path)], check=False, capture_output=True)
    except OSError as error:
        raise UndeterminedError("signing-program-missing", f"`{program}` cannot be run", "install OpenSSH") from error
    if done.returncode != 0:
        raise no_key(f"{path} is not an SSH key: {' '.join(done.stderr.decode(errors='replace').split())}")
    return done.stdout.decode().strip()


def _default_key(command: str) -> str:
    if not command:
        return ""
    # git runs this setting through a shell, and it is the person's own.
    done = subprocess.run(command, shell=True, check=False, capture_output=True)  # noqa: S602
    lines = done.stdout.decode(errors="replace").splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else ""
