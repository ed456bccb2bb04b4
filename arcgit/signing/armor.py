"""ASCII armor with one spelling: no headers, nothing before or after, canonical base64.

RFC 9580, section 6, and PROTOCOL.sshsig of OpenSSH. What a lenient reader skips, someone can change after signing.
"""

from __future__ import annotations

import base64
import binascii
import functools

from arcgit.signing.faults import MalformedError

MAX_LINE = 76
_MOST = 1024
"""Bytes of the longest signature whose checksum is worth masks."""
_SOONER = 24
"""So many checksums over one number of bytes are taken byte by byte."""
_asked: dict[int, int] = {}


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


def _crc24(data: bytes) -> bytes:
    if not 3 <= len(data) <= _MOST:
        return _bytewise(data)
    asked = _asked[len(data)] = _asked.get(len(data), 0) + 1
    # Whoever reads very many signatures has few lengths of them; whoever reads a few does not pay for masks.
    return _bitwise(data) if asked > _SOONER else _bytewise(data)


def _bytewise(data: bytes) -> bytes:
    value = _BEGIN
    for byte in data:
        value = ((value << 8) & 0xFFFFFF) ^ _CRC24[value >> 16 ^ byte]
    return value.to_bytes(3, "big")


def _bitwise(data: bytes) -> bytes:
    """The same for three bytes or more: each bit of a checksum is the parity of some bits of what it is over."""
    value = int.from_bytes(data, "big") ^ _BEGIN << 8 * (len(data) - 3)
    found = 0
    for mask in _masks(len(data)):
        found = found << 1 | (value & mask).bit_count() & 1
    return found.to_bytes(3, "big")


@functools.cache
def _masks(length: int) -> tuple[int, ...]:
    """Which bits of so many bytes each bit of their checksum is the parity of, the highest first."""
    masks = [0] * 24
    added = [_CRC24[1 << bit] for bit in range(8)]
    for place in range(length):
        for bit, change in enumerate(added):
            for number in range(24):
                masks[number] |= (change >> 23 - number & 1) << 8 * place + bit
        added = [((change << 8) & 0xFFFFFF) ^ _CRC24[change >> 16] for change in added]
    return tuple(masks)
