"""sha256 of files in DVC's cache that have not changed since arcgit hashed them, so that they need not be read again.

A file counts as unchanged only where device, inode, size and both times of change, to the nanosecond, are what they were
before and after it was hashed; no program but the system sets the last of them. It is kept outside of the repository, as
the pin is: a repository that somebody sent cannot bring its own. It is never evidence for `verify`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path

from arcgit import __version__
from arcgit.archive.kept import sqlitefile
from arcgit.dvc.objects import ObjectId

NAME = "hashed.sqlite"
FORMAT = f"1 {__version__}"
MAX_BYTES = 1024**3
WAIT_SECONDS = 0.05
MANY = 4_000
"""So many digests are kept in memory before they are written."""
SETTLED_NS = 3_000_000_000
"""A file that changed this shortly before it was hashed could change once more without another time to show for it."""
_TABLES = {
    "made": sqlitefile.MADE,
    "files": (
        "CREATE TABLE files (device INTEGER, inode INTEGER, size INTEGER, modified INTEGER, changed INTEGER, "
        "hash TEXT NOT NULL, oid TEXT NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (device, inode)) WITHOUT ROWID"
    ),
}
_FIND = (
    "SELECT sha256 FROM files WHERE device=? AND inode=? AND size=? AND modified=? AND changed=? AND hash=? AND oid=?"
)
_KEEP = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_Identity = tuple[int, int, int, int, int]


@dataclass
class Hashed:
    """What was hashed before, in one file of this person. It raises nothing: what cannot be read is not known.

    `proven` has the digests that earlier records have sealed and read back: for no others an answer is given. `unread`
    counts the answers.
    """

    folder: Path
    proven: Container[str]
    unread: int = 0
    _connection: sqlite3.Connection | None = None
    _new: list[tuple[_Identity, ObjectId, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._path = str(self.folder / NAME)
        with contextlib.suppress(OSError, *sqlitefile.UNREADABLE):
            if _owned(self.folder) and _owned(Path(self._path)):
                self._connection = sqlitefile.opened(self._path, _TABLES, FORMAT, seconds=WAIT_SECONDS, limit=MAX_BYTES)

    def sha256(self, oid: ObjectId, status: os.stat_result) -> str | None:
        """The digest of an unchanged file that was hashed as this object, None where it has to be read."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute(_FIND, (*_identity(status), oid.hash_name, oid.value)).fetchone()
        except sqlitefile.UNREADABLE:
            self._give_back()
            return None
        if row is None or row[0] not in self.proven:
            return None
        self.unread += 1
        return str(row[0])

    @staticmethod
    def same(before: os.stat_result, after: os.stat_result | None) -> bool:
        """True where nobody touched the file in between."""
        return after is not None and _identity(before) == _identity(after)

    def note(self, oid: ObjectId, status: os.stat_result, sha256: str) -> None:
        """Remember what a file was found to hold, unless it changed too shortly before to tell a change from it."""
        newest = max(status.st_mtime_ns, status.st_ctime_ns)
        if time.time_ns() - newest > SETTLED_NS and stat.S_ISREG(status.st_mode):
            self._new.append((_identity(status), oid, sha256))
        if len(self._new) >= MANY:
            self._keep()

    def close(self) -> None:
        """Keep what was noted, and give the file back."""
        self._keep()
        self._give_back()

    def _keep(self) -> None:
        if self._new:
            self._connection = self._connection or self._made()
        if self._connection is not None and self._new:
            with contextlib.suppress(*sqlitefile.UNREADABLE), self._connection:
                self._connection.executemany(
                    _KEEP, ((*identity, oid.hash_name, oid.value, sha) for identity, oid, sha in self._new)
                )
        self._new.clear()

    def _made(self) -> sqlite3.Connection | None:
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _owned(self.folder):
                made = sqlitefile.made(self._path, _TABLES, FORMAT, seconds=WAIT_SECONDS)
                if made is not None:
                    Path(self._path).chmod(0o600)
                return made
        return None

    def _give_back(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _owned(path: Path) -> bool:
    """True where only this person can have written there."""
    status = path.lstat()
    return status.st_uid == os.geteuid() and not status.st_mode & 0o022 and not stat.S_ISLNK(status.st_mode)
