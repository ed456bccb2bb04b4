"""Very many refs in the bytes in which git lists them; each is a value only while somebody looks at it."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, overload

FORMAT = "%(objectname) %(objecttype) %(refname)"
BARE_FORMAT = "%(objectname) %(refname)"
"""For a repository where a ref names an object that is not there: git says no type of any ref then."""
MISSING = "missing"
"""The type of an object that git cannot find or read."""


class Ref(NamedTuple):
    """A ref with the oid and the type of the object it points to."""

    name: str
    oid: str
    kind: str


class Refs(Sequence[Ref]):
    """Refs in the order of their names, as `git for-each-ref` writes them in `FORMAT`."""

    def __init__(self, data: bytes, starts: array[int] | None = None) -> None:
        self._data = data
        self._starts = starts if starts is not None else _starts(data)

    def find(self, name: str) -> Ref | None:
        """The ref of that full name."""
        place = self._place(name.encode(errors="surrogateescape"))
        found = self[place] if place < len(self) else None
        return found if found is not None and found.name == name else None

    def below(self, prefix: str) -> Refs:
        """Those whose names begin with `prefix`."""
        begin = prefix.encode()
        behind = begin[:-1] + bytes([begin[-1] + 1])
        return Refs(self._data, self._starts[self._place(begin) : self._place(behind)])

    def oid(self, place: int) -> str:
        """The oid of one of them."""
        start = self._starts[place]
        return self._data[start : self._data.index(b" ", start)].decode()

    def only(self, places: Iterable[int]) -> Refs:
        """Those at these places, in their order."""
        return Refs(self._data, array(self._starts.typecode, (self._starts[place] for place in places)))

    def names(self) -> Names:
        """Their full names."""
        return Names(self)

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, place: int) -> Ref: ...
    @overload
    def __getitem__(self, place: slice) -> list[Ref]: ...
    def __getitem__(self, place: int | slice) -> Ref | list[Ref]:
        if isinstance(place, slice):
            return [self._at(start) for start in self._starts[place]]
        return self._at(self._starts[place])

    def __iter__(self) -> Iterator[Ref]:
        return map(self._at, self._starts)

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Refs) and len(self) == len(other)
        return isinstance(other, Refs) and same and (self._data == other._data or all(map(_same, self, other)))

    __hash__ = None  # type: ignore[assignment]

    def _at(self, start: int) -> Ref:
        # Only a line feed ends a line here: Unicode has other line ends, and they may stand in a ref's name.
        line = self._data[start : self._data.index(b"\n", start)].decode(errors="surrogateescape")
        oid, kind, name = line.split(" ", 2)
        return Ref(name, oid, sys.intern(kind))

    def _place(self, name: bytes) -> int:
        return bisect_left(self._starts, name, key=self._name_at)

    def _name_at(self, start: int) -> bytes:
        return self._data[start : self._data.index(b"\n", start)].split(b" ", 2)[2]


def with_kinds(listed: bytes, answers: bytes) -> Refs:
    """Refs listed in `BARE_FORMAT`, with what `git cat-file --batch-check` answered about each of their oids in turn."""
    lines = [line for line in listed.split(b"\n") if line]
    kinds = [answer.split(b" ")[1] for answer in answers.split(b"\n") if answer]
    parts = (line.partition(b" ") for line in lines)
    return Refs(b"".join(b"%s %s %s\n" % (oid, kind, name) for (oid, _, name), kind in zip(parts, kinds, strict=True)))


class Names(Sequence[str]):
    """The full names of refs."""

    def __init__(self, refs: Sequence[Ref]) -> None:
        self._refs = refs

    def __len__(self) -> int:
        return len(self._refs)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [ref.name for ref in self._refs[place]]
        return self._refs[place].name


def _same(one: Ref, other: Ref) -> bool:
    return one == other


def _starts(data: bytes) -> array[int]:
    """Where each line begins. Raises ValueError for bytes that git would not have written."""
    starts = array("I" if len(data) < 2**32 else "Q")
    begin = 0
    while begin < len(data):
        starts.append(begin)
        begin = data.index(b"\n", begin) + 1
    return starts
