"""The objects that are wanted of one place, in few bytes: each once, with everything that is wanted of it.

What a directory wants is the sixteen bytes of an md5, and its place in the fixity list follows from that of its neighbour;
the rest is read from the list when somebody asks. Only what has no such name, or no list, is kept as a value of its own.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, overload

from arcgit.archive.numbered import Numbered
from arcgit.dvc.listing import Members
from arcgit.dvc.versioned import Version
from arcgit.model.fixity import FixityList

_MD5 = re.compile("[0-9a-f]{32}")
_SIZE, _DIGITS = 16, 32
_PLACE = (1 << 32) - 1
AT_ONCE = 256
"""So many neighbours are read together."""


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

    A demand is one number: the list of a directory and the place in it, or below zero that of a value of its own. The first
    demand of an object is kept where it is not one more than that of the object before.
    """

    def __init__(self) -> None:
        self._lists: list[tuple[int, FixityList]] = []
        self._alone: list[Wanted] = []
        self.versioned = False
        self._begins, self._firsts = array("I"), array("q")
        self._number, self._next = 0, -1
        self._more = array("q")
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
        self.versioned = self.versioned or wanted.version is not None
        self._demand(number, -len(self._alone))
        return number

    def want_all(self, unit: int, members: Members) -> None:
        """Ask for every file of a directory."""
        demand = self.listed(unit, members.files)
        for numbers in self._md5s.add_all(members.digests(), len(members)):
            new = numbers[0] == self._number and numbers[-1] == numbers[0] + len(numbers) - 1
            self._demand(numbers[0], demand)
            if new:
                # None of them came before: each is the neighbour of the one before it.
                self._number += len(numbers) - 1
                self._next += len(numbers) - 1
            else:
                for place, number in enumerate(numbers[1:], 1):
                    self._demand(number, demand + place)
            demand += len(numbers)

    def listed(self, unit: int, files: FixityList) -> int:
        """What to ask for the first of these files with; for the others one more each."""
        self._lists.append((unit, files))
        self._md5s.make_room(len(files))
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
        return self._number

    @overload
    def __getitem__(self, number: int) -> Wanted: ...
    @overload
    def __getitem__(self, number: slice) -> list[Wanted]: ...
    def __getitem__(self, number: int | slice) -> Wanted | list[Wanted]:
        numbers = range(len(self))[number]
        if isinstance(numbers, int):
            return self._value(numbers, self._first(numbers))
        return [self._value(one, self._first(one)) for one in numbers]

    def __iter__(self) -> Iterator[Wanted]:
        return map(self.__getitem__, range(len(self)))

    def demands(self, number: int) -> Iterator[Wanted]:
        """Everything that is wanted of one object, in the order in which it was asked for."""
        yield self._value(number, self._first(number))
        if self.shared(number):
            further, at = [], self._last[number]
            while at:
                further.append(self._more[at - 1])
                at = self._before[at - 1]
            yield from (self._value(number, demand) for demand in reversed(further))

    def shared(self, number: int) -> bool:
        """True where more than one thing is wanted of an object."""
        return number < len(self._last) and self._last[number] > 0

    def any_shared(self, numbers: Iterable[int]) -> Sequence[int]:
        """Those of some objects of which more than one thing is wanted."""
        return [number for number in numbers if self.shared(number)] if self._last else ()

    def facts(self, number: int) -> tuple[str, str, int]:
        """Name, sha256 and size of an object, without its path."""
        return next(self.facts_of((number,)))[1:]

    def facts_of(self, numbers: Sequence[int]) -> Iterator[tuple[int, str, str, int]]:
        """The same of very many, each with its number before."""
        for first, last, demand in self._neighbours(numbers):
            if demand < 0:
                yield first, *self._alone[~demand][:3]
                continue
            names, place = self._md5s.keys(first, last).hex(), demand & _PLACE
            contents = self._lists[demand >> 32][1].contents(place, place + last - first)
            sha256s, sizes = zip(*contents, strict=True)
            oids = [names[begin : begin + _DIGITS] for begin in range(0, len(names), _DIGITS)]
            yield from zip(range(first, last), oids, sha256s, sizes, strict=True)

    def sizes(self, numbers: Sequence[int]) -> Iterator[int]:
        """The sizes of very many objects in bytes."""
        for first, last, demand in self._neighbours(numbers):
            if demand < 0:
                yield self._alone[~demand].size
                continue
            place = demand & _PLACE
            contents = self._lists[demand >> 32][1].contents(place, place + last - first)
            yield from (size for _, size in contents)

    def version(self, number: int) -> Version | None:
        """Where a cloud-versioned remote keeps an object; None for one that its hash finds."""
        demand = self._first(number)
        return self._alone[~demand].version if demand < 0 else None

    def size(self, number: int) -> int:
        """The size of an object in bytes."""
        return next(self.sizes((number,)))

    def wanting(self, number: int) -> list[int]:
        """The artifacts that want an object."""
        if self.shared(number):
            return [wanted.unit for wanted in self.demands(number)]
        demand = self._first(number)
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

    def _first(self, number: int) -> int:
        """What was wanted first of an object."""
        run = bisect_right(self._begins, number) - 1
        return self._firsts[run] + number - self._begins[run]

    def _neighbours(self, numbers: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """The same numbers as pieces, from one to before another, with the first demand of the first of each.

        Those of a piece are places of one list, one behind the other, or it has one value alone.
        """
        for start in range(0, len(numbers), AT_ONCE):
            part = numbers[start : start + AT_ONCE]
            begin, end = part[0], part[0] + len(part)
            if not (isinstance(part, range) and part.step == 1) and list(part) != list(range(begin, end)):
                yield from ((number, number + 1, self._first(number)) for number in part)
                continue
            run = bisect_right(self._begins, begin) - 1
            while begin < end:
                last = self._begins[run + 1] if run + 1 < len(self._begins) else self._number
                demand = self._firsts[run] + begin - self._begins[run]
                yield begin, min(end, last), demand
                begin, run = min(end, last), run + 1

    def _demand(self, number: int, demand: int) -> None:
        if number == self._number:
            # What stands alone is no neighbour of anything.
            if demand != self._next or demand < 0:
                self._begins.append(number)
                self._firsts.append(demand)
            self._number, self._next = number + 1, demand + 1 if demand >= 0 else -1
            return
        self._last.extend(bytes(max(0, number + 1 - len(self._last))))
        self._before.append(self._last[number])
        self._more.append(demand)
        self._last[number] = len(self._more)
