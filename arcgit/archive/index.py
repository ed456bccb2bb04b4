"""What was read from immutable objects, kept at hand so that a list of thousands need not read them again.

One SQLite file in `.git/arcgit/`, keyed by oids. It is a cache and no evidence: `verify` and `show` never look at it, what
it lacks is read from the objects, and a file that is garbled, foreign, of another arcgit or not writable counts as none.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from arcgit import __version__

NAME = "index.sqlite"
FORMAT = f"2 {__version__}"
MAX_BYTES = 4 * 1024**3
_TABLES = {
    "made": "CREATE TABLE made (by TEXT NOT NULL)",
    "summaries": "CREATE TABLE summaries (oid TEXT PRIMARY KEY, summary BLOB NOT NULL)",
    "standings": "CREATE TABLE standings (tips TEXT PRIMARY KEY, standing BLOB NOT NULL)",
}


class Index:
    """The index of one repository. It raises nothing: what cannot be read is not there, what cannot be kept is not kept."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._connection = self._opened()

    def summary(self, oid: str) -> bytes | None:
        """What was kept of a tag object."""
        return self._get("SELECT summary FROM summaries WHERE oid = ?", oid)

    def has_summary(self, oid: str) -> bool:
        """True where a summary of this tag object was kept."""
        return self._get("SELECT x'01' FROM summaries WHERE oid = ?", oid) is not None

    def standing(self, tips: str) -> bytes | None:
        """What was kept of the ledger with these tips."""
        return self._get("SELECT standing FROM standings WHERE tips = ?", tips)

    def keep(self, summaries: Iterable[tuple[str, bytes]], standing: tuple[str, bytes] | None) -> None:
        """Keep what was read now. Of standings only the last one stays."""
        if self._connection is None:
            self._connection = self._made()
        if self._connection is None:
            return
        with contextlib.suppress(sqlite3.Error), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO summaries VALUES (?, ?)", summaries)
            if standing is not None:
                self._connection.execute("DELETE FROM standings")
                self._connection.execute("INSERT INTO standings VALUES (?, ?)", standing)

    def close(self) -> None:
        """Give the file back."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _get(self, statement: str, key: str) -> bytes | None:
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(statement, (key,)).fetchone()
        except (sqlite3.Error, OverflowError, UnicodeError, MemoryError):
            self.close()
            return None
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def _opened(self) -> sqlite3.Connection | None:
        """The index that is there, if it is exactly what this arcgit makes: no view or trigger of somebody else."""
        if not _is_plain_file(self.path):
            return None
        connection = None
        try:
            connection = self._connect("rw")
            schema = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL LIMIT 10").fetchall()
            if dict(schema) == _TABLES and connection.execute("SELECT by FROM made LIMIT 2").fetchall() == [(FORMAT,)]:
                return connection
        except (sqlite3.Error, OverflowError, UnicodeError, MemoryError):
            pass
        if connection is not None:
            connection.close()
        return None

    def _made(self) -> sqlite3.Connection | None:
        """A new index in the place of whatever is there, or None where none can be made."""
        connection = None
        try:
            if not self.path.parent.is_symlink():
                self.path.parent.mkdir(exist_ok=True)
                for path in (self.path, self.path.with_name(f"{NAME}-journal")):
                    path.unlink(missing_ok=True)
                connection = self._connect("rwc")
                for statement in _TABLES.values():
                    connection.execute(statement)
                connection.execute("INSERT INTO made VALUES (?)", (FORMAT,))
                connection.commit()
                return connection
        except (OSError, sqlite3.Error):
            pass
        if connection is not None:
            connection.close()
        return None

    def _connect(self, mode: str) -> sqlite3.Connection:
        # A database that somebody else is writing is not waited for: the objects are there.
        uri = f"file:{quote(os.fsencode(self.path))}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=0.05)
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection


def _is_plain_file(path: Path) -> bool:
    try:
        if path.parent.is_symlink():
            return False
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_size <= MAX_BYTES
