"""Verifying many signatures against a fixed set of public keys: in process or, without the libraries, by stock tools.

Only GOOD is good. Nothing here knows today's date or anyone's role: trust is judged by ledger position, by the rules.
Neither the person's GnuPG keyring nor their ssh settings are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from arcgit.signing import native, stock
from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.native import Kind

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
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class SignatureCheck:
    """The outcome of one check.

    Where it is GOOD, `fingerprint` is that of the `PublicKey` and `signing_key` the fingerprint of the key that signed:
    for OpenPGP perhaps a subkey. Otherwise both are None, and `detail` says why in one line.
    """

    status: SignatureStatus
    fingerprint: str | None = None
    signing_key: str | None = None
    detail: str = ""


class _Backend(Protocol):
    def verify(self, payload: bytes, signature: bytes, namespace: str) -> SignatureCheck: ...


class Keyring:
    """A set of keys against which signatures are checked. Each kind is loaded once, when its first signature comes.

    A key whose text is not a usable key, or not the one that its fingerprint names, is in no keyring: what it signed
    is by an unknown key. With `by_tools` gpgv and ssh-keygen check, also where the libraries are there.
    """

    def __init__(self, keys: Iterable[PublicKey], *, by_tools: bool = False) -> None:
        self._keys = tuple(keys)
        self._by_tools = by_tools
        self._loaded: dict[Kind, _Backend] = {}
        self.verifiers: dict[Kind, str] = {}
        """What checks each kind of signature that has come so far: a library with its version, or a tool."""

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
        except stock.ToolMissingError as fault:
            return SignatureCheck(SignatureStatus.UNAVAILABLE, detail=f"nothing could check the signature: {fault}")
        return SignatureCheck(status, detail=f"the signature is refused: {detail}")

    def prepare(self, signature: bytes) -> None:
        """Load what checks signatures of this kind."""
        if kind_of(signature) is not None:
            self._backend(signature)

    def _backend(self, signature: bytes) -> _Backend:
        kind = kind_of(signature)
        if kind is None:
            raise MalformedError("it is neither an OpenPGP nor an SSH signature")
        if kind not in self._loaded:
            self._loaded[kind] = self._load(kind)
        return self._loaded[kind]

    def _load(self, kind: Kind) -> _Backend:
        """Each module is imported when its first signature comes: an archive without that kind does not pay."""
        library = None if self._by_tools else native.library(kind)
        self.verifiers[kind] = library or native.TOOLS[kind]
        keys = self._usable(kind)
        if kind == "openpgp" and library:
            from arcgit.signing.pgpkeys import OpenPgpKeys  # noqa: PLC0415

            return OpenPgpKeys(keys)
        if kind == "openpgp":
            from arcgit.signing.stockpgp import StockOpenPgpKeys  # noqa: PLC0415

            return StockOpenPgpKeys(keys)
        if library:
            from arcgit.signing.sshkeys import SshKeys  # noqa: PLC0415

            return SshKeys(keys)
        from arcgit.signing.stockssh import StockSshKeys  # noqa: PLC0415

        return StockSshKeys(keys)

    def _usable(self, kind: Kind) -> list[PublicKey]:
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


def kind_of(signature: bytes) -> Kind | None:
    """What kind of signature this begins like, None for neither."""
    if signature.startswith(b"-----BEGIN PGP SIGNATURE-----"):
        return "openpgp"
    return "ssh" if signature.startswith(b"-----BEGIN SSH SIGNATURE-----") else None
