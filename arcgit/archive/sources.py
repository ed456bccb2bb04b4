"""Where the bytes of a record can be had: git, DVC's cache, its remotes one after the other, the source of an import.

No place is trusted: what it gives is hashed while it is read, and counts only if it is what was sealed. A place that does
not have an object, or has other bytes for it, is passed over for the next.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from threading import Lock
from typing import BinaryIO, Literal, NamedTuple, Protocol, TypeVar, cast

from arcgit.archive import fixity as fixity_ref
from arcgit.archive.holders import Place, Remotes
from arcgit.dvc.files import LEGACY_HASH
from arcgit.dvc.objects import ObjectId, ObjectProblem
from arcgit.dvc.remote import DataRemote
from arcgit.errors import ArcgitError, UndeterminedError
from arcgit.git.repository import Repository

T = TypeVar("T")
CHUNK = 1024 * 1024
HOPELESS = 16
"""So many failures of a server that never gave anything, one after the other, and it is asked no more."""

Kind = Literal["missing", "corrupt", "collision", "unreadable"]


class Fault(NamedTuple):
    """Why a source did not give an object: words, and the sha256 of what it gave instead."""

    source: str
    replica: bool
    oid: str
    kind: Kind
    words: str
    found: str = ""

    @property
    def code(self) -> str:
        """The code of a finding about it."""
        return "md5-collision" if self.kind == "collision" else f"object-{self.kind}"


class SourceError(Exception):
    """A source did not give the bytes that were sealed."""

    def __init__(self, kind: Kind, words: str, found: str = "") -> None:
        super().__init__(words)
        self.kind: Kind = kind
        self.words = words
        self.found = found


class Source(Protocol):
    """One place that has objects. `known_by_path`: without object ids; `replica`: it need not have them."""

    label: str
    replica: bool
    known_by_path: bool
    tells_size: bool

    def open(self, oid: ObjectId | None, relpath: str) -> AbstractContextManager[BinaryIO]:
        """The stream of an object. Raises FileNotFoundError where it is not there, and whatever goes wrong."""

    def size(self, oid: ObjectId | None, relpath: str) -> int | None:
        """Its size in bytes without reading it, None where it is not there. Raises as `open` does."""

    def note(self, fault: Kind | None) -> None:
        """Hear how reading went, None for well."""


class _Steady:
    """A source that goes on whatever happens."""

    tells_size = True

    def note(self, fault: Kind | None) -> None:
        del fault


class CacheSource(_Steady):
    """DVC's cache on this machine."""

    label = "DVC's cache"
    replica = True
    known_by_path = False

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def path(self, oid: ObjectId) -> str:
        """Where the cache keeps an object."""
        base = self._folder if oid.hash_name == LEGACY_HASH else f"{self._folder}/files/{oid.hash_name}"
        return f"{base}/{oid.value[:2]}/{oid.value[2:]}"

    def open(self, oid: ObjectId | None, relpath: str) -> AbstractContextManager[BinaryIO]:
        del relpath
        if oid is None:
            raise FileNotFoundError
        # O_NONBLOCK: a FIFO in the place of an object must not hang the command.
        descriptor = os.open(self.path(oid), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(0, "it is not a file")
        return cast("BinaryIO", os.fdopen(descriptor, "rb", buffering=0))

    def size(self, oid: ObjectId | None, relpath: str) -> int | None:
        del relpath
        try:
            status = os.stat(self.path(oid)) if oid is not None else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        return status.st_size if status is not None and stat.S_ISREG(status.st_mode) else None


class RemoteSource:
    """A DVC remote, opened when it is first needed. `replica` is one that the record does not name."""

    known_by_path = False
    tells_size = True

    def __init__(self, remotes: Remotes, place: Place, *, replica: bool) -> None:
        self.label = place[1] or "the default remote"
        self.replica = replica
        self.fault: ArcgitError | None = None
        self._remotes = remotes
        self._place = place
        self._lock = Lock()
        self._given, self._failed = False, 0

    def _remote(self) -> DataRemote:
        with self._lock:
            if self.fault is not None:
                raise self.fault
            try:
                return self._remotes.get(self._place)
            except ArcgitError as fault:
                self.fault = fault
                raise

    @contextmanager
    def open(self, oid: ObjectId | None, relpath: str) -> Iterator[BinaryIO]:
        del relpath
        remote = self._remote()
        if oid is None:
            raise FileNotFoundError
        if not self._given and self._failed >= HOPELESS and not remote.local:
            raise OSError(0, f"it is asked no more after {HOPELESS} failures in a row")
        with remote.open(oid) as file:
            yield file

    def note(self, fault: Kind | None) -> None:
        with self._lock:
            self._failed = self._failed + 1 if fault == "unreadable" else 0
            self._given = self._given or fault is None

    def size(self, oid: ObjectId | None, relpath: str) -> int | None:
        del relpath
        state = self._remote().presence([oid])[oid] if oid is not None else None
        if isinstance(state, ObjectProblem):
            raise UndeterminedError("object-unreadable", state.reason)
        return state


class ImportedSource(_Steady):
    """The repository that an import was taken from, at the rev that was locked."""

    replica = False
    known_by_path = True
    tells_size = False

    def __init__(self, remotes: Remotes, origin: Mapping[str, str]) -> None:
        self._source = remotes.source(origin)
        self.label = self._source.label
        self._lock = Lock()

    @contextmanager
    def open(self, oid: ObjectId | None, relpath: str) -> Iterator[BinaryIO]:
        del oid
        # DVC's file system of another repository is not made for several threads.
        with self._lock, self._source.open(relpath) as file:
            yield file

    def size(self, oid: ObjectId | None, relpath: str) -> int | None:
        """Always None: it cannot be told without cloning."""
        del oid, relpath
        return None


class GitSource(_Steady):
    """The blobs of this clone, by the path inside the artifact."""

    label = "git"
    replica = False
    known_by_path = True

    def __init__(self, repo: Repository, blobs: Mapping[str, str]) -> None:
        self._repo = repo
        self._blobs = blobs
        self._lock = Lock()

    @contextmanager
    def open(self, oid: ObjectId | None, relpath: str) -> Iterator[BinaryIO]:
        del oid
        if relpath not in self._blobs:
            raise FileNotFoundError
        with self._lock:
            data = self._repo.read(self._blobs[relpath], "blob", fixity_ref.MAX_BLOB_BYTES)
        yield BytesIO(data)

    def size(self, oid: ObjectId | None, relpath: str) -> int | None:
        del oid
        found = self._repo.kind_and_size(self._blobs.get(relpath, ""))
        return found[1] if found is not None else None
