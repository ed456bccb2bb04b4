"""Which places are asked for the bytes of an artifact, in which order, and for which objects.

A directory's files are found by its listing, which anybody may have edited: those that differ are read one after the other.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from arcgit.archive import fixity as fixity_ref
from arcgit.archive.copying import Reading
from arcgit.archive.holders import Place, Remotes
from arcgit.archive.sources import CHUNK, CacheSource, Fault, ImportedSource, RemoteSource, Source, SourceError
from arcgit.dvc import cache
from arcgit.dvc.listing import Members, members_of, parse_dir_listing
from arcgit.dvc.objects import ObjectId
from arcgit.dvc.opening import remote_names
from arcgit.errors import ArcgitError, RefusedError
from arcgit.model.fixity import FixityList
from arcgit.spool import Pile

if TYPE_CHECKING:
    from mmap import mmap


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

    `files` are those of a directory, None for a file. `known` are the objects of its files where the record itself has
    them, so that no listing is needed. What is wrong with a listing is in `faults`, and given to `report`.
    """

    def __init__(
        self,
        sources: Iterator[Source],
        oid: ObjectId | None = None,
        files: FixityList | None = None,
        report: Callable[[Fault], None] = lambda fault: None,
        known: Mapping[str, ObjectId] | None = None,
    ) -> None:
        self.sources = Sources(sources)
        self.faults: list[Fault] = []
        self._report = report
        self._oid = oid
        self._known = known
        self._files = files
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
        if self._files is None:
            yield self._oid
            return
        if self._known is not None:
            yield from [self._known[relpath]] if relpath in self._known else []
            return
        number = 0
        while (listing := self._listing(number, self._oid)) is not None:
            number += 1
            if (md5 := listing.get(relpath)) is not None:
                yield ObjectId(self._oid.hash_name, md5)

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
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        try:
            data = _whole(source, oid, sha256.update, md5.update)
            if oid.hash_name == "md5" and md5.hexdigest() != oid.value.removesuffix(".dir"):
                raise SourceError("corrupt", "the listing has other bytes than its name says")
            listing = self._parsed(data)
        except SourceError as fault:
            self._fault(Fault(source.label, source.replica, oid.value, fault.kind, fault.words, fault.found))
            return
        except RefusedError as fault:
            self._fault(Fault(source.label, source.replica, oid.value, "corrupt", fault.message))
            return
        if listing in self._lists:
            return
        if self._files is not None and not isinstance(listing, Members) and listing.keys() != set(self._files.paths()):
            words = "the listing names other files than the record"
            self._fault(Fault(source.label, source.replica, oid.value, "corrupt", words))
        self._lists.append(listing)
        self._digests.append((sha256.hexdigest(), len(data)))

    def _parsed(self, data: bytes | mmap) -> Mapping[str, str]:
        if self._files is not None:
            return members_of(data, self._files)
        return {entry.relpath: entry.md5 for entry in parse_dir_listing(data)}


def _whole(source: Source, oid: ObjectId, *see: Callable[[bytes], None]) -> bytes | mmap:
    """A listing, bounded, whose bytes are given to `see` as they come. Raises SourceError."""
    with Reading(source, oid, "") as read:
        pile, left = Pile(), fixity_ref.MAX_BLOB_BYTES
        while chunk := read(min(CHUNK, left + 1)):
            for one in see:
                one(chunk)
            pile.add(chunk)
            left -= len(chunk)
            if left < 0:
                raise SourceError("corrupt", "the listing is larger than any that is read")
    return pile.whole()
