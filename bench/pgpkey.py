"""An OpenPGP key that signs in this process: GnuPG takes twelve milliseconds a signature."""

from __future__ import annotations

from pathlib import Path

from arcgit.signing.keys import PublicKey, parse_public_key


class PgpKey:
    """A new ed25519 key with a subkey that signs, a `Signer`. Its secret part is kept nowhere."""

    def __init__(self, name: str, email: str) -> None:
        import pysequoia

        secret = pysequoia.Tsk.generate(f"{name} <{email}>")
        self._signer = secret.signer()
        self.public_key: PublicKey = parse_public_key(str(secret.extract_certificate()))

    def save(self, path: Path) -> None:
        """Write the public key beside `path`, as `gpg --import` reads it."""
        path.with_suffix(".pub").write_text(self.public_key.text)

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:  # noqa: ARG002  as every signer is called
        """An armored detached signature; OpenPGP has no namespaces."""
        import pysequoia

        signature = bytes(pysequoia.sign(self._signer, payload, mode=pysequoia.SignatureMode.DETACHED))
        return signature.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"
