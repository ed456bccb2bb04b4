"""Where copies go: a DVC remote that is a folder of this machine, or any other storage that DVC knows.

Both take an object only once its bytes are proven, and take it whole or not at all; nothing that stands there is
overwritten. A folder is written through descriptors, as `arcgit.archive.placing` does, so that no link leads elsewhere.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from arcgit import durable
from arcgit.archive.placing import opening
from arcgit.archive.placing.destination import Destination, OccupiedError
from arcgit.dvc.objects import NO_FILE, ObjectId, ObjectProblem, Presence
from arcgit.dvc.remote import DataRemote, digest
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git.repository import Repository
from arcgit.model.text import word
from arcgit.staging import Temporary

Placed = Callable[[OccupiedError | OSError | None], None]


class Digests(NamedTuple):
    """What an object is: sha256 and md5 in hex, and size in bytes. The md5 is empty where nobody asked for it."""

    sha256: str
    md5: str
    size: int


class Staged:
    """A file that an object is written into before it has its name; its digests are taken while it is written.

    Whoever knows the `sha256` that it must have proves what they write, and it is not taken once more.
    """

    def __init__(self, write: Callable[[bytes], None], sha256: str | None) -> None:
        self._write = write
        self._known = sha256
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append. Raises OSError."""
        self._write(data)
        if self._known is None:
            self._sha256.update(data)
        self._md5.update(data)
        self._size += len(data)

    def md5(self) -> str:
        """The md5 of what was written, in hex."""
        return self._md5.hexdigest()

    def digests(self) -> Digests:
        """Of everything that was written."""
        return Digests(self._known or self._sha256.hexdigest(), self._md5.hexdigest(), self._size)


class Place(Protocol):
    """A remote that takes copies. Everything raises OSError or UndeterminedError where the place itself gives out."""

    name: str

    def look(self, oid: ObjectId) -> Presence:
        """What stands under the object's name, without reading it."""

    def staged(self, sha256: str | None) -> AbstractContextManager[Staged]:
        """A file to write an object into, as in `Staged`; it is gone at the end."""

    def put(self, staged: Staged, oid: ObjectId, placed: Placed) -> None:
        """Give what was staged the object's name, now or when `settle` is called, and call `placed` then.

        It is told what went wrong, maybe in another thread: OccupiedError where something else stands there.
        """

    def settle(self) -> None:
        """Have all that was put under its name and on disk, before anything is built on that."""

    def read(self, oid: ObjectId, progress: Callable[[int], None], *, md5: bool) -> Digests:
        """Read an object back, its md5 where asked for. Raises FileNotFoundError, OccupiedError for what is no file."""

    def require_there(self) -> None:
        """Raise UndeterminedError where the place went away while it was worked on."""


class _InFolder(Staged):
    def __init__(self, temporary: Temporary, sha256: str | None) -> None:
        super().__init__(temporary.write, sha256)
        self.temporary = temporary


class FolderPlace:
    """A folder of this machine: another disk, a mount."""

    def __init__(self, remote: DataRemote, folder: Destination) -> None:
        self.name = remote.name
        self._remote = remote
        self._folder = folder
        self._begin = f"{remote.root.rstrip(os.sep)}{os.sep}"

    def _path(self, oid: ObjectId) -> str:
        path, begin = self._remote.path(oid), self._begin
        return path[len(begin) :] if path.startswith(begin) else os.path.relpath(path, self._remote.root)

    def look(self, oid: ObjectId) -> Presence:
        try:
            with self._folder.open(self._path(oid)) as file:
                return os.fstat(file.fileno()).st_size
        except FileNotFoundError:
            return None
        except OccupiedError as fault:
            return ObjectProblem(str(fault))

    @contextmanager
    def staged(self, sha256: str | None) -> Iterator[Staged]:
        with self._folder.temporary() as temporary:
            yield _InFolder(temporary, sha256)

    def put(self, staged: Staged, oid: ObjectId, placed: Placed) -> None:
        if not isinstance(staged, _InFolder):  # pragma: no cover  `staged` makes no other
            raise TypeError(staged)
        # As DVC has it: an object is for reading only.
        os.fchmod(staged.temporary.descriptor, 0o444)
        found = staged.digests()
        self._folder.queue(staged.temporary, self._path(oid), found.sha256, found.size, placed)

    def settle(self) -> None:
        self._folder.settle()
        self._folder.settle_names()

    def read(self, oid: ObjectId, progress: Callable[[int], None], *, md5: bool) -> Digests:
        with self._folder.open(self._path(oid)) as file:
            # From the disk, as far as the system lets go of what it has in memory.
            with suppress(OSError):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return Digests(*digest(file, progress, md5=md5))

    def require_there(self) -> None:
        """Raise UndeterminedError where another disk is mounted there now, or none."""
        if not self._folder.stands_at(Path(self._remote.root)):
            raise unwritable(self.name, f"its folder {self._remote.root} is not there any more")


