"""The objects that are wanted of one place, in few bytes: each once, with everything that is wanted of it.

What a directory wants is a number in its fixity list and the sixteen bytes of an md5; the rest is read from the list when
somebody asks. Only what has no such name, or no list, is kept as a value of its own.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, overload

from arcgit.dvc.listing import Members
from arcgit.dvc.versioned import Version
from arcgit.model.fixity import FixityList
from arcgit.model.numbered import Numbered

_MD5 = re.compile("[0-9a-f]{32}")
_SIZE = 16
_PLACE = (1 << 32) - 1


class Wanted(NamedTuple):
    """One object and what its bytes must be; `unit` is the artifact that wants it, `path` its place in a directory."""

    oid: str
    sha256: str
    size: int
    unit: int
    path: str
    version: Version | None = None

    @property
    def key(self) -> str:
        """A name for the object among those of its store."""
        return self.oid if self.version is None else f"{self.oid} {self.version.id}"


class Objects(Sequence[Wanted]):
    """Objects in the order in which they were first asked for; each is what was wanted of it first.

    A demand is one number: the list of a directory and the place in it, or below zero that of a value of its own.
    """

    def __init__(self) -> None:
        self._lists: list[tuple[int, FixityList]] = []
        self._alone: list[Wanted] = []
        self._first, self._more = array("q"), array("q")
        # Of an object the last further demand, of each such demand the one before it; 0 for none, else one more.
        self._last, self._before = array("I"), array("I")
        self._md5s = Numbered(_SIZE)
        self._named: dict[str, int] = {}

    def want(self, wanted: Wanted) -> int:
        """Ask for an object, or for the same object once more; returns its number."""
        plain = wanted.version is None and _MD5.fullmatch(wanted.oid)
        if plain:
            number = self._md5s.add(bytes.fromhex(wanted.oid))
        elif wanted.key in self._named:
            number = self._named[wanted.key]
        else:
            number = self._named[wanted.key] = self._md5s.skip()
        self._alone.append(wanted)
        self._demand(number, -len(self._alone))
        return number

    def want_all(self, unit: int, members: Members) -> None:
        """Ask for every file of a directory."""
        demand = self.listed(unit, members.files)
        for number in self._md5s.add_all(members.digests(), len(members)):
            self._demand(number, demand)
            demand += 1

    def listed(self, unit: int, files: FixityList) -> int:
        """What to ask for the first of these files with; for the others one more each."""
        self._lists.append((unit, files))
        return (len(self._lists) - 1) << 32

    def want_one(self, demand: int, md5: bytes) -> int:
        """Ask for a file of a list; returns the number of the object."""
        number = self._md5s.add(md5)
        self._demand(number, demand)
        return number

    def find(self, oid: str) -> int:
        """The number of the object of that name, -1 where none is wanted."""
        if not _MD5.fullmatch(oid):
            return self._named.get(oid, -1)
        return self._md5s.find(bytes.fromhex(oid))

    def __len__(self) -> int:
        return len(self._first)

    @overload
    def __getitem__(self, number: int) -> Wanted: ...
    @overload
    def __getitem__(self, number: slice) -> list[Wanted]: ...
    def __getitem__(self, number: int | slice) -> Wanted | list[Wanted]:
        numbers = range(len(self))[number]
        if isinstance(numbers, int):
            return self._value(numbers, self._first[numbers])
        return [self._value(one, self._first[one]) for one in numbers]

    def __iter__(self) -> Iterator[Wanted]:
        return map(self._value, range(len(self)), self._first)

    def demands(self, number: int) -> Iterator[Wanted]:
        """Everything that is wanted of one object, in the order in which it was asked for."""
        yield self._value(number, self._first[number])
        if self.shared(number):
            further, at = [], self._last[number]
            while at:
                further.append(self._more[at - 1])
                at = self._before[at - 1]
            yield from (self._value(number, demand) for demand in reversed(further))

    def shared(self, number: int) -> bool:
        """True where more than one thing is wanted of an object."""
        return number < len(self._last) and self._last[number] > 0

    def facts(self, number: int) -> tuple[str, str, int]:
        """Name, sha256 and size of an object, without its path."""
        demand = self._first[number]
        if demand < 0:
            oid, sha256, size, *_ = self._alone[~demand]
            return oid, sha256, size
        return self._name(number), *self._lists[demand >> 32][1].content(demand & _PLACE)

    def facts_of(self, numbers: Iterable[int]) -> Iterator[tuple[int, str, str, int]]:
        """The same of very many, each with its number before."""
        first, lists, alone, name = self._first, self._lists, self._alone, self._name
        for number in numbers:
            demand = first[number]
            if demand < 0:
                yield number, *alone[~demand][:3]
            else:
                yield number, name(number), *lists[demand >> 32][1].content(demand & _PLACE)

    def sizes(self, numbers: Iterable[int]) -> Iterator[int]:
        """The sizes of very many objects in bytes."""
        first, lists, alone = self._first, self._lists, self._alone
        for number in numbers:
            demand = first[number]
            yield alone[~demand].size if demand < 0 else lists[demand >> 32][1].size(demand & _PLACE)

    def version(self, number: int) -> Version | None:
        """Where a cloud-versioned remote keeps an object; None for one that its hash finds."""
        demand = self._first[number]
        return self._alone[~demand].version if demand < 0 else None

    def size(self, number: int) -> int:
        """The size of an object in bytes."""
        demand = self._first[number]
        return self._alone[~demand].size if demand < 0 else self._lists[demand >> 32][1].size(demand & _PLACE)

    def wanting(self, number: int) -> list[int]:
        """The artifacts that want an object."""
        if self.shared(number):
            return [wanted.unit for wanted in self.demands(number)]
        demand = self._first[number]
        return [self._alone[~demand].unit if demand < 0 else self._lists[demand >> 32][0]]

    def units(self) -> set[int]:
        """The artifacts that want anything."""
        return {unit for unit, files in self._lists if files} | {wanted.unit for wanted in self._alone}

    def _value(self, number: int, demand: int) -> Wanted:
        if demand < 0:
            return self._alone[~demand]
        unit, files = self._lists[demand >> 32]
        sha256, size, path = files[demand & _PLACE]
        return Wanted(self._name(number), sha256, size, unit, path)

    def _name(self, number: int) -> str:
        return self._md5s.key(number).hex()

    def _demand(self, number: int, demand: int) -> None:
        if number == len(self._first):
            self._first.append(demand)
            return
        self._last.extend(bytes(max(0, number + 1 - len(self._last))))
        self._before.append(self._last[number])
        self._more.append(demand)
        self._last[number] = len(self._more)
