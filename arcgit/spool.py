"""Very many bytes put aside until they are asked for.

Where they are many they lie in a file without a name, which is this process's own and ends with it, and are read where they
lie: its pages are the system's to keep or to write out. Where no such file can be made or written, they stay in memory.
"""

from __future__ import annotations

import mmap
import os
from array import array
from collections.abc import Callable, Sequence
from typing import IO, Protocol, overload

TOGETHER = 256 * 1024
"""So much is written at once; what is less never leaves memory."""
_CHUNK = 1024 * 1024


class Pile:
    """Bytes, one behind the other, to which more may be added."""

    def __init__(self) -> None:
        self._late = bytearray()
        self._file: IO[bytes] | None = None
        # Only what was written is mapped, and only to be read: writing to a mapped file on a full disk ends a process.
        self._there: bytes | mmap.mmap = b""
        self._room = True

    def add(self, piece: bytes | bytearray) -> None:
        """More of them."""
        self._late += piece
        if len(self._late) >= TOGETHER:
            self._write()

    def __len__(self) -> int:
        return len(self._there) + len(self._late)

    def between(self, begin: int, end: int) -> bytes:
        """Some of them."""
        written = len(self._there)
        if end <= written:
            return self._there[begin:end]
        late = bytes(self._late[max(0, begin - written) : end - written])
        return self._there[begin:written] + late if begin < written else late

    def whole(self) -> bytes | mmap.mmap:
        """All of them, where they lie; what is added later is not in it."""
        if self._late and len(self._there):
            self._write()
        return self._there if not self._late else bytes(self._there[:] + self._late)

    def close(self) -> None:
        """Let go of all of them; what `whole` gave stays."""
        if self._file is not None:
            self._file.close()
        self._there, self._late = b"", bytearray()

    def __del__(self) -> None:
        self.close()

    def _write(self) -> None:
        if not self._room:
            return
        begin = len(self._there)
        try:
            self._file = self._file or _unnamed()
            left = memoryview(self._late)
            while left:
                left = left[os.pwrite(self._file.fileno(), left, len(self) - len(left)) :]
            self._there = mmap.mmap(self._file.fileno(), begin + len(self._late), prot=mmap.PROT_READ)
        except (OSError, ValueError):
            # A full disk is no reason to fail where memory would do.
            self._room = False
            return
        self._late = bytearray()


def _unnamed() -> IO[bytes]:
    import tempfile  # noqa: PLC0415  what little there is never needs it

    return tempfile.TemporaryFile(buffering=0)


class Spool(Sequence[bytes]):
    """Pieces in the order in which they came."""

    def __init__(self) -> None:
        self._ends = array("Q", [0])
        self._pile = Pile()

    def append(self, piece: bytes) -> None:
        """One more."""
        self._pile.add(piece)
        self._ends.append(len(self._pile))

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
        return self._pile.between(self._ends[number], self._ends[number + 1])

    def close(self) -> None:
        """Let go of all of them."""
        self._pile.close()
        self._ends = array("Q", [0])


class Readable(Protocol):
    """What gives at most so many bytes at a time, and none at its end."""

    def read(self, size: int, /) -> bytes: ...


def aside(file: Readable, limit: int, see: Callable[[bytes], object] = lambda data: None) -> bytes | mmap.mmap:
    """The bytes of a stream, at most `limit` of them; `see` is given them as they come."""
    pile = Pile()
    while (left := limit - len(pile)) and (data := file.read(min(_CHUNK, left))):
        see(data)
        pile.add(data)
    return pile.whole()
