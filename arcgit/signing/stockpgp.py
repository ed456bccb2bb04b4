"""OpenPGP signatures checked by gpgv, under the same rules as in process.

gpgv does the mathematics, one certificate at a time in a keyring of its own. Its exit code says little: it is 0 for expired
and for revoked keys. So its status lines are read strictly, and what a key was worth when it signed is read from the
certificate, whose self-signatures gpg checks where there is more than one way to read them.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from arcgit.signing import packets, sigfields, stock
from arcgit.signing.armor import dearmor
from arcgit.signing.certificate import Certificate, SelfSignature, Standing
from arcgit.signing.faults import MalformedError, UnsupportedError
from arcgit.signing.keys import PublicKey
from arcgit.signing.sigfields import SignatureFields
from arcgit.signing.sshsig import ED25519_ORDER
from arcgit.signing.verify import SignatureCheck, SignatureStatus

CLOCK_SKEW_SECONDS = 30 * 60
"""How far ahead of this machine's clock a signer's may be, as in process."""
_NO_ALGORITHM, _NO_KEY = "4", "9"
_TRUSTED = {"GOODSIG", "EXPKEYSIG", "REVKEYSIG"}
_REFUSED = {"BADSIG", "ERRSIG", "EXPSIG", "NODATA", "UNEXPECTED", "FAILURE"}
_FAULTS = {
    "expired": SignatureStatus.EXPIRED,
    "revoked": SignatureStatus.REVOKED,
    "unbound": SignatureStatus.BAD,
}


class StockOpenPgpKeys:
    """Certificates by the fingerprints and key ids of their keys."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._certs: defaultdict[str, list[Certificate]] = defaultdict(list)
        self._foreign: frozenset[str] = frozenset()
        for key in keys:
            cert = Certificate(key.text)
            self._foreign |= packets.foreign_curves(packets.split(cert.data))
            for handle in cert.handles:
                self._certs[handle].append(cert)
        self._read: set[str] = set()

    def verify(self, payload: bytes, signature: bytes, namespace: str) -> SignatureCheck:  # noqa: ARG002
        """Raises MalformedError, WeakError, UnsupportedError, ToolMissingError."""
        fields = sigfields.read_signature(dearmor(signature, "PGP SIGNATURE"))
        if fields.expires:
            return SignatureCheck(SignatureStatus.EXPIRED, detail="it expires, and a record must hold for ever")
        certs = [cert for issuer in sorted(fields.issuers) for cert in self._certs.get(issuer, ())]
        if not certs:
            named = ", ".join(sorted(fields.issuers)) or "a key that it does not name"
            return SignatureCheck(SignatureStatus.UNKNOWN_KEY, detail=f"it was made by {named}, not one of the keys")
        packets.require_known_curve(fields.issuers, self._foreign)
        if fields.created is None or fields.created > time.time() + CLOCK_SKEW_SECONDS:
            return SignatureCheck(
                SignatureStatus.BAD, detail="it does not say when it was made, or says a time to come"
            )
        # The same certificate is found by each handle that the signature names.
        distinct = {cert.fingerprint: cert for cert in certs}
        found = [self._by(cert, fields, payload, signature) for cert in distinct.values()]
        return next((one for one in found if one.status is SignatureStatus.GOOD), found[0])

    def _by(self, cert: Certificate, fields: SignatureFields, payload: bytes, signature: bytes) -> SignatureCheck:
        with stock.folder() as place:
            (place / "ring").write_bytes(cert.data)
            (place / "signature").write_bytes(signature)
            command = ["gpgv", "--homedir", str(place / "home"), "--keyring", str(place / "ring")]
            done = stock.run(
                place, [*command, "--status-fd", stock.STATUS, str(place / "signature"), "-"], stdin=payload
            )
            verdict, signing = _verdict(done, cert.fingerprint, fields)
            if not verdict or not _reduced(fields, cert, signing):
                return SignatureCheck(SignatureStatus.BAD, detail="the signature does not fit the text and the key")
            if not all(packets.names(issuer, signing) for issuer in fields.issuers):
                raise MalformedError("it names a key that did not make it")
            if cert.plain and verdict != "GOODSIG":
                raise UnsupportedError(f"gpgv says {verdict}, and its key does not say why")
            standing = self._standing(place, cert, signing, fields)
        if standing.fault:
            return SignatureCheck(_FAULTS[standing.fault], detail=standing.detail)
        ends, revoked = cert.end(signing, int(time.time()))
        expires = datetime.fromtimestamp(ends, timezone.utc) if ends else None
        return SignatureCheck(SignatureStatus.GOOD, cert.fingerprint, signing, expires=expires, revoked=revoked)

    def _standing(self, place: Path, cert: Certificate, signing: str, fields: SignatureFields) -> Standing:
        if not cert.plain and cert.fingerprint not in self._read:
            _drop_what_gpg_refuses(place, cert)
        self._read.add(cert.fingerprint)
        return cert.standing(signing, fields.created or 0)


