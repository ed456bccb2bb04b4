"""Very many small values by name, laid one behind the other: what several processes look at stays in memory once.

A copy of this process (`fork`) shares its memory until somebody writes to it, and Python writes to every object that it
looks at. Here there are no objects for each value: all names are one, and all values.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping


class Laid(Mapping[bytes, bytes]):
    """Values by name; both are copies. They come out in the order in which they went in."""

    def __init__(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        self._names, self._values = bytearray(), bytearray()
        self._name_ends, self._value_ends = array("Q", [0]), array("Q", [0])
        order = []
        for number, (name, value) in sorted(enumerate(items), key=lambda item: item[1][0]):
            self._names += name
            self._values += value
            self._name_ends.append(len(self._names))
            self._value_ends.append(len(self._values))
            order.append(number)
        self._places = array("I", sorted(range(len(order)), key=order.__getitem__))
        self._last = 0

    def __getitem__(self, name: bytes) -> bytes:
        place = self._find(name)
        if place < 0:
            raise KeyError(name)
        return bytes(self._values[self._value_ends[place] : self._value_ends[place + 1]])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, bytes) and self._find(name) >= 0

    def __iter__(self) -> Iterator[bytes]:
        return map(self._name, self._places)

    def __len__(self) -> int:
        return len(self._places)

    def _find(self, name: bytes) -> int:
        """The place of a name among the sorted ones, -1 where it is not there."""
        number = len(self._places)
        # Whoever goes through them in their order asks for each a few times, and then for the next.
        for place in range(self._last, min(self._last + 2, number)):
            if self._name(place) == name:
                self._last = place
                return place
        place = bisect_left(range(number), name, key=self._name)
        if place == number or self._name(place) != name:
            return -1
        self._last = place
        return place

    def _name(self, place: int) -> bytes:
        return bytes(self._names[self._name_ends[place] : self._name_ends[place + 1]])
