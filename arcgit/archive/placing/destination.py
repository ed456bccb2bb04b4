"""A folder that files are written into: only below it, through no link, and over nothing that stands there.

Bytes go to a temporary file in a folder of arcgit's own inside the destination. They get their final name once they are
proven and durable, by a link, which takes no name that is taken. Every folder on the way is opened by its parent's
descriptor and without following links, so that nobody who writes there meanwhile can lead a write elsewhere.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal, NamedTuple, cast

from arcgit import durable

STAGING_PREFIX = ".arcgit-restore-"
CHUNK = 1024 * 1024
MANY, MUCH, LONG = 2000, 256 * CHUNK, 1.0
"""How many files, of how many bytes, wait for how many seconds to become durable together; a killed run repeats them."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS_HERE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
_IN_THE_WAY = {errno.ELOOP, errno.ENOTDIR}


class OccupiedError(Exception):
    """Something else stands in the place of a file or of a folder on its way; the words say what."""


class Standing(NamedTuple):
    """What stands under a name: nothing, the very bytes that are wanted, or something else with words for it."""

    state: Literal["absent", "same", "other"]
    what: str = ""


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


class Waiting(NamedTuple):
    """A proven file that is not durable yet, where it goes, and who is told how that went."""

    name: str
    path: str
    sha256: str
    size: int
    placed: Callable[[OccupiedError | OSError | None], None]


