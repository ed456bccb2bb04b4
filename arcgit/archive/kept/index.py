"""What was read from immutable objects, kept at hand so that a list of thousands need not read them again.

One SQLite file in `.git/arcgit/`, keyed by oids. It is a cache and no evidence: `verify` and `show` never look at it, what
it lacks is read from the objects, and a file that is garbled, foreign, of another arcgit or not writable counts as none.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from arcgit import __version__
from arcgit.archive.kept import sqlitefile

NAME = "index.sqlite"
FORMAT = f"4 {__version__}"
MAX_BYTES = 4 * 1024**3
WAIT_SECONDS = 0.05
_TABLES = {
    "made": sqlitefile.MADE,
    "summaries": "CREATE TABLE summaries (oid TEXT PRIMARY KEY, summary BLOB NOT NULL)",
    "standings": "CREATE TABLE standings (tips TEXT PRIMARY KEY, standing BLOB NOT NULL)",
}


class Index:
    """The index of one repository. It raises nothing: what cannot be read is not there, what cannot be kept is not kept."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / NAME)
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
            self._connection = sqlitefile.made(self.path, _TABLES, FORMAT, seconds=WAIT_SECONDS)
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
        except sqlitefile.UNREADABLE:
            self.close()
            return None
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def _opened(self) -> sqlite3.Connection | None:
        # A database that somebody else is writing is not waited for: the objects are there.
        with contextlib.suppress(*sqlitefile.UNREADABLE):
            return sqlitefile.opened(self.path, _TABLES, FORMAT, seconds=WAIT_SECONDS, limit=MAX_BYTES)
        return None
