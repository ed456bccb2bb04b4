"""Public keys and their full fingerprints, always computed from the key itself."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

MIN_RSA_BITS = 2048
MAX_KEY_BYTES = 256 * 1024
_PGP_PUBLIC = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_SSH_LINE = re.compile(r"([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]+={0,2})(?: [^\n]*)?\n?")


class PublicKeyError(ValueError):
    """The text is not one public key that may sign."""


@dataclass(frozen=True)
class PublicKey:
    """A public key. `fingerprint` is upper-case hex of the OpenPGP primary key, or `SHA256:…` as ssh-keygen prints it.

    `text` is the armored certificate, or `type base64` without a comment.
    """

    kind: Literal["openpgp", "ssh"]
    fingerprint: str
    text: str


def parse_public_key(text: str) -> PublicKey:
    """The key in `text`, an armored OpenPGP certificate or an OpenSSH public key line. Raises ValueError."""
    if len(text) > MAX_KEY_BYTES:
        raise PublicKeyError(f"a public key is larger than {MAX_KEY_BYTES} characters")
    if "PRIVATE KEY" in text:
        raise PublicKeyError("this is a private key; never put one into a repository")
    if _PGP_PUBLIC in text:
        return _openpgp(text)
    match = _SSH_LINE.fullmatch(text)
    if match is None:
        raise PublicKeyError("this is neither an armored OpenPGP public key nor one OpenSSH public key line")
    return _ssh(match[1], match[2])


def ssh_fingerprint(blob: bytes) -> str:
    """`SHA256:<base64>` of an OpenSSH key blob."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def _ssh(kind: str, encoded: str) -> PublicKey:
    from arcgit.signing import sshsig  # noqa: PLC0415  cryptography is not needed to handle OpenPGP keys

    try:
        blob = base64.b64decode(encoded, validate=True)
        sshsig.load_key(blob, kind)
    except (binascii.Error, ValueError) as error:
        raise PublicKeyError(f"the OpenSSH key cannot be used: {error}") from error
    return PublicKey("ssh", ssh_fingerprint(blob), f"{kind} {base64.b64encode(blob).decode()}")


def _openpgp(text: str) -> PublicKey:
    from pysequoia import Cert
    from pysequoia import packet as packets

    if text.count("-----BEGIN ") != 1:
        raise PublicKeyError("there is more than one armored block")
    try:
        certs = Cert.split_bytes(text.encode())
    except Exception as error:
        raise PublicKeyError(f"the OpenPGP key cannot be read: {error}") from error
    if len(certs) != 1:
        raise PublicKeyError(f"there are {len(certs)} OpenPGP keys instead of one")
    cert = certs[0]
    if cert.has_secret_keys:
        raise PublicKeyError("this is a private key; never put one into a repository")
    for packet in packets.PacketPile.from_bytes(bytes(cert)):
        if packet.fingerprint and (fault := _weak(packet, packets.PublicKeyAlgorithm)):
            raise PublicKeyError(fault)
    return PublicKey("openpgp", cert.fingerprint.upper(), text.strip() + "\n")


def _weak(packet: Any, algorithms: Any) -> str:
    if packet.key_algorithm == algorithms.DSA:
        return "DSA keys are too weak"
    # RFC 4880, section 5.5.2: version, four bytes of time, algorithm, then the modulus with its length in bits.
    bits = int.from_bytes(bytes(packet.body)[6:8], "big")
    if packet.key_algorithm == algorithms.RSAEncryptSign and bits < MIN_RSA_BITS:
        return f"an RSA key of {bits} bits is too weak"
    return ""
