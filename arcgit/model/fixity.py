"""Fixity lists: the sha256, size and path of every file of a directory artifact.

Text, UTF-8. The first line is `arcgit/fixity/v1`; then one line a file, `<sha256> <size> <path>`, the path as a JSON
string (RFC 8785), the lines in order of the path's UTF-8 bytes, each ended by a newline. The list is named by the
sha256 of its bytes. Round trip: `parse(serialise(entries)) == entries` for entries in path order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import lt
from typing import NamedTuple

import msgspec

from arcgit.model import paths
from arcgit.model.canonical import dumps

HEADER = b"arcgit/fixity/v1\n"
_VERSION = re.compile(rb"arcgit/fixity/v[0-9.]+\n")
_PLAIN = re.compile(r'([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) "([ !#-\[\]-~]+)"\n')
"""A line whose path needs no escape, so that its JSON form is the path between quotation marks."""
_LINE = re.compile(rb'([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) (".*")')


class FixityError(ValueError):
    """The bytes are not a fixity list."""


class UnknownFixityVersionError(FixityError):
    """The list has a version that this arcgit does not know."""


class FixityEntry(NamedTuple):
    """One file: hex sha256, size in bytes, path relative to the artifact."""

    sha256: str
    size: int
    path: str


def serialise(entries: Iterable[FixityEntry]) -> bytes:
    """The bytes of the list; the order of `entries` does not matter."""
    ordered = sorted(entries, key=lambda entry: entry.path.encode())
    return HEADER + b"".join(b"%s %d %s\n" % (e.sha256.encode(), e.size, dumps(e.path)) for e in ordered)


def parse(data: bytes) -> tuple[FixityEntry, ...]:
    """The entries of a list. Raises FixityError with the line at fault."""
    if (version := _VERSION.match(data)) and not data.startswith(HEADER):
        raise UnknownFixityVersionError(f"unknown version {version[0].decode().strip()}")
    if not data.startswith(HEADER) or not data.endswith(b"\n"):
        raise FixityError("it is not an arcgit/fixity/v1 list")
    entries = _plainly(data)
    if entries is not None:
        names = [entry.path for entry in entries]
        # Of ASCII alone, texts are in the order of their bytes.
        if all(map(lt, names, islice(names, 1, None))) and paths.all_safe(names) and not _clash(names):
            return tuple(entries)
    return _parse_slowly(data)


def _plainly(data: bytes) -> list[FixityEntry] | None:
    """The entries of a list of plain lines only, otherwise None. Nothing of it stands in memory a second time."""
    if not data.isascii():
        return None
    text, at, entries = data.decode(), len(HEADER), []
    for line in _PLAIN.finditer(text, at):
        if line.start() != at:
            return None
        at = line.end()
        entries.append(FixityEntry(line[1], int(line[2]), line[3]))
    return entries if at == len(text) else None


def _parse_slowly(data: bytes) -> tuple[FixityEntry, ...]:
    """Line by line, so that the first at fault can be named."""
    entries = []
    previous = b""
    for number, line in enumerate(data[len(HEADER) : -1].split(b"\n") if len(data) > len(HEADER) else (), 2):
        match = _LINE.fullmatch(line)
        if match is None:
            raise FixityError(f"line {number} is malformed")
        try:
            path: str = msgspec.json.decode(match[3], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FixityError(f"line {number}: the path is malformed") from error
        if reason := paths.unsafe_reason(path):
            raise FixityError(f"line {number}: the path is unsafe, {reason}")
        if (encoded := path.encode()) <= previous or dumps(path) != match[3]:
            raise FixityError(f"line {number}: out of order, repeated or not canonical")
        previous = encoded
        entries.append(FixityEntry(match[1].decode(), int(match[2]), path))
    files = {entry.path for entry in entries}
    if clash := next((entry.path for entry in entries if not files.isdisjoint(_folders(entry.path))), None):
        raise FixityError(f"{clash} lies inside a file")
    return tuple(entries)


def _clash(files: list[str]) -> bool:
    """True where a file lies inside another one."""
    folders = {path[:at] for path in files if (at := path.rfind("/")) != -1}
    above = {folder for path in folders for folder in (path, *_folders(path))}
    return bool(above) and not above.isdisjoint(files)


def _folders(path: str) -> Iterator[str]:
    """The folders on the way to a file."""
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)
