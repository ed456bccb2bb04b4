"""Where the bytes of a record can be had: git, DVC's cache, its remotes one after the other, the source of an import.

No place is trusted: what it gives is hashed while it is read, and counts only if it is what was sealed. A place that does
not have an object, or has other bytes for it, is passed over for the next.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Literal, NamedTuple, Protocol, TypeVar, cast

from arcgit.archive import fixity as fixity_ref
from arcgit.archive.holders import Place, Remotes, md5_hex
from arcgit.dvc import cache
from arcgit.dvc.files import LEGACY_HASH
from arcgit.dvc.listing import parse_dir_listing
from arcgit.dvc.remote import DataRemote, ObjectId, remote_names
from arcgit.errors import ArcgitError, RefusedError
from arcgit.git.repository import Repository
from arcgit.model.fixity import FixityEntry

T = TypeVar("T")
CHUNK = 1024 * 1024
UNSIZED = 2**40
"""Bytes that are read at most of an object whose size nobody has noted."""
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

    @contextmanager
    def open(self, oid: ObjectId | None, relpath: str) -> Iterator[BinaryIO]:
        del relpath
        if oid is None:
            raise FileNotFoundError
        # O_NONBLOCK: a FIFO in the place of an object must not hang the command.
        descriptor = os.open(self.path(oid), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(0, "it is not a file")
            yield cast("BinaryIO", file)

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
        return state if isinstance(state, int) else None


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


class Stores:
    """The places for DVC's objects, by project; each is opened once, and none before it is needed.

    Without `remotes`, as where no policy is known that could pin them, there is only the cache.
    """

    def __init__(self, remotes: Remotes | None, root: Path) -> None:
        self._remotes = remotes
        self._root = root
        self._opened: dict[tuple[Place, bool], RemoteSource] = {}
        self._names: dict[str, list[str]] = {}

    def of(self, project: str, remote: str | None, *, imported: bool = False) -> Iterator[Source]:
        """The cache, the remote that the record names, then every other remote that DVC knows here.

        What was `imported` need not be in any of them.
        """
        folder = cache.cache_folder(str(self._root / project / ".dvc"), os.environ)
        if folder is not None:
            yield CacheSource(folder)
        if self._remotes is None:
            return
        yield self._source(self._remotes, (project, remote), replica=imported)
        if project not in self._names:
            self._names[project] = remote_names(self._root / project)
        for name in self._names[project]:
            if name != remote:
                yield self._source(self._remotes, (project, name), replica=True)

    def imported(self, origin: Mapping[str, str]) -> Iterator[Source]:
        """The repository that an import came from."""
        if self._remotes is not None:
            yield ImportedSource(self._remotes, origin)

    def _source(self, remotes: Remotes, place: Place, *, replica: bool) -> RemoteSource:
        # Of one remote it is expected to have some objects, and not others, such as imports.
        if (place, replica) not in self._opened:
            self._opened[place, replica] = RemoteSource(remotes, place, replica=replica)
        return self._opened[place, replica]

    def faults(self) -> Iterator[tuple[str, ArcgitError]]:
        """The remotes that could not be opened at all."""
        yield from ((source.label, source.fault) for source in self._opened.values() if source.fault is not None)


class Sources:
    """Sources that are found out one by one, as far as they are asked for. For several threads."""

    def __init__(self, found: Iterator[Source]) -> None:
        self._coming = found
        self._known: list[Source] = []
        self._lock = Lock()

    def __iter__(self) -> Iterator[Source]:
        number = 0
        while True:
            with self._lock:
                if number >= len(self._known):
                    source = next(self._coming, None)
                    if source is None:
                        return
                    self._known.append(source)
            yield self._known[number]
            number += 1


class Holdings:
    """The sources of one artifact in the order in which they are asked, and the object ids of its files.

    `paths` are those of a directory, None for a file. `known` are the objects of its files where the record itself has
    them, so that no listing is needed. What is wrong with a listing is in `faults`, and given to `report`.
    """

    def __init__(
        self,
        sources: Iterator[Source],
        oid: ObjectId | None = None,
        paths: Iterable[str] | None = None,
        report: Callable[[Fault], None] = lambda fault: None,
        known: Mapping[str, ObjectId] | None = None,
    ) -> None:
        self.sources = Sources(sources)
        self.faults: list[Fault] = []
        self._report = report
        self._oid = oid
        self._known = known
        self._paths = paths
        self._lists: list[Mapping[str, str]] = []
        self._digests: list[tuple[str, int]] = []
        self._unread = (source for source in self.sources if not source.known_by_path)
        self._lock = Lock()

    def candidates(self, relpath: str) -> Iterator[tuple[Source, ObjectId | None]]:
        """Every source with the object id to ask it for. A further listing is read once those before gave nothing."""
        asked: set[str] = set()
        for oid in self._oids(relpath):
            if oid.value not in asked:
                asked.add(oid.value)
                yield from ((source, oid) for source in self.sources if not source.known_by_path)
        yield from ((source, None) for source in self.sources if source.known_by_path)

    def listing(self, oid: ObjectId) -> Mapping[str, str] | None:
        """The md5 of every file of a directory by path, from the first place that has its listing, or None."""
        return self._listing(0, oid)

    def listed(self, oid: ObjectId) -> tuple[Mapping[str, str], str, int] | None:
        """`listing`, with sha256 and size of the bytes that it was read from."""
        listing = self._listing(0, oid)
        return (listing, *self._digests[0]) if listing is not None else None

    def _oids(self, relpath: str) -> Iterator[ObjectId]:
        if self._oid is None:
            return
        if self._paths is None:
            yield self._oid
            return
        if self._known is not None:
            yield from [self._known[relpath]] if relpath in self._known else []
            return
        number = 0
        while (listing := self._listing(number, self._oid)) is not None:
            number += 1
            if relpath in listing:
                yield ObjectId(self._oid.hash_name, listing[relpath])

    def _listing(self, number: int, oid: ObjectId) -> Mapping[str, str] | None:
        """The listing of that number among those that differ, None where there are not so many."""
        if self._known is not None:
            return None if number else {path: oid.value for path, oid in self._known.items()}
        with self._lock:
            while number >= len(self._lists):
                source = next(self._unread, None)
                if source is None:
                    return None
                self._read_list(source, oid)
            return self._lists[number]

    def _fault(self, fault: Fault) -> None:
        self.faults.append(fault)
        self._report(fault)

    def _read_list(self, source: Source, oid: ObjectId) -> None:
        try:
            data = _whole(source, oid)
            if oid.hash_name == "md5" and md5_hex(data) != oid.value.removesuffix(".dir"):
                raise SourceError("corrupt", "the listing has other bytes than its name says")
            listing = {entry.relpath: entry.md5 for entry in parse_dir_listing(data)}
        except SourceError as fault:
            self._fault(Fault(source.label, source.replica, oid.value, fault.kind, fault.words, fault.found))
            return
        except RefusedError as fault:
            self._fault(Fault(source.label, source.replica, oid.value, "corrupt", fault.message))
            return
        if listing in self._lists:
            return
        if self._paths is not None and listing.keys() != set(self._paths):
            words = "the listing names other files than the record"
            self._fault(Fault(source.label, source.replica, oid.value, "corrupt", words))
        self._lists.append(listing)
        self._digests.append((hashlib.sha256(data).hexdigest(), len(data)))


def _whole(source: Source, oid: ObjectId) -> bytes:
    """A listing, bounded. Raises SourceError."""
    with _stream(source, oid, "") as read:
        parts, left = [], fixity_ref.MAX_BLOB_BYTES
        while chunk := read(min(CHUNK, left + 1)):
            parts.append(chunk)
            left -= len(chunk)
            if left < 0:
                raise SourceError("corrupt", "the listing is larger than any that is read")
    return b"".join(parts)


@contextmanager
def _stream(source: Source, oid: ObjectId | None, relpath: str) -> Iterator[Callable[[int], bytes]]:
    """A reader of the object. What goes wrong at the source, and only that, is a SourceError."""
    with ExitStack() as stack:
        stream = _guarded(source, lambda: stack.enter_context(source.open(oid, relpath)))
        try:
            yield lambda size: _guarded(source, lambda: stream.read(size))
        finally:
            # What was read is judged by its bytes; how a connection ends says nothing about them.
            with suppress(Exception):
                stack.close()


def _guarded(source: Source, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError("missing", "it is not there") from None
    except ArcgitError as fault:
        kind: Kind = "corrupt" if fault.code == "object-corrupt" else "unreadable"
        source.note(kind)
        raise SourceError(kind, fault.message) from fault
    except Exception as fault:
        source.note("unreadable")
        raise SourceError("unreadable", f"it cannot be read: {_words(fault)}") from fault


class Sink(Protocol):
    """Where bytes are written to before they are proven."""

    def write(self, data: bytes) -> None:
        """Append. Raises OSError."""

    def md5(self) -> str:
        """The md5 of what was written, in hex."""


def copy(
    source: Source, oid: ObjectId | None, wanted: FixityEntry, sink: Sink, progress: Callable[[int], None]
) -> None:
    """Write an object and prove that what was written is what was sealed. Raises SourceError, and OSError of the sink."""
    sha, left = hashlib.sha256(), wanted.size
    with _stream(source, oid, wanted.path) as read:
        while chunk := read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise SourceError("corrupt", f"it has more than the {wanted.size} bytes that were sealed")
            sha.update(chunk)
            sink.write(chunk)
            progress(len(chunk))
    if left:
        raise SourceError("corrupt", f"it ends after {wanted.size - left} of {wanted.size} bytes")
    found = sha.hexdigest()
    if found != wanted.sha256:
        same = oid is not None and oid.hash_name == "md5" and sink.md5() == oid.value.removesuffix(".dir")
        words = "it has the right md5 and the wrong sha256" if same else "its bytes are not those that were sealed"
        raise SourceError("collision" if same else "corrupt", words, found)
    source.note(None)


def copy_by_md5(source: Source, oid: ObjectId, size: int | None, sink: Sink, progress: Callable[[int], None]) -> None:
    """As `copy`, for an object of which only the md5 in its name is known, and its size where that is. Bounded."""
    left = size if size is not None else UNSIZED
    with _stream(source, oid, "") as read:
        while chunk := read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise SourceError("corrupt", "it has more bytes than it may have")
            sink.write(chunk)
            progress(len(chunk))
    if sink.md5() != oid.value.removesuffix(".dir"):
        raise SourceError("corrupt", "it has other bytes than its name says")
    source.note(None)


def _words(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return " ".join(str(reason or error).split())[:300] or type(error).__name__
