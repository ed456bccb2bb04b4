"""How long a server may be silent, or as good as silent: DVC's clients would wait for it for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CONNECT_SECONDS = 30
LOGIN_SECONDS = 60
ALIVE_SECONDS, ALIVE_TIMES = 15, 3
"""A server that does not say so often, one after the other, that it is alive, is taken for gone."""

ANSWER_SECONDS = 120
"""So long an SSH server that is alive may take for the next answer to what it was asked."""

SLOW_SECONDS, SLOW_BYTES = 60, 1024
"""A server of which less than that comes in that time, while it is waited for, is one that holds people up."""


class SilentError(ConnectionError):
    """A server that is alive does not answer what it was asked."""


class TrickleError(ConnectionError):
    """A server gives so little at a time that nobody can wait for the rest."""


class Pace:
    """How fast the bytes of one object come. What is waited for its first ones does not count.

    Several pieces of it may be waited for at a time, of one thread.
    """

    def __init__(self) -> None:
        self._waited, self._bytes, self._begun = 0.0, 0, False
        self._open, self._since = 0, 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While open, a server is waited for."""
        if not self._open:
            self._since = time.monotonic()
        self._open += 1
        try:
            yield
        finally:
            self._note()
            self._open -= 1

    def came(self, count: int) -> None:
        """So many bytes came, at least one. Raises TrickleError where they are too few for the time."""
        self._begun = True
        self._bytes += count
        if self._bytes >= SLOW_BYTES:
            self._waited, self._bytes = 0.0, 0
        elif self._waited >= SLOW_SECONDS:
            raise TrickleError(f"no more than {self._bytes} bytes came in {SLOW_SECONDS} seconds")

    def _note(self) -> None:
        """Count the time since somebody began to wait, once however many pieces are waited for."""
        now = time.monotonic()
        if self._begun:
            self._waited += now - self._since
        self._since = now


def end_silence(fs: Any) -> None:
    """Make an SSH file system of DVC that is not connected yet give up a server that does not answer any more."""
    arguments = fs.fs_args
    arguments.setdefault("connect_timeout", CONNECT_SECONDS)
    arguments.setdefault("login_timeout", LOGIN_SECONDS)
    arguments.setdefault("keepalive_interval", ALIVE_SECONDS)
    arguments.setdefault("keepalive_count_max", ALIVE_TIMES)


def leave(file: Any) -> None:
    """Have a file of an SSH server be closed whose connection is gone.

    It would be closed once more when Python ends, and wait then for a thread that there is no more.
    """
    if getattr(file, "_closed", None) is False:
        file._closed = True  # noqa: SLF001  it has no other way
