"""libsodium's yes to Ed25519 signatures, for who has very many of them. What it refuses, another library decides.

Verifiers do not agree on every spelling of a signature or a key. So its yes counts only as long as it is seen to accept
nothing that OpenSSL, ssh-keygen and GnuPG refuse.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

SOONER = 24
"""So many signatures another library has accepted before libsodium is loaded."""

# R has a part of small order: it fits after multiplication by the cofactor, and not without. RFC 8032 allows a verifier
# either; OpenSSL, ssh-keygen and GnuPG refuse it, and one day's libsodium may not.
_PUBLIC = bytes.fromhex("03ea0bb54cd9780384c80a32a29e91b28f975fba7f1c9059b8aa9913de041605")
_MIXED = bytes.fromhex(
    "4c261951fba9f4ba7ece40431f212269f58becc2473c54cecda0e8f1e6f9d253"
    "09697c55a9cea71e39b464cc6f3cebb96163713f9635edd4ae3293a903b59f0d"
)
_MESSAGE = b"arcgit"

Accepts = Callable[[bytes, bytes, bytes], bool]


@functools.cache
def quick() -> Accepts | None:
    """What libsodium accepts, or None where it is not installed or is too lenient."""
    try:
        from nacl.bindings import crypto_sign_open
        from nacl.exceptions import CryptoError
    except ImportError:
        return None

    def accepts(signature: bytes, message: bytes, point: bytes) -> bool:
        if len(signature) != 64:
            return False
        try:
            return crypto_sign_open(signature + message, point) == message
        except CryptoError:
            return False

    return None if accepts(_MIXED, _MESSAGE, _PUBLIC) else accepts