class _InFile(Staged):
    def __init__(self, file: BinaryIO, path: Path, sha256: str | None) -> None:
        super().__init__(lambda data: _all(file, data), sha256)
        self.file = file
        self.path = path


class StoragePlace:
    """Any other storage: an object is written to a file here, and put there once it is proven."""

    def __init__(self, remote: DataRemote, staging: Path) -> None:
        self.name = remote.name
        self._remote = remote
        self._staging = staging

    def look(self, oid: ObjectId) -> Presence:
        state = self._remote.presence([oid])[oid]
        if isinstance(state, ObjectProblem) and state != NO_FILE:
            # Nobody knows then what stands there, so nothing may be put there either.
            raise UndeterminedError("remote-unreachable", f"{oid.value}: {state.reason}")
        return state

    @contextmanager
    def staged(self, sha256: str | None) -> Iterator[Staged]:
        with durable.temporary(self._staging) as (file, path):
            yield _InFile(file, path, sha256)

    def put(self, staged: Staged, oid: ObjectId, placed: Placed) -> None:
        if not isinstance(staged, _InFile):  # pragma: no cover  `staged` makes no other
            raise TypeError(staged)
        staged.file.flush()
        self._remote.upload(oid, staged.path)
        placed(None)

    def settle(self) -> None:
        """What a storage says that it has taken, it has; reading back tells."""

    def read(self, oid: ObjectId, progress: Callable[[int], None], *, md5: bool) -> Digests:
        try:
            with self._remote.open(oid) as file:
                return Digests(*digest(_Steady(file), progress, md5=md5))
        except FileNotFoundError:
            raise
        except _ReadError as fault:
            message = f"it cannot be read back: {fault}"
            raise UndeterminedError("object-unreadable", message) from fault

    def require_there(self) -> None:
        """Every request says whether the storage is there."""


class _ReadError(Exception):
    """A storage library's own error while an object was read."""


class _Steady:
    """A stream whose errors are told from those of whoever is told of the progress."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except FileNotFoundError:
            raise
        except Exception as fault:
            raise _ReadError(" ".join(str(fault).split())[:300] or type(fault).__name__) from fault


@contextmanager
def opened(remote: DataRemote, repo: Repository, staging: Path, *, writing: bool) -> Iterator[Place]:
    """The remote as a place for copies, or only to look at. Raises UndeterminedError where its folder cannot be written."""
    with ExitStack() as stack:
        if not remote.local:
            if writing:
                staging.mkdir(parents=True, exist_ok=True)
            yield StoragePlace(remote, staging)
            return
        root = Path(remote.root)
        try:
            folder = stack.enter_context(_folder(root, repo, writing=writing))
        except RefusedError as fault:
            hint = f"name the folder itself: dvc remote modify {word(remote.name)} url {word(str(root.resolve()))}"
            raise RefusedError(fault.code, fault.message, hint) from fault
        except UndeterminedError as fault:
            raise unwritable(remote.name, fault.message) from fault
        yield FolderPlace(remote, folder)


@contextmanager
def _folder(root: Path, repo: Repository, *, writing: bool) -> Iterator[Destination]:
    if writing:
        with opening.opened(root, force=False, repo=repo) as folder:
            yield folder
        return
    there = opening.existing(root, repo=repo)
    if there is None:
        raise UndeterminedError("destination-unwritable", f"{root} is not there any more")
    try:
        yield there
    finally:
        there.close()


def require_folder(remote: DataRemote) -> None:
    """Raise UndeterminedError where the folder of a remote is not there. It is not made: the disk may not be plugged in."""
    if remote.local and not Path(remote.root).is_dir():
        message = f"the folder of the DVC remote `{remote.name}` is not there: {remote.root}"
        hint = f"plug the disk in; for a new one: mkdir -p {word(str(remote.root))}"
        raise UndeterminedError("remote-unreachable", message, hint)


def require_unversioned(remote: DataRemote) -> None:
    """Raise UndeterminedError for a cloud-versioned remote: only DVC puts files there, and writes down their versions."""
    if remote.versioned:
        message = (
            f"the DVC remote `{remote.name}` is cloud-versioned, and takes no copies: it keeps nothing by its hash"
        )
        hint = "dvc remote add NAME URL at another place, without version_aware, then arcgit replicate NAME"
        raise UndeterminedError("remote-unsupported", message, hint)


def unwritable(name: str, words: str) -> UndeterminedError:
    """The error for a place that takes no copies."""
    hint = "look for room, rights and connection there, then run the same command again: it goes on"
    return UndeterminedError("replica-unwritable", f"the DVC remote `{name}` takes no copies: {words}", hint)


def gives_out(fault: Exception) -> bool:
    """True for what will go wrong with every other object as well."""
    if isinstance(fault, OSError):
        return fault.errno in _GIVES_OUT
    return isinstance(fault, ArcgitError) and fault.code == "remote-unreachable"


_GIVES_OUT = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.ENODEV,
    errno.ENXIO,
    errno.ENOENT,
    errno.ESTALE,
}


def _all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
