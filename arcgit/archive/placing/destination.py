"""A folder that files are written into: only below it, through no link, and over nothing that stands there.

Bytes go to a temporary file in a folder of arcgit's own inside the destination. They get their final name once they are
proven and durable, by a link, which takes no name that is taken. Every folder on the way is opened by its parent's
descriptor and without following links, so that nobody who writes there meanwhile can lead a write elsewhere.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, cast

from arcgit import durable
from arcgit.staging import CHUNK, Staging, Temporary

STAGING_PREFIX = ".arcgit-restore-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_LINKS_HERE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
_IN_THE_WAY = {errno.ELOOP, errno.ENOTDIR}


class OccupiedError(Exception):
    """Something else stands in the place of a file or of a folder on its way; the words say what."""


class Standing(NamedTuple):
    """What stands under a name: nothing, the very bytes that are wanted, or something else with words for it."""

    state: Literal["absent", "same", "other"]
    what: str = ""


class Destination:
    """The opened folder. With `force` a file, a link or a special file in the way is replaced, never written through.

    May be used by several threads; `close` makes the new names durable and takes the staging folder away.
    """

    def __init__(self, descriptor: int, *, force: bool) -> None:
        self._top = descriptor
        self._force = force
        self._staging = Staging(descriptor, STAGING_PREFIX)
        self._touched: set[str] = set()

    def begin(self) -> None:
        """Make the staging folder, and remove those that runs which were killed have left."""
        self._staging.begin()

    def close(self) -> None:
        """Make every new name durable and leave nothing but what was placed."""
        try:
            self._staging.end()
            with suppress(OSError):
                self.settle_names()
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

    def temporary(self, *, executable: bool = False) -> AbstractContextManager[Temporary]:
        """A new file in the staging folder, gone at the end unless it was placed."""
        return self._staging.temporary(0o777 if executable else 0o666)

    def queue(
        self,
        temporary: Temporary,
        path: str,
        sha256: str,
        size: int,
        placed: Callable[[OccupiedError | OSError | None], None],
    ) -> None:
        """Give proven bytes their name once many files are made durable in one go, which takes as long as for one.

        `placed` is called then, maybe in another thread, with what went wrong or None: OccupiedError where the name is
        taken by something else.
        """

        def told(fault: Exception | None) -> None:
            if fault is not None and not isinstance(fault, OccupiedError | OSError):
                raise fault
            placed(fault)

        self._staging.queue(temporary, size, lambda name: self._name(name, path, sha256, size), told)

    def settle(self) -> None:
        """Give every file that waits its name."""
        self._staging.settle()

    def settle_names(self) -> None:
        """Have the names that were given on disk. Raises OSError for one that is not; the others are then."""
        touched, self._touched = sorted(self._touched), set()
        done: set[int] = set()
        faults: list[OSError] = []
        for folder in touched:
            try:
                with self._folder(folder) as descriptor:
                    durable.settle_names(descriptor, done, many=len(touched) > durable.FEW)
            except (OSError, OccupiedError) as fault:
                faults.append(fault if isinstance(fault, OSError) else OSError(errno.ENOENT, str(fault)))
        if faults:
            raise faults[0]

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
            os.link(temporary, name, src_dir_fd=self._staging.descriptor, dst_dir_fd=parent, follow_symlinks=False)
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
            os.rename(temporary, name, src_dir_fd=self._staging.descriptor, dst_dir_fd=parent)
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
