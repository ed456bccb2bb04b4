"""The experiments of a very large report, put aside: its first lines hang on the last of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import overload

import msgspec

from arcgit.report.audit import Entry
from arcgit.spool import Spool

_WIDTH = 4


class Entries(Sequence[Entry]):
    """Entries in the order in which they came; `recorded` counts those with a record."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._odd: dict[int, Entry] = {}
        self.recorded = 0

    def append(self, entry: Entry) -> None:
        """One more."""
        self.recorded += entry.record is not None
        try:
            self._spool.append(_packed(entry))
        except (UnicodeError, OverflowError, TypeError):
            # A path that is no UTF-8; there are few of them.
            self._odd[len(self._spool)] = entry
            self._spool.append(b"")

    def __len__(self) -> int:
        return len(self._spool)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> list[Entry]: ...
    def __getitem__(self, place: int | slice) -> Entry | list[Entry]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        number = range(len(self))[place]
        return self._odd.get(number) or _unpacked(self._spool[number])

    def __iter__(self) -> Iterator[Entry]:
        for number, piece in enumerate(self._spool):
            yield self._odd.get(number) or _unpacked(piece)


def _packed(entry: Entry) -> bytes:
    record = zlib.compress(msgspec.json.encode(entry.record), 1) if entry.record is not None else b""
    return len(record).to_bytes(_WIDTH, "big") + record + msgspec.msgpack.encode(replace(entry, record=None))


def _unpacked(piece: bytes) -> Entry:
    end = _WIDTH + int.from_bytes(piece[:_WIDTH], "big")
    entry = _decoder().decode(piece[end:])
    if end == _WIDTH:
        return entry
    return replace(entry, record=msgspec.json.decode(zlib.decompress(piece[_WIDTH:end])))


@cache
def _decoder() -> msgspec.msgpack.Decoder[Entry]:
    return msgspec.msgpack.Decoder(Entry)
