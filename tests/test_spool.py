"""Bytes that are put aside come back as they came, whatever becomes of the disk, and lie in no memory of this process."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arcgit import spool
from arcgit.spool import TOGETHER, Pile


def full(**_: object) -> IO[bytes]:
    """A file that takes nothing."""
    return Path("/dev/full").open("r+b", buffering=0)


def filled_up(written: int) -> Callable[..., int]:
    """A disk that has room for so many bytes."""
    left, real = written, os.pwrite

    def pwrite(descriptor: int, data: memoryview, offset: int) -> int:
        nonlocal left
        if not left:
            raise OSError(28, "No space left on device")
        count = real(descriptor, data[:left], offset)
        left -= count
        return count

    return pwrite


@pytest.mark.parametrize("place", ["disk", "nowhere", "full", "filling"])
def test_all_of_them_are_there_whatever_becomes_of_the_disk(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if place == "nowhere":
        monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    if place == "full":
        monkeypatch.setattr("tempfile.TemporaryFile", full)
    if place == "filling":
        monkeypatch.setattr(os, "pwrite", filled_up(3 * TOGETHER // 2))
    pile, plain = Pile(), bytearray()
    for number in range(2000):
        piece = bytes([number % 251]) * (number % 700)
        pile.add(piece)
        plain += piece
        begin = max(0, len(plain) - 1000 - number)
        assert pile.between(begin, len(plain) - 5) == plain[begin:-5]
    assert len(plain) > 2 * TOGETHER
    assert len(pile) == len(plain)
    assert pile.between(0, len(plain)) == pile.whole()[:] == plain
    pile.add(b"more")
    assert pile.whole()[:] == plain + b"more"


def test_what_was_read_as_a_whole_stays_when_its_file_is_let_go() -> None:
    pile = Pile()
    pile.add(b"x" * (2 * TOGETHER))
    whole = pile.whole()
    pile.close()
    assert whole[:] == b"x" * (2 * TOGETHER)


def anonymous() -> int:
    """Bytes of anonymous memory of this process."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Anonymous:")).split()[1]) * 1024


def test_very_many_bytes_are_in_no_memory_of_this_process() -> None:
    pile, piece, before = Pile(), b"x" * 1000, anonymous()
    for _ in range(64_000):
        pile.add(piece)
    whole = pile.whole()
    assert whole[-1:] + whole[:1] == b"xx"
    assert anonymous() - before < 16_000_000


@given(st.binary(max_size=100), st.integers(0, 120), st.integers(1, 9))
def test_a_stream_is_put_aside_up_to_a_limit_and_seen_on_its_way(data: bytes, limit: int, chunk: int) -> None:
    seen = bytearray()

    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, chunk))

    assert spool.aside(Trickle(data), limit, seen.extend) == data[:limit] == seen
