"""Verifying many signatures in process, against a fixed set of public keys.

Only GOOD is good. Nothing here knows dates or roles: trust is judged by ledger position, by the rules.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from arcgit.signing.keys import PublicKey, ssh_fingerprint

MAX_SIGNATURE_BYTES = 64 * 1024
_PGP_BEGIN, _PGP_END = b"-----BEGIN PGP SIGNATURE-----\n\n", b"\n-----END PGP SIGNATURE-----\n"
_CRC = re.compile(rb"\n=([A-Za-z0-9+/]{4})\Z")


class SignatureStatus(Enum):
    """What became of one signature."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN_KEY = "unknown-key"
    WEAK = "weak"
    MALFORMED = "malformed"
    REVOKED = "revoked"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class SignatureCheck:
    """The outcome. `fingerprint` is that of the `PublicKey` where it is GOOD; `signing_key` may be a subkey of it."""

    status: SignatureStatus
    fingerprint: str | None = None
    signing_key: str | None = None
    detail: str = ""


def _refuse(status: SignatureStatus, detail: str) -> SignatureCheck:
    return SignatureCheck(status, detail=detail)


class Keyring:
    """A set of keys against which signatures are checked. Keys are loaded once, when the first of their kind is needed."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys = tuple(keys)
        self._openpgp: _OpenPgp | None = None
        self._ssh: _Ssh | None = None

    def verify(self, payload: bytes, signature: bytes, namespace: str = "git") -> SignatureCheck:
        """Check one armored detached signature over `payload`. Never raises, whatever the bytes.

        `namespace` binds SSH signatures; an OpenPGP signature has none, and the payload must say what it is for.
        """
        if len(signature) > MAX_SIGNATURE_BYTES:
            return _refuse(SignatureStatus.MALFORMED, "the signature is too large")
        if signature.startswith(b"-----BEGIN PGP SIGNATURE-----"):
            if self._openpgp is None:
                self._openpgp = _OpenPgp(key for key in self._keys if key.kind == "openpgp")
            return self._openpgp.verify(payload, signature)
        if signature.startswith(b"-----BEGIN SSH SIGNATURE-----"):
            if self._ssh is None:
                self._ssh = _Ssh(key for key in self._keys if key.kind == "ssh")
            return self._ssh.verify(payload, signature, namespace)
        return _refuse(SignatureStatus.MALFORMED, "it is neither an OpenPGP nor an SSH signature")


class _Ssh:
    def __init__(self, keys: Iterable[PublicKey]) -> None:
        from arcgit.signing import sshsig  # noqa: PLC0415

        self._sshsig = sshsig
        self._keys: dict[bytes, tuple[str, Any]] = {}
        for key in keys:
            kind, encoded = key.text.split()[:2]
            blob = base64.b64decode(encoded)
            # The stated fingerprint is compared with the key itself: a policy must not name one key and hold another.
            if ssh_fingerprint(blob) == key.fingerprint:
                self._keys[blob] = (key.fingerprint, sshsig.load_key(blob, kind))

    def verify(self, payload: bytes, signature: bytes, namespace: str) -> SignatureCheck:
        sshsig = self._sshsig
        try:
            parsed = sshsig.parse(signature)
        except sshsig.WeakError as fault:
            return _refuse(SignatureStatus.WEAK, str(fault))
        except ValueError as fault:
            return _refuse(SignatureStatus.MALFORMED, f"the SSH signature is malformed: {fault}")
        if parsed.namespace != namespace.encode():
            stated = parsed.namespace.decode(errors="replace")
            return _refuse(SignatureStatus.BAD, f"it was made for the namespace {stated!r}, not for {namespace!r}")
        known = self._keys.get(parsed.key)
        if known is None:
            return _refuse(
                SignatureStatus.UNKNOWN_KEY, f"it was made by {ssh_fingerprint(parsed.key)}, a key without trust"
            )
        fingerprint, verify = known
        if not sshsig.check(parsed, payload, verify):
            return _refuse(SignatureStatus.BAD, "the signature does not fit the text")
        return SignatureCheck(SignatureStatus.GOOD, fingerprint, fingerprint)


class _OpenPgp:
    def __init__(self, keys: Iterable[PublicKey]) -> None:
        import pysequoia
        import pysequoia.packet as packets

        self._lib: Any = pysequoia
        self._packets: Any = packets
        self._certs = []
        for key in keys:
            cert = pysequoia.Cert.from_bytes(key.text.encode())
            if cert.fingerprint.upper() == key.fingerprint:
                self._certs.append(cert)
        self._primary_of = {
            packet.fingerprint.upper(): cert.fingerprint.upper()
            for cert in self._certs
            for packet in packets.PacketPile.from_bytes(bytes(cert))
            if packet.fingerprint
        }
        self._revoked = {cert.fingerprint.upper() for cert in self._certs if cert.is_revoked}

    def verify(self, payload: bytes, signature: bytes) -> SignatureCheck:
        data = dearmor(signature)
        if data is None:
            return _refuse(SignatureStatus.MALFORMED, "the OpenPGP armor is not exactly one plain block")
        try:
            refused = self._form(data)
            return refused or self._check(payload, data)
        except Exception as fault:  # noqa: BLE001  whatever hostile bytes make the library raise, it is no pass
            return _refuse(SignatureStatus.MALFORMED, f"the OpenPGP signature cannot be read: {fault}")

    def _form(self, data: bytes) -> SignatureCheck | None:
        """One binary-document signature packet and nothing else, with a digest that is not broken."""
        packets = self._packets
        pile = list(packets.PacketPile.from_bytes(data))
        if len(pile) != 1 or pile[0].tag != packets.Tag.Signature or bytes(pile[0].body) not in data:
            return _refuse(SignatureStatus.MALFORMED, f"there are {len(pile)} packets instead of one signature")
        if not _is_one_packet(data):
            return _refuse(SignatureStatus.MALFORMED, "there is more than one signature packet")
        packet = pile[0]
        if packet.signature_type != packets.SignatureType.Binary:
            return _refuse(SignatureStatus.MALFORMED, "it is not a signature over a binary document")
        algorithms = packets.HashAlgorithm
        if packet.hash_algorithm in (algorithms.MD5, algorithms.SHA1, algorithms.RipeMD):
            return _refuse(SignatureStatus.WEAK, "its digest algorithm is broken")
        if packet.key_algorithm == packets.PublicKeyAlgorithm.DSA:
            return _refuse(SignatureStatus.WEAK, "it was made by a DSA key")
        return None

    def _check(self, payload: bytes, data: bytes) -> SignatureCheck:
        sig = self._lib.Sig.from_bytes(data)
        issuer = (sig.issuer_fpr or "").upper()
        try:
            result = self._lib.verify(bytes=payload, store=lambda ids: self._certs, signature=sig)
        except Exception as fault:  # noqa: BLE001  the library has one exception for every reason
            return self._refused(issuer, str(fault))
        valid = result.valid_sigs
        if len(valid) != 1:
            return _refuse(SignatureStatus.MALFORMED, f"{len(valid)} signatures verify instead of one")
        primary, signing = valid[0].certificate.upper(), valid[0].signing_key.upper()
        if primary in self._revoked:
            return _refuse(SignatureStatus.REVOKED, f"the key {primary} is revoked")
        return SignatureCheck(SignatureStatus.GOOD, primary, signing)

    def _refused(self, issuer: str, words: str) -> SignatureCheck:
        """Why the library said no. It is a no in any case; the reason only helps the reader."""
        primary = self._primary_of.get(issuer)
        if primary is None:
            return _refuse(SignatureStatus.UNKNOWN_KEY, f"it was made by {issuer or 'an unnamed key'}, without trust")
        if primary in self._revoked:
            return _refuse(SignatureStatus.REVOKED, f"the key {primary} is revoked")
        if "policy" in words.lower():
            return _refuse(SignatureStatus.WEAK, " ".join(words.split()))
        return _refuse(SignatureStatus.BAD, "the signature does not fit the text and the key")


def dearmor(armored: bytes) -> bytes | None:
    """The bytes of an armored OpenPGP signature without armor headers, or None where it is anything else."""
    if not armored.startswith(_PGP_BEGIN) or not armored.endswith(_PGP_END) or armored.count(b"-----BEGIN ") != 1:
        return None
    body = armored[len(_PGP_BEGIN) : -len(_PGP_END)]
    checksum = _CRC.search(body)
    if checksum:
        body = body[: checksum.start()]
    lines = body.split(b"\n")
    if any(not 0 < len(line) <= 76 for line in lines):
        return None
    joined = b"".join(lines)
    try:
        data = base64.b64decode(joined, validate=True)
    except binascii.Error:
        return None
    if base64.b64encode(data) != joined:
        return None
    if checksum and base64.b64decode(checksum[1]) != crc24(data):
        return None
    return data


def _crc24_table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        value = byte << 16
        for _ in range(8):
            value = (value << 1) ^ (0x1864CFB if value & 0x800000 else 0)
        rows.append(value & 0xFFFFFF)
    return tuple(rows)


_CRC24 = _crc24_table()


def crc24(data: bytes) -> bytes:
    """The checksum of OpenPGP armor (RFC 4880, section 6.1), three bytes."""
    value = 0xB704CE
    for byte in data:
        value = ((value << 8) & 0xFFFFFF) ^ _CRC24[(value >> 16) ^ byte]
    return value.to_bytes(3, "big")


def _is_one_packet(data: bytes) -> bool:
    """True where the first packet's own length reaches to the end of the data (RFC 4880, section 4.2)."""
    if len(data) < 2 or not data[0] & 0x80:
        return False
    if data[0] & 0x40:
        first = data[1]
        if first < 192:
            return len(data) == 2 + first
        if first < 224 and len(data) > 2:
            return len(data) == 3 + ((first - 192) << 8) + data[2] + 192
        return first == 255 and len(data) == 6 + int.from_bytes(data[2:6], "big")
    width = {0: 1, 1: 2, 2: 4}.get(data[0] & 0x03, 0)
    return bool(width) and len(data) == 1 + width + int.from_bytes(data[1 : 1 + width], "big")
