"""Signatures taken apart and put together in other ways."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from arcgit.signing.armor import armor, dearmor
from arcgit.signing.wire import Reader

PGP, SSH = "PGP SIGNATURE", "SSH SIGNATURE"
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SK = b"sk-ssh-ed25519@openssh.com"


def binary(armored: str, label: str) -> bytes:
    """The bytes inside the armor."""
    return dearmor(armored.encode(), label)


def armored(data: bytes, label: str, *, width: int = 64, checksum: bool = True) -> str:
    """Armor with lines of any length, and without the checksum if so wanted."""
    text = base64.b64encode(data).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    head = [""] if label == PGP else []
    tail = [armor(data, label).split("\n")[-3]] if label == PGP and checksum else []
    return "\n".join([f"-----BEGIN {label}-----", *head, *lines, *tail, f"-----END {label}-----", ""])


def string(data: bytes) -> bytes:
    """A string of RFC 4251."""
    return len(data).to_bytes(4, "big") + data


def mpint(number: int) -> bytes:
    """A positive mpint of RFC 4251."""
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


class SshParts:
    """The fields of an SSH signature; `packed` puts them together again."""

    def __init__(self, text: str) -> None:
        reader = Reader(binary(text, SSH))
        self.magic, self.version = reader.take(6), reader.number(4)
        self.key, self.namespace, self.reserved, self.hash = (reader.string() for _ in range(4))
        inner = Reader(reader.string())
        self.algorithm, self.blob, self.behind, self.after = inner.string(), inner.string(), b"", b""

    def packed(self, **changes: bytes | int) -> str:
        """The signature with some fields otherwise."""
        part = {**vars(self), **changes}
        head = part["magic"] + int(part["version"]).to_bytes(4, "big")
        fields = b"".join(string(part[name]) for name in ("key", "namespace", "reserved", "hash"))
        inner = string(part["algorithm"]) + string(part["blob"]) + part["behind"]
        return armored(head + fields + string(inner) + part["after"], SSH, width=70)


def other_s(blob: bytes) -> bytes:
    """The second form of an ECDSA signature over P-256: n - s."""
    reader = Reader(blob)
    r, s = reader.mpint(), reader.mpint()
    return mpint(r) + mpint(P256_ORDER - s)


def larger_s(blob: bytes) -> bytes:
    """An ed25519 signature with S + L, which a careless reader takes too."""
    s = int.from_bytes(blob[32:], "little") + ED25519_ORDER
    return blob[:32] + s.to_bytes(32, "little")


def token(payload: bytes, *, flags: int, namespace: bytes = b"git") -> tuple[str, str]:
    """A FIDO key of a token made of software, and its signature: (`type base64`, armored)."""
    secret = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"token").digest())
    public = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    key = string(SK) + string(public) + string(b"ssh:")
    digest = hashlib.sha512(payload).digest()
    message = b"SSHSIG" + b"".join(string(part) for part in (namespace, b"", b"sha512", digest))
    counter = bytes([flags]) + (7).to_bytes(4, "big")
    signed = secret.sign(hashlib.sha256(b"ssh:").digest() + counter + hashlib.sha256(message).digest())
    inner = string(SK) + string(signed) + counter
    fields = b"".join(string(part) for part in (key, namespace, b"", b"sha512", inner))
    text = armored(b"SSHSIG" + (1).to_bytes(4, "big") + fields, SSH, width=70)
    return f"{SK.decode()} {base64.b64encode(key).decode()}", text


def packet(tag: int, body: bytes) -> bytes:
    """An OpenPGP packet in the new format with a length of five octets."""
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4, "big") + body


class PgpParts:
    """The fields of a version 4 signature packet; `packed` puts them together again."""

    def __init__(self, text: str) -> None:
        data = binary(text, PGP)
        reader = Reader(data)
        header = reader.number(1)
        self.body = reader.take(reader.number(1 << (header & 3)))
        fields = Reader(self.body)
        self.head = fields.take(4)
        self.signed, self.unsigned = (fields.take(fields.number(2)) for _ in range(2))
        self.rest = fields.rest()
        self.data = data

    def packed(self, *, head: bytes | None = None, unsigned: bytes | None = None, rest: bytes | None = None) -> str:
        """The signature with some fields otherwise."""
        loose = self.unsigned if unsigned is None else unsigned
        areas = len(self.signed).to_bytes(2, "big") + self.signed + len(loose).to_bytes(2, "big") + loose
        return armored(packet(2, (head or self.head) + areas + (rest or self.rest)), PGP)


def subpacket(kind: int, value: bytes) -> bytes:
    """A short subpacket."""
    return bytes([len(value) + 1, kind]) + value


def larger_pgp_s(rest: bytes) -> bytes:
    """The two numbers of an EdDSA signature, the second one S + L."""
    reader = Reader(rest)
    left = reader.take(2)
    r = reader.take((reader.number(2) + 7) // 8)
    s = reader.take((reader.number(2) + 7) // 8)
    number = int.from_bytes(s.rjust(32, b"\0"), "little") + ED25519_ORDER
    return left + _mpi(r) + _mpi(number.to_bytes(32, "little"))


def _mpi(data: bytes) -> bytes:
    number = int.from_bytes(data, "big")
    return number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")


def joined(parts: Iterable[bytes]) -> str:
    """Several packets in one block."""
    return armored(b"".join(parts), PGP)
