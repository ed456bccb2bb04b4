"""SSH signatures (PROTOCOL.sshsig of OpenSSH), parsed strictly. The mathematics is elsewhere.

Supported: ed25519, RSA of at least 2048 bits with SHA-2, ECDSA over the NIST curves, and the two FIDO kinds (`sk-…`)
where the token says that a person touched it. Certificates are not.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass

from arcgit.signing.armor import dearmor
from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.packets import MIN_RSA_BITS
from arcgit.signing.wire import Reader

MAX_RSA_BITS = 16384
SK_ED25519, SK_ECDSA = b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com"
RSA_ALGORITHMS = (b"rsa-sha2-256", b"rsa-sha2-512")
_MAGIC = b"SSHSIG"
_USER_PRESENT = 0x01
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_POINT_BYTES = {b"nistp256": 65, b"nistp384": 97, b"nistp521": 133}
_ED25519_BYTES = 32
_ED25519_SIGNATURE = 64
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


@dataclass(frozen=True)
class SshSignature:
    """The parts of a signature. `key` is the signer's whole public key blob, `rest` what follows the signature blob."""

    key: bytes
    namespace: bytes
    hash_name: bytes
    algorithm: bytes
    blob: bytes
    rest: bytes

    @property
    def touched(self) -> bool:
        """True unless a token made it and does not say that a person was there."""
        return not self.rest or bool(self.rest[0] & _USER_PRESENT)


@dataclass(frozen=True)
class SshKey:
    """The parts of a public key blob; those that its kind does not have are empty. Its numbers may still be no key."""

    kind: bytes
    numbers: tuple[int, ...] = ()
    curve: bytes = b""
    point: bytes = b""
    application: bytes = b""

    @property
    def in_token(self) -> bool:
        """True for the two FIDO kinds."""
        return self.kind in (SK_ED25519, SK_ECDSA)


def parse(armored: bytes) -> SshSignature:
    """The signature in its armor. Raises MalformedError, WeakError, UnsupportedError."""
    data = dearmor(armored, "SSH SIGNATURE")
    # Signatures that one Ed25519 key makes for one purpose differ in their last bytes alone.
    like = _of_ed25519(data[:-_ED25519_SIGNATURE])
    if like is None:
        return _parsed(data)
    blob = data[-_ED25519_SIGNATURE:]
    return SshSignature(like.key, like.namespace, like.hash_name, like.algorithm, blob, b"")


@functools.lru_cache(maxsize=64)
def _of_ed25519(begin: bytes) -> SshSignature | None:
    """What a signature with such a beginning says if its last bytes are just the numbers, otherwise None."""
    numbers = bytes(_ED25519_SIGNATURE)
    try:
        found = _parsed(begin + numbers)
    except (MalformedError, WeakError, UnsupportedError):
        return None
    return found if found.blob == numbers and not found.rest else None


def _parsed(data: bytes) -> SshSignature:
    reader = Reader(data)
    if reader.take(6) != _MAGIC:
        raise MalformedError("it is not an SSH signature")
    if (version := reader.number(4)) != 1:
        raise UnsupportedError(f"it is an SSH signature of version {version}")
    key, namespace, reserved, hash_name = (reader.string() for _ in range(4))
    inner = Reader(reader.string())
    reader.end()
    if reserved:
        raise MalformedError("its reserved field is not empty")
    if hash_name not in _HASHES:
        raise UnsupportedError(f"its hash {hash_name[:32].decode(errors='replace')!r} is not supported")
    algorithm, blob = inner.string(), inner.string()
    if algorithm == b"ssh-rsa":
        raise WeakError("it is an RSA signature over SHA-1")
    return SshSignature(key, namespace, hash_name, algorithm, blob, inner.rest())


def message(signature: SshSignature, payload: bytes) -> bytes:
    """What was signed for `payload` (for a token: what was put before it)."""
    parts = (signature.namespace, b"", signature.hash_name, _HASHES[signature.hash_name](payload).digest())
    return _MAGIC + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def require_form(signature: SshSignature, key: SshKey) -> None:
    """Refuse a signature that its key does not make. Raises MalformedError."""
    algorithms = RSA_ALGORITHMS if key.kind == b"ssh-rsa" else (key.kind,)
    # Of a token, flags and a counter follow the signature blob (PROTOCOL.u2f of OpenSSH).
    if signature.algorithm not in algorithms or len(signature.rest) != (5 if key.in_token else 0):
        raise MalformedError("the signature does not have the form that its key makes")
    if key.curve:
        reader = Reader(signature.blob)
        reader.mpint(), reader.mpint()
        reader.end()


def reduced(signature: SshSignature, key: SshKey) -> bool:
    """False for the further spellings of a signature's number: ssh-keygen takes them, the library does not."""
    if key.numbers:
        return len(signature.blob) == (key.numbers[1].bit_length() + 7) // 8
    return bool(key.curve) or int.from_bytes(signature.blob[32:], "little") < ED25519_ORDER


def parse_key(blob: bytes, kind: str | None = None) -> SshKey:
    """The parts of one public key blob, which must be of type `kind` where that is given.

    Raises MalformedError, WeakError, UnsupportedError.
    """
    reader = Reader(blob)
    name = reader.string()
    if kind is not None and name != kind.encode():
        raise MalformedError("the key is of another type than it says")
    if name == b"ssh-dss":
        raise WeakError("DSA keys are too weak")
    if name in (b"ssh-ed25519", SK_ED25519):
        point = reader.string()
        if len(point) != _ED25519_BYTES:
            raise MalformedError(f"the key has {len(point)} bytes instead of {_ED25519_BYTES}")
        found = SshKey(name, point=point, application=_application(reader, name))
    elif name == b"ssh-rsa":
        found = SshKey(name, numbers=_rsa(reader))
    elif name == SK_ECDSA or name in {b"ecdsa-sha2-" + curve for curve in _POINT_BYTES}:
        curve, point = _point(reader, name.removeprefix(b"sk-").partition(b"@")[0])
        found = SshKey(name, curve=curve, point=point, application=_application(reader, name))
    else:
        raise UnsupportedError(f"keys of type {name[:64].decode(errors='replace')!r} are not supported")
    reader.end()
    return found


def _application(reader: Reader, name: bytes) -> bytes:
    return reader.string() if name in (SK_ED25519, SK_ECDSA) else b""


def _rsa(reader: Reader) -> tuple[int, int]:
    exponent, modulus = reader.mpint(), reader.mpint()
    if modulus.bit_length() < MIN_RSA_BITS:
        raise WeakError(f"an RSA key of {modulus.bit_length()} bits is too weak")
    if modulus.bit_length() > MAX_RSA_BITS:
        raise UnsupportedError(f"an RSA key of {modulus.bit_length()} bits is not supported")
    return exponent, modulus


def _point(reader: Reader, name: bytes) -> tuple[bytes, bytes]:
    curve, point = reader.string(), reader.string()
    if curve not in _POINT_BYTES or not name.endswith(b"-" + curve):
        raise MalformedError("the curve is not that of the key's type")
    # RFC 5656 also allows compressed points; OpenSSH does not, and one key shall have one blob.
    if not point.startswith(b"\x04"):
        raise MalformedError("the point of the curve is not written in full")
    if len(point) != _POINT_BYTES[curve]:
        raise MalformedError("the point of the curve is too short or too long")
    return curve, point
