"""What an interrupted fixity run has read: kept beside the pins, outside every repository, and gone when a run ends.

It is no evidence for anybody else. It holds what this person's own run found good, with what the storage said of the
object then; an object of which the storage says anything else now is read again. See docs/adr/0021.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from arcgit import crash
from arcgit.archive.looking.pieces import Done, Stamp
from arcgit.archive.looking.targets import Store, Targets
from arcgit.model import canonical
from arcgit.spool import Pile

SCHEMA = "arcgit/fixity-run/v1"
FOLDER = "fixity"
EVERY_SECONDS = 2.0
"""So often what was read is put on disk: a run that is over before needs none of this."""
KEPT = timedelta(days=7)
SETTLED_SECONDS = 2.0
"""A file that was written less than so long ago may be written again without its times telling."""
_READ = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class _Header(msgspec.Struct, kw_only=True):
    schema: str
    key: str
    started: str
    seed: str = ""


class _Row(msgspec.Struct, array_like=True):
    place: str
    oid: str
    sha256: str
    size: int
    stamp: list[int | str]


@dataclass(frozen=True)
class Earlier:
    """An interrupted run: when it began, its seed, and what it found good, by place and name of the object."""

    started: str
    seed: str
    rows: dict[tuple[str, str], tuple[str, int, Stamp]]


class Checkpoint:
    """The file of one run. Where it cannot be kept, the run goes on without: it is only ever a convenience."""

    def __init__(self, state_dir: Path, archive: str, scope: Sequence[str], now: datetime) -> None:
        self._key = canonical.sha256(canonical.dumps([archive, *scope]))
        self._path = state_dir / FOLDER / f"{archive}-{self._key[:16]}.jsonl"
        self._now = now
        self._file: int | None = None
        self._waiting: list[bytes] = []
        self._seen: list[_Seen] = []
        self._files = Pile()
        self._last = time.monotonic()
        self.started = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.seed = ""
        self.kept = 0

    def earlier(self) -> Earlier | None:
        """What an interrupted run has left, None where there is nothing that this person's own run can have written."""
        descriptor = _opened(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        if descriptor is None:
            return None
        with os.fdopen(descriptor, "rb") as file:
            lines = file.read().split(b"\n")[:-1]  # a line without its end was being written when the run died
        try:
            header = msgspec.json.decode(lines[0] if lines else b"", type=_Header)
            rows = [msgspec.json.decode(line, type=_Row) for line in lines[1:]]
            age = self._now - datetime.fromisoformat(header.started.replace("Z", "+00:00"))
        except (msgspec.DecodeError, ValueError):
            return None
        if (header.schema, header.key) != (SCHEMA, self._key) or not timedelta(0) <= age <= KEPT:
            return None
        found = {(row.place, row.oid): (row.sha256, row.size, tuple(row.stamp)) for row in rows}
        return Earlier(header.started, header.seed, found)

    def go_on(self, earlier: Earlier) -> None:
        """Take over what an interrupted run has left: it is kept, and stays with the time when that run began."""
        self.started, self.seed = earlier.started, earlier.seed or self.seed
        for (place, oid), (sha256, size, stamp) in earlier.rows.items():
            self._waiting.append(_line(place, oid, sha256, size, stamp))

    def add(self, done: Done) -> None:
        """Remember what was found good, if the storage will tell when it changes."""
        if done.store.remote is not None:
            settled = time.time_ns() - int(SETTLED_SECONDS * 1e9)
            self._files.add(done.files)
            self._seen.append(_Seen(done.store, done.stamped, len(self._files), settled))
        if time.monotonic() - self._last >= EVERY_SECONDS:
            self.keep()

    def keep(self) -> None:
        """Put what was read on disk."""
        self._last = time.monotonic()
        seen, self._seen = self._seen, []
        files, self._files = self._files, Pile()
        before, begin = self.kept, 0
        try:
            for one in seen:
                self._waiting += _lines(Done(one.store, one.stamped, files.between(begin, one.end)), one.settled)
                self._write()
                begin = one.end
            self._write()
            if self._file is not None and self.kept > before:
                os.fsync(self._file)
                crash.point("reading-kept")
        except OSError:
            self._drop()
            self._waiting = []

    def _write(self) -> None:
        """Write what waits, as much as one piece of work has found."""
        if self._waiting and self._file is None:
            self._file = self._begin()
        if self._waiting and self._file is not None:
            data = memoryview(b"".join(self._waiting))
            while data:
                data = data[os.write(self._file, data) :]
            self.kept += len(self._waiting)
        self._waiting = []

    def end(self) -> None:
        """The run is over: there is nothing to go on with."""
        if self._file is not None or self._is_mine():
            with suppress(OSError):
                self._path.unlink()
        self._drop()

    def _is_mine(self) -> bool:
        descriptor = _opened(self._path, _READ)
        if descriptor is None:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _begin(self) -> int | None:
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        descriptor = _opened(self._path, _READ)
        if descriptor is None:
            return None
        try:
            # Another run over the same objects keeps its own.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
        except OSError:
            os.close(descriptor)
            return None
        header = {"key": self._key, "schema": SCHEMA, "seed": self.seed, "started": self.started}
        self._waiting.insert(0, canonical.dumps(header) + b"\n")
        return descriptor

    def _drop(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None


def scope_of(root: Path, targets: Targets) -> list[str]:
    """What a run is about: the repository here, its records and the places that are looked at."""
    return [os.path.realpath(root), *sorted(targets.records), *sorted(store.key for store in targets.stores)]


def knows(store: Store, number: int, earlier: Earlier) -> bool:
    """Whether an interrupted run found these very bytes good."""
    wanted = store.objects[number]
    found = earlier.rows.get((store.key, wanted.key))
    same = found is not None and bool(found[2]) and found[:2] == (wanted.sha256, wanted.size)
    return same and store.remote is not None and not store.objects.shared(number)


def unchanged(store: Store, number: int, earlier: Earlier) -> bool:
    """Whether the storage says that nobody wrote an object since an interrupted run found it good."""
    return store.stamp(number) == earlier.rows[store.key, store.objects[number].key][2]


class _Seen(NamedTuple):
    """What came of one piece of work: good objects with their stamps, and of files put aside those that end there."""

    store: Store
    stamped: list[tuple[int, Stamp]]
    end: int
    settled: int


def _lines(done: Done, settled: int) -> Iterator[bytes]:
    """A line for each good object, save for those that were written after `settled`, in ns, and may be again."""
    store, objects = done.store, done.store.objects
    stamps = {number: stamp for number, stamp in done.good if not objects.shared(number)}
    for number, oid, sha256, size in objects.facts_of(list(stamps)):
        stamp = stamps[number]
        if stamp and not (len(stamp) > 1 and isinstance(stamp[1], int) and stamp[1] > settled):
            version = objects.version(number)
            yield _line(store.key, oid if version is None else f"{oid} {version.id}", sha256, size, stamp)


def _line(place: str, oid: str, sha256: str, size: int, stamp: Stamp) -> bytes:
    return msgspec.json.encode((place, oid, sha256, size, stamp)) + b"\n"


def _opened(path: Path, flags: int) -> int | None:
    """The file, if only this person can have written it."""
    try:
        folder = os.lstat(path.parent)
        descriptor = os.open(path, flags)
    except OSError:
        return None
    status = os.fstat(descriptor)
    own = all(one.st_uid == os.geteuid() for one in (folder, status))
    closed = not folder.st_mode & 0o022 and not status.st_mode & 0o077
    if own and closed and stat.S_ISDIR(folder.st_mode) and stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
        return descriptor
    os.close(descriptor)
    return None
