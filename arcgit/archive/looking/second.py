"""Very many small files of this machine, half of them read by a second process beside this one.

To open, look at, read and hash a small file is most of what it costs here, and threads of Python share one processor. The
other process is a copy of this one (`fork`). It takes every second piece of the work and says of each only that all of its
files are good, with their stamps. What it does not say that of is looked at here, as is all that is left when it is gone:
nobody is told otherwise than with one process.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Callable, Generator, Iterable

from arcgit.archive.aside import processors
from arcgit.archive.looking import pieces
from arcgit.archive.looking.pieces import Bench, Done
from arcgit.archive.looking.targets import Store
from arcgit.dvc.remote import DataRemote

MANY = 4 * pieces.CHUNK
"""From so many files on a second process is worth what it takes to begin it."""
_HEAD = struct.Struct("=qq")
"""The bytes of the stamps that follow, below zero for a piece that is to be looked at here; and of the files."""
Numbers = Callable[[], Iterable[int]]
"""The numbers of the files, from the first on each time that it is called."""


class Second:
    """The other process, at work on the pieces with odd numbers."""

    def __init__(self, store: Store, remote: DataRemote, numbers: Numbers) -> None:
        """Begin it. Raises OSError where none can be had. No other thread may hold what it needs."""
        self._store = store
        back, there = os.pipe()
        try:
            self._child = os.fork()
        except OSError:
            os.close(back)
            os.close(there)
            raise
        if self._child == 0:
            os.close(back)
            _read_every_second(there, store, remote, numbers)
        os.close(there)
        self._answers = os.fdopen(back, "rb")

    def take(self, bench: Bench) -> Done | None:
        """What came of its next piece; None where that is to be looked at here."""
        head = self._answers.read(_HEAD.size)
        size, read = _HEAD.unpack(head) if len(head) == _HEAD.size else (-1, 0)
        files = self._answers.read(size) if size >= 0 else b""
        if size < 0 or len(files) != size:
            return None
        done = Done(self._store, files=files)
        bench.count(read, done)
        return done

    def drop(self) -> None:
        """It is not wanted any more."""
        self._answers.close()
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)


def small(store: Store, remote: DataRemote, numbers: Numbers, total: int, bench: Bench) -> Generator[Done, None, None]:
    """What came of each piece, in their order; a second process takes part where there is one and it is worth it."""
    second = None
    if total >= MANY and processors() > 1:
        try:
            second = Second(store, remote, numbers)
        except OSError:
            second = None
    try:
        for place, part in enumerate(pieces.parts(numbers())):
            done = second.take(bench) if second is not None and place % 2 else None
            yield done or pieces.small(store, remote, part, bench)
    finally:
        if second is not None:
            second.drop()


def _read_every_second(answers: int, store: Store, remote: DataRemote, numbers: Numbers) -> None:
    """The whole life of the other process. Nothing of what this one would do at its end may happen in it."""
    code = 1
    try:
        with os.fdopen(answers, "wb") as out:
            bench = Bench()
            for place, part in enumerate(pieces.parts(numbers())):
                if place % 2 == 0:
                    continue
                done = pieces.small(store, remote, part, bench)
                plain = not done.bad and not done.stamped
                out.write(_HEAD.pack(len(done.files) if plain else -1, done.read))
                out.write(done.files if plain else b"")
                out.flush()
        code = 0
    finally:
        os._exit(code)
