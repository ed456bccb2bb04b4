"""Very many object names, twenty bytes each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

_SIZE = 20


class Oids(Sequence[str]):
    """Object names of SHA-1, in hex to whoever looks at one."""

    def __init__(self, digits: str = "") -> None:
        """`digits` are whole names; white space between them means nothing. Raises ValueError."""
        self._data = bytearray.fromhex(digits)

    def append(self, oid: str) -> None:
        """One more, which must have forty digits."""
        self._data += bytes.fromhex(oid)

    def __len__(self) -> int:
        return len(self._data) // _SIZE

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            first, last, step = place.indices(len(self))
            if step == 1:
                digits = self._data[first * _SIZE : max(first, last) * _SIZE].hex()
                return [digits[begin : begin + 2 * _SIZE] for begin in range(0, len(digits), 2 * _SIZE)]
            return [self._at(number) for number in range(first, last, step)]
        return self._at(range(len(self))[place])

    def __iter__(self) -> Iterator[str]:
        data = self._data
        return (data[begin : begin + _SIZE].hex() for begin in range(0, len(data), _SIZE))

    def __contains__(self, oid: object) -> bool:
        return isinstance(oid, str) and self._find(oid) >= 0

    def index(self, oid: str, start: int = 0, stop: int | None = None) -> int:
        """The first place of an oid. Raises ValueError."""
        place = self._find(oid)
        if not start <= place < (len(self) if stop is None else stop):
            raise ValueError(oid)
        return place

    def _find(self, oid: str) -> int:
        """The place of an oid, -1 where it is not there."""
        try:
            wanted = bytes.fromhex(oid)
        except ValueError:
            return -1
        begin = self._data.find(wanted) if len(wanted) == _SIZE else -1
        while begin >= 0 and begin % _SIZE:
            begin = self._data.find(wanted, begin + 1)
        return begin // _SIZE

    def _at(self, place: int) -> str:
        return self._data[place * _SIZE : (place + 1) * _SIZE].hex()
