"""Files that appear whole or not at all, and the temporary ones that a run which died has left behind.

A temporary file is locked for as long as its writer lives, so whoever comes next can tell what nobody will finish. File
systems without locks keep such leftovers; they are never taken for the files that they were to become.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from arcgit import crash

PREFIX = ".arcgit-tmp-"
FEW = 4
"""Up to so many files are made durable one by one: the whole file system may have more to write than they."""
_NO_SUCH_CALL = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES, errno.EPERM}
"""What file systems say that know nothing of the names in a folder being on disk."""


@contextmanager
def temporary(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file in `folder`, open for writing, that is gone afterwards unless it was renamed. Raises OSError."""
    sweep(folder)
    descriptor, path = _locked(folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield cast("BinaryIO", file), path
    finally:
        path.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove the temporary files in `folder` whose writers are dead, and their folders of such files."""
    for path in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                    empty(path, descriptor)
                else:
                    path.unlink()
            finally:
                os.close(descriptor)


def empty(name: str | Path, descriptor: int, top: int | None = None) -> None:
    """Remove an opened folder, called `name` in the opened folder `top`, and the files in it. Raises OSError."""
    for left in os.listdir(descriptor):
        os.unlink(left, dir_fd=descriptor)
    os.rmdir(name, dir_fd=top)


def replace(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` at `path`, in the place of what is there. Raises OSError; the old file is whole then."""
    replace_in_pieces(path, [data], mode=mode)


def replace_in_pieces(path: Path, pieces: Iterable[bytes], *, mode: int) -> None:
    """As `replace`, of what need not be in memory as a whole. Whatever the pieces raise leaves the old file as well."""
    with temporary(path.parent) as (file, beside):
        file.writelines(pieces)
        settle(file)
        os.fchmod(file.fileno(), mode)
        crash.point("file-written")
        beside.replace(path)
    crash.point("file-placed")


def settle(file: BinaryIO) -> None:
    """Have everything that was written on disk."""
    file.flush()
    os.fsync(file.fileno())


def settle_names(descriptor: int, done: set[int], *, many: bool) -> None:
    """Have the names in an opened folder on disk, where the file system knows how. Raises OSError.

    With `many` all that its file system has to write, once: `done` holds those that were asked already.
    """
    device = os.fstat(descriptor).st_dev
    if device in done:
        return
    if many and _settle_file_system(descriptor):
        done.add(device)
        return
    try:
        os.fsync(descriptor)
    except OSError as fault:
        if fault.errno not in _NO_SUCH_CALL:
            raise


def settle_files(names: Sequence[str], folder: int) -> None:
    """Have the bytes of files in an opened folder on disk. Raises OSError.

    Where the system can, in one go for their file system: one by one, each waits for the disk.
    """
    if len(names) > FEW and _settle_file_system(folder):
        return
    for name in names:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _settle_file_system(descriptor: int) -> bool:
    """False where the system has no such call, or one that does not tell of bytes that could not be written."""
    import ctypes  # noqa: PLC0415  few commands write many files

    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if sys.platform != "linux" or release is None or (int(release[1]), int(release[2])) < (5, 8):
        return False
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False
    if syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return True


def _locked(folder: Path) -> tuple[int, Path]:
    while True:
        descriptor, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        # Somebody who sweeps may have been faster, and have the lock while the file is still to go: that is waited for.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(name)):  # noqa: PTH116
                return descriptor, Path(name)
        os.close(descriptor)
