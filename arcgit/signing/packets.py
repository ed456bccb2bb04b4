"""The framing of OpenPGP packets (RFC 9580, sections 4 and 5), read strictly.

The library that verifies reads the first signature and takes no notice of what follows it, nor of what stands in the
part of a signature that is not signed. Here every byte is accounted for; the cryptography stays with the library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.wire import Reader

MIN_RSA_BITS = 2048
SIGNATURE, SECRET_KEY, PUBLIC_KEY, SECRET_SUBKEY, USER_ID, PUBLIC_SUBKEY, USER_ATTRIBUTE = 2, 5, 6, 7, 13, 14, 17
_BINARY_DOCUMENT = 0x00
_RSA, _DSA = (1, 3), 17
_ECDSA, EDDSA, _ED25519, _ED448 = 19, 22, 27, 28
_SIGNING_ALGORITHMS = (*_RSA, _ECDSA, EDDSA, _ED25519, _ED448)
_COUNTS = {1: 1, 3: 1, _ECDSA: 2, EDDSA: 2}
_CURVES = {
    _ECDSA: {"2a8648ce3d030107": "P-256", "2b81040022": "P-384", "2b81040023": "P-521"},
    EDDSA: {"2b06010401da470f01": "Ed25519"},
}
"""By their OID in hex. gpgv knows more, such as secp256k1, and says good where the library says bad."""
_NATIVE_BYTES = {_ED25519: 64, _ED448: 114}
_WEAK_DIGESTS = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160"}
_DIGESTS = (8, 9, 10, 11, 12, 14)
_CREATED, _EXPIRES, _ISSUER, _ISSUER_FINGERPRINT = 2, 3, 16, 33
_CREATED_FORM = bytes((5, _CREATED))
_SHAPES = 24
"""How many forms are remembered; the numbers of a signature may be shorter by a byte or two, which is another form."""


@dataclass(frozen=True)
class Packet:
    tag: int
    body: bytes


class SignatureFields(NamedTuple):
    """What a signature says of itself; none of it is verified yet.

    `issuers`: upper-case key ids and fingerprints. `created`: seconds since 1970, None where it does not say. `numbers`:
    the signature itself, as its algorithm has it. `signed` is what was hashed behind the text, `form` all of the packet but
    the moment and the numbers, the same for signatures that differ in nothing else; nothing where that cannot be told.
    """

    issuers: frozenset[str]
    expires: bool
    created: int | None
    algorithm: int
    numbers: tuple[int, ...]
    digest: int
    signed: bytes
    form: bytes = b""


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


def claimed_issuers(data: bytes) -> frozenset[str]:
    """Whom the signature in `data` names; of one in a form that is known its numbers are not looked at. Raises as below."""
    for shape in _shapes:
        if shape.has(data):
            return shape.fields.issuers
    return read_signature(data).issuers


def read_signature(data: bytes) -> SignatureFields:
    """The one signature in `data`, over a binary document, by an algorithm that still holds.

    Raises MalformedError, WeakError, UnsupportedError.
    """
    for shape in _shapes:
        if (fields := shape.fields_of(data)) is not None:
            return fields
    packets = split(data)
    if len(packets) != 1 or packets[0].tag != SIGNATURE:
        raise MalformedError(f"there are {len(packets)} packets instead of one signature")
    reader = Reader(packets[0].body)
    version = reader.number(1)
    if version not in (4, 6):
        raise UnsupportedError(f"it is an OpenPGP signature of version {version}")
    kind, algorithm, digest = reader.number(1), reader.number(1), reader.number(1)
    if kind != _BINARY_DOCUMENT:
        raise MalformedError("it is not a signature over a binary document")
    _require_strong(algorithm, digest)
    width = 2 if version == 4 else 4
    area = reader.take(reader.number(width))
    signed = list(subpackets(area))
    unsigned = list(subpackets(reader.take(reader.number(width))))
    if any(number not in (_ISSUER, _ISSUER_FINGERPRINT) for number, _ in unsigned):
        raise MalformedError("it holds statements that are not signed")
    expires = any(number == _EXPIRES and any(value) for number, value in signed)
    begin = len(data) - len(reader.rest())
    numbers = _numbers(data[begin:], version, algorithm)
    created = next((int.from_bytes(value, "big") for number, value in signed if number == _CREATED), None)
    issuers = frozenset(named_issuers([*signed, *unsigned]))
    covered = packets[0].body[: 4 + width + len(area)]
    fields = SignatureFields(issuers, expires, created, algorithm, numbers, digest, covered)
    return _Shape.remember(data, begin, version, fields)


class _Shape(NamedTuple):
    """The form of signatures that differ in nothing but when they were made, and in their numbers.

    Whoever signs with one program writes all of them alike. What is signed is at `start`, up to `end`; the moment is four
    bytes at `time`; and what follows the subpackets is at `begin`. All have one `size`, which their first bytes say too.
    """

    size: int
    head: bytes
    start: int
    time: int
    middle: bytes
    end: int
    begin: int
    version: int
    fields: SignatureFields

    @classmethod
    def remember(cls, data: bytes, begin: int, version: int, fields: SignatureFields) -> SignatureFields:
        """Take the form of a signature that was read, and tell it to the signature."""
        stated = _CREATED_FORM + (fields.created or 0).to_bytes(4, "big")
        # What stands there once stands there as the subpacket that was read.
        if fields.created is None or fields.signed.count(stated) != 1 or data.count(fields.signed) != 1:
            return fields
        start = data.index(fields.signed)
        time = start + fields.signed.index(stated) + len(_CREATED_FORM)
        if time - start > 0xFF:
            return fields
        middle = data[time + 4 : begin]
        named = fields._replace(form=bytes((time - start,)) + data[start:time] + middle)
        shape = cls(len(data), data[:time], start, time, middle, start + len(fields.signed), begin, version, named)
        _shapes[:] = [shape, *_shapes[: _SHAPES - 1]]
        return named

    def has(self, data: bytes) -> bool:
        """True for a signature of this form, whatever its numbers are."""
        return len(data) == self.size and data.startswith(self.head) and data[self.time + 4 : self.begin] == self.middle

    def fields_of(self, data: bytes) -> SignatureFields | None:
        """What a signature of this form says, None of any other and of one whose numbers are not in their form."""
        if not self.has(data):
            return None
        issuers, expires, _, algorithm, _, digest, _, form = self.fields
        created = int.from_bytes(data[self.time : self.time + 4], "big")
        try:
            numbers = _numbers(data[self.begin :], self.version, algorithm)
        except MalformedError:
            # What is wrong is said in the same words whatever was read before.
            return None
        signed = data[self.start : self.end]
        return SignatureFields(issuers, expires, created, algorithm, numbers, digest, signed, form)


_shapes: list[_Shape] = []


def modulus(body: bytes) -> int:
    """The modulus of an RSA key in a public key packet, 0 for every other key. Raises MalformedError."""
    reader = Reader(body)
    version = reader.number(1)
    reader.take(4)
    algorithm = reader.number(1)
    if algorithm not in _RSA:
        return 0
    reader.take(4 if version == 6 else 0)
    return _mpi(reader.rest(), 0)[0]


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
    if algorithm == _DSA:
        raise WeakError("DSA keys are too weak")
    if algorithm in _RSA and (bits := reader.number(2)) < MIN_RSA_BITS:
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


def _require_strong(algorithm: int, digest: int) -> None:
    if digest in _WEAK_DIGESTS:
        raise WeakError(f"its digest is {_WEAK_DIGESTS[digest]}")
    if algorithm == _DSA:
        raise WeakError("it was made by a DSA key")
    if algorithm not in _SIGNING_ALGORITHMS or digest not in _DIGESTS:
        raise UnsupportedError(f"its algorithms (key {algorithm}, digest {digest}) are not supported")


def _numbers(data: bytes, version: int, algorithm: int) -> tuple[int, ...]:
    """What stands behind the subpackets, with nothing behind it: each number in one spelling. Raises MalformedError."""
    # Two bytes of the digest, and in version 6 a salt.
    at = 2 if version == 4 else 3 + int.from_bytes(data[2:3], "big")
    found = []
    if size := _NATIVE_BYTES.get(algorithm, 0):
        found.append(int.from_bytes(data[at : at + size], "big"))
        at += size
    for _ in range(0 if size else _COUNTS[algorithm]):
        number, at = _mpi(data, at)
        found.append(number)
    if at != len(data):
        raise MalformedError("it ends too early" if at > len(data) else "there are bytes behind its end")
    return tuple(found)


def _mpi(data: bytes, at: int) -> tuple[int, int]:
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
        if number == _ISSUER:
            yield value.hex().upper()
        elif number == _ISSUER_FINGERPRINT:
            yield value[1:].hex().upper()
