"""Files of this machine and of any storage, opened so that nothing hangs and every fault is one of ours."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from arcgit import crash, durable
from arcgit.dvc.patience import Pace
from arcgit.errors import ArcgitError

CHUNK = 1024 * 1024


class Stream:
    """A stream whose faults are what `fault` makes of them, whichever library it is of. One that trickles is a fault."""

    def __init__(self, file: Any, fault: Callable[[Exception], ArcgitError]) -> None:
        self._file = file
        self._fault = fault
        self._pace = Pace()

    @property
    def details(self) -> object:
        """What the storage told when the file was opened."""
        return getattr(self._file, "details", None)

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer only at the end, also where the library gives what has arrived so far."""
        try:
            data = self._some(size)
            if not data or len(data) == size:
                return data
            parts, left = [data], size - len(data)
            while (size < 0 or left > 0) and (data := self._some(left if size >= 0 else -1)):
                parts.append(data)
                left -= len(data)
        except Exception as error:
            raise self._fault(error) from error
        return b"".join(parts)

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer as far as there are bytes; returns how many."""
        try:
            if hasattr(self._file, "readinto"):
                with self._pace.waiting():
                    count = cast("int", self._file.readinto(buffer))
                if count:
                    self._pace.came(count)
                return count
            # sshfs has files that can only be read.
            data = self._some(len(buffer))
        except Exception as error:
            raise self._fault(error) from error
        buffer[: len(data)] = data
        return len(data)

    def _some(self, size: int) -> bytes:
        """What the library gives at once."""
        with self._pace.waiting():
            data = cast("bytes", self._file.read(size))
        if data:
            self._pace.came(len(data))
        return data


@contextmanager
def opened_file(path: str) -> Iterator[BinaryIO]:
    """A regular file of this machine. Raises OSError."""
    # O_NONBLOCK: a FIFO in the place of an object must not hang the judge.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file", path)
        yield cast("BinaryIO", file)


def put_local(source: Path, target: Path) -> None:
    """Copy beside the target, make it durable, and link it into place: a name that is taken is never overwritten."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with durable.temporary(target.parent.parent) as (writer, temporary):
        with source.open("rb") as reader:
            while chunk := reader.read(CHUNK):
                writer.write(chunk)
        durable.settle(writer)
        os.fchmod(writer.fileno(), 0o444)
        give_name(temporary, target)


def give_name(temporary: str | Path, target: Path, folder: int | None = None) -> None:
    """Have a whole file, in the opened `folder` if there is one, under its name, unless that is taken. Raises OSError."""
    crash.point("data-written")
    try:
        os.link(temporary, target, src_dir_fd=folder)
    except FileExistsError:
        # Somebody else was faster: reading back tells what they have put there.
        return
    except OSError:
        # A file system without hard links; the small race is closed by reading back.
        if not target.exists():
            os.rename(temporary, target, src_dir_fd=folder)
    crash.point("data-placed")