def _verdict(done: stock.Done, primary: str, fields: SignatureFields) -> tuple[str, str]:
    """The word of gpgv for a signature that fits, and the fingerprint of the key that made it; else two empty words.

    Raises UnsupportedError for what this gpgv cannot check, ToolMissingError where it says nothing that can be relied on.
    """
    said: defaultdict[str, list[list[str]]] = defaultdict(list)
    for line in done.status.decode(errors="replace").split("\n"):
        mark, _, rest = line.partition(" ")
        word, *values = rest.split(" ")
        if mark == "[GNUPG:]":
            said[word].append(values)
    if not said:
        raise stock.ToolMissingError(f"gpgv said nothing and ended with exit code {done.code}")
    if any(row[5:6] in ([_NO_ALGORITHM], [_NO_KEY]) for row in said["ERRSIG"]):
        raise UnsupportedError("this gpgv cannot check that kind of key or signature")
    verdicts = [word for word in _TRUSTED for _ in said[word]]
    refused = any(said[word] for word in _REFUSED)
    if done.code != 0 or refused or not len(said["NEWSIG"]) == len(verdicts) == len(said["VALIDSIG"]) == 1:
        return "", ""
    row = said["VALIDSIG"][0]
    stated = [row[place] for place in (2, 3, 8, 9)] if len(row) == 10 else []
    return (verdicts[0], row[0]) if stated == [str(fields.created), "0", "00", primary] else ("", "")


def _reduced(fields: SignatureFields, cert: Certificate, signing: str) -> bool:
    """False for the further spellings that a number has beyond its modulus: gpgv takes them, the library does not."""
    if fields.algorithm == packets.EDDSA:
        second = fields.numbers[1]
        return second.bit_length() <= 256 and int.from_bytes(second.to_bytes(32, "big"), "little") < ED25519_ORDER
    key = cert.key(signing)
    return key is not None and (not key.modulus or fields.numbers[0] < key.modulus)


def _drop_what_gpg_refuses(place: Path, cert: Certificate) -> None:
    """Keep the self-signatures that gpg finds good. Raises ToolMissingError, UnsupportedError."""
    options = ("--batch", "--no-options", "--no-default-keyring", "--trust-model", "always", "--no-auto-check-trustdb")
    ring = ("--homedir", str(place / "home"), "--keyring", str(place / "ring"))
    done = stock.run(place, ["gpg", *options, *ring, "--with-colons", "--check-sigs"])
    good: set[tuple[int, int]] = set()
    bad: set[tuple[int, int]] = set()
    for line in done.out.decode(errors="replace").split("\n"):
        row = line.split(":")
        if row[0] in ("sig", "rev") and len(row) > 10 and packets.names(row[4], cert.fingerprint):
            (good if row[1] == "!" else bad).add((int(row[10][:2], 16), int(row[5] or 0)))
    if good & bad:
        raise UnsupportedError("its key has two self-signatures of one second, and one of them is false")

    def holds(one: SelfSignature) -> bool:
        return (one.kind, one.created) in good

    cert.keep(holds)
