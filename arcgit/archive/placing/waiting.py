"""Proven files that wait to become durable together, which takes as long as for one of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from arcgit.archive.placing.occupied import OccupiedError

MANY, MUCH, LONG = 2000, 256 * 1024 * 1024, 1.0
"""How many files, of how many bytes, wait for how many seconds to become durable together; a killed run repeats them."""


class Waiting(NamedTuple):
    """A proven file that is not durable yet, where it goes, and who is told how that went."""

    name: str
    path: str
    sha256: str
    size: int
    placed: Callable[[OccupiedError | OSError | None], None]


class Queue:
    """The files that wait. For several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._files: list[Waiting] = []
        self._bytes, self._since = 0, 0.0

    def add(self, one: Waiting) -> bool:
        """True where the files have waited for enough others."""
        with self._lock:
            if not self._files:
                self._since = time.monotonic()
            self._files.append(one)
            self._bytes += one.size
            full = len(self._files) >= MANY or self._bytes >= MUCH
            return full or time.monotonic() - self._since >= LONG

    def take(self) -> list[Waiting]:
        """Every file that waits; they are whoever's who asked."""
        with self._lock:
            files, self._files, self._bytes = self._files, [], 0
        return files
