"""Whether what would go from DVC's cache is also in the remote that the records name: read there, every byte of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from arcgit import several
from arcgit.archive.crew import Crew, Progress, StoppedError
from arcgit.archive.holders import CHUNK, Place, Remotes
from arcgit.archive.protected import Need
from arcgit.dvc.gc import Doomed
from arcgit.dvc.objects import ObjectId, ObjectProblem
from arcgit.dvc.remote import DataRemote
from arcgit.dvc.streams import opened_file
from arcgit.errors import ArcgitError

Held = Literal["proven", "by-size", "missing", "corrupt", "unreadable", "itself"]
"""What is known of the object in the remote. `itself`: what is there leads to the cache, and would go with it."""
SAFE: frozenset[Held] = frozenset({"proven", "by-size"})
LOCAL_JOBS = 2


@dataclass(frozen=True)
class Copies:
    """Looks for copies. With `trust_sizes` nothing is read: an object of the right name and size is taken for a copy."""

    remotes: Remotes
    trust_sizes: bool = False
    progress: Progress = lambda what, done, total: None
    lacking: dict[Doomed, set[str]] = field(default_factory=dict)
    """The records, by their tags, whose own remote has no copy of an object that `held` was asked about."""

    def held(self, items: Sequence[tuple[Doomed, Need]]) -> dict[Doomed, Held]:
        """What the records' remotes have of objects that would go from the cache."""
        found: dict[Doomed, Held] = {}
        crew = Crew(several.NETWORK if any(map(self._far, items)) else LOCAL_JOBS, self.progress)
        crew.begin("reading", 0 if self.trust_sizes else sum(_size(item) or 0 for item, _ in items))

        def look(one: tuple[Doomed, Need]) -> None:
            state = self._held(*one, crew.go_on)
            with crew.lock:
                found[one[0]] = state

        crew.each(items, look)
        return found

    def _far(self, one: tuple[Doomed, Need]) -> bool:
        for home in one[1].homes:
            with suppress(ArcgitError):
                if not self.remotes.get(home).local:
                    return True
        return False

    def _held(self, item: Doomed, need: Need, count: Callable[[int], None]) -> Held:
        """What the remote of every record that needs it has: one that lacks it counts, whatever the others have."""
        states: dict[object, Held] = {}
        worst: Held | None = None
        for home in sorted(need.homes, key=str):
            for oid, records in self._ways(home, item, need):
                key: object = (home, oid)
                with suppress(ArcgitError):
                    # One place, whatever it is called, is read once.
                    key = (self.remotes.get(home).site, oid)
                if key not in states:
                    states[key] = self._held_in(home, oid, item, need, count)
                if states[key] not in SAFE:
                    self.lacking.setdefault(item, set()).update(records)
                    worst = worst or states[key]
        return worst if worst is not None else next(iter(states.values()))

    def _ways(self, home: Place, item: Doomed, need: Need) -> list[tuple[ObjectId, set[str]]]:
        """How the object is found in a remote, with the records that find it so: each by its version, or by its hash."""
        records = need.homes[home]
        try:
            remote = self.remotes.get(home)
        except ArcgitError:
            return [(item.oid, records)]
        named = need.versions if remote.versioned else {}
        own = {one: tags & records for one, tags in named.items() if one.remote == remote.name}
        by_hash = records.difference(*own.values())
        found = [(item.oid._replace(version=one), tags) for one, tags in own.items() if tags]
        return [*found, *([(item.oid, by_hash)] if by_hash else [])]

    def _held_in(self, home: Place, oid: ObjectId, item: Doomed, need: Need, count: Callable[[int], None]) -> Held:
        try:
            look = self._sized if self.trust_sizes else partial(_read, count=count)
            return look(self.remotes.get(home), oid, item, need)
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        except StoppedError:
            raise
        except (ArcgitError, OSError):
            return "unreadable"

    def _sized(self, remote: DataRemote, oid: ObjectId, item: Doomed, need: Need) -> Held:
        del need
        state = remote.presence([oid])[oid]
        if _is_itself(remote, oid, item):
            return "itself"
        if state is None:
            return "missing"
        if isinstance(state, ObjectProblem):
            return "unreadable"
        return "by-size" if state == _size(item) else "corrupt"


def _read(remote: DataRemote, oid: ObjectId, item: Doomed, need: Need, count: Callable[[int], None]) -> Held:
    """Hold the object in the remote to what was sealed; where no record says its sha256, to the copy here."""
    sealed = need.sealed
    sizes = [size for _, size in sealed] or [_size(item) or 0]
    with remote.open(oid) as file:
        there = _digest(file, max(sizes), count)
    if _is_itself(remote, oid, item):
        return "itself"
    if sealed and there not in sealed:
        return "corrupt"
    if len(sealed) == 1:
        return "proven"
    # Two contents under one name, or a name alone: what goes from here must be what stays there.
    with opened_file(item.path) as copy:
        here = _digest(copy, max(sizes), lambda number: None)
    return "proven" if here == there else "corrupt"


def _digest(file: BinaryIO, most: int, count: Callable[[int], None]) -> tuple[str, int]:
    """sha256 and size of a stream, which is not read on once it is longer than anybody wants it."""
    sha, size = hashlib.sha256(), 0
    while size <= most and (chunk := file.read(CHUNK)):
        sha.update(chunk)
        size += len(chunk)
        count(len(chunk))
    return sha.hexdigest(), size


def _size(item: Doomed) -> int | None:
    with suppress(OSError):
        return Path(item.path).stat().st_size
    return None


def _is_itself(remote: DataRemote, oid: ObjectId, item: Doomed) -> bool:
    """True where the remote's object is the very name in the cache: its folder is the same, or it is a link to there."""
    if not remote.local:
        return False
    there, here = Path(remote.path(oid)), Path(item.path)
    with suppress(OSError):
        return (there.is_symlink() and there.samefile(here)) or there.parent.samefile(here.parent)
    return False
