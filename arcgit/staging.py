"""New files on their way to their names, many of them made durable in one go.

They grow in a folder of arcgit's own, on the disk that they are to be on. That folder is locked for as long as its process
lives, so whoever comes next can tell what nobody will finish.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from threading import Lock
from typing import NamedTuple

from arcgit import durable

CHUNK = 1024 * 1024
MANY, MUCH, LONG = 2000, 256 * CHUNK, 1.0
"""How many files, of how many bytes, wait for how many seconds to become durable together; a killed run repeats them."""
AHEAD = 16 * CHUNK
"""So much of a file is written before the disk is told to begin with it."""
_ZEROS = bytes(CHUNK)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Temporary:
    """A new file in the staging folder, open for writing."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor
        self.waits = False
        self._on_its_way, self._late = 0, 0

    def write(self, data: bytes) -> None:
        """Append `data`, all of it; whole pieces of zeros as a hole, as `cp` does. Raises OSError."""
        if data == _ZEROS:
            os.ftruncate(self.descriptor, os.lseek(self.descriptor, len(data), os.SEEK_CUR))
        else:
            view = memoryview(data)
            while view:
                view = view[os.write(self.descriptor, view) :]
        self._late += len(data)
        if self._late >= AHEAD:
            self._send()

    def _send(self) -> None:
        """Have the disk begin with what was written: else it waits for the end, and then everybody for the disk."""
        with suppress(OSError, AttributeError):
            os.posix_fadvise(self.descriptor, self._on_its_way, self._late, os.POSIX_FADV_DONTNEED)
        self._on_its_way, self._late = self._on_its_way + self._late, 0

    def md5(self) -> str:
        """The md5 of what was written, in hex."""
        digest, at = hashlib.md5(usedforsecurity=False), 0
        while chunk := os.pread(self.descriptor, CHUNK, at):
            digest.update(chunk)
            at += len(chunk)
        return digest.hexdigest()


class _Waiting(NamedTuple):
    name: str
    place: Callable[[str], None]
    placed: Callable[[Exception | None], None]


class Staging:
    """A folder inside the opened folder `top`, for new files. May be used by several threads."""

    def __init__(self, top: int, prefix: str) -> None:
        self._top = top
        self._prefix = prefix
        self._name, self.descriptor = "", -1
        self._lock, self._settling = Lock(), Lock()
        self._numbers = count()
        self._waiting: list[_Waiting] = []
        self._waiting_bytes, self._waiting_since = 0, 0.0

    def begin(self) -> None:
        """Make the folder, and remove those that runs which were killed have left. Raises OSError."""
        self._sweep()
        while True:
            name = f"{self._prefix}{secrets.token_hex(6)}"
            os.mkdir(name, 0o700, dir_fd=self._top)
            try:
                descriptor = os.open(name, _FOLDER, dir_fd=self._top)
            except FileNotFoundError:
                continue
            # Held for as long as this process lives: what is not locked was left by one that does not.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self._is_there(name, descriptor):
                self._name, self.descriptor = name, descriptor
                return
            os.close(descriptor)

    def _is_there(self, name: str, descriptor: int) -> bool:
        """False where another run took the folder for one that was left, before it was locked."""
        try:
            return os.path.samestat(os.stat(name, dir_fd=self._top, follow_symlinks=False), os.fstat(descriptor))
        except FileNotFoundError:
            return False

    def _sweep(self) -> None:
        with os.scandir(self._top) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(self._prefix)]
        for name in names:
            with suppress(OSError):
                descriptor = os.open(name, _FOLDER, dir_fd=self._top)
                try:
                    if os.fstat(descriptor).st_uid == os.geteuid():
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        durable.empty(name, descriptor, self._top)
                finally:
                    os.close(descriptor)

    def end(self) -> None:
        """Take the folder away with all that is in it."""
        if self.descriptor < 0:
            return
        with suppress(OSError):
            durable.empty(self._name, self.descriptor, self._top)
        os.close(self.descriptor)
        self.descriptor = -1

    @contextmanager
    def temporary(self, mode: int = 0o666) -> Iterator[Temporary]:
        """A new file, gone at the end unless it waits for its name. Raises OSError."""
        name = f"{next(self._numbers):x}"
        descriptor = os.open(name, _NEW, mode, dir_fd=self.descriptor)
        try:
            yield (new := Temporary(name, descriptor))
        finally:
            os.close(descriptor)
            if not new.waits:
                self._forget(name)

    def _forget(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def queue(
        self,
        temporary: Temporary,
        size: int,
        place: Callable[[str], None],
        placed: Callable[[Exception | None], None],
    ) -> None:
        """Have `place` give the file its name once many files are durable, which takes as long as for one.

        `place` is given the name in the staging folder. `placed` is called then, maybe in another thread, with what went
        wrong or None.
        """
        temporary.waits = True
        with self._lock:
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting.append(_Waiting(temporary.name, place, placed))
            self._waiting_bytes += size
            full = len(self._waiting) >= MANY or self._waiting_bytes >= MUCH
            due = full or time.monotonic() - self._waiting_since >= LONG
        # While the disk is waited for already, more may gather for the next time.
        if full or (due and not self._settling.locked()):
            self.settle()

    def settle(self) -> None:
        """Give every file that waits its name."""
        with self._settling:
            self._settle()

    def _settle(self) -> None:
        with self._lock:
            batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
        try:
            durable.settle_files([one.name for one in batch], self.descriptor)
        except OSError as fault:
            for one in batch:
                self._forget(one.name)
                one.placed(fault)
            return
        for one in batch:
            wrong: Exception | None = None
            try:
                one.place(one.name)
            except Exception as fault:  # noqa: BLE001  told to whoever waits for this file
                wrong = fault
            finally:
                self._forget(one.name)
            one.placed(wrong)
