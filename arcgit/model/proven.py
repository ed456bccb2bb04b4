"""Proven lists: which objects somebody read whole and hashed, where not all of what an event names was.

Text, UTF-8. The first line is `arcgit/proven/v1`; then one line an object, `<sha256> <size> <remote>`, the remote's name
as a JSON string (RFC 8785), the lines in order of their bytes, none twice, each ended by a newline. The list is named by
the sha256 of its bytes. Round trip: `parse(serialise(entries)) == entries` for entries in that order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from arcgit.model.canonical import dumps

HEADER = b"arcgit/proven/v1\n"
_VERSION = re.compile(rb"arcgit/proven/v[0-9.]+\n")
_LINE = re.compile(rb'([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) (".*")')


class ProvenError(ValueError):
    """The bytes are not a proven list."""


class UnknownProvenVersionError(ProvenError):
    """The list has a version that this arcgit does not know."""


class ProvenObject(NamedTuple):
    """Bytes that were found where they should be: hex sha256, size in bytes, name of the DVC remote or `git`."""

    sha256: str
    size: int
    remote: str


def serialise(entries: Iterable[ProvenObject]) -> bytes:
    """The bytes of the list; neither order nor repetition in `entries` matters."""
    lines = {b"%s %d %s\n" % (entry.sha256.encode(), entry.size, dumps(entry.remote)) for entry in entries}
    return HEADER + b"".join(sorted(lines))


def parse(data: bytes) -> tuple[ProvenObject, ...]:
    """The entries of a list. Raises ProvenError with the line at fault."""
    if (version := _VERSION.match(data)) and not data.startswith(HEADER):
        raise UnknownProvenVersionError(f"unknown version {version[0].decode().strip()}")
    if not data.startswith(HEADER) or not data.endswith(b"\n"):
        raise ProvenError("it is not an arcgit/proven/v1 list")
    entries = []
    previous = b""
    for number, line in enumerate(data[len(HEADER) : -1].split(b"\n") if len(data) > len(HEADER) else (), 2):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ProvenError(f"line {number} is malformed")
        try:
            remote: str = msgspec.json.decode(match[3], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProvenError(f"line {number}: the remote is malformed") from error
        if line <= previous or dumps(remote) != match[3]:
            raise ProvenError(f"line {number}: out of order, repeated or not canonical")
        previous = line
        entries.append(ProvenObject(match[1].decode(), int(match[2]), remote))
    return tuple(entries)
