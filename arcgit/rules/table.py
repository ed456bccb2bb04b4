"""Very many small values by key, in three blocks of memory: in a dict of bytes, half of the memory is the objects' own."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, MutableMapping

_SMALLEST = 16
_LONGEST = 65_535


class Table(MutableMapping[bytes, bytes]):
    """Values by keys, each of at most 65,535 bytes, in the order in which the keys first came. Nothing is taken out."""

    def __init__(self) -> None:
        self._heap = bytearray()
        self._garbage = 0
        self._entries = array("Q")
        # By a key's hash the number of its entry, from 1; 0 is a free place. There are always some.
        self._slots = array("I", bytes(4 * _SMALLEST))

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[bytes]:
        return map(self._key, self._entries)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._slots[self._slot(key)] != 0

    def __getitem__(self, key: bytes) -> bytes:
        found = self.find(key)
        if found is None:
            raise KeyError(key)
        return found

    def find(self, key: bytes) -> bytes | None:
        """The value of a key, or None."""
        number = self._slots[self._slot(key)]
        if number == 0:
            return None
        at = self._entries[number - 1]
        begin = at + 4 + len(key)
        return bytes(self._heap[begin : begin + int.from_bytes(self._heap[at + 2 : at + 4], "big")])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """Raises ValueError for what is too long."""
        if len(key) > _LONGEST or len(value) > _LONGEST:
            raise ValueError(len(value))
        slot = self._slot(key)
        number = self._slots[slot]
        if number == 0:
            self._entries.append(len(self._heap))
            self._slots[slot] = len(self._entries)
        else:
            at = self._entries[number - 1]
            self._garbage += 4 + len(key) + int.from_bytes(self._heap[at + 2 : at + 4], "big")
            self._entries[number - 1] = len(self._heap)
        self._heap += b"%s%s%s%s" % (len(key).to_bytes(2, "big"), len(value).to_bytes(2, "big"), key, value)
        if self._garbage * 2 > len(self._heap):
            self._sweep()
        if len(self._entries) * 3 > len(self._slots) * 2:
            self._grow()

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("nothing is taken out of a table")

    def _key(self, at: int) -> bytes:
        return bytes(self._heap[at + 4 : at + 4 + int.from_bytes(self._heap[at : at + 2], "big")])

    def _slot(self, key: bytes) -> int:
        """The place of a key, or the free one that it would get."""
        heap, entries, slots = self._heap, self._entries, self._slots
        mask = len(slots) - 1
        slot = hash(key) & mask
        begin = len(key).to_bytes(2, "big")
        while number := slots[slot]:
            at = entries[number - 1]
            if heap[at + 4 : at + 4 + len(key)] == key and heap[at : at + 2] == begin:
                return slot
            slot = (slot + 1) & mask
        return slot

    def _sweep(self) -> None:
        """Let go of the values that others have replaced."""
        heap, self._heap, self._garbage = self._heap, bytearray(), 0
        for number, at in enumerate(self._entries):
            length = int.from_bytes(heap[at : at + 2], "big") + int.from_bytes(heap[at + 2 : at + 4], "big")
            self._entries[number] = len(self._heap)
            self._heap += heap[at : at + 4 + length]

    def _grow(self) -> None:
        self._slots = array("I", bytes(8 * len(self._slots)))
        for number, at in enumerate(self._entries, 1):
            self._slots[self._slot(self._key(at))] = number