class Destination:
    """The opened folder. With `force` a file, a link or a special file in the way is replaced, never written through.

    May be used by several threads; `close` makes the new names durable and takes the staging folder away.
    """

    def __init__(self, descriptor: int, *, force: bool) -> None:
        self._top = descriptor
        self._force = force
        self._staging_name, self._staging = "", -1
        self._touched: set[str] = set()
        self._lock = Lock()
        self._waiting: list[Waiting] = []
        self._waiting_bytes, self._waiting_since = 0, 0.0

    def begin(self) -> None:
        """Make the staging folder, and remove those that runs which were killed have left."""
        self._sweep()
        while True:
            name = f"{STAGING_PREFIX}{secrets.token_hex(6)}"
            os.mkdir(name, 0o700, dir_fd=self._top)
            try:
                descriptor = os.open(name, _FOLDER, dir_fd=self._top)
            except FileNotFoundError:
                continue
            # Held for as long as this process lives: what is not locked was left by one that does not.
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self._is_there(name, descriptor):
                self._staging_name, self._staging = name, descriptor
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
                descriptor = os.open(name, _FOLDER, dir_fd=self._top)
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

    def close(self) -> None:
        """Make every new name durable and leave nothing but what was placed."""
        try:
            if self._staging >= 0:
                with suppress(OSError):
                    self._empty(self._staging_name, self._staging)
                os.close(self._staging)
                self._staging = -1
            for folder in sorted(self._touched):
                with suppress(OSError), self._folder(folder) as descriptor:
                    os.fsync(descriptor)
        finally:
            os.close(self._top)

    def look(self, path: str, sha256: str, size: int) -> Standing:
        """What stands at `path`, told by its bytes. Raises OSError where it cannot be read."""
        folder, _, name = path.rpartition("/")
        try:
            with self._folder(folder) as parent:
                return _standing(parent, name, sha256, size)
        except FileNotFoundError:
            return Standing("absent")
        except OccupiedError as fault:
            return Standing("other", str(fault))

    def stands_at(self, place: Path) -> bool:
        """False where `place` leads to another folder by now, or to none."""
        try:
            return os.path.samestat(os.stat(place), os.fstat(self._top))
        except OSError:
            return False

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """A file for reading, through no link. Raises FileNotFoundError, OccupiedError for what is no file, OSError."""
        folder, _, name = path.rpartition("/")
        with self._folder(folder) as parent:
            try:
                descriptor = os.open(name, _READ, dir_fd=parent)
            except OSError as fault:
                if fault.errno not in {*_IN_THE_WAY, errno.ENXIO}:
                    raise
                raise OccupiedError(f"{_kind(parent, name)} stands there") from None
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise OccupiedError(f"{_kind(parent, name)} stands there")
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                yield cast("BinaryIO", file)

    @contextmanager
    def temporary(self, *, executable: bool = False) -> Iterator[Temporary]:
        """A new file in the staging folder, gone at the end unless it was placed."""
        name = secrets.token_hex(12)
        descriptor = os.open(name, _NEW, 0o777 if executable else 0o666, dir_fd=self._staging)
        try:
            yield (new := Temporary(name, descriptor))
        finally:
            os.close(descriptor)
            if not new.waits:
                self._forget(name)

    def _forget(self, name: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._staging)

    def place(self, temporary: Temporary, path: str, sha256: str, size: int) -> None:
        """Give proven bytes their name. Raises OccupiedError where it is taken by something else, OSError."""
        os.fsync(temporary.descriptor)
        self._name(temporary.name, path, sha256, size)

    def queue(
        self,
        temporary: Temporary,
        path: str,
        sha256: str,
        size: int,
        placed: Callable[[OccupiedError | OSError | None], None],
    ) -> None:
        """Give proven bytes their name once many files are made durable in one go, which takes as long as for one.

        `placed` is called then, maybe in another thread, with what went wrong or None.
        """
        temporary.waits = True
        with self._lock:
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting.append(Waiting(temporary.name, path, sha256, size, placed))
            self._waiting_bytes += size
            full = len(self._waiting) >= MANY or self._waiting_bytes >= MUCH
            full = full or time.monotonic() - self._waiting_since >= LONG
        if full:
            self.settle()

    def settle(self) -> None:
        """Give every file that waits its name."""
        with self._lock:
            batch, self._waiting, self._waiting_bytes = self._waiting, [], 0
        try:
            durable.settle_files([one.name for one in batch], self._staging)
        except OSError as fault:
            for one in batch:
                self._forget(one.name)
                one.placed(fault)
            return
        for one in batch:
            try:
                self._name(one.name, one.path, one.sha256, one.size)
            except (OccupiedError, OSError) as fault:
                one.placed(fault)
            else:
                one.placed(None)
            finally:
                self._forget(one.name)

    def _name(self, temporary: str, path: str, sha256: str, size: int) -> None:
        folder, _, name = path.rpartition("/")
        with self._folder(folder, create=True) as parent:
            if self._force:
                self._replace(temporary, parent, name)
            else:
                self._link(temporary, parent, name, sha256, size)
        self._touched.add(folder)

    def make_folder(self, path: str) -> None:
        """An empty folder. Raises OccupiedError, OSError."""
        with self._folder(path, create=True):
            self._touched.add(path)

    def _link(self, temporary: str, parent: int, name: str, sha256: str, size: int) -> None:
        try:
            os.link(temporary, name, src_dir_fd=self._staging, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError:
            standing = _standing(parent, name, sha256, size)
            if standing.state != "same":
                raise OccupiedError(standing.what or "something else stands there") from None
        except OSError as fault:
            if fault.errno not in _NO_LINKS_HERE:
                raise
            # A file system without hard links: what appears there between the look and the rename would be replaced.
            if _standing(parent, name, sha256, size).state == "other":
                raise OccupiedError("something else stands there") from None
            self._replace(temporary, parent, name)

    def _replace(self, temporary: str, parent: int, name: str) -> None:
        try:
            os.rename(temporary, name, src_dir_fd=self._staging, dst_dir_fd=parent)
        except (IsADirectoryError, NotADirectoryError):
            raise OccupiedError("a folder stands there") from None
        except OSError as fault:
            if fault.errno != errno.EXDEV:
                raise
            raise OccupiedError("another file system is mounted on its folder") from None

    @contextmanager
    def _folder(self, path: str, *, create: bool = False) -> Iterator[int]:
        """The descriptor of a folder below the top. Raises FileNotFoundError, OccupiedError."""
        at = os.dup(self._top)
        try:
            gone = ""
            for part in path.split("/") if path else ():
                inner = self._step(at, part, f"{gone}{part}", gone.rstrip("/"), create=create)
                os.close(at)
                at, gone = inner, f"{gone}{part}/"
            yield at
        finally:
            os.close(at)

    def _step(self, parent: int, part: str, path: str, folder: str, *, create: bool) -> int:
        try:
            return os.open(part, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            if not create:
                raise
        except OSError as fault:
            if fault.errno not in _IN_THE_WAY:
                raise
            raise OccupiedError(f"{path} is {_kind(parent, part)}, not a folder") from None
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=parent)
            self._touched.add(folder)
        return self._step(parent, part, path, folder, create=False)


def _standing(parent: int, name: str, sha256: str, size: int) -> Standing:
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            return Standing("other", f"{_kind(parent, name)} stands there")
        if status.st_size != size:
            return Standing("other", f"a file of {status.st_size} bytes instead of {size} stands there")
        descriptor = os.open(name, _READ, dir_fd=parent)
    except FileNotFoundError:
        return Standing("absent")
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        digest, left = hashlib.sha256(), size + 1
        while chunk := file.read(min(CHUNK, left)):
            digest.update(chunk)
            left -= len(chunk)
    if digest.hexdigest() == sha256:
        return Standing("same")
    return Standing("other", "a file with other bytes stands there")


_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISREG, "a file"),
)


def _kind(parent: int, name: str) -> str:
    with suppress(OSError):
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        return next((words for test, words in _KINDS if test(mode)), "a device")
    return "something else"
