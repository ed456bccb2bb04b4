"""Verifying many signatures in process, against a fixed set of public keys.

Only GOOD is good. Nothing here knows today's date or anyone's role: trust is judged by ledger position, by the rules.
Neither the person's GnuPG keyring nor their ssh settings are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.keys import PublicKey, parse_public_key

MAX_SIGNATURE_BYTES = 64 * 1024


class SignatureStatus(Enum):
    """What became of one signature."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN_KEY = "unknown-key"
    WEAK = "weak"
    MALFORMED = "malformed"
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class SignatureCheck:
    """The outcome of one check.

    Where it is GOOD, `fingerprint` is that of the `PublicKey` and `signing_key` the fingerprint of the key that signed:
    for OpenPGP perhaps a subkey. Otherwise both are None, and `detail` says why in one line. `expires` (aware) and
    `revoked` are what an OpenPGP certificate says of the key that signed; the signature itself is from before that.
    """

    status: SignatureStatus
    fingerprint: str | None = None
    signing_key: str | None = None
    detail: str = ""
    expires: datetime | None = None
    revoked: bool = False


class _Backend(Protocol):
    def verify(self, payload: bytes, signature: bytes, namespace: str) -> SignatureCheck: ...


class Keyring:
    """A set of keys against which signatures are checked. Each kind is loaded once, when its first signature comes.

    A key whose text is not a usable key, or not the one that its fingerprint names, is in no keyring: what it signed
    is by an unknown key.
    """

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = tuple(keys)
        self._loaded: dict[str, _Backend] = {}

    def verify(self, payload: bytes, signature: bytes, namespace: str = "git") -> SignatureCheck:
        """Check one armored detached signature over `payload`. Never raises, whatever the bytes.

        `namespace` binds SSH signatures; an OpenPGP signature has none, and the payload must say what it is for.
        """
        if len(signature) > MAX_SIGNATURE_BYTES:
            return SignatureCheck(SignatureStatus.MALFORMED, detail="the signature is too large")
        try:
            return self._backend(signature).verify(payload, signature, namespace)
        except MalformedError as fault:
            status, detail = SignatureStatus.MALFORMED, str(fault)
        except WeakError as fault:
            status, detail = SignatureStatus.WEAK, str(fault)
        except UnsupportedError as fault:
            status, detail = SignatureStatus.UNSUPPORTED, str(fault)
        return SignatureCheck(status, detail=f"the signature is refused: {detail}")

    def _backend(self, signature: bytes) -> _Backend:
        if signature.startswith(b"-----BEGIN PGP SIGNATURE-----"):
            if "openpgp" not in self._loaded:
                from arcgit.signing.pgpkeys import OpenPgpKeys  # noqa: PLC0415  an archive without OpenPGP does not pay

                self._loaded["openpgp"] = OpenPgpKeys(self._usable("openpgp"))
            return self._loaded["openpgp"]
        if signature.startswith(b"-----BEGIN SSH SIGNATURE-----"):
            if "ssh" not in self._loaded:
                from arcgit.signing.sshkeys import SshKeys  # noqa: PLC0415  an archive without SSH does not pay

                self._loaded["ssh"] = SshKeys(self._usable("ssh"))
            return self._loaded["ssh"]
        raise MalformedError("it is neither an OpenPGP nor an SSH signature")

    def _usable(self, kind: str) -> list[PublicKey]:
        usable = []
        for key in self._keys:
            if key.kind != kind:
                continue
            try:
                parsed = parse_public_key(key.text)
            except ValueError:
                continue
            if (parsed.kind, parsed.fingerprint) == (key.kind, key.fingerprint):
                usable.append(parsed)
        return usable
