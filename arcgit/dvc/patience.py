"""How long an SSH server may be silent: DVC's client would wait for it for ever."""

from __future__ import annotations

from typing import Any

CONNECT_SECONDS = 30
LOGIN_SECONDS = 60
ALIVE_SECONDS, ALIVE_TIMES = 15, 3
"""A server that does not say so often, one after the other, that it is alive, is taken for gone."""


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
