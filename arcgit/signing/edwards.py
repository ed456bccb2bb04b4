"""Ed25519 for very many signatures: libsodium says yes three times as fast, OpenSSL alone says no."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from arcgit.signing import sodium

Verify = Callable[[bytes, bytes], None]
"""Called with signature and message. Raises InvalidSignature."""


def verifier(point: bytes) -> Verify:
    """How to check the signatures of one key of 32 bytes. Raises ValueError where it is none."""
    strict = Ed25519PublicKey.from_public_bytes(point)
    seen = 0

    def verify(signature: bytes, message: bytes) -> None:
        nonlocal seen
        seen += 1
        if seen > sodium.SOONER:
            accepts = sodium.quick()
            if accepts is not None and accepts(signature, message, point):
                return
        strict.verify(signature, message)

    return verify
