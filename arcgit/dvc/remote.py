"""One DVC remote and the local cache, through DVC's own file systems.

Of its object database only the paths and the file system are used: DVC's own presence
and hash checks can delete what they look at, and take a directory's contents for granted.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from arcgit import several
from arcgit.dvc import faults, patience, redirects, versioned
from arcgit.dvc.files import LEGACY_HASH
from arcgit.dvc.objects import NO_FILE, ObjectId, ObjectProblem, Presence, Presences
from arcgit.dvc.pushing import Pushed, push
from arcgit.dvc.reach import Reach
from arcgit.dvc.streams import CHUNK, Stream, opened_file, put_local
from arcgit.dvc.uploads import Uploads
from arcgit.dvc.wholes import WholeObject
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.model.text import word

_OWN = threading.local()
_SERVER = ("host", "port", "endpoint_url", "endpoint", "account_name", "account_host")


class DataRemote:
    """One DVC remote with the local cache beside it."""

    def __init__(self, name: str, url: str, repo: Any, remote: Any) -> None:
        self.name = name
        self.url = url
        self._repo = repo
        self._root = str(remote.path)
        self._odbs = {"md5": remote.odb, LEGACY_HASH: remote.legacy_odb}
        self._fs = remote.fs
        self.versioned = versioned.is_versioned(remote)
        self._caches = {"md5": repo.cache.local, LEGACY_HASH: repo.cache.legacy}
        self._reach = Reach(name, remote.fs, self._root)
        self.unchecked = False
        """Whether nobody looks at the certificate of the server."""

    @property
    def local(self) -> bool:
        """True for a folder of this machine."""
        return bool(self._fs.protocol == "local")

    @property
    def root(self) -> str:
        """The folder or prefix that the remote's address names."""
        return str(self._odbs[LEGACY_HASH].path)

    @property
    def site(self) -> tuple[str, ...]:
        """What tells two remotes apart, however they are named: the storage, its server, and the place there."""
        fs = self._odbs["md5"].fs
        if self.local:
            return ("local", os.path.realpath(self.root))
        said = {**fs.fs_args, **(fs.fs_args.get("client_kwargs") or {})}
        server = [f"{key}={said[key]}" for key in _SERVER if said.get(key)]
        return (str(fs.protocol), *server, self.root.rstrip("/"))

    def path(self, oid: ObjectId) -> str:
        """Where the object lies in the remote: as a version, or by its hash, as what was pushed before there were any."""
        if self.versioned and oid.version is not None and oid.version.remote == self.name:
            return versioned.path_of(self._fs, self._root, oid.version)
        return str(self._odbs[oid.hash_name].oid_to_path(oid.value))

    def _unversioned(self, oid: ObjectId) -> ObjectProblem | None:
        """Why an object that is not found by its hash need not be missing: it has a version that nobody may ask for."""
        if self.versioned or oid.version is None or oid.version.remote != self.name:
            return None
        how = f"dvc remote modify {word(self.name)} version_aware true"
        return ObjectProblem(f"{oid.label} is meant, and DVC's settings know no versions in this remote: {how}")

    def require_there(self) -> None:
        """Raise UndeterminedError where the folder or bucket of the remote is not there, or nobody answers."""
        self._reach.require_root()

    def presence(self, oids: Iterable[ObjectId]) -> dict[ObjectId, Presence]:
        """Size of each object, None where it is absent, a problem where that cannot be told. Changes nothing.

        Raises UndeterminedError where the remote itself is not there or does not answer.
        """
        wanted = list(oids)
        states = Presences(len(wanted))
        self.look(wanted, range(len(wanted)), states)
        return dict(zip(wanted, states, strict=True))

    def look(
        self, oids: Sequence[ObjectId], numbers: Sequence[int], states: Presences, *, required: bool = True
    ) -> None:
        """`presence` of those of these objects, into `states` under the same numbers.

        What is `required` to be there is not pushed yet: before that the folder of a remote need not be there.
        """
        if self.local:
            # All of them come faster than one after the other.
            every = len(numbers) == len(oids)
            for number, oid in enumerate(oids) if every else ((number, oids[number]) for number in numbers):
                states[number] = self._stat(oid)
        else:
            jobs = max(1, min(several.NETWORK, len(numbers)))
            several.each(numbers, lambda number: self._info(oids[number]), jobs, states.__setitem__)
        if required and any(states[number] is None for number in numbers):
            self._reach.require_root()

    def _stat(self, oid: ObjectId) -> Presence:
        try:
            status = os.stat(self.path(oid))  # noqa: PTH116  of very many files
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return ObjectProblem(f"it cannot be looked at: {error.strerror}")
        if not stat.S_ISREG(status.st_mode):
            return NO_FILE
        return status.st_size

    def _info(self, oid: ObjectId) -> Presence:
        self._reach.require()
        try:
            info = self._fs.info(self.path(oid))
        except Exception as error:  # noqa: BLE001  every storage library has exceptions of its own
            if faults.absent(error):
                self._reach.gave()
                return self._unversioned(oid)
            self._reach.failed(error)
            return ObjectProblem(f"it cannot be looked at: {faults.words(error)}")
        self._reach.gave()
        if info.get("type") != "file":
            return NO_FILE
        size = info.get("size")
        return size if isinstance(size, int) else ObjectProblem("the remote does not tell its size")

    @contextmanager
    def open(self, oid: ObjectId) -> Iterator[BinaryIO]:
        """Stream the object from the remote. Raises FileNotFoundError, UndeterminedError, also while it is read."""
        stack = ExitStack()
        try:
            file = stack.enter_context(self._opened(oid))
        except Exception as error:
            if faults.absent(error):
                self._reach.require_root()
                if (problem := self._unversioned(oid)) is not None:
                    raise UndeterminedError("object-unreadable", problem.reason, self._reach.hint()) from error
                raise FileNotFoundError(errno.ENOENT, "it is not there", oid.value) from error
            raise self._unread(oid, error) from error
        self._reach.answered()
        ended = True
        try:
            yield cast("BinaryIO", Stream(file, lambda error: self._unread(oid, error)))
            # Whoever has what was asked for has not waited in vain.
            self._reach.gave()
        except BaseException as fault:
            # An SFTP server is asked to close a file, and somebody who pressed ctrl-C does not wait for its word.
            ended = isinstance(fault, Exception)
            raise
        finally:
            # What was read is judged by its bytes; how a connection ends says nothing about them.
            with suppress(Exception):
                if ended:
                    stack.close()
            patience.leave(file)

    def _opened(self, oid: ObjectId) -> Any:
        if self.local:
            return opened_file(self.path(oid))
        self._reach.require()
        # A FIFO in the place of an object must not hang the judge: an SFTP server would wait for a writer.
        if self._fs.protocol == "ssh" and isinstance(state := self._info(oid), ObjectProblem):
            raise UndeterminedError(
                "object-unreadable", f"{oid.value} in `{self.name}`: {state.reason}", self.hint(oid)
            )
        if self._fs.protocol == "s3":
            return closing(WholeObject(self._fs.fs, self.path(oid)))
        # Over HTTP as one stream, too: otherwise only as much is read as an earlier answer said that there is.
        if str(self._fs.protocol).startswith("http"):
            return redirects.answered(self._fs.open(self.path(oid), "rb", block_size=0))
        return self._fs.open(self.path(oid), "rb")

    def hint(self, oid: ObjectId) -> str:
        """What somebody can look at who cannot read an object."""
        return f"look at {self.path(oid)}" if self.local else self._reach.hint()

    def _unread(self, oid: ObjectId, error: Exception) -> ArcgitError:
        if isinstance(error, ArcgitError):
            return error
        if faults.unreached(error):
            try:
                self._reach.failed(error)
            except UndeterminedError as fault:
                return fault
            return self._reach.unreachable(error)
        message = f"{oid.value} in `{self.name}` cannot be read: {faults.words(error)}"
        return UndeterminedError("object-unreadable", message, self._reach.hint())

    @staticmethod
    def stamp_of(file: BinaryIO) -> tuple[str, ...]:
        """What a storage tells of an opened object that changes when it is written anew; empty where it tells nothing."""
        return _stamp(getattr(file, "details", None))

    def stamp(self, oid: ObjectId) -> tuple[int | str, ...]:
        """The same of an object without opening it; of a file of this machine its times and its inode."""
        try:
            if self.local:
                status = os.stat(self.path(oid))  # noqa: PTH116  of very many files
                return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            return _stamp(self._fs.info(self.path(oid)))
        except Exception:  # noqa: BLE001  what cannot be told is read
            return ()

    def hash(self, oid: ObjectId, progress: Callable[[int], None] = lambda count: None) -> tuple[str, str, int]:
        """sha256 and md5 in hex, and size in bytes, of the object in the remote, in one streaming read.

        Raises UndeterminedError where it cannot be read to its end.
        """
        with self._read_whole(oid) as file:
            return digest(file, progress)

    def sha256(self, oid: ObjectId) -> tuple[str, int]:
        """sha256 in hex, and size in bytes, of the object in the remote: `hash` without what only finds objects."""
        sha, size, buffer = hashlib.sha256(), 0, _buffer()
        with self._read_whole(oid) as file:
            while count := file.readinto(buffer):  # type: ignore[attr-defined]
                sha.update(buffer[:count])
                size += count
        return sha.hexdigest(), size

    @contextmanager
    def _read_whole(self, oid: ObjectId) -> Iterator[BinaryIO]:
        try:
            with self.open(oid) as file:
                yield file
        except FileNotFoundError as error:
            message = f"{oid.value} in `{self.name}` is not there any more"
            raise UndeterminedError("object-unreadable", message, self._reach.hint()) from error

    def cache_path(self, oid: ObjectId) -> Path:
        """Where the object lies in DVC's local cache."""
        return Path(self._caches[oid.hash_name].oid_to_path(oid.value))

    def cached(self, oid: ObjectId) -> os.stat_result | None:
        """What the system says of the file in DVC's local cache, None where there is none."""
        try:
            return os.stat(self._caches[oid.hash_name].oid_to_path(oid.value))  # noqa: PTH116  called for every file
        except OSError:
            return None

    @contextmanager
    def cache_open(self, oid: ObjectId) -> Iterator[BinaryIO]:
        """Open the object in the local cache. Raises FileNotFoundError."""
        with opened_file(str(self.cache_path(oid))) as file:
            yield file

    def fetch(self, oid: ObjectId) -> None:
        """Copy an object into the local cache if it has the md5 of its name. Raises as `open` does, RefusedError."""
        target = self.cache_path(oid)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".arcgit-") as copy, self.open(oid) as file:
            while chunk := file.read(CHUNK):
                copy.write(chunk)
            copy.seek(0)
            if oid.hash_name == "md5" and digest(copy)[1] != oid.value.removesuffix(".dir"):
                message = f"object {oid.value} in `{self.name}` has other bytes than its name says"
                raise RefusedError("object-corrupt", message, "repair the remote from a good copy")
            copy.flush()
            put_local(Path(copy.name), target)

    def push(
        self,
        oids: Sequence[ObjectId],
        now: datetime,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Pushed:
        """Copy what the remote lacks from the local cache, as `arcgit.dvc.pushing` has it; never overwrites."""
        return push(self, oids, now, progress)

    def upload(self, oid: ObjectId, path: Path, lanes: int = several.NETWORK) -> None:
        """Put a file into the remote, which is no folder here, as an object; half of it never has the object's name.

        `lanes` so many are put at a time. Raises UndeterminedError.
        """
        try:
            Uploads(self._odbs[oid.hash_name].fs, self.root).put(path, self.path(oid), lanes)
        except Exception as error:
            raise self.not_taken(error, oid) from error

    def sweep(self, now: datetime) -> None:
        """Remove what uploads that were killed more than a day ago have left beside the objects."""
        Uploads(self._odbs["md5"].fs, self.root).sweep(now)

    def not_taken(self, error: Exception, oid: ObjectId | None = None) -> UndeterminedError:
        """The error for an object that could not be put into the remote."""
        return self._reach.unreachable(error, f" did not take {oid.label}" if oid is not None else "")


def _buffer() -> memoryview:
    """Room for a chunk, one for each thread: a new one costs more than reading a small file."""
    if not hasattr(_OWN, "buffer"):
        _OWN.buffer = memoryview(bytearray(CHUNK))
    own: memoryview = _OWN.buffer
    return own


class Readable(Protocol):
    """What gives at most so many bytes at a time, and none at its end."""

    def read(self, size: int, /) -> bytes: ...


def digest(
    file: Readable, progress: Callable[[int], None] = lambda count: None, *, md5: bool = True
) -> tuple[str, str, int]:
    """sha256 and md5 in hex, and size in bytes, of a stream read to its end; without `md5` that is empty."""
    sha, other, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False) if md5 else None, 0
    while chunk := file.read(CHUNK):
        sha.update(chunk)
        if other is not None:
            other.update(chunk)
        size += len(chunk)
        progress(len(chunk))
    return sha.hexdigest(), other.hexdigest() if other is not None else "", size


def _stamp(details: object) -> tuple[str, ...]:
    if not isinstance(details, dict):
        return ()
    return tuple(f"{key}={details[key]}" for key in ("ETag", "etag", "LastModified", "mtime") if details.get(key))
