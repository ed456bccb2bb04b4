"""Four answers of yes or no about each of very many numbers: eight bytes for one, and the room beside it."""

from __future__ import annotations

from array import array

BITS = 4
_FEWEST = 64


class Masks:
    """Masks of four bits by numbers below 2^60, which should be spread evenly; 0 for whatever was given none."""

    def __init__(self) -> None:
        self._slots = array("Q", bytes(8 * _FEWEST))
        self._used = 0

    def __getitem__(self, number: int) -> int:
        return self._slots[self._slot(number)] & (1 << BITS) - 1

    def __setitem__(self, number: int, mask: int) -> None:
        """The mask must not be 0."""
        slot = self._slot(number)
        self._used += not self._slots[slot]
        self._slots[slot] = number << BITS | mask
        if self._used * 3 > len(self._slots) * 2:
            self._grow()

    def __len__(self) -> int:
        return self._used

    def _slot(self, number: int) -> int:
        """Where a number stands, or would."""
        slots, last = self._slots, len(self._slots) - 1
        place = number & last
        while slots[place] and slots[place] >> BITS != number:
            place = place + 1 & last
        return place

    def _grow(self) -> None:
        before, self._slots = self._slots, array("Q", bytes(2 * 8 * len(self._slots)))
        for value in before:
            if value:
                self._slots[self._slot(value >> BITS)] = value
