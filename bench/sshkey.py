"""An SSH key that signs in this process: ssh-keygen takes ten milliseconds a signature."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arcgit.signing.keys import PublicKey, parse_public_key

MAGIC = b"SSHSIG"


class SshKey:
    """A new ed25519 key, a `Signer`."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        line = self._key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        self.public_key: PublicKey = parse_public_key(line.decode())
        self._blob = base64.b64decode(line.split(b" ")[1])

    def save(self, path: Path) -> None:
        """Write the private key, and the public one beside it, as ssh-keygen does."""
        path.touch(mode=0o600)
        path.write_bytes(
            self._key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
        )
        path.with_suffix(".pub").write_text(f"{self.public_key.text} bench\n")

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """An armored signature as PROTOCOL.sshsig of OpenSSH describes it."""
        named = _strings(namespace.encode(), b"", b"sha512")
        raw = self._key.sign(MAGIC + named + _strings(hashlib.sha512(payload).digest()))
        signature = _strings(b"ssh-ed25519", raw)
        data = MAGIC + (1).to_bytes(4, "big") + _strings(self._blob) + named + _strings(signature)
        text = base64.b64encode(data).decode()
        lines = "\n".join(text[at : at + 70] for at in range(0, len(text), 70))
        return f"-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n".encode()


def _strings(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
