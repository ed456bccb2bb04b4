"""Git objects as one pack: written at once, and kept from garbage collection until refs name them.

Loose objects that no ref names yet are fair game for `git gc --prune=now` and `git prune`. A pack with a `.keep` file is
not, which is how `git fetch` guards what it is about to refer to.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from arcgit.model.notetree import RawObject
from arcgit.spool import Pile

if TYPE_CHECKING:
    from mmap import mmap

_CHUNK = 1024 * 1024
KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_REASON = re.compile(r"arcgit ([0-9]+) on (.*)\n?")


class LaidObject(NamedTuple):
    """As `RawObject`; a large one is read where it lies."""

    kind: str
    oid: str
    raw: bytes | mmap


def pack(objects: Iterable[RawObject | LaidObject]) -> bytes | mmap:
    """A pack file with each object once, whole."""
    once = {item.oid: item for item in objects}
    pile, digest = Pile(), hashlib.sha1(usedforsecurity=False)
    for piece in chain([b"PACK" + (2).to_bytes(4, "big") + len(once).to_bytes(4, "big")], *map(_pieces, once.values())):
        digest.update(piece)
        pile.add(piece)
    pile.add(digest.digest())
    return pile.whole()


def _pieces(item: RawObject | LaidObject) -> Iterator[bytes]:
    yield _head(KINDS[item.kind], len(item.raw))
    squeeze = zlib.compressobj(1)
    for start in range(0, len(item.raw), _CHUNK):
        yield squeeze.compress(item.raw[start : start + _CHUNK])
    yield squeeze.flush()


def _head(kind: int, size: int) -> bytes:
    """Type and size of an object in a pack: four bits, then seven a byte, lowest first."""
    byte, size = kind << 4 | size & 0x0F, size >> 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    return bytes([*head, byte])


def reason() -> str:
    """What stands in the `.keep` file: who keeps the pack."""
    return f"arcgit {os.getpid()} on {socket.gethostname()}"


def sweep(folder: Path) -> None:
    """Give packs back to garbage collection that an arcgit on this machine kept and died."""
    for path in folder.glob("*.keep"):
        with suppress(OSError, ValueError):
            found = _REASON.fullmatch(path.read_text(encoding="utf-8"))
            if found is not None and found[2] == socket.gethostname() and not _lives(int(found[1])):
                path.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
