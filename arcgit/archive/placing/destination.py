"""A folder that files are written into: only below it, through no link, and over nothing that stands there.

Bytes go to a temporary file in a folder of arcgit's own inside the destination. They get their final name once they are
proven and durable, by a link, which takes no name that is taken. Every folder on the way is opened by its parent's
descriptor and without following links, so that nobody who writes there meanwhile can lead a write elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from arcgit import durable
from arcgit.archive.placing.occupied import FOLDER, IN_THE_WAY, READ, OccupiedError, Standing, kind, standing
from arcgit.archive.placing.staging import Staging, Temporary
from arcgit.archive.placing.waiting import Queue, Waiting

_NO_LINKS_HERE = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


class Destination:
    """The opened folder. With `force` a file, a link or a special file in the way is replaced, never written through.

    May be used by several threads; `close` makes the new names durable and takes the staging folder away.
    """

    def __init__(self, descriptor: int, *, force: bool) -> None:
        self._top = descriptor
        self._force = force
        self._staging = Staging(descriptor)
        self._touched: set[str] = set()
        self._waiting = Queue()

    def begin(self) -> None:
        """Make it ready to be written into. Raises OSError."""
        self._staging.begin()

    def close(self) -> None:
        """Make every new name durable and leave nothing but what was placed."""
        try:
            self._staging.close()
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
                return standing(parent, name, sha256, size)
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
                descriptor = os.open(name, READ, dir_fd=parent)
            except OSError as fault:
                if fault.errno not in {*IN_THE_WAY, errno.ENXIO}:
                    raise
                raise OccupiedError(f"{kind(parent, name)} stands there") from None
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise OccupiedError(f"{kind(parent, name)} stands there")
            with os.fdopen(descriptor, "rb", buffering=0) as file:
                yield cast("BinaryIO", file)

    def temporary(self, *, executable: bool = False) -> AbstractContextManager[Temporary]:
        """A new file beside the others, gone at the end unless it was placed."""
        return self._staging.temporary(executable=executable)

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
        if self._waiting.add(Waiting(temporary.name, path, sha256, size, placed)):
            self.settle()

    def settle(self) -> None:
        """Give every file that waits its name."""
        batch = self._waiting.take()
        try:
            durable.settle_files([one.name for one in batch], self._staging.descriptor)
        except OSError as fault:
            for one in batch:
                self._staging.forget(one.name)
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
                self._staging.forget(one.name)

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
            there = standing(parent, name, sha256, size)
            if there.state != "same":
                raise OccupiedError(there.what or "something else stands there") from None
        except OSError as fault:
            if fault.errno not in _NO_LINKS_HERE:
                raise
            # A file system without hard links: what appears there between the look and the rename would be replaced.
            if standing(parent, name, sha256, size).state == "other":
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
            return os.open(part, FOLDER, dir_fd=parent)
        except FileNotFoundError:
            if not create:
                raise
        except OSError as fault:
            if fault.errno not in IN_THE_WAY:
                raise
            raise OccupiedError(f"{path} is {kind(parent, part)}, not a folder") from None
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=parent)
            self._touched.add(folder)
        return self._step(parent, part, path, folder, create=False)
