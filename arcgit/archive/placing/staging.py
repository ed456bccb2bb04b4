"""The folder of arcgit's own inside a destination, in which files grow before they have their names."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from arcgit.archive.placing.occupied import CHUNK, FOLDER

STAGING_PREFIX = ".arcgit-restore-"
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Temporary:
    """A new file in the staging folder, open for writing."""

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor
        self.waits = False

    def write(self, data: bytes) -> None:
        """Append `data`, all of it. Raises OSError."""
        view = memoryview(data)
        while view:
            view = view[os.write(self.descriptor, view) :]

    def md5(self) -> str:
        """The md5 of what was written, in hex."""
        digest, at = hashlib.md5(usedforsecurity=False), 0
        while chunk := os.pread(self.descriptor, CHUNK, at):
            digest.update(chunk)
            at += len(chunk)
        return digest.hexdigest()


class Staging:
    """The folder in an opened one. It has a `descriptor` once it is begun, and is gone when it is closed."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._name, self.descriptor = "", -1

    def begin(self) -> None:
        """Make the staging folder, and remove those that runs which were killed have left."""
        self._sweep()
        while True:
            name = f"{STAGING_PREFIX}{secrets.token_hex(6)}"
            os.mkdir(name, 0o700, dir_fd=self._top)
            try:
                descriptor = os.open(name, FOLDER, dir_fd=self._top)
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
            names = [entry.name for entry in entries if entry.name.startswith(STAGING_PREFIX)]
        for name in names:
            with suppress(OSError):
                descriptor = os.open(name, FOLDER, dir_fd=self._top)
                try:
                    if os.fstat(descriptor).st_uid == os.geteuid():
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        self._empty(name, descriptor)
                finally:
                    os.close(descriptor)

    def _empty(self, name: str, descriptor: int) -> None:
        for left in os.listdir(descriptor):
            os.unlink(left, dir_fd=descriptor)
        os.rmdir(name, dir_fd=self._top)

    @contextmanager
    def temporary(self, *, executable: bool = False) -> Iterator[Temporary]:
        """A new file in the staging folder, gone at the end unless it was placed."""
        name = secrets.token_hex(12)
        descriptor = os.open(name, _NEW, 0o777 if executable else 0o666, dir_fd=self.descriptor)
        try:
            yield (new := Temporary(name, descriptor))
        finally:
            os.close(descriptor)
            if not new.waits:
                self.forget(name)

    def forget(self, name: str) -> None:
        """Take a file away, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def close(self) -> None:
        """Take the folder away with everything in it."""
        if self.descriptor >= 0:
            with suppress(OSError):
                self._empty(self._name, self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1
