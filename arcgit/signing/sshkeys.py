"""SSH keys that signatures are checked against, in process."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from arcgit.signing import sshmath, sshsig
from arcgit.signing.keys import PublicKey, ssh_fingerprint
from arcgit.signing.verify import SignatureCheck, SignatureStatus


class SshKeys:
    """Keys by their whole blob: neither a comment nor a fingerprint decides who signed."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys: dict[bytes, tuple[str, sshmath.Check]] = {}
        for key in keys:
            blob = base64.b64decode(key.text.split(" ")[1])
            self._keys[blob] = (key.fingerprint, sshmath.load_key(blob))

    def verify(self, payload: bytes, signature: bytes, namespace: str) -> SignatureCheck:
        """Raises MalformedError, WeakError, UnsupportedError."""
        parsed = sshsig.parse(signature)
        if parsed.namespace != namespace.encode():
            stated = parsed.namespace[:64].decode(errors="replace")
            detail = f"it was made for the namespace {stated!r}, not for {namespace!r}"
            return SignatureCheck(SignatureStatus.BAD, detail=detail)
        known = self._keys.get(parsed.key)
        if known is None:
            sshmath.load_key(parsed.key)
            detail = f"it was made by {ssh_fingerprint(parsed.key)}, which is not one of the keys"
            return SignatureCheck(SignatureStatus.UNKNOWN_KEY, detail=detail)
        fingerprint, check = known
        if not sshmath.holds(parsed, payload, check):
            return SignatureCheck(SignatureStatus.BAD, detail="the signature does not fit the text")
        return SignatureCheck(SignatureStatus.GOOD, fingerprint, fingerprint)
