"""OpenPGP certificates that signatures are checked against, in process, by Sequoia."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pysequoia.packet  # noqa: TID253  this module is imported only where there is an OpenPGP signature

from arcgit.signing import packets, sigfields
from arcgit.signing.alike import Alike
from arcgit.signing.armor import dearmor
from arcgit.signing.faults import MalformedError
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import SignatureCheck, SignatureStatus


class OpenPgpKeys:
    """Certificates by the fingerprints and key ids of their keys.

    The library judges validity at the moment that the signature states. So a signature from before the key expired,
    or from before a soft revocation, is GOOD, and one by a key revoked as compromised never is.
    """

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._certs: defaultdict[str, list[Any]] = defaultdict(list)
        self._revoked: set[str] = set()
        self._expiry: dict[str, datetime] = {}
        self._foreign: frozenset[str] = frozenset()
        self._alike = Alike()
        for key in keys:
            self._foreign |= packets.foreign_curves(packets.split(dearmor(key.text.encode(), "PGP PUBLIC KEY BLOCK")))
            self._add(pysequoia.Cert.from_bytes(key.text.encode()))

    def verify(self, payload: bytes, signature: bytes, namespace: str) -> SignatureCheck:  # noqa: ARG002
        """Raises MalformedError, WeakError, UnsupportedError."""
        data = dearmor(signature, "PGP SIGNATURE")
        fields = sigfields.read_signature(data)
        if fields.expires:
            return SignatureCheck(SignatureStatus.EXPIRED, detail="it expires, and a record must hold for ever")
        certs = [cert for issuer in sorted(fields.issuers) for cert in self._certs.get(issuer, ())]
        if not certs:
            named = ", ".join(sorted(fields.issuers)) or "a key that it does not name"
            return SignatureCheck(SignatureStatus.UNKNOWN_KEY, detail=f"it was made by {named}, not one of the keys")
        packets.require_known_curve(fields.issuers, self._foreign)
        if (known := self._alike.good(payload, fields)) is not None:
            return known
        try:
            sig = pysequoia.Sig.from_bytes(data)
            valid = pysequoia.verify(bytes=payload, store=lambda ids: certs, signature=sig).valid_sigs
        except BaseException as fault:
            # A panic inside the library is no Exception; an interrupt by the person must still get through.
            if not isinstance(fault, Exception) and type(fault).__name__ != "PanicException":
                raise
            return self._explain(fields.issuers, data)
        if len(valid) != 1:
            raise MalformedError(f"{len(valid)} signatures verify instead of one")
        signing = valid[0].signing_key.upper()
        if not all(packets.names(issuer, signing) for issuer in fields.issuers):
            raise MalformedError("it names a key that did not make it")
        primary = valid[0].certificate.upper()
        ends = [self._expiry[key] for key in {primary, signing} if key in self._expiry]
        revoked = not self._revoked.isdisjoint((primary, signing))
        expires = min(ends, default=None)
        check = SignatureCheck(SignatureStatus.GOOD, primary, signing, expires=expires, revoked=revoked)
        if all(cert is certs[0] for cert in certs):
            self._alike.add(certs[0], fields, check)
        return check

    def _add(self, cert: Any) -> None:
        primary = current = cert.fingerprint.upper()
        created = bound = None
        # A certificate whose own statements do not hold has neither: the library raises, and nothing it signed is good.
        with contextlib.suppress(Exception):
            if cert.is_revoked:
                self._revoked.add(primary)
            if cert.expiration is not None:
                self._expiry[primary] = cert.expiration
        kinds = pysequoia.packet.SignatureType
        for packet in pysequoia.packet.PacketPile.from_bytes(bytes(cert)):
            if packet.fingerprint:
                current, created, bound = packet.fingerprint.upper(), packet.key_created, None
                for handle in (current, packets.key_id(current)):
                    self._certs[handle].append(cert)
            elif packet.tag == pysequoia.packet.Tag.Signature and current != primary:
                if packet.signature_type == kinds.SubkeyRevocation:
                    self._revoked.add(current)
                elif created is not None and (bound is None or packet.signature_created > bound):
                    # Whoever puts an expiry off binds the subkey once more; the newest binding counts.
                    bound = packet.signature_created
                    self._expiry.pop(current, None)
                    if packet.key_validity_period:
                        self._expiry[current] = created + packet.key_validity_period

    def _explain(self, issuers: frozenset[str], data: bytes) -> SignatureCheck:
        """Why the library said no, which it does not tell. It stays a no; the reason helps whoever reads it."""
        created = next(iter(pysequoia.packet.PacketPile.from_bytes(data))).signature_created
        owners = {cert.fingerprint.upper() for issuer in issuers for cert in self._certs.get(issuer, ())}
        for key in sorted(owners | issuers):
            if key in self._revoked:
                return SignatureCheck(SignatureStatus.REVOKED, detail=f"the key {key} is revoked")
            if created and key in self._expiry and created >= self._expiry[key]:
                return SignatureCheck(SignatureStatus.EXPIRED, detail=f"it was made after the key {key} expired")
        return SignatureCheck(SignatureStatus.BAD, detail="the signature does not fit the text and the key")
