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
from typing import TYPE_CHECKING, NamedTuple, Protocol, overload

import msgspec

from arcgit.model import paths
from arcgit.model.canonical import dumps

if TYPE_CHECKING:
    from mmap import mmap

HEADER = b"arcgit/fixity/v1\n"
_VERSION = re.compile(rb"arcgit/fixity/v[0-9.]+\n")
EACH = 32
"""Of so many lines one is known where it begins."""
_BLOCK = re.compile(rb"(?:[^\n]*\n){1,%d}" % EACH)
_PLAIN = re.compile(rb'^[0-9a-f]{64} (?:0|[1-9][0-9]{0,18}) "([ !#-\[\]-~]+)"\n', re.MULTILINE)
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
    return lines.whole()[:]


class Kept(Protocol):
    """Where bytes are put one behind the other, to be read as a whole."""

    def add(self, piece: bytes, /) -> None: ...
    def whole(self) -> bytes | mmap: ...


class _InMemory(bytearray):
    def add(self, piece: bytes) -> None:
        self.extend(piece)

    def whole(self) -> bytes:
        return bytes(self)


class Lines:
    """A list that is being written, whose files may come in any order; in that of their paths none is kept twice."""

    def __init__(self, kept: Kept | None = None) -> None:
        self._data = kept if kept is not None else _InMemory()
        self._data.add(HEADER)
        self._last = b""
        self._in_order = True

    def add(self, entry: FixityEntry) -> None:
        """One more file."""
        path = entry.path.encode()
        self._in_order = self._in_order and self._last <= path
        self._last = path
        self._data.add(b"%s %d %s\n" % (entry.sha256.encode(), entry.size, dumps(entry.path)))

    def whole(self) -> bytes | mmap:
        """The bytes of the list."""
        data = self._data.whole()
        if self._in_order:
            return data
        lines = data[len(HEADER) :].split(b"\n")[:-1]
        lines.sort(key=lambda line: text_of(line[line.index(b'"') :]).encode())
        return HEADER + b"".join(b"%s\n" % line for line in lines)


