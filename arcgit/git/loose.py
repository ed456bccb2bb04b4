"""Loose objects that are cut off, told before libgit2 reads them: it never comes back from one (libgit2 1.9)."""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path
from typing import BinaryIO

CHUNK = 64 * 1024
MAX_ALTERNATES = 20


class LooseObjects:
    """The folders in which a repository has loose objects: its own, and those that it borrows from."""

    def __init__(self, common_dir: Path) -> None:
        # Where all is packed, no object costs a look. What comes later was written while this runs, and is whole.
        self._places: dict[str, list[str]] = {}
        for folder in _folders(common_dir / "objects"):
            with contextlib.suppress(OSError):
                for name in os.listdir(folder):
                    self._places.setdefault(name, []).append(f"{folder}/{name}")

    def fault(self, oid: str) -> str:
        """What is wrong with the loose object of that name, empty where it is whole or there is none."""
        for place in self._places.get(oid[:2], ()):
            try:
                descriptor = os.open(f"{place}/{oid[2:]}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                continue
            with os.fdopen(descriptor, "rb") as file:
                return _fault(file)
        return ""


def _fault(file: BinaryIO) -> str:
    inflater = zlib.decompressobj()
    try:
        while not inflater.eof:
            piece = inflater.unconsumed_tail or file.read(CHUNK)
            if not piece:
                return "it is cut off"
            inflater.decompress(piece, CHUNK)
    except (zlib.error, OSError) as error:
        return str(error)
    return ""


def _folders(objects: Path) -> list[Path]:
    """The folder and its alternates, and theirs, as far as git follows them."""
    found = [objects]
    for folder in found:
        try:
            lines = (folder / "info" / "alternates").read_bytes().split(b"\n")
        except OSError:
            continue
        for line in lines:
            place = folder / os.fsdecode(line)
            if line and not line.startswith(b"#") and place not in found and len(found) < MAX_ALTERNATES:
                found.append(place)
    return found
