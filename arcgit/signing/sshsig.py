"""SSH signatures (PROTOCOL.sshsig of OpenSSH), parsed strictly and verified in process.

Supported: ed25519, RSA of at least 2048 bits with SHA-2, ECDSA over the NIST curves, and the two FIDO kinds (`sk-…`)
where the token says that a person touched it. Certificates are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from arcgit.signing.armor import dearmor
from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.packets import MIN_RSA_BITS
from arcgit.signing.wire import Reader

MAX_RSA_BITS = 16384
_MAGIC = b"SSHSIG"
_USER_PRESENT = 0x01
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
_SK_ED25519, _SK_ECDSA = b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com"


@dataclass(frozen=True)
class SshSignature:
    """The parts of a signature. `key` is the signer's whole public key blob, `rest` what follows the signature blob."""

    key: bytes
    namespace: bytes
    hash_name: bytes
    algorithm: bytes
    blob: bytes
    rest: bytes


Check = Callable[[SshSignature, bytes], None]
"""Called with a signature and the message that was signed. Raises InvalidSignature, MalformedError."""


def parse(armored: bytes) -> SshSignature:
    """The signature in its armor. Raises MalformedError, WeakError, UnsupportedError."""
    reader = Reader(dearmor(armored, "SSH SIGNATURE"))
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


def holds(signature: SshSignature, payload: bytes, check: Check) -> bool:
    """True where `check`, from `load_key`, accepts the signature over `payload`. Raises MalformedError."""
    parts = (signature.namespace, b"", signature.hash_name, _HASHES[signature.hash_name](payload).digest())
    message = _MAGIC + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    try:
        check(signature, message)
    except InvalidSignature:
        return False
    return True


def load_key(blob: bytes, kind: str | None = None) -> Check:
    """How to check signatures of one public key blob, which must be of type `kind` where that is given.

    Raises MalformedError, WeakError, UnsupportedError.
    """
    reader = Reader(blob)
    name = reader.string()
    if kind is not None and name != kind.encode():
        raise MalformedError("the key is of another type than it says")
    if name == b"ssh-dss":
        raise WeakError("DSA keys are too weak")
    loaders = {b"ssh-ed25519": _ed25519, b"ssh-rsa": _rsa, _SK_ED25519: _sk_ed25519, _SK_ECDSA: _sk_ecdsa}
    loaders |= {b"ecdsa-sha2-" + curve: _ecdsa for curve in _CURVES}
    if name not in loaders:
        raise UnsupportedError(f"keys of type {name[:64].decode(errors='replace')!r} are not supported")
    try:
        check = loaders[name](reader, name)
    except (MalformedError, WeakError, UnsupportedError):
        raise
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedError(f"the key is malformed: {error}") from error
    reader.end()
    return check


def _ed25519(reader: Reader, name: bytes) -> Check:
    key = ed25519.Ed25519PublicKey.from_public_bytes(reader.string())

    def check(signature: SshSignature, message: bytes) -> None:
        _require_form(signature, name)
        key.verify(signature.blob, message)

    return check


def _rsa(reader: Reader, _name: bytes) -> Check:
    exponent, modulus = reader.mpint(), reader.mpint()
    if modulus.bit_length() < MIN_RSA_BITS:
        raise WeakError(f"an RSA key of {modulus.bit_length()} bits is too weak")
    if modulus.bit_length() > MAX_RSA_BITS:
        raise UnsupportedError(f"an RSA key of {modulus.bit_length()} bits is not supported")
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()

    def check(signature: SshSignature, message: bytes) -> None:
        _require_form(signature, *_RSA_HASHES)
        key.verify(signature.blob, message, padding.PKCS1v15(), _RSA_HASHES[signature.algorithm]())

    return check


def _ecdsa(reader: Reader, name: bytes) -> Check:
    key, algorithm = _curve_key(reader, name)

    def check(signature: SshSignature, message: bytes) -> None:
        _require_form(signature, name)
        key.verify(_der(signature.blob), message, ec.ECDSA(algorithm))

    return check


def _sk_ed25519(reader: Reader, name: bytes) -> Check:
    key = ed25519.Ed25519PublicKey.from_public_bytes(reader.string())
    application = reader.string()

    def check(signature: SshSignature, message: bytes) -> None:
        key.verify(signature.blob, _touched(signature, name, application, message))

    return check


def _sk_ecdsa(reader: Reader, name: bytes) -> Check:
    key, algorithm = _curve_key(reader, name.partition(b"@")[0])
    application = reader.string()

    def check(signature: SshSignature, message: bytes) -> None:
        signed = _touched(signature, name, application, message)
        key.verify(_der(signature.blob), signed, ec.ECDSA(algorithm))

    return check


def _curve_key(reader: Reader, name: bytes) -> tuple[ec.EllipticCurvePublicKey, hashes.HashAlgorithm]:
    curve_name, point = reader.string(), reader.string()
    if curve_name not in _CURVES or not name.endswith(b"-" + curve_name):
        raise MalformedError("the curve is not that of the key's type")
    # RFC 5656 also allows compressed points; OpenSSH does not, and one key shall have one blob.
    if not point.startswith(b"\x04"):
        raise MalformedError("the point of the curve is not written in full")
    curve, algorithm = _CURVES[curve_name]
    return ec.EllipticCurvePublicKey.from_encoded_point(curve(), point), algorithm()


def _der(blob: bytes) -> bytes:
    reader = Reader(blob)
    r, s = reader.mpint(), reader.mpint()
    reader.end()
    return encode_dss_signature(r, s)


def _touched(signature: SshSignature, name: bytes, application: bytes, message: bytes) -> bytes:
    """What a FIDO token has signed: flags and counter follow the signature blob (PROTOCOL.u2f of OpenSSH)."""
    if signature.algorithm != name or len(signature.rest) != 5:
        raise MalformedError("the signature does not have the form that its key makes")
    if not signature.rest[0] & _USER_PRESENT:
        raise InvalidSignature
    return hashlib.sha256(application).digest() + signature.rest + hashlib.sha256(message).digest()


def _require_form(signature: SshSignature, *algorithms: bytes) -> None:
    if signature.algorithm not in algorithms or signature.rest:
        raise MalformedError("the signature does not have the form that its key makes")
