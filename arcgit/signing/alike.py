"""OpenPGP signatures by Ed25519 for very many: Sequoia judges the first of a form, libsodium says yes to others like them.

Whether a signature counts hangs on arithmetic, and on what its certificate says of the key at the moment that it states.
The second is one answer for all that differ in nothing else, as long as the certificate does not change in between. So
it is Sequoia's answer, and only the arithmetic is done here. What is not plainly a yes is left to Sequoia.
"""

from __future__ import annotations

import hashlib
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import SupportsBytes

from arcgit.signing import packets, sodium
from arcgit.signing.faults import MalformedError, UnsupportedError
from arcgit.signing.packets import EDDSA
from arcgit.signing.sigfields import SignatureFields
from arcgit.signing.verify import SignatureCheck
from arcgit.signing.wire import Reader

_DIGESTS = {8: hashlib.sha256, 9: hashlib.sha384, 10: hashlib.sha512}
_CREATED, _ENDS, _LIVES, _EMBEDDED = 2, 3, 9, 32
_HALF = 32
_MOST_TURNS = 4096


@dataclass
class _Form:
    """Signatures of one form: what the good ones come to, the point of their key, and how many were good, by span."""

    check: SignatureCheck
    point: bytes
    turns: tuple[int, ...]
    good: dict[int, int] = field(default_factory=dict)

    def span(self, moment: int) -> int:
        """Between which moments of the certificate, or at which, one lies."""
        return bisect_left(self.turns, moment) + bisect_right(self.turns, moment)


class Alike:
    """What Sequoia said yes to. A form is of one certificate: whoever asks sees to that."""

    def __init__(self) -> None:
        self._forms: dict[bytes, _Form | None] = {}
        # A moment that had not come yet when this began is another question each time.
        self._now = int(time.time())

    def good(self, payload: bytes, fields: SignatureFields) -> SignatureCheck | None:
        """The outcome where the signature is good for the reasons that others like it were; None says nothing."""
        known = self._forms.get(fields.form)
        if known is None or fields.created is None or fields.created > self._now:
            return None
        if known.good.get(known.span(fields.created), 0) < sodium.SOONER:
            return None
        accepts = sodium.quick()
        if accepts is None or any(number >> 8 * _HALF for number in fields.numbers):
            return None
        digest = _DIGESTS[fields.digest](payload + fields.signed + b"\x04\xff" + len(fields.signed).to_bytes(4, "big"))
        numbers = b"".join(number.to_bytes(_HALF, "big") for number in fields.numbers)
        return known.check if accepts(numbers, digest.digest(), known.point) else None

    def add(self, certificate: SupportsBytes, fields: SignatureFields, check: SignatureCheck) -> None:
        """Sequoia found a signature good by a key in `certificate`, the only one that it may be by."""
        if not fields.form or fields.created is None:
            return
        if fields.form not in self._forms:
            self._forms[fields.form] = _form(bytes(certificate), fields, check)
        known = self._forms[fields.form]
        if known is not None:
            span = known.span(fields.created)
            known.good[span] = known.good.get(span, 0) + 1


def _form(certificate: bytes, fields: SignatureFields, check: SignatureCheck) -> _Form | None:
    """What is to be known of a form; None where it is of another algorithm or the certificate is read by Sequoia alone."""
    if fields.signed[0] != 4 or fields.algorithm != EDDSA or fields.digest not in _DIGESTS:
        return None
    try:
        found = packets.split(certificate)
        turns = tuple(sorted({*_turns(found)}))
    except (MalformedError, UnsupportedError):
        return None
    keys = (packet.body for packet in found if packet.tag in (packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY))
    point = next((_point(body) for body in keys if packets.handles(body)[0] == check.signing_key), b"")
    return _Form(check, point, turns) if point else None


def _turns(found: list[packets.Packet]) -> Iterator[int]:
    """Every moment at which a certificate may begin or cease to say something. Raises MalformedError, UnsupportedError."""
    begins, lives = set(), set()
    for packet in found:
        if packet.tag in (packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY):
            begins.add(int.from_bytes(packet.body[1:5], "big"))
        elif packet.tag == packets.SIGNATURE:
            for number, value in _statements(packet.body):
                stated = int.from_bytes(value, "big")
                if number == _CREATED:
                    begins.add(stated)
                elif number in (_ENDS, _LIVES):
                    lives.add(stated)
    if len(begins) * len(lives) > _MOST_TURNS:
        raise UnsupportedError("it says too much")
    yield from begins
    # Which span is of which moment is Sequoia's business: a turn too many only asks it more often.
    yield from (begin + span for begin in begins for span in lives)


def _statements(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The subpackets of a signature, and of those inside it."""
    reader = Reader(body)
    version = reader.number(1)
    if version not in (4, 6):
        raise UnsupportedError(f"it has a signature of version {version}")
    reader.take(3)
    for _ in range(2):
        for number, value in packets.subpackets(reader.take(reader.number(2 if version == 4 else 4))):
            yield number, value
            if number == _EMBEDDED:
                yield from _statements(value)


def _point(body: bytes) -> bytes:
    """The point of an Ed25519 key as OpenPGP had it before RFC 9580; nothing of another key."""
    reader = Reader(body)
    version = reader.number(1)
    reader.take(4)
    if version != 4 or reader.number(1) != EDDSA:
        return b""
    reader.take(reader.number(1))
    reader.take(2)
    point = reader.rest()
    return point[1:] if len(point) == 1 + _HALF and point.startswith(b"\x40") else b""
