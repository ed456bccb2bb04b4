"""Very many small values by key, in three blocks of memory: in a dict of bytes, half of the memory is the objects' own."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, MutableMapping

_SMALLEST = 16
_LONGEST = 65_535
_LENGTH = 2
"""Bytes that say how long a value is."""


class Table(MutableMapping[bytes, bytes]):
    """Values by keys, each of at most 65,535 bytes, in the order in which the keys first came. Nothing is taken out."""

    def __init__(self) -> None:
        # The length of a value, its key, the value; entries have where that begins, and in 16 bits how long the key is.
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
        # As `_slot`, in one piece: this is asked for every event.
        slots, heap = self._slots, self._heap
        mask = len(slots) - 1
        slot = hash(key) & mask
        while number := slots[slot]:
            entry = self._entries[number - 1]
            at = entry >> 16
            begin = at + _LENGTH
            end = begin + (entry & _LONGEST)
            if heap[begin:end] == key:
                return bytes(heap[end : end + (heap[at] << 8 | heap[at + 1])])
            slot = (slot + 1) & mask
        return None

    def pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """The keys with their values, in their order."""
        heap = self._heap
        for entry in self._entries:
            at = entry >> 16
            end = at + _LENGTH + (entry & _LONGEST)
            yield bytes(heap[at + _LENGTH : end]), bytes(heap[end : end + (heap[at] << 8 | heap[at + 1])])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """Raises OverflowError for what is too long."""
        if len(key) > _LONGEST:
            raise OverflowError(len(key))
        length = len(value).to_bytes(_LENGTH, "big")
        slot, entry = self._slot(key), len(self._heap) << 16 | len(key)
        number = self._slots[slot]
        if number == 0:
            self._entries.append(entry)
            self._slots[slot] = len(self._entries)
        else:
            self._garbage += self._size(self._entries[number - 1])
            self._entries[number - 1] = entry
        self._heap += length + key + value
        if self._garbage * 2 > len(self._heap):
            self._sweep()
        if len(self._entries) * 3 > len(self._slots) * 2:
            self._grow()

    def __delitem__(self, key: bytes) -> None:
        raise TypeError("nothing is taken out of a table")

    def _key(self, entry: int) -> bytes:
        begin = (entry >> 16) + _LENGTH
        return bytes(self._heap[begin : begin + (entry & _LONGEST)])

    def _size(self, entry: int) -> int:
        at = entry >> 16
        return _LENGTH + (entry & _LONGEST) + int.from_bytes(self._heap[at : at + _LENGTH], "big")

    def _slot(self, key: bytes) -> int:
        """The place of a key, or the free one that it would get."""
        slots = self._slots
        mask = len(slots) - 1
        slot = hash(key) & mask
        while number := slots[slot]:
            entry = self._entries[number - 1]
            begin = (entry >> 16) + _LENGTH
            if self._heap[begin : begin + (entry & _LONGEST)] == key:
                return slot
            slot = (slot + 1) & mask
        return slot

    def _sweep(self) -> None:
        """Let go of the values that others have replaced."""
        heap, self._garbage = bytearray(), 0
        for number, entry in enumerate(self._entries):
            at = entry >> 16
            self._entries[number] = len(heap) << 16 | (entry & _LONGEST)
            heap += self._heap[at : at + self._size(entry)]
        self._heap = heap

    def _grow(self) -> None:
        self._slots = array("I", bytes(8 * len(self._slots)))
        for number, entry in enumerate(self._entries, 1):
            self._slots[self._slot(self._key(entry))] = number
