"""One piece of work: objects of one store looked at, or read and held to what was sealed.

What is waited for is bounded, and no large object is ever in memory as a whole.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from io import RawIOBase
from itertools import islice
from typing import BinaryIO, NamedTuple

from arcgit.archive.crew import StoppedError
from arcgit.archive.fixity import MAX_BLOB_BYTES
from arcgit.archive.looking.targets import NO_FILE, OF_REMOTE, Store
from arcgit.dvc.objects import ObjectId, ObjectProblem, Presence
from arcgit.dvc.remote import DataRemote
from arcgit.errors import ArcgitError
from arcgit.git.repository import Repository
from arcgit.model import canonical

SMALL = 256 * 1024
"""Up to here a file of this machine is read in one go."""
BUFFER = 1024 * 1024
CHUNK = 256
"""So many small files are one piece of work."""
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_TYPE, _FILE = 0o170000, stat.S_IFREG
_FILE_STAMP = struct.Struct("4q")
"""The number of a file, both of its times and its inode."""
Stamp = tuple[int | str, ...]
"""What a store tells of an object that changes when it is written: times and inode of a file, an ETag. Empty: nothing."""


class Bad(NamedTuple):
    """An object that is not what was sealed: what stands there, and the sha256 of its bytes where they were read."""

    number: int
    presence: Presence
    sha256: str = ""
    fault: ArcgitError | None = None


@dataclass
class Done:
    """What came of one piece of work: the good objects, the bad ones, and bytes read.

    `stamped` are good ones by number with their stamps, `files` many more of this machine, four numbers each.
    """

    store: Store
    stamped: list[tuple[int, Stamp]] = field(default_factory=list)
    files: bytes = b""
    bad: list[Bad] = field(default_factory=list)
    read: int = 0

    @property
    def good(self) -> Iterator[tuple[int, Stamp]]:
        """The numbers of the good objects with their stamps."""
        yield from self.stamped
        yield from ((row[0], row[1:]) for row in _FILE_STAMP.iter_unpack(self.files))

    @property
    def count(self) -> int:
        """How many objects there are in all."""
        return len(self.stamped) + len(self.files) // _FILE_STAMP.size + len(self.bad)

    def take(self, number: int, found: Bad | Stamp) -> None:
        """Put one object where it belongs."""
        if isinstance(found, Bad):
            self.bad.append(found)
        else:
            self.stamped.append((number, found))


class Load(NamedTuple):
    """The numbers of objects of a store to look at, their bytes in all, and those too large to be read in one go."""

    store: Store
    numbers: Sequence[int]
    size: int
    large: Sequence[int]


def load(store: Store, numbers: Sequence[int]) -> Load:
    """The same with their sizes looked up, each once."""
    total, large = 0, array("I")
    for part in parts(numbers):
        sizes = list(store.objects.sizes(part))
        total += sum(sizes)
        if max(sizes) > SMALL:
            large.extend(number for number, size in zip(part, sizes, strict=True) if size > SMALL)
    return Load(store, numbers, total, large)


class Bench:
    """What the threads of one run share: the count of bytes, and that it is to end. Each has a buffer of its own."""

    def __init__(self) -> None:
        self.read = 0
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._own = threading.local()

    def count(self, number: int, done: Done) -> None:
        with self._lock:
            self.read += number
        done.read += number

    def buffer(self) -> memoryview:
        if not hasattr(self._own, "buffer"):
            self._own.buffer = memoryview(bytearray(BUFFER))
        own: memoryview = self._own.buffer
        return own


def parts(numbers: Iterable[int]) -> Iterator[Sequence[int]]:
    if isinstance(numbers, Sequence):
        return (numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK))
    coming = iter(numbers)
    return iter(lambda: list(islice(coming, CHUNK)), [])


def small(store: Store, remote: DataRemote, numbers: Sequence[int], bench: Bench) -> Done:
    """Many small files: nothing here is done for each of them that is not needed for each."""
    done, total = Done(store), 0
    shared, files, pack = store.objects.any_shared(numbers), bytearray(), _FILE_STAMP.pack
    begin = remote.path(ObjectId(store.hash_name, "xx"))[:-3]
    opened, status_of, read, close, sha256 = os.open, os.fstat, os.read, os.close, hashlib.sha256
    for number, oid, expected, size in store.objects.facts_of(numbers):
        try:
            descriptor = opened(f"{begin}{oid[:2]}/{oid[2:]}", _FLAGS)
        except OSError as fault:
            done.bad.append(Bad(number, _absent(fault)))
            continue
        try:
            status = status_of(descriptor)
            if status.st_mode & _TYPE == _FILE and status.st_size == size and number not in shared:
                data = read(descriptor, size + 1)
                if sha256(data).hexdigest() == expected and len(data) == size:
                    total += size
                    stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
                    try:
                        files += pack(number, *stamp)
                    except struct.error:
                        done.take(number, stamp)
                    continue
        except OSError as fault:
            done.bad.append(Bad(number, ObjectProblem(f"it cannot be read: {_words(fault)}")))
            continue
        finally:
            close(descriptor)
        done.take(number, _whole(store, remote, number, bench, done))
    done.files = bytes(files)
    bench.count(total, done)
    return done


def large(store: Store, remote: DataRemote, number: int, bench: Bench, gate: threading.BoundedSemaphore) -> Done:
    done = Done(store)
    with gate:
        done.take(number, _whole(store, remote, number, bench, done))
    return done


def _whole(store: Store, remote: DataRemote, number: int, bench: Bench, done: Done) -> Bad | Stamp:
    """One file of this machine in a streaming read."""
    try:
        # O_NONBLOCK: a FIFO in the place of an object must not hang the judge.
        descriptor = os.open(remote.path(store.object_id(number)), _FLAGS)
    except OSError as fault:
        return Bad(number, _absent(fault))
    try:
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return Bad(number, ObjectProblem("it is not a file"))
            if all(wanted.size != status.st_size for wanted in store.objects.demands(number)):
                return Bad(number, status.st_size)
            with suppress(OSError, AttributeError):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            return _held(store, number, file, stamp, bench, done)
    except OSError as fault:
        return Bad(number, ObjectProblem(f"it cannot be read: {_words(fault)}"))
    finally:
        os.close(descriptor)


def _held(store: Store, number: int, file: RawIOBase | BinaryIO, stamp: Stamp, bench: Bench, done: Done) -> Bad | Stamp:
    """Read a stream as far as anybody wants it, hashing; a byte more shows that it is longer."""
    most = max(wanted.size for wanted in store.objects.demands(number))
    sha, size, buffer = hashlib.sha256(), 0, bench.buffer()
    while count := file.readinto(buffer):  # type: ignore[union-attr]
        if bench.stop.is_set():
            raise StoppedError
        sha.update(buffer[:count])
        size += count
        bench.count(count, done)
        if size > most:
            return Bad(number, size)
    return _judged(store, number, sha.hexdigest(), size, stamp)


def _judged(store: Store, number: int, sha256: str, size: int, stamp: Stamp) -> Bad | Stamp:
    good = all((wanted.sha256, wanted.size) == (sha256, size) for wanted in store.objects.demands(number))
    return stamp if good else Bad(number, size, sha256)


def looked(store: Store, remote: DataRemote, numbers: Sequence[int]) -> Done:
    """Whether files of this machine are there, with their sizes."""
    done = Done(store)
    oids = {number: store.object_id(number) for number in numbers}
    try:
        states = remote.presence(oids.values())
    except ArcgitError as fault:
        for number in numbers:
            done.take(number, _untold(number, fault))
        return done
    for number, oid in oids.items():
        done.take(number, _sized(store, number, states[oid]))
    return done


def asked(store: Store, remote: DataRemote, number: int, bench: Bench) -> Done:
    """Whether an object is there in a storage over a network, with its size."""
    if bench.stop.is_set():
        raise StoppedError
    done, oid = Done(store), store.object_id(number)
    try:
        done.take(number, _sized(store, number, remote.presence([oid])[oid]))
    except ArcgitError as fault:
        done.take(number, _untold(number, fault))
    return done


def _untold(number: int, fault: ArcgitError) -> Bad:
    """An object that nothing is known of; with the fault where that is one of the whole remote."""
    return Bad(number, ObjectProblem(fault.message), fault=fault if fault.code in OF_REMOTE else None)


def _sized(store: Store, number: int, presence: Presence) -> Bad | Stamp:
    good = all(presence == wanted.size for wanted in store.objects.demands(number))
    return () if good else Bad(number, presence)


def _absent(fault: OSError) -> ObjectProblem | None:
    if isinstance(fault, (FileNotFoundError, NotADirectoryError)):
        return None
    return ObjectProblem(f"it cannot be looked at: {fault.strerror}")


def _words(fault: Exception) -> str:
    text = fault.strerror if isinstance(fault, OSError) and fault.strerror else str(fault)
    return " ".join(text.split())[:300] or type(fault).__name__


def streamed(store: Store, remote: DataRemote, number: int, bench: Bench) -> Done:
    """One object of a storage over a network."""
    done = Done(store)
    found: Bad | Stamp
    try:
        with remote.open(store.object_id(number)) as file:
            found = _held(store, number, file, remote.stamp_of(file), bench, done)
    except FileNotFoundError:
        found = Bad(number, None)
    except StoppedError:
        raise
    except ArcgitError as fault:
        found = _untold(number, fault)
    except Exception as fault:  # noqa: BLE001  every storage library has exceptions of its own
        found = Bad(number, ObjectProblem(f"it cannot be read: {_words(fault)}"))
    done.take(number, found)
    return done


def beside(repo: Repository, store: Store, numbers: Sequence[int], bench: Bench) -> Done:
    """Blobs of git, and files where they were imported from: there is no presence without reading them."""
    done = Done(store)
    for number in numbers:
        wanted = store.objects[number]
        found: Bad | Stamp
        try:
            if store.source is not None:
                with store.source.open(wanted.path) as file:
                    found = _held(store, number, file, (), bench, done)
            elif wanted.oid.startswith(NO_FILE):
                found = Bad(number, None)
            else:
                data = repo.read(wanted.oid, "blob", MAX_BLOB_BYTES)
                bench.count(len(data), done)
                found = _judged(store, number, canonical.sha256(data), len(data), ())
        except ArcgitError as fault:
            found = Bad(number, ObjectProblem(fault.message), fault=fault)
        except OSError as fault:
            found = Bad(number, ObjectProblem(f"it cannot be read: {_words(fault)}"))
        done.take(number, found)
    return done
