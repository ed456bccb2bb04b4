"""`.dir` objects: DVC's listing of a directory, which anybody who can write to the remote can edit."""

from __future__ import annotations

import re
from array import array
from binascii import unhexlify
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import lt
from typing import TYPE_CHECKING, overload

import msgspec

from arcgit.errors import RefusedError
from arcgit.model import paths
from arcgit.model.fixity import FixityList, text_of
from arcgit.model.text import escape

if TYPE_CHECKING:
    from mmap import mmap

MAX_ENTRIES = 5_000_000
AT_ONCE = 1_000
"""So many rows are judged together."""
_MD5 = re.compile("[0-9a-f]{32}")
_SIZE = 16
_ROW = re.compile(rb'\{"md5": "([0-9a-f]{32})", "relpath": ("[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*")\}(?:, |\]\Z)')
"""A file as DVC writes it."""
_BEGIN, _MIDDLE, _END = b'{"md5": "', b'", "relpath": ', b"}, "
_HEX = re.compile(b"(?:[0-9a-f]{32})*")
_EACH = 32
"""Of so many rows one is known where it begins."""


class DirEntry(msgspec.Struct, frozen=True, gc=False):
    """One file of a directory: its md5 in DVC and its path relative to the directory."""

    md5: str
    relpath: str


