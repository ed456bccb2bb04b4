"""SQLite files in `.git/arcgit/` that may be deleted at any time, opened only where they are exactly what arcgit makes.

A garbled or foreign file, one with a view or a trigger of somebody else, or one of another version counts as none. Light,
because the hooks of a server use it: neither pathlib nor urllib.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Mapping

MADE = "CREATE TABLE made (by TEXT NOT NULL)"
"""Every file has this table, with one row that says what made it."""
UNREADABLE = (sqlite3.Error, OverflowError, UnicodeError, MemoryError)
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")


def opened(
    path: str, tables: Mapping[str, str], by: str, *, seconds: float, limit: int | None = None
) -> sqlite3.Connection | None:
    """The file at `path`, None where there is none of this form. Waits `seconds` for whoever is writing.

    Raises one of `UNREADABLE` where SQLite cannot read it.
    """
    if not _is_plain_file(path, limit):
        return None
    connection = _connected(path, "rw", seconds)
    try:
        schema = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL LIMIT 10").fetchall()
        if dict(schema) == tables and connection.execute("SELECT by FROM made LIMIT 2").fetchall() == [(by,)]:
            return connection
    except UNREADABLE:
        connection.close()
        raise
    connection.close()
    return None


def made(path: str, tables: Mapping[str, str], by: str, *, seconds: float) -> sqlite3.Connection | None:
    """A new file in the place of whatever is there, None where none can be made."""
    folder = os.path.dirname(path)
    connection = None
    try:
        if not os.path.islink(folder):
            os.makedirs(folder, exist_ok=True)
            removed(path)
            connection = _connected(path, "rwc", seconds)
            with connection:
                for statement in tables.values():
                    connection.execute(statement)
                connection.execute("INSERT INTO made VALUES (?)", (by,))
            return connection
    except (OSError, sqlite3.Error):
        pass
    if connection is not None:
        connection.close()
    return None


def removed(path: str) -> None:
    """Take the file away, and what SQLite keeps beside it."""
    for name in (path, f"{path}-journal"):
        with contextlib.suppress(OSError):
            os.unlink(name)


def _connected(path: str, mode: str, seconds: float) -> sqlite3.Connection:
    # For a URI, every byte that could mean something in one is spelt out.
    quoted = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in os.fsencode(path))
    connection = sqlite3.connect(f"file:{quoted}?mode={mode}", uri=True, timeout=seconds)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
    except UNREADABLE:
        connection.close()
        raise
    return connection


def _is_plain_file(path: str, limit: int | None) -> bool:
    try:
        found = os.lstat(path)
    except OSError:
        return False
    small = limit is None or found.st_size <= limit
    return small and stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and not os.path.islink(os.path.dirname(path))
