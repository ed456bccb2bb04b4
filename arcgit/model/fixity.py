"""Fixity lists: the sha256, size and path of every file of a directory artifact.

Text, UTF-8. The first line is `arcgit/fixity/v1`; then one line a file, `<sha256> <size> <path>`, the path as a JSON
string (RFC 8785), the lines in order of the path's UTF-8 bytes, each ended by a newline. The list is named by the
sha256 of its bytes. Round trip: `tuple(parse(serialise(entries))) == entries` for entries in path order.
"""

from __future__ import annotations

import re
from array import array
from binascii import unhexlify
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import lt
from typing import NamedTuple, overload

import msgspec

from arcgit.model import paths
from arcgit.model.canonical import dumps

HEADER = b"arcgit/fixity/v1\n"
_VERSION = re.compile(rb"arcgit/fixity/v[0-9.]+\n")
_PLAIN = re.compile(rb'[0-9a-f]{64} (?:0|[1-9][0-9]{0,18}) "([ !#-\[\]-~]+)"\n')
"""A line whose path needs no escape, so that its JSON form is the path between quotation marks."""
_DIGITS = 64
AT_ONCE = 1_000
"""So many lines are judged together."""
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
    lines = Lines()
    for entry in entries:
        lines.add(entry)
    return lines.whole()


class Lines:
    """A list that is being written, whose files may come in any order; in that of their paths none is kept twice."""

    def __init__(self) -> None:
        self._data = bytearray(HEADER)
        self._last = b""
        self._in_order = True

    def add(self, entry: FixityEntry) -> None:
        """One more file."""
        path = entry.path.encode()
        self._in_order = self._in_order and self._last <= path
        self._last = path
        self._data += b"%s %d %s\n" % (entry.sha256.encode(), entry.size, dumps(entry.path))

    def whole(self) -> bytes:
        """The bytes of the list."""
        if self._in_order:
            return bytes(self._data)
        lines = self._data[len(HEADER) :].split(b"\n")[:-1]
        lines.sort(key=lambda line: text_of(bytes(line[line.index(b'"') :])).encode())
        return HEADER + b"".join(b"%s\n" % line for line in lines)


class FixityList(Sequence[FixityEntry]):
    """The files of a list in path order. Only its bytes are kept; a file is read from them when it is asked for."""

    def __init__(self, data: bytes, begins: array[int]) -> None:
        """`begins` is where each line of a sound list begins, and last where the list ends."""
        self._data = data
        self._begins = begins

    def __len__(self) -> int:
        return len(self._begins) - 1

    @overload
    def __getitem__(self, place: int) -> FixityEntry: ...
    @overload
    def __getitem__(self, place: slice) -> list[FixityEntry]: ...
    def __getitem__(self, place: int | slice) -> FixityEntry | list[FixityEntry]:
        numbers = range(len(self))[place]
        return self._at(numbers) if isinstance(numbers, int) else [self._at(number) for number in numbers]

    def __iter__(self) -> Iterator[FixityEntry]:
        for sha256, size, path in map(re.Match.groups, _LINE.finditer(self._data, len(HEADER))):
            yield FixityEntry(sha256.decode(), int(size), text_of(path))

    def paths(self) -> Iterator[str]:
        """The path of each file."""
        return map(self._path, range(len(self)))

    def json_paths(self) -> Iterator[bytes]:
        """The path of each file as the list has it, a JSON string."""
        return map(self._json_path, range(len(self)))

    def digests(self) -> Iterator[bytes]:
        """sha256 of each file, 32 bytes."""
        data = self._data
        return (unhexlify(data[begin : begin + _DIGITS]) for begin in islice(self._begins, len(self)))

    def content(self, place: int) -> tuple[str, int]:
        """sha256 and size of the file with that number."""
        data, begin = self._data, self._begins[place]
        middle = begin + _DIGITS
        return data[begin:middle].decode(), int(data[middle + 1 : data.index(b" ", middle + 1)])

    def size(self, place: int) -> int:
        """The size of the file with that number."""
        begin = self._begins[place] + _DIGITS + 1
        return int(self._data[begin : self._data.index(b" ", begin)])

    def find(self, path: str, near: int = 0) -> int:
        """The number of the file at a path, -1 where there is none. It is looked for at `near` first."""
        if near < len(self) and self._path(near) == path:
            return near
        wanted = path.encode(errors="surrogatepass")
        place = bisect_left(range(len(self)), wanted, key=lambda number: self._path(number).encode())
        return place if place < len(self) and self._path(place) == path else -1

    def _at(self, place: int) -> FixityEntry:
        line = self._data[self._begins[place] : self._begins[place + 1] - 1]
        size, _, path = line[_DIGITS + 1 :].partition(b" ")
        return FixityEntry(line[:_DIGITS].decode(), int(size), text_of(path))

    def _path(self, place: int) -> str:
        return text_of(self._json_path(place))

    def _json_path(self, place: int) -> bytes:
        data, begins = self._data, self._begins
        return data[data.index(b'"', begins[place] + _DIGITS) : begins[place + 1] - 1]


