"""What a ledger came to, kept beside it so that a push onto ten thousand records judges only what it brings.

One SQLite file in the git folder, written by whoever judges there and nobody else: whoever can write it can write the refs
as well. It is used only where the ledger's tip is the very commit that was judged, by the same version of arcgit. It may be
deleted at any time; the next push then judges the whole ledger once.

What a push brings is kept apart, as `ahead`, until the ref is seen to be there: git may still refuse the push.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import fields
from typing import Literal

import msgspec

from arcgit import __version__
from arcgit.archive.kept import sqlitefile
from arcgit.archive.kept.keptparts import KeptNotes, KeptRecords
from arcgit.model import policy as policies
from arcgit.model.event import Subject
from arcgit.model.names import RecordName
from arcgit.model.policy import Policy
from arcgit.rules.chain import Ledger
from arcgit.rules.state import RecordState

NAME = "judged.sqlite"
WAIT_SECONDS = 0.5
"""How long another push that is writing is waited for: the ledger is there to be judged anew."""
FORMAT = f"2 {__version__}"
_TABLES = {
    "made": sqlitefile.MADE,
    "heads": "CREATE TABLE heads (place TEXT PRIMARY KEY, head BLOB NOT NULL)",
    "policies": "CREATE TABLE policies (seq INTEGER PRIMARY KEY, policy TEXT NOT NULL)",
    "records": "CREATE TABLE records (refname TEXT PRIMARY KEY, record BLOB NOT NULL)",
    "ahead": "CREATE TABLE ahead (refname TEXT PRIMARY KEY, record BLOB NOT NULL)",
}
_SETTLED, _AHEAD = "settled", "ahead"
_LEDGER = frozenset(
    {"archive", "genesis", "founder", "tip", "tip_sha256", "seq", "policy", "policy_digest", "policy_seq"}
    | {"records", "runs", "oids", "events", "tree", "unread"}
    | {"keys", "adopted", "ground", "doubts", "ended", "latest"}
)
_RECORD = frozenset(
    {"name", "subject", "commit", "recorder", "policy", "seq", "status", "holds", "events", "content", "doubted"}
)


class Head(msgspec.Struct, frozen=True, array_like=True):
    """A judged ledger without its records."""

    tip: str
    tip_sha256: str
    seq: int
    archive: str
    genesis: str
    founder: str
    policy_seq: int
    policy_digest: str
    tree: str
    latest: str


class _Row(msgspec.Struct, frozen=True, array_like=True):
    oid: str
    sha256: str
    commit: str
    recorder: str
    seq: int
    status: str
    holds: tuple[str, ...]
    content: str


_HEAD, _ROW = msgspec.msgpack.Decoder(Head), msgspec.msgpack.Decoder(_Row)


def understood() -> bool:
    """False where a ledger's state has parts that are not kept here: then nothing is kept and all is judged."""
    return {part.name for part in fields(Ledger)} == _LEDGER and {part.name for part in fields(RecordState)} == _RECORD


