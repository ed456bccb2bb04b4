"""Very many keys of one size, each with the number that it got when it first came.

The keys themselves are put aside; what finds them again, some eight bytes each, stays in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import islice

from arcgit.spool import Pile

_FEWEST = 64
AT_ONCE = 256
"""So many keys are taken together."""


class Numbered:
    """Keys in the order in which they came, found again by what they hash to."""

    def __init__(self, size: int) -> None:
        """`size` is that of every key, in bytes."""
        self._size = size
        self._keys = Pile()
        # One more than the number of the key that has the place, 0 for none.
        self._slots = array("I", bytes(_FEWEST * array("I").itemsize))

    def __len__(self) -> int:
        return len(self._keys) // self._size

    def __contains__(self, key: bytes) -> bool:
        return self.find(key) >= 0

    def key(self, number: int) -> bytes:
        """The key with a number."""
        return self._keys.between(number * self._size, (number + 1) * self._size)

    def keys(self, first: int, last: int) -> bytes:
        """The keys with the numbers from `first` to before `last`, one behind the other."""
        return self._keys.between(first * self._size, last * self._size)

    def find(self, key: bytes) -> int:
        """The number of a key, -1 where it did not come yet."""
        return self._slots[self._slot(key)] - 1

    def add(self, key: bytes) -> int:
        """The number of a key; where it did not come yet, the next one, which it then has."""
        at = self._slot(key)
        if found := self._slots[at]:
            return found - 1
        self._keys.add(key)
        self._slots[at] = number = len(self)
        # Whoever had room made for very many has some left for a few more.
        if 3 * number > 2 * len(self._slots):
            self.make_room(number)
        return number - 1

    def add_all(self, coming: Iterable[bytes], number: int) -> Iterator[list[int]]:
        """The number of each of so many keys, as `add` gives it, some at a time."""
        self.make_room(number)
        slots, places, key_of, rest = self._slots, len(self._slots), self.key, iter(coming)
        while keys := list(islice(rest, AT_ONCE)):
            known = len(self)
            fresh: list[bytes] = []
            numbers = []
            for key in keys:
                at = hash(key) % places
                while (found := slots[at]) and (
                    key_of(found - 1) if found <= known else fresh[found - known - 1]
                ) != key:
                    at = (at or places) - 1
                if not found:
                    fresh.append(key)
                    slots[at] = found = known + len(fresh)
                numbers.append(found - 1)
            self._keys.add(b"".join(fresh))
            yield numbers

    def skip(self) -> int:
        """The next number, for something that has no such key."""
        self._keys.add(bytes(self._size))
        return len(self) - 1

    def make_room(self, more: int) -> None:
        """Have at least every second place free when so many more keys have come."""
        wanted = 2 * (len(self) + more) + 1
        if wanted > len(self._slots):
            old, self._slots = self._slots, array("I", bytes(wanted * self._slots.itemsize))
            for number in filter(None, old):
                self._slots[self._slot(self.key(number - 1))] = number

    def _slot(self, key: bytes) -> int:
        slots, key_of = self._slots, self.key
        # How Python hashes bytes is another secret in every process: nobody can make keys that all fall together.
        at = hash(key) % len(slots)
        while (found := slots[at]) and key_of(found - 1) != key:
            at = (at or len(slots)) - 1
        return at