class FixityList(Sequence[FixityEntry]):
    """The files of a list in path order. Only its bytes are kept; a file is read from them when it is asked for."""

    def __init__(self, data: bytes | mmap, begins: array[int], number: int) -> None:
        """`begins` is where each `EACH`th of the `number` lines of a sound list begins."""
        self._data = data
        self._begins = begins
        self._number = number

    def __len__(self) -> int:
        return self._number

    @overload
    def __getitem__(self, place: int) -> FixityEntry: ...
    @overload
    def __getitem__(self, place: slice) -> list[FixityEntry]: ...
    def __getitem__(self, place: int | slice) -> FixityEntry | list[FixityEntry]:
        numbers = range(len(self))[place]
        return self._at(numbers) if isinstance(numbers, int) else [self._at(number) for number in numbers]

    def __iter__(self) -> Iterator[FixityEntry]:
        for sha256s, sizes, paths_here in self._parts():
            for sha256, size, path in zip(sha256s, sizes, paths_here, strict=True):
                yield FixityEntry(sha256.decode(), int(size), text_of(path))

    def paths(self) -> Iterator[str]:
        """The path of each file."""
        return map(text_of, self.json_paths())

    def json_paths(self) -> Iterator[bytes]:
        """The path of each file as the list has it, a JSON string."""
        return (path for _, _, paths_here in self._parts() for path in paths_here)

    def digests(self) -> Iterator[bytes]:
        """sha256 of each file, 32 bytes."""
        return (unhexlify(sha256) for sha256s, _, _ in self._parts() for sha256 in sha256s)

    def sizes(self) -> Iterator[int]:
        """The size of each file."""
        return (size for _, sizes, _ in self._parts() for size in map(int, sizes))

    def content(self, place: int) -> tuple[str, int]:
        """sha256 and size of the file with that number."""
        line = self._line(place)
        return line[:_DIGITS].decode(), int(line[_DIGITS + 1 : line.index(b" ", _DIGITS + 1)])

    def contents(self, first: int, last: int) -> Iterator[tuple[str, int]]:
        """The same of those from `first` to before `last`, which are read together."""
        sha256s, sizes, _ = _columns(self._data[self._begin(first) : self._begin(last)])
        return zip(map(bytes.decode, sha256s), map(int, sizes), strict=True)

    def find(self, path: str, near: int = 0) -> int:
        """The number of the file at a path, -1 where there is none. It is looked for at `near` first."""
        if near < len(self) and self._path(near) == path:
            return near
        wanted = path.encode(errors="surrogatepass")
        place = bisect_left(range(len(self)), wanted, key=lambda number: self._path(number).encode())
        return place if place < len(self) and self._path(place) == path else -1

    def _parts(self) -> Iterator[tuple[list[bytes], list[bytes], list[bytes]]]:
        """All lines as columns, some at a time."""
        for first in range(0, self._number, AT_ONCE):
            yield _columns(self._data[self._begin(first) : self._begin(min(first + AT_ONCE, self._number))])

    def _at(self, place: int) -> FixityEntry:
        line = self._line(place)
        size, _, path = line[_DIGITS + 1 :].partition(b" ")
        return FixityEntry(line[:_DIGITS].decode(), int(size), text_of(path))

    def _path(self, place: int) -> str:
        line = self._line(place)
        return text_of(line[line.index(b'"', _DIGITS) :])

    def _line(self, place: int) -> bytes:
        begin = self._begin(place)
        return self._data[begin : self._data.find(b"\n", begin)]

    def _begin(self, place: int) -> int:
        if place == self._number:
            return len(self._data)
        at, find = self._begins[place // EACH], self._data.find
        for _ in range(place % EACH):
            at = find(b"\n", at) + 1
        return at


def _columns(lines: bytes) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """The sha256 of each of these sound lines, its size and its path."""
    words = lines.split()
    if len(words) != 3 * lines.count(b"\n"):
        # There are spaces in a path.
        words = [word for line in lines[:-1].split(b"\n") for word in line.split(b" ", 2)]
    return words[0::3], words[1::3], words[2::3]


def parse(data: bytes | mmap) -> FixityList:
    """The entries of a list. Raises FixityError with the line at fault."""
    ours = data[: len(HEADER)] == HEADER
    if (version := _VERSION.match(data)) and not ours:
        raise UnknownFixityVersionError(f"unknown version {version[0].decode().strip()}")
    if not ours or data[-1:] != b"\n":
        raise FixityError("it is not an arcgit/fixity/v1 list")
    return FixityList(data, *(_plainly(data) or _slowly(data)))


def _plainly(data: bytes | mmap) -> tuple[array[int], int] | None:
    """The lines of a list that is sound and has plain ones only; None where that takes a closer look."""
    begins, number, judged = array("Q"), 0, _Judged()
    names: list[str] = []
    for block in _BLOCK.finditer(data, len(HEADER)):
        lines = block[0]
        found = _PLAIN.findall(lines)
        if len(found) != lines.count(b"\n"):
            return None
        begins.append(block.start())
        number += len(found)
        names += b"\n".join(found).decode().split("\n")
        while len(names) >= AT_ONCE:
            if not judged.sound(names[:AT_ONCE]):
                return None
            del names[:AT_ONCE]
    if names and not judged.sound(names):
        return None
    return begins, number


class _Judged:
    """Plain paths that are judged many at a time, in their order."""

    def __init__(self) -> None:
        self._above = _Above()
        self._last = ""

    def sound(self, names: list[str]) -> bool:
        """True where nothing is wrong with the next ones."""
        # Of ASCII alone, texts are in the order of their bytes.
        ordered = self._last < names[0] and all(map(lt, names, islice(names, 1, None)))
        self._last = names[-1]
        return ordered and paths.all_safe(names) and not self._above.any_clashes(names)


def _slowly(data: bytes | mmap) -> tuple[array[int], int]:
    """Line by line, so that the first at fault can be named."""
    at, begins, above = len(HEADER), array("Q"), _Above()
    previous, inside = "", ""
    number = 0
    while at < len(data):
        if number % EACH == 0:
            begins.append(at)
        number += 1
        line = number + 1
        end = data.find(b"\n", at)
        match = _LINE.fullmatch(data, at, end)
        at = end + 1
        if match is None:
            raise FixityError(f"line {line} is malformed")
        try:
            path: str = msgspec.json.decode(match[3], type=str)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FixityError(f"line {line}: the path is malformed") from error
        if reason := paths.unsafe_reason(path):
            raise FixityError(f"line {line}: the path is unsafe, {reason}")
        if path.encode() <= previous.encode() or dumps(path) != match[3]:
            raise FixityError(f"line {line}: out of order, repeated or not canonical")
        previous = path
        if above.clashes(path):
            inside = inside or path
    if inside:
        raise FixityError(f"{inside} lies inside a file")
    return begins, number


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


def text_of(path: bytes) -> str:
    """A path from its form in JSON. Raises ValueError for what is none."""
    if b"\\" in path:
        return msgspec.json.decode(path, type=str)
    return path[1:-1].decode()
