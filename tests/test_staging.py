"""Files that are written beside their place: the bytes that were given, all of them, in whatever pieces."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from arcgit.staging import AHEAD, CHUNK, Staging

ZEROS = bytes(CHUNK)
NOISE = hashlib.shake_256(b"noise").digest(CHUNK)
SHAPES = {
    "a hole at the end": [NOISE, ZEROS, ZEROS],
    "a hole at the beginning": [ZEROS, NOISE],
    "a hole in the middle": [NOISE, ZEROS, ZEROS, NOISE[:10]],
    "nothing but a hole": [ZEROS, ZEROS],
    "zeros that are no whole piece": [NOISE, ZEROS[:-1], NOISE],
    "one other byte at the end of zeros": [ZEROS[:-1] + b"\1", NOISE],
    "nothing": [],
}


@pytest.mark.parametrize("pieces", SHAPES.values(), ids=SHAPES)
def test_what_was_written_is_what_stands_there_with_or_without_holes(tmp_path: Path, pieces: list[bytes]) -> None:
    written = b"".join(pieces)
    top = os.open(tmp_path, os.O_RDONLY)
    staging = Staging(top, ".staging-")
    staging.begin()
    with staging.temporary(0o644) as new:
        for piece in pieces:
            new.write(piece)
        assert new.md5() == hashlib.md5(written, usedforsecurity=False).hexdigest()
        os.link(new.name, "done", src_dir_fd=staging.descriptor, dst_dir_fd=top)
    staging.end()
    os.close(top)
    assert (tmp_path / "done").read_bytes() == written


def test_whole_pieces_of_zeros_take_no_room(tmp_path: Path) -> None:
    top = os.open(tmp_path, os.O_RDONLY)
    staging = Staging(top, ".staging-")
    staging.begin()
    with staging.temporary(0o644) as new:
        for piece in (NOISE, *[ZEROS] * 15):
            new.write(piece)
        status = os.fstat(new.descriptor)
        assert (status.st_size, status.st_blocks * 512 < 4 * CHUNK) == (16 * CHUNK, True)
    staging.end()
    os.close(top)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What of a file the disk was told to begin with: where, and how much."""
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _, begin, size, how: told.append((begin, size)))
    return told


def test_the_disk_begins_with_a_large_file_while_more_of_it_comes(tmp_path: Path, sent: list[tuple[int, int]]) -> None:
    top = os.open(tmp_path, os.O_RDONLY)
    staging = Staging(top, ".staging-")
    staging.begin()
    with staging.temporary() as new:
        for piece in (NOISE, ZEROS, NOISE[:-1], *[NOISE] * (AHEAD // CHUNK)):
            new.write(piece)
    assert sent == [(0, 16 * CHUNK - 1 + CHUNK)]
    with staging.temporary() as new:
        for _ in range(2 * AHEAD // CHUNK):
            new.write(NOISE)
    assert sent[1:] == [(0, AHEAD), (AHEAD, AHEAD)]
    staging.end()
    os.close(top)


def test_a_system_that_takes_no_advice_gets_the_file_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: int) -> None:
        raise OSError(errno.ESPIPE, "no")

    monkeypatch.setattr(os, "posix_fadvise", refuse)
    top = os.open(tmp_path, os.O_RDONLY)
    staging = Staging(top, ".staging-")
    staging.begin()
    with staging.temporary() as new:
        for _ in range(AHEAD // CHUNK + 1):
            new.write(NOISE)
        assert os.fstat(new.descriptor).st_size == AHEAD + CHUNK
    staging.end()
    os.close(top)
