"""An OpenPGP key that signs in this process: GnuPG takes twelve milliseconds a signature."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from arcgit.signing import packets
from arcgit.signing.armor import armor
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.wire import Reader

_BINARY_DOCUMENT, _EDDSA, _SHA512 = 0x00, 22, 10


class PgpKey:
    """A new ed25519 key with a subkey that signs, a `Signer`. Its secret part is kept nowhere."""

    def __init__(self, name: str, email: str) -> None:
        import pysequoia

        secret = pysequoia.Tsk.generate(f"{name} <{email}>")
        self.public_key: PublicKey = parse_public_key(str(secret.extract_certificate()))
        subkeys = (packet.body for packet in packets.split(bytes(secret)) if packet.tag == packets.SECRET_SUBKEY)
        public, scalar = next(found for found in map(_eddsa, subkeys) if found is not None)
        self._fingerprint = bytes.fromhex(packets.handles(public)[0])
        self._key = Ed25519PrivateKey.from_private_bytes(scalar)

    def save(self, path: Path) -> None:
        """Write the public key beside `path`, as `gpg --import` reads it."""
        path.with_suffix(".pub").write_text(self.public_key.text)

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:  # noqa: ARG002  as every signer is called
        """An armored detached signature as GnuPG 2.2 writes it (RFC 9580, section 5.2.3); OpenPGP has no namespaces."""
        issuer, made = b"\x16\x21\x04" + self._fingerprint, b"\x05\x02" + int(time.time()).to_bytes(4, "big")
        head = bytes((4, _BINARY_DOCUMENT, _EDDSA, _SHA512)) + _sized(issuer + made)
        digest = hashlib.sha512(payload + head + b"\x04\xff" + len(head).to_bytes(4, "big")).digest()
        signed = self._key.sign(digest)
        unsigned = _sized(b"\x09\x10" + self._fingerprint[-8:])
        body = head + unsigned + digest[:2] + _mpi(signed[:32]) + _mpi(signed[32:])
        return armor(bytes((0x88, len(body))) + body, "PGP SIGNATURE").encode()


def _eddsa(body: bytes) -> tuple[bytes, bytes] | None:
    """The public part of a secret key packet without a passphrase, and its secret scalar; None of another algorithm."""
    reader = Reader(body)
    reader.take(5)
    if reader.number(1) != _EDDSA:
        return None
    reader.take(reader.number(1))
    reader.take((reader.number(2) + 7) // 8)
    public = body[: len(body) - len(reader.rest())]
    secret = Reader(body[len(public) + 1 :])
    return public, secret.take((secret.number(2) + 7) // 8).rjust(32, b"\0")


def _sized(area: bytes) -> bytes:
    return len(area).to_bytes(2, "big") + area


def _mpi(number: bytes) -> bytes:
    value = int.from_bytes(number, "big")
    return value.bit_length().to_bytes(2, "big") + number.lstrip(b"\0")
