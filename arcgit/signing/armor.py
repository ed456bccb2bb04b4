"""ASCII armor with one spelling: no headers, nothing before or after, canonical base64.

RFC 9580, section 6, and PROTOCOL.sshsig of OpenSSH. What a lenient reader skips, someone can change after signing.
"""

from __future__ import annotations

import base64
import binascii
from array import array
from functools import reduce
from operator import getitem, xor

from arcgit.signing.faults import MalformedError

MAX_LINE = 76
_MOST = 1024
"""Bytes of the longest signature whose checksum is worth a table for each of its bytes."""


def dearmor(armored: bytes, label: str) -> bytes:
    """The bytes inside the one block named `label`, such as `PGP SIGNATURE`. Raises MalformedError."""
    begin, end = f"-----BEGIN {label}-----\n".encode(), f"\n-----END {label}-----\n".encode()
    if not armored.startswith(begin) or not armored.endswith(end):
        raise MalformedError(f"it is not exactly one block of {label}")
    lines = armored[len(begin) : -len(end)].split(b"\n")
    checksum = b""
    if label.startswith("PGP "):
        if lines.pop(0):
            raise MalformedError("its armor has headers")
        if lines and lines[-1].startswith(b"=") and len(lines[-1]) == 5:
            checksum = lines.pop()[1:]
    data = _strict_base64(lines)
    if checksum and checksum != base64.b64encode(_crc24(data)):
        raise MalformedError("its checksum is wrong")
    return data


def armor(data: bytes, label: str) -> str:
    """`data` as a block of OpenPGP armor, without headers and with its checksum.

    RFC 9580 does away with the checksum, but GnuPG 2.2 cannot read a block without one where the base64 has no padding.
    """
    encoded = base64.b64encode(data).decode()
    lines = "\n".join(encoded[at : at + 64] for at in range(0, len(encoded), 64))
    checksum = base64.b64encode(_crc24(data)).decode()
    return f"-----BEGIN {label}-----\n\n{lines}\n={checksum}\n-----END {label}-----\n"


def _strict_base64(lines: list[bytes]) -> bytes:
    width = len(lines[0]) if lines else 0
    even = {width}.issuperset(map(len, lines[:-1]))
    if not 0 < width <= MAX_LINE or not even or not 0 < len(lines[-1]) <= width:
        raise MalformedError("its lines are not of one length")
    joined = b"".join(lines)
    try:
        data = base64.b64decode(joined, validate=True)
    except binascii.Error as error:
        raise MalformedError("it is not base64") from error
    if base64.b64encode(data) != joined:
        raise MalformedError("its base64 is not in canonical form")
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
_BEGIN = 0xB704CE
_BEHIND = [array("I", _CRC24)]
"""What a byte adds to a checksum, by how many bytes stand behind it."""


def _crc24(data: bytes) -> bytes:
    if not 3 <= len(data) <= len(_BEHIND):
        if len(_BEHIND) < _MOST:
            # Whoever reads very many signatures soon has them all; whoever reads a few does not pay for it.
            _BEHIND.append(array("I", (_shifted(value) for value in _BEHIND[-1])))
        return _bytewise(data)
    first = int.from_bytes(data[:3], "big") ^ _BEGIN
    added = map(getitem, _BEHIND[len(data) - 1 :: -1], first.to_bytes(3, "big") + data[3:])
    return reduce(xor, added).to_bytes(3, "big")


def _bytewise(data: bytes) -> bytes:
    value = _BEGIN
    for byte in data:
        value = _shifted(value ^ byte << 16)
    return value.to_bytes(3, "big")


def _shifted(value: int) -> int:
    return ((value << 8) & 0xFFFFFF) ^ _CRC24[value >> 16]
