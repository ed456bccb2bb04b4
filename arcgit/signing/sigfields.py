"""The one signature in an OpenPGP packet (RFC 9580, section 5.2), read strictly, and quickly where there are very many."""

from __future__ import annotations

from typing import NamedTuple

from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.packets import (
    DSA,
    ECDSA,
    ED448,
    ED25519,
    EDDSA,
    ISSUER,
    ISSUER_FINGERPRINT,
    RSA,
    SIGNATURE,
    mpi,
    named_issuers,
    split,
    subpackets,
)
from arcgit.signing.wire import Reader

_BINARY_DOCUMENT = 0x00
_SIGNING_ALGORITHMS = (*RSA, ECDSA, EDDSA, ED25519, ED448)
_COUNTS = {1: 1, 3: 1, ECDSA: 2, EDDSA: 2}
_NATIVE_BYTES = {ED25519: 64, ED448: 114}
_WEAK_DIGESTS = {1: "MD5", 2: "SHA-1", 3: "RIPEMD-160"}
_DIGESTS = (8, 9, 10, 11, 12, 14)
_CREATED, _EXPIRES = 2, 3
_CREATED_FORM = bytes((5, _CREATED))
_SHAPES = 24
"""How many forms are remembered; the numbers of a signature may be shorter by a byte or two, which is another form."""


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
    if any(number not in (ISSUER, ISSUER_FINGERPRINT) for number, _ in unsigned):
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


def _require_strong(algorithm: int, digest: int) -> None:
    if digest in _WEAK_DIGESTS:
        raise WeakError(f"its digest is {_WEAK_DIGESTS[digest]}")
    if algorithm == DSA:
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
        number, at = mpi(data, at)
        found.append(number)
    if at != len(data):
        raise MalformedError("it ends too early" if at > len(data) else "there are bytes behind its end")
    return tuple(found)
