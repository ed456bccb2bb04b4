"""Bringing objects from DVC's cache into a remote that lacks them: several at a time, or durable many at a time.

Nothing that stands in a remote is overwritten, and nothing has an object's name before it is whole. Listings go last: DVC
takes the contents of a directory for granted once its `.dir` object is there.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from arcgit import crash, durable, several
from arcgit.dvc.objects import ObjectId, Presences
from arcgit.dvc.streams import CHUNK, give_name, opened_file
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.model.text import word
from arcgit.staging import Staging

if TYPE_CHECKING:
    from arcgit.dvc.remote import DataRemote

Done = Callable[[int], None]


class Pushed(NamedTuple):
    """By the number of each object that was asked for: 1 where it was copied, and how it is there afterwards."""

    copied: bytearray
    states: Presences


def push(remote: DataRemote, oids: Sequence[ObjectId], now: datetime, progress: Callable[[int, int], None]) -> Pushed:
    """Copy what the remote lacks from the local cache; `progress` is told how many objects of how many are done.

    Raises RefusedError `object-corrupt` for a cache object that is not what its name says, UndeterminedError. Into a
    cloud-versioned remote only DVC pushes, since it writes the versions into its own files.
    """
    copied, states = bytearray(len(oids)), Presences(len(oids))
    remote.look(oids, range(len(oids)), states, required=remote.versioned)
    if remote.versioned:
        return Pushed(copied, states)
    missing = array("I", (number for number, state in enumerate(states) if state is None))
    number_done = 0

    def done(number: int) -> None:
        nonlocal number_done
        copied[number] = 1
        number_done += 1
        progress(number_done, len(missing))

    if missing:
        progress(0, len(missing))
    if remote.local:
        _into_folders(remote, oids, missing, done)
    elif missing:
        remote.sweep(now)
        for group in _listings_last(oids, missing):
            jobs = max(1, min(several.NETWORK, len(group)))
            several.each(group, partial(_upload, remote, jobs, oids), jobs, lambda number, _: done(number))
    crash.point("data-pushed")
    remote.look(oids, missing, states)
    return Pushed(copied, states)


def _listings_last(oids: Sequence[ObjectId], numbers: Iterable[int]) -> tuple[Sequence[int], Sequence[int]]:
    files, listings = array("I"), array("I")
    for number in numbers:
        (listings if oids[number].value.endswith(".dir") else files).append(number)
    return files, listings


def _upload(remote: DataRemote, lanes: int, oids: Sequence[ObjectId], number: int) -> None:
    oid = oids[number]
    path = _cached(remote, oid)
    md5 = hashlib.md5(usedforsecurity=False)
    for chunk in _chunks(oid, path):
        md5.update(chunk)
    _require_name(oid, md5.hexdigest(), path)
    remote.upload(oid, path, lanes)


def _into_folders(remote: DataRemote, oids: Sequence[ObjectId], missing: Sequence[int], done: Done) -> None:
    tops = {oid.hash_name: oid for oid in oids}
    for hash_name, one in tops.items():
        # New files grow above the folders of objects, where DVC looks for none.
        top = Path(remote.path(one)).parent.parent
        durable.sweep(top)
        group = array("I", (number for number in missing if oids[number].hash_name == hash_name))
        if not group:
            continue
        try:
            folder = _Folder(remote, top)
            with folder.opened():
                for numbers in _listings_last(oids, group):
                    for number in numbers:
                        folder.add(oids[number], partial(done, number))
                    folder.settle()
        except OSError as error:
            raise remote.not_taken(error) from error


class _Folder:
    """The folder of a remote of this machine, and the new objects that wait for their names. Raises OSError."""

    def __init__(self, remote: DataRemote, top: Path) -> None:
        self._remote = remote
        self._top = top
        self._touched: set[Path] = set()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Ready to take objects; what has no name at the end is gone."""
        self._make(self._top)
        descriptor = os.open(self._top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._staging = Staging(descriptor, durable.PREFIX)
            self._staging.begin()
            try:
                yield
            finally:
                self._staging.end()
        finally:
            os.close(descriptor)

    def add(self, oid: ObjectId, done: Callable[[], None]) -> None:
        """Copy an object from the cache; it gets its name with others, `done` is told then."""
        path, target = _cached(self._remote, oid), Path(self._remote.path(oid))
        try:
            with self._staging.temporary() as new:
                md5, size = hashlib.md5(usedforsecurity=False), 0
                for chunk in _chunks(oid, path):
                    md5.update(chunk)
                    new.write(chunk)
                    size += len(chunk)
                _require_name(oid, md5.hexdigest(), path)
                # As DVC has it: an object is for reading only.
                os.fchmod(new.descriptor, 0o444)
                self._staging.queue(new, size, partial(self._name, target), partial(self._placed, oid, done))
        except OSError as error:
            raise self._remote.not_taken(error, oid) from error

    def _name(self, target: Path, temporary: str) -> None:
        if target.parent not in self._touched:
            self._make(target.parent)
            self._touched.add(target.parent)
        give_name(temporary, target, self._staging.descriptor)

    def _placed(self, oid: ObjectId, done: Callable[[], None], fault: Exception | None) -> None:
        if fault is None:
            done()
            return
        raise self._remote.not_taken(fault, oid) from fault

    def settle(self) -> None:
        """Have all of them under their names, and on disk."""
        self._staging.settle()
        touched, self._touched = sorted(self._touched), set()
        asked: set[int] = set()
        for folder in touched:
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except PermissionError:
                # It may be written and not looked into, so nobody but its owner can flush it.
                continue
            try:
                durable.settle_names(descriptor, asked, many=len(touched) > durable.FEW)
            finally:
                os.close(descriptor)

    def _make(self, folder: Path) -> None:
        new = [path for path in (folder, *folder.parents) if not path.is_dir()]
        folder.mkdir(parents=True, exist_ok=True)
        self._touched |= {path.parent for path in new}


def _cached(remote: DataRemote, oid: ObjectId) -> Path:
    path = remote.cache_path(oid)
    if not path.is_file():
        message = f"object {oid.value} is neither in the remote `{remote.name}` nor in DVC's cache"
        raise UndeterminedError("object-missing", message, "dvc repro, or dvc push from the clone that has it")
    return path


def _chunks(oid: ObjectId, path: Path) -> Iterator[bytes]:
    """The bytes of a file of the cache. Raises UndeterminedError."""
    try:
        with opened_file(str(path)) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        message = f"the object {oid.value} in DVC's cache cannot be read: {error.strerror}"
        raise UndeterminedError("object-unreadable", message, f"look at {path}") from error


def _require_name(oid: ObjectId, md5: str, path: Path) -> None:
    """Raise RefusedError where the bytes are not what the object's name says."""
    if oid.hash_name == "md5" and md5 != oid.value.removesuffix(".dir"):
        message = f"the object {oid.value} in DVC's cache has other bytes than its name says"
        raise RefusedError("object-corrupt", message, f"rm {word(str(path))}, then dvc fetch or dvc repro")
