"""SSH signatures (PROTOCOL.sshsig of OpenSSH), parsed strictly and verified in process.

Supported: ed25519, RSA of at least 2048 bits with SHA-2, ECDSA over the NIST curves, and the two FIDO kinds (`sk-…`)
with the user-presence flag. Certificates are not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from arcgit.signing.keys import MIN_RSA_BITS

BEGIN, END = b"-----BEGIN SSH SIGNATURE-----\n", b"\n-----END SSH SIGNATURE-----\n"
_MAGIC = b"SSHSIG"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_CURVES: dict[bytes, tuple[type[ec.EllipticCurve], type[hashes.HashAlgorithm]]] = {
    b"nistp256": (ec.SECP256R1, hashes.SHA256),
    b"nistp384": (ec.SECP384R1, hashes.SHA384),
    b"nistp521": (ec.SECP521R1, hashes.SHA512),
}
_RSA_HASHES: dict[bytes, type[hashes.HashAlgorithm]] = {
    b"rsa-sha2-256": hashes.SHA256,
    b"rsa-sha2-512": hashes.SHA512,
}

Check = Callable[[bytes, bytes, bytes, bytes], None]
"""Called with the signature's algorithm, its blob, what follows the blob, and the signed message; raises on failure."""


class MalformedError(ValueError):
    """The bytes are not a key or a signature in the one way that OpenSSH writes them."""


class WeakError(ValueError):
    """The algorithm is known to be too weak."""


class UnsupportedError(ValueError):
    """The kind of key or signature is not one that can be checked here."""