class DirListing(Sequence[DirEntry]):
    """The files of a `.dir` object in its order. Only its bytes are kept; a file is read from them when it is asked for."""

    def __init__(self, data: bytes | mmap, begins: array[int], number: int) -> None:
        """`begins` is where each `_EACH`th of the `number` rows of a sound listing begins."""
        self._data = data
        self._begins = begins
        self._number = number

    def __len__(self) -> int:
        return self._number

    @overload
    def __getitem__(self, place: int) -> DirEntry: ...
    @overload
    def __getitem__(self, place: slice) -> list[DirEntry]: ...
    def __getitem__(self, place: int | slice) -> DirEntry | list[DirEntry]:
        numbers = range(len(self))[place]
        return self._at(numbers) if isinstance(numbers, int) else [self._at(number) for number in numbers]

    def __iter__(self) -> Iterator[DirEntry]:
        return (DirEntry(row[1].decode(), text_of(row[2])) for row in _ROW.finditer(self._data, 1))

    def _at(self, place: int) -> DirEntry:
        rows = _ROW.finditer(self._data, self._begins[place // _EACH])
        row = next(islice(rows, place % _EACH, None))
        return DirEntry(row[1].decode(), text_of(row[2]))


class Members(Mapping[str, str]):
    """The md5 of each file by its path, for exactly the files of a fixity list: sixteen bytes each."""

    def __init__(self, files: FixityList, md5s: bytes | mmap) -> None:
        self.files = files
        self._md5s = md5s
        self._next = 0

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[str]:
        return self.files.paths()

    def __getitem__(self, path: str) -> str:
        # Whoever goes through a directory asks for one file after the other.
        place = self.files.find(path, self._next)
        if place < 0:
            raise KeyError(path)
        self._next = place + 1
        return self._md5s[place * _SIZE : (place + 1) * _SIZE].hex()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Members) and other.files is self.files:
            return self._md5s[:] == other._md5s[:]
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def digests(self) -> Iterator[bytes]:
        """The md5s in the order of the list."""
        for start in range(0, len(self._md5s), _SIZE * AT_ONCE):
            part = self._md5s[start : start + _SIZE * AT_ONCE]
            yield from [part[begin : begin + _SIZE] for begin in range(0, len(part), _SIZE)]


def members_of(data: bytes | mmap, files: FixityList) -> Mapping[str, str]:
    """The md5 of each file by its path. Raises as `parse_dir_listing` does.

    Where a listing names exactly the `files`, whose paths are known to be safe, in their order and as DVC writes it, none
    is judged once more, and only the md5s are kept.
    """
    md5s = _aligned(data, files)
    return Members(files, md5s) if md5s is not None else {row.relpath: row.md5 for row in parse_dir_listing(data)}


def _aligned(data: bytes | mmap, files: FixityList) -> bytes | mmap | None:
    from arcgit.spool import Pile  # noqa: PLC0415  a commit hook has no use for it

    at, md5s, coming = 1, Pile(), files.json_paths()
    for paths_here in iter(lambda: list(islice(coming, AT_ONCE)), []):
        begin = at
        at += len(paths_here) * (len(_BEGIN + _MIDDLE + _END) + 2 * _SIZE) + sum(map(len, paths_here))
        # The last row of all ends otherwise.
        here = data[begin:at] if at <= len(data) else data[begin:].removesuffix(b"}]") + _END
        found = here.split(b'"')[3::8]
        if not _is_plain(here, found, paths_here):
            found, at = _one_by_one(data, begin, paths_here)
        if len(found) != len(paths_here):
            return None
        md5s.add(unhexlify(b"".join(found)))
    # Only the last row ends the listing, and one that ends it is the last.
    whole = data[-2:] == b"}]" and at >= len(data) if files else data[:3] == b"[]"
    return md5s.whole() if whole and data[:1] == b"[" else None


def _is_plain(rows: bytes, md5s: list[bytes], paths_here: list[bytes]) -> bool:
    """True where these rows are what DVC writes of these md5s and paths, none of which it has to escape."""
    number = len(paths_here)
    if len(md5s) != number or set(map(len, md5s)) != {2 * _SIZE} or not _HEX.fullmatch(b"".join(md5s)):
        return False
    written = [_BEGIN, b"", _MIDDLE, b"", _END] * number
    written[1::5], written[3::5] = md5s, paths_here
    return rows == b"".join(written)


def _one_by_one(data: bytes | mmap, at: int, paths_here: Sequence[bytes]) -> tuple[list[bytes], int]:
    """The md5s of rows with these paths, as far as there are such, and where the last of them ends."""
    found = []
    for path in paths_here:
        row = _ROW.match(data, at)
        # What is not ASCII is escaped by DVC, and not in the list.
        if row is None or (row[2] != path and _text(row[2]) != text_of(path)):
            break
        found.append(row[1])
        at = row.end()
    return found, at


def _text(string: bytes) -> str | None:
    try:
        return text_of(string)
    except ValueError:
        return None


def parse_dir_listing(data: bytes | mmap) -> Sequence[DirEntry]:
    """The entries of a `.dir` object. Raises RefusedError `path-unsafe` or `object-corrupt`."""
    return _plainly(data) or _slowly(data)


def _plainly(data: bytes | mmap) -> DirListing | None:
    """A sound listing as DVC writes it, in order of the paths; None where that takes a closer look."""
    begins, number, at, last = array("Q"), 0, 1, ""
    while at < len(data):
        names: list[str] = []
        while len(names) < AT_ONCE and (row := _ROW.match(data, at)):
            path = _text(row[2])
            if path is None:
                return None
            names.append(path)
            if number % _EACH == 0:
                begins.append(at)
            number += 1
            at = row.end()
        if not names or not last < names[0] or not all(map(lt, names, islice(names, 1, None))):
            return None
        if not paths.all_safe(names):
            return None
        last = names[-1]
    # Only the last row ends the listing, and one that ends it is the last.
    if not 0 < number <= MAX_ENTRIES or data[:1] != b"[" or data[-2:] != b"}]":
        return None
    found = DirListing(data, begins, number)
    return None if paths.may_be_twins(row.relpath for row in found) else found


def _slowly(data: bytes | mmap) -> tuple[DirEntry, ...]:
    try:
        rows = msgspec.json.decode(data, type=list[DirEntry])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RefusedError("object-corrupt", f"a directory listing of DVC is malformed: {error}") from error
    if len(rows) > MAX_ENTRIES:
        raise RefusedError("object-corrupt", f"a directory listing names {len(rows)} files, more than {MAX_ENTRIES}")
    for row in rows:
        if not _MD5.fullmatch(row.md5):
            raise RefusedError("object-corrupt", f"a directory listing has a malformed md5 for {escape(row.relpath)}")
        if reason := paths.unsafe_reason(row.relpath):
            hint = "rename the file, then dvc commit; if you did not name it so, the remote was tampered with"
            raise RefusedError("path-unsafe", f"a directory listing names {escape(row.relpath)}: {reason}", hint)
    names = [row.relpath for row in rows]
    if len(set(names)) < len(names):
        raise RefusedError("path-unsafe", "a directory listing names one file twice")
    if pairs := paths.twins(names):
        first, second = (escape(path) for path in pairs[0])
        message = f"some file systems take {first} and {second} for one file"
        raise RefusedError("path-unsafe", message, "rename one of them, then dvc commit")
    return tuple(rows)
