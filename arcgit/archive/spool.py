"""Very many pieces of bytes put aside until they are asked for.

Where they are many they lie in a file without a name, which is this process's own and ends with it; where no such file can
be made or written, they stay in memory.
"""

from __future__ import annotations

import io
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from typing import IO, overload

_TOGETHER = 256 * 1024
"""So much is written and read at once."""


class Spool(Sequence[bytes]):
    """Pieces in the order in which they came."""

    def __init__(self) -> None:
        self._ends = array("Q", [0])
        self._late = bytearray()
        self._file: IO[bytes] | None = None

    def append(self, piece: bytes) -> None:
        """One more."""
        self._late += piece
        self._ends.append(self._ends[-1] + len(piece))
        if len(self._late) >= _TOGETHER:
            self._write()

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, place: int) -> bytes: ...
    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...
    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        return self._between(self._ends[number], self._ends[number + 1])

    def __iter__(self) -> Iterator[bytes]:
        first = 0
        while first < len(self):
            last = first + 1
            while last < len(self) and self._ends[last] - self._ends[first] < _TOGETHER:
                last += 1
            begin = self._ends[first]
            data = self._between(begin, self._ends[last])
            for number in range(first, last):
                yield data[self._ends[number] - begin : self._ends[number + 1] - begin]
            first = last

    def close(self) -> None:
        """Let go of all of them."""
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        self.close()

    def _between(self, begin: int, end: int) -> bytes:
        written = self._ends[-1] - len(self._late)
        found = bytearray()
        if begin < written and self._file is not None:
            self._file.seek(begin)
            while (left := min(end, written) - begin - len(found)) and (more := self._file.read(left)):
                found += more
        return bytes(found + self._late[max(0, begin - written) : max(0, end - written)])

    def _write(self) -> None:
        begin = self._ends[-1] - len(self._late)
        self._file = self._file or _new_file()
        try:
            self._file.seek(begin)
            left = memoryview(self._late)
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            # A full disk is no reason to fail where memory would do.
            self._file.seek(0)
            full, self._file = self._file, io.BytesIO()
            self._file.write(full.read(begin))
            full.close()
            self._file.write(self._late)
        self._late = bytearray()


def _new_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError:
        return io.BytesIO()