class Judged:
    """The kept state of one repository's ledger. It raises nothing: what cannot be read is not there."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = f"{folder}/{NAME}"
        self._policies: dict[int, Policy] = {}
        self._busy = False
        self._connection = self._opened() if understood() else None

    def head(self, tip: str) -> Head | None:
        """What was kept of the ledger with this tip; what is kept of another one that may lead there, else None."""
        try:
            ahead = self._head(_AHEAD)
            if ahead is not None and ahead.tip == tip:
                self._settle()
            return self._head(_SETTLED)
        except (sqlite3.Error, msgspec.MsgspecError, UnicodeError, OverflowError) as fault:
            self._give_up(fault)
            return None

    def ahead(self) -> Head | None:
        """What was kept of a push that the ref has not shown yet."""
        try:
            return self._head(_AHEAD)
        except (sqlite3.Error, msgspec.MsgspecError, UnicodeError, OverflowError):
            return None

    def ledger(self, head: Head, read_tree: Callable[[str, str], bytes], *, ahead: bool = False) -> Ledger | None:
        """The state behind a head; its records and notes are read when asked for, the notes through `read_tree`.

        `ahead` where the head is that of a push that the ref has not shown yet.
        """
        policy = self._policy(head.policy_seq)
        if policy is None:
            return None
        return Ledger(
            archive=head.archive,
            genesis=head.genesis,
            founder=head.founder,
            tip=head.tip,
            tip_sha256=head.tip_sha256,
            seq=head.seq,
            policy=policy,
            policy_digest=head.policy_digest,
            policy_seq=head.policy_seq,
            records=KeptRecords(lambda name: (self._record(name, "ahead") if ahead else None) or self._record(name)),
            tree=KeptNotes(head.tree, read_tree),
            ground=policy,
            latest=head.latest,
        )

    def keep(self, ledger: Ledger, *, settled: bool) -> None:
        """Keep a ledger without any fault: as what the ref has (`settled`), or as what a push would make of it."""
        if self._busy or not understood() or ledger.policy is None or ledger.tip is None or ledger.tip_sha256 is None:
            return
        whole = not isinstance(ledger.records, KeptRecords)
        if (whole and settled) or ledger.doubts or ledger.ended:
            self.forget()
        if ledger.doubts or ledger.ended:
            # What is in doubt hangs on all events and all policies, of which this file keeps nothing.
            return
        connection = self._connection = self._connection or sqlitefile.made(
            self.path, _TABLES, FORMAT, seconds=WAIT_SECONDS
        )
        if connection is None:
            return
        head = Head(
            ledger.tip, ledger.tip_sha256, ledger.seq, ledger.archive, ledger.genesis, ledger.founder,
            ledger.policy_seq, ledger.policy_digest, ledger.tree.oid, ledger.latest,
        )  # fmt: skip
        rows = [(name, _packed(row)) for name, row in ledger.records.items()]
        texts = [(event.seq, event.data["policy"]) for _, event in ledger.events if event.type == "policy"]
        try:
            before = self._head(_SETTLED)
            with connection:
                connection.execute("DELETE FROM ahead")
                connection.execute("DELETE FROM heads WHERE place = ?", (_AHEAD,))
                connection.execute("DELETE FROM policies WHERE seq > ?", (before.seq if before else 0,))
                table = "records" if settled else "ahead"
                connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)  # noqa: S608
                connection.executemany("INSERT OR REPLACE INTO policies VALUES (?, ?)", texts)
                place = _SETTLED if settled else _AHEAD
                connection.execute("INSERT OR REPLACE INTO heads VALUES (?, ?)", (place, msgspec.msgpack.encode(head)))
        except (sqlite3.Error, msgspec.MsgspecError, UnicodeError, OverflowError) as fault:
            self._give_up(fault)

    def forget(self) -> None:
        """Let go of everything that is kept."""
        self.close()
        sqlitefile.removed(self.path)

    def _give_up(self, fault: Exception) -> None:
        """Do without: a file that another push is writing stays as it is, a damaged one goes."""
        self._busy = isinstance(fault, sqlite3.OperationalError) and "locked" in str(fault)
        if self._busy:
            self.close()
        else:
            self.forget()

    def close(self) -> None:
        """Give the file back."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _settle(self) -> None:
        """What was ahead has come: the ref has it now."""
        connection = self._connection
        if connection is None:
            return
        with connection:
            connection.execute("INSERT OR REPLACE INTO records SELECT refname, record FROM ahead")
            connection.execute("DELETE FROM ahead")
            connection.execute("DELETE FROM heads WHERE place = ?", (_SETTLED,))
            connection.execute("UPDATE heads SET place = ? WHERE place = ?", (_SETTLED, _AHEAD))

    def _head(self, place: str) -> Head | None:
        row = self._row("SELECT head FROM heads WHERE place = ?", place)
        return _HEAD.decode(row) if row is not None else None

    def _record(self, refname: str, table: Literal["records", "ahead"] = "records") -> RecordState | None:
        name = RecordName.parse(refname)
        raw = self._row(f"SELECT record FROM {table} WHERE refname = ?", refname)  # noqa: S608
        if raw is None or name is None:
            return None
        row = _ROW.decode(raw)
        policy = self._policy(row.seq - 1)
        if policy is None:
            raise sqlite3.DatabaseError("a policy is missing")
        subject = Subject(refname=refname, oid=row.oid, sha256=row.sha256)
        found = RecordState(name, subject, row.commit, row.recorder, policy, row.seq, row.status, set(row.holds))
        found.content = row.content
        return found

    def _policy(self, seq: int) -> Policy | None:
        """The policy in force just after event `seq`."""
        if self._connection is None:
            return None
        statement = "SELECT seq, policy FROM policies WHERE seq <= ? ORDER BY seq DESC LIMIT 1"
        row = self._connection.execute(statement, (seq,)).fetchone()
        if row is None:
            return None
        if row[0] not in self._policies:
            self._policies[row[0]] = policies.parse(row[1])
        return self._policies[row[0]]

    def _row(self, statement: str, key: str) -> bytes | None:
        if self._connection is None:
            return None
        row = self._connection.execute(statement, (key,)).fetchone()
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def _opened(self) -> sqlite3.Connection | None:
        try:
            return sqlitefile.opened(self.path, _TABLES, FORMAT, seconds=WAIT_SECONDS)
        except sqlitefile.UNREADABLE as fault:
            self._busy = isinstance(fault, sqlite3.OperationalError) and "locked" in str(fault)
            return None


def _packed(state: RecordState) -> bytes:
    row = _Row(
        state.subject.oid, state.subject.sha256, state.commit, state.recorder, state.seq, state.status,
        tuple(sorted(state.holds)), state.content,
    )  # fmt: skip
    return msgspec.msgpack.encode(row)
