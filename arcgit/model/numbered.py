"""Very many keys of one size, each with the number that it got when it first came: little more than their own bytes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

_FEWEST = 64


class Numbered:
    """Keys in the order in which they came, found again by what they hash to."""

    def __init__(self, size: int) -> None:
        """`size` is that of every key, in bytes."""
        self._size = size
        self._keys = bytearray()
        # One more than the number of the key that has the place, 0 for none.
        self._slots = array("I", bytes(_FEWEST * array("I").itemsize))

    def __len__(self) -> int:
        return len(self._keys) // self._size

    def __contains__(self, key: bytes) -> bool:
        return self.find(key) >= 0

    def key(self, number: int) -> bytes:
        """The key with a number."""
        return bytes(self._keys[number * self._size : (number + 1) * self._size])

    def find(self, key: bytes) -> int:
        """The number of a key, -1 where it did not come yet."""
        return self._slots[self._slot(key)] - 1

    def add(self, key: bytes) -> int:
        """The number of a key; where it did not come yet, the next one, which it then has."""
        slots, at = self._slots, self._slot(key)
        if slots[at]:
            return slots[at] - 1
        self._keys += key
        slots[at] = number = len(self)
        if 2 * number > len(slots):
            self.make_room(0)
        return number - 1

    def add_all(self, coming: Iterable[bytes], number: int) -> Iterator[int]:
        """The number of each of so many keys, as `add` gives it: with nothing in between that one alone would need."""
        self.make_room(number)
        slots, keys, size = self._slots, self._keys, self._size
        last, known = len(slots) - 1, len(self)
        for key in coming:
            at = hash(key) & last
            while (found := slots[at]) and keys[(found - 1) * size : found * size] != key:
                at = (at + 1) & last
            if not found:
                keys += key
                known += 1
                slots[at] = found = known
            yield found - 1

    def skip(self) -> int:
        """The next number, for something that has no such key."""
        self._keys += bytes(self._size)
        return len(self) - 1

    def make_room(self, more: int) -> None:
        """Have at least every second place free when so many more keys have come."""
        wanted = len(self._slots)
        while wanted < 2 * (len(self) + more):
            wanted *= 2
        if wanted > len(self._slots):
            old, self._slots = self._slots, array("I", bytes(wanted * self._slots.itemsize))
            for number in filter(None, old):
                self._slots[self._slot(self.key(number - 1))] = number

    def _slot(self, key: bytes) -> int:
        slots, keys, size = self._slots, self._keys, self._size
        # How Python hashes bytes is another secret in every process: nobody can make keys that all fall together.
        last = len(slots) - 1
        at = hash(key) & last
        while (found := slots[at]) and keys[(found - 1) * size : found * size] != key:
            at = (at + 1) & last
        return at