def parse(data: bytes) -> FixityList:
    """The entries of a list. Raises FixityError with the line at fault."""
    if (version := _VERSION.match(data)) and not data.startswith(HEADER):
        raise UnknownFixityVersionError(f"unknown version {version[0].decode().strip()}")
    if not data.startswith(HEADER) or not data.endswith(b"\n"):
        raise FixityError("it is not an arcgit/fixity/v1 list")
    return FixityList(data, _plainly(data) or _slowly(data))


def _plainly(data: bytes) -> array[int] | None:
    """Where the lines of a list begin that is sound and has plain lines only; None where that takes a closer look."""
    at, begins, above = len(HEADER), _numbers(data), _Above()
    last = ""
    while at < len(data):
        names: list[str] = []
        while len(names) < AT_ONCE and (line := _PLAIN.match(data, at)):
            begins.append(at)
            at = line.end()
            names.append(line[1].decode())
        # Of ASCII alone, texts are in the order of their bytes.
        if not names or not last < names[0] or not all(map(lt, names, islice(names, 1, None))):
            return None
        if not paths.all_safe(names) or above.any_clashes(names):
            return None
        last = names[-1]
    begins.append(at)
    return begins


def _slowly(data: bytes) -> array[int]:
    """Line by line, so that the first at fault can be named."""
    at, begins, above = len(HEADER), _numbers(data), _Above()
    previous, inside = "", ""
    number = 1
    while at < len(data):
        number += 1
        begins.append(at)
        end = data.index(b"\n", at)
        match = _LINE.fullmatch(data, at, end)
        at = end + 1
        if match is None:
            raise FixityError(f"line {number} is malformed")
        try:
            path: str = msgspec.json.decode(match[3], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FixityError(f"line {number}: the path is malformed") from error
        if reason := paths.unsafe_reason(path):
            raise FixityError(f"line {number}: the path is unsafe, {reason}")
        if path.encode() <= previous.encode() or dumps(path) != match[3]:
            raise FixityError(f"line {number}: out of order, repeated or not canonical")
        previous = path
        if above.clashes(path):
            inside = inside or path
    if inside:
        raise FixityError(f"{inside} lies inside a file")
    begins.append(at)
    return begins


class _Above:
    """The files whose names begin the name of the last one that was asked for, each longer than the one before."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def any_clashes(self, names: Sequence[str]) -> bool:
        """As `clashes`, for any of the names that come next."""
        if "/" in "".join(names):
            return any(map(self.clashes, names))
        # None of them lies inside of anything; what comes behind can lie only in what the last of them begins with.
        self._names = list(filter(names[-1].startswith, (*self._names, *names)))
        return False

    def clashes(self, path: str) -> bool:
        """True where a file lies inside another one. It is asked for every file, in the order of their names.

        Whatever stands between a file and what lies inside of it begins with its name, so it is still among them then;
        and if it were not the last, the last would lie inside of it too, and have been told of.
        """
        while self._names and not path.startswith(self._names[-1]):
            self._names.pop()
        clash = bool(self._names) and path[len(self._names[-1])] == "/"
        self._names.append(path)
        return clash


def _numbers(data: bytes) -> array[int]:
    return array("I" if len(data) < 1 << 32 else "Q")


def text_of(path: bytes) -> str:
    """A path from its form in JSON. Raises ValueError for what is none."""
    if b"\\" in path:
        return msgspec.json.decode(path, type=str)
    return path[1:-1].decode()