@dataclass(frozen=True)
class SshSignature:
    """The parts of a signature. `key` is the whole public key blob of the signer."""

    key: bytes
    namespace: bytes
    hash_name: bytes
    algorithm: bytes
    blob: bytes
    rest: bytes


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise MalformedError("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        return self.take(self.number())

    def mpint(self) -> int:
        raw = self.string()
        if raw and (raw[0] & 0x80 or (raw[0] == 0 and (len(raw) == 1 or not raw[1] & 0x80))):
            raise MalformedError("a number is not in its shortest form")
        return int.from_bytes(raw, "big")

    def end(self) -> None:
        if self.at != len(self.data):
            raise MalformedError("there are bytes behind its end")

    def remainder(self) -> bytes:
        return self.data[self.at :]


def parse(armored: bytes) -> SshSignature:
    """The signature in its armor. Raises MalformedError, WeakError, UnsupportedError."""
    if not armored.startswith(BEGIN) or not armored.endswith(END) or armored.count(b"-----BEGIN ") != 1:
        raise MalformedError("it is not exactly one armored block")
    body = armored[len(BEGIN) : -len(END)]
    lines = body.split(b"\n")
    if any(len(line) != 70 for line in lines[:-1]) or not 0 < len(lines[-1]) <= 70:
        raise MalformedError("its lines are not 70 characters long")
    try:
        data = base64.b64decode(b"".join(lines), validate=True)
    except binascii.Error as error:
        raise MalformedError("it is not base64") from error
    if base64.b64encode(data) != b"".join(lines):
        raise MalformedError("its base64 is not in canonical form")
    reader = _Reader(data)
    if reader.take(6) != _MAGIC or reader.number() != 1:
        raise MalformedError("it is not an SSH signature of version 1")
    key, namespace, reserved, hash_name = (reader.string() for _ in range(4))
    inner = _Reader(reader.string())
    reader.end()
    if reserved or hash_name not in _HASHES:
        raise MalformedError("its reserved field or its hash is not what OpenSSH writes")
    algorithm, blob = inner.string(), inner.string()
    if algorithm == b"ssh-rsa":
        raise WeakError("it is an RSA signature over SHA-1")
    return SshSignature(key, namespace, hash_name, algorithm, blob, inner.remainder())


def signed_message(signature: SshSignature, payload: bytes) -> bytes:
    """What the key has really signed: the namespace and the hash of the payload."""
    digest = _HASHES[signature.hash_name](payload).digest()
    parts = (signature.namespace, b"", signature.hash_name, digest)
    return _MAGIC + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def check(signature: SshSignature, payload: bytes, verify: Check) -> bool:
    """True where `verify`, from `load_key`, accepts the signature over `payload`."""
    try:
        verify(signature.algorithm, signature.blob, signature.rest, signed_message(signature, payload))
    except (InvalidSignature, MalformedError):
        return False
    return True


def load_key(blob: bytes, kind: str | None = None) -> Check:
    """How to check signatures of one public key blob. Raises MalformedError, WeakError, UnsupportedError."""
    reader = _Reader(blob)
    name = reader.string()
    if kind is not None and name != kind.encode():
        raise MalformedError("the key is of another type than it says")
    try:
        if name == b"ssh-ed25519":
            return _ed25519(reader)
        if name == b"ssh-rsa":
            return _rsa(reader)
        if name.startswith(b"ecdsa-sha2-nistp") and b"@" not in name:
            return _ecdsa(reader, name)
        if name == b"sk-ssh-ed25519@openssh.com":
            return _sk(reader, name, _ed25519_key(reader))
        if name == b"sk-ecdsa-sha2-nistp256@openssh.com":
            return _sk(reader, name, _ecdsa_key(reader))
    except (ValueError, UnsupportedAlgorithm) as error:
        if isinstance(error, MalformedError | WeakError):
            raise
        raise MalformedError(f"the key is malformed: {error}") from error
    if name == b"ssh-dss":
        raise WeakError("DSA keys are too weak")
    raise UnsupportedError(f"keys of type {name.decode(errors='replace')!r} are not supported")


def _ed25519_key(reader: _Reader) -> ed25519.Ed25519PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(reader.string())


def _ed25519(reader: _Reader) -> Check:
    key = _ed25519_key(reader)
    reader.end()

    def verify(algorithm: bytes, blob: bytes, rest: bytes, message: bytes) -> None:
        _expect(algorithm == b"ssh-ed25519" and not rest)
        key.verify(blob, message)

    return verify


def _rsa(reader: _Reader) -> Check:
    exponent, modulus = reader.mpint(), reader.mpint()
    reader.end()
    if modulus.bit_length() < MIN_RSA_BITS:
        raise WeakError(f"an RSA key of {modulus.bit_length()} bits is too weak")
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()

    def verify(algorithm: bytes, blob: bytes, rest: bytes, message: bytes) -> None:
        _expect(algorithm in _RSA_HASHES and not rest)
        key.verify(blob, message, padding.PKCS1v15(), _RSA_HASHES[algorithm]())

    return verify


def _ecdsa_key(reader: _Reader) -> tuple[ec.EllipticCurvePublicKey, hashes.HashAlgorithm, bytes]:
    curve_name = reader.string()
    if curve_name not in _CURVES:
        raise MalformedError("the curve is unknown")
    curve, algorithm = _CURVES[curve_name]
    point = reader.string()
    return ec.EllipticCurvePublicKey.from_encoded_point(curve(), point), algorithm(), curve_name


def _ecdsa(reader: _Reader, name: bytes) -> Check:
    key, algorithm, curve_name = _ecdsa_key(reader)
    reader.end()
    if name != b"ecdsa-sha2-" + curve_name:
        raise MalformedError("the curve is not that of the key's type")

    def verify(stated: bytes, blob: bytes, rest: bytes, message: bytes) -> None:
        _expect(stated == name and not rest)
        key.verify(_dss(blob), message, ec.ECDSA(algorithm))

    return verify


def _dss(blob: bytes) -> bytes:
    reader = _Reader(blob)
    r, s = reader.mpint(), reader.mpint()
    reader.end()
    return encode_dss_signature(r, s)


def _sk(
    reader: _Reader,
    name: bytes,
    key: ed25519.Ed25519PublicKey | tuple[ec.EllipticCurvePublicKey, hashes.HashAlgorithm, bytes],
) -> Check:
    application = reader.string()
    reader.end()

    def verify(stated: bytes, blob: bytes, rest: bytes, message: bytes) -> None:
        # PROTOCOL.u2f: flags and counter follow the signature and are part of what the token has signed.
        _expect(stated == name and len(rest) == 5 and bool(rest[0] & 0x01))
        signed = hashlib.sha256(application).digest() + rest + hashlib.sha256(message).digest()
        if isinstance(key, tuple):
            key[0].verify(_dss(blob), signed, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(blob, signed)

    return verify


def _expect(condition: bool) -> None:  # noqa: FBT001
    if not condition:
        raise MalformedError("the signature's algorithm does not fit the key")
