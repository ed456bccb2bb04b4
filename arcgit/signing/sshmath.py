"""The mathematics of SSH signatures, in process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from arcgit.signing import edwards, sshsig
from arcgit.signing.faults import MalformedError
from arcgit.signing.sshsig import SshKey, SshSignature
from arcgit.signing.wire import Reader

_CURVES: dict[bytes, tuple[type[ec.EllipticCurve], type[hashes.HashAlgorithm]]] = {
    b"nistp256": (ec.SECP256R1, hashes.SHA256),
    b"nistp384": (ec.SECP384R1, hashes.SHA384),
    b"nistp521": (ec.SECP521R1, hashes.SHA512),
}
_RSA_HASHES: dict[bytes, type[hashes.HashAlgorithm]] = {
    b"rsa-sha2-256": hashes.SHA256,
    b"rsa-sha2-512": hashes.SHA512,
}

Check = Callable[[SshSignature, bytes], None]
"""Called with a signature and the message that was signed. Raises InvalidSignature, MalformedError."""


def holds(signature: SshSignature, payload: bytes, check: Check) -> bool:
    """True where `check`, from `load_key`, accepts the signature over `payload`. Raises MalformedError."""
    try:
        check(signature, sshsig.message(signature, payload))
    except InvalidSignature:
        return False
    return True


def load_key(blob: bytes, kind: str | None = None) -> Check:
    """How to check signatures of one public key blob, which must be of type `kind` where that is given.

    Raises MalformedError, WeakError, UnsupportedError.
    """
    key = sshsig.parse_key(blob, kind)
    try:
        verify = _verifier(key)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedError(f"the key is malformed: {error}") from error

    def check(signature: SshSignature, message: bytes) -> None:
        sshsig.require_form(signature, key)
        if not signature.touched:
            raise InvalidSignature
        signed = message
        if key.in_token:
            signed = hashlib.sha256(key.application).digest() + signature.rest + hashlib.sha256(message).digest()
        verify(signature, signed)

    return check


def _verifier(key: SshKey) -> Check:
    if key.numbers:
        modulus = rsa.RSAPublicNumbers(*key.numbers).public_key()
        return lambda signature, signed: modulus.verify(
            signature.blob, signed, padding.PKCS1v15(), _RSA_HASHES[signature.algorithm]()
        )
    if key.curve:
        curve, algorithm = _CURVES[key.curve]
        point = ec.EllipticCurvePublicKey.from_encoded_point(curve(), key.point)
        return lambda signature, signed: point.verify(_der(signature.blob), signed, ec.ECDSA(algorithm()))
    verify = edwards.verifier(key.point)
    return lambda signature, signed: verify(signature.blob, signed)


def _der(blob: bytes) -> bytes:
    reader = Reader(blob)
    return encode_dss_signature(reader.mpint(), reader.mpint())
