"""The framing of OpenPGP packets (RFC 9580, sections 4 and 5), read strictly.

The library that verifies reads the first signature and takes no notice of what follows it, nor of what stands in the
part of a signature that is not signed. Here every byte is accounted for; the cryptography stays with the library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.wire import Reader

MIN_RSA_BITS = 2048
SIGNATURE, SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY, USER_ID, PUBLIC_SUBKEY, USER_ATTRIBUTE = 2, 5, 6, 7, 13, 14, 17
RSA, DSA = (1, 3), 17
ECDSA, EDDSA, ED25519, ED448 = 19, 22, 27, 28
ISSUER, ISSUER_FINGERPRINT = 16, 33
_CURVES = {
    ECDSA: {"2a8648ce3d030107": "P-256", "2b81040022": "P-384", "2b81040023": "P-521"},
    EDDSA: {"2b06010401da470f01": "Ed25519"},
}
"""By their OID in hex. gpgv knows more, such as secp256k1, and says good where the library says bad."""


@dataclass(frozen=True)
class Packet:
    tag: int
    body: bytes


def split(data: bytes) -> list[Packet]:
    """The packets in `data`, which must end with the last one. Raises MalformedError."""
    reader, packets = Reader(data), []
    while not reader.at_end:
        header = reader.number(1)
        if not header & 0x80:
            raise MalformedError("there are bytes that are no OpenPGP packet")
        if header & 0x40:
            packets.append(Packet(header & 0x3F, reader.take(_length(reader))))
        elif header & 0x03 == 3:
            raise MalformedError("a packet does not say how long it is")
        else:
            packets.append(Packet((header >> 2) & 0x0F, reader.take(reader.number(1 << (header & 0x03)))))
    return packets


def modulus(body: bytes) -> int:
    """The modulus of an RSA key in a public key packet, 0 for every other key. Raises MalformedError."""
    reader = Reader(body)
    version = reader.number(1)
    reader.take(4)
    algorithm = reader.number(1)
    if algorithm not in RSA:
        return 0
    reader.take(4 if version == 6 else 0)
    return mpi(reader.rest(), 0)[0]


def handles(body: bytes) -> tuple[str, str]:
    """Fingerprint and key id of a public key packet (RFC 9580, section 5.5.4), in capital hex."""
    if body.startswith(b"\6"):
        fingerprint = hashlib.sha256(b"\x9b" + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    else:
        data = b"\x99" + len(body).to_bytes(2, "big") + body
        fingerprint = hashlib.sha1(data, usedforsecurity=False).hexdigest().upper()
    return fingerprint, key_id(fingerprint)


def key_id(fingerprint: str) -> str:
    """RFC 9580, section 5.5.4: the last eight octets for version 4, the first eight for version 6."""
    return fingerprint[-16:] if len(fingerprint) == 40 else fingerprint[:16]


def names(issuer: str, fingerprint: str) -> bool:
    """True where a signature that says `issuer` names the key with that fingerprint."""
    return issuer in (fingerprint, key_id(fingerprint))


def require_strong_key(packet: Packet) -> None:
    """Refuse a public key packet that could sign weakly. Raises WeakError, UnsupportedError, MalformedError."""
    reader = Reader(packet.body)
    version = reader.number(1)
    if version not in (4, 6):
        raise UnsupportedError(f"OpenPGP keys of version {version} are not supported")
    reader.take(4)
    algorithm = reader.number(1)
    if version == 6:
        reader.take(4)
    if algorithm == DSA:
        raise WeakError("DSA keys are too weak")
    if algorithm in RSA and (bits := reader.number(2)) < MIN_RSA_BITS:
        raise WeakError(f"an RSA key of {bits} bits is too weak")


def foreign_curves(found: Iterable[Packet]) -> frozenset[str]:
    """Fingerprints and key ids, in capital hex, of those keys among `found` whose curve not every verifier here knows."""
    keys = (packet.body for packet in found if packet.tag in (PUBLIC_KEY, PUBLIC_SUBKEY))
    return frozenset(handle for body in keys if _foreign(body) for handle in handles(body))


def require_known_curve(issuers: frozenset[str], foreign: frozenset[str]) -> None:
    """Refuse a signature that names one of those keys, whatever it says. Raises UnsupportedError."""
    if not issuers.isdisjoint(foreign):
        raise UnsupportedError(f"the curve of its key {min(issuers & foreign)} is not supported")


def _foreign(body: bytes) -> bool:
    reader = Reader(body)
    version = reader.number(1)
    reader.take(4)
    curves = _CURVES.get(reader.number(1))
    if curves is None:
        return False
    reader.take(4 if version == 6 else 0)
    return reader.take(reader.number(1)).hex() not in curves


def mpi(data: bytes, at: int) -> tuple[int, int]:
    """The number there, and where it ends. Raises MalformedError."""
    bits = int.from_bytes(data[at : at + 2], "big")
    end = at + 2 + (bits + 7) // 8
    if end > len(data):
        raise MalformedError("it ends too early")
    value = int.from_bytes(data[at + 2 : end], "big")
    if value.bit_length() != bits:
        raise MalformedError("a number is not in its shortest form")
    return value, end


def _length(reader: Reader) -> int:
    first = reader.number(1)
    if first < 192:
        return first
    if first < 224:
        return ((first - 192) << 8) + reader.number(1) + 192
    if first < 255:
        raise MalformedError("a packet does not say how long it is")
    return reader.number(4)


def subpackets(area: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each subpacket of a signature. Raises MalformedError."""
    reader = Reader(area)
    while not reader.at_end:
        first = reader.number(1)
        if first >= 192:
            first = ((first - 192) << 8) + reader.number(1) + 192 if first < 255 else reader.number(4)
        content = Reader(reader.take(first))
        # The highest bit only says that a reader who does not know the subpacket must refuse it.
        yield content.number(1) & 0x7F, content.rest()


def named_issuers(found: list[tuple[int, bytes]]) -> Iterator[str]:
    """The key ids and fingerprints, in capital hex, that subpackets name as the signer's."""
    for number, value in found:
        if number == ISSUER:
            yield value.hex().upper()
        elif number == ISSUER_FINGERPRINT:
            yield value[1:].hex().upper()
