"""`arcgit compare`: this clone's ledger beside that of a remote. Nothing is taken over and no ref is written.

Two people who were shown different ledgers under one archive find out by this, and only by comparing: each of the two
copies is sound in itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from arcgit import __version__
from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.errors import UndeterminedError
from arcgit.git import throwaway
from arcgit.git.repository import Repository
from arcgit.model.event import Event
from arcgit.model.finding import Finding, Severity, Verdict, error, judge, unknown, warning, worst_first
from arcgit.model.names import LEDGER_REF, tracking_ref
from arcgit.model.text import without_password, word
from arcgit.rules.chain import Ledger, replay

Relation = Literal["equal", "ahead", "behind", "unsynced", "fork", "other-archive", "missing", "unknown"]


@dataclass(frozen=True)
class Copies:
    """How two copies of the ledger relate, seen from here.

    `common` is how many events both have; `ours` and `theirs` are how many each has. `unsynced`: they differ only by
    events of this clone that were never pushed. `unknown`: one of them does not hold, or is newer than this arcgit.
    """

    relation: Relation
    remote: str
    archive: str
    common: int
    ours: int
    theirs: int
    tips: tuple[str | None, str | None]
    findings: list[Finding] = field(default_factory=list)

    @property
    def fork_at(self) -> int | None:
        """The first event in which the copies differ, where they should not."""
        return self.common + 1 if self.relation in {"fork", "other-archive"} else None

    @property
    def verdict(self) -> Verdict:
        return judge(self.findings, checked=1, allow_empty=False)

    def scope(self) -> dict[str, Any]:
        return {
            "archive": self.archive,
            "remote": self.remote,
            "relation": self.relation,
            "fork_at": self.fork_at,
            "events_common": self.common,
            "ours": {"events": self.ours, "tip": self.tips[0]},
            "theirs": {"events": self.theirs, "tip": self.tips[1]},
            "tool": f"arcgit {__version__}",
        }


def compare(context: Context, remote: str) -> Copies:
    """Compare this clone's ledger with the one that `remote` has now. Raises UndeterminedError where one cannot be read."""
    ours = ledger.in_force(context)
    if ours is None:
        hint = f"arcgit init, or in a clone of an archive: {ledger.fetch_command(context)}"
        raise UndeterminedError("ledger-missing", "this repository has no arcgit ledger", hint)
    asked, remote = remote, without_password(remote)
    with throwaway.fetched(context.repo, asked, LEDGER_REF) as found:
        if found is None:
            message = f"`{remote}` has no ledger, so there is nothing to compare with"
            hint = f"arcgit sync pushes it, if it belongs there; otherwise ask whoever runs {word(remote)}"
            missing = unknown("ledger-missing", remote, message, hint=hint)
            known = ours.ledger
            return Copies("missing", remote, known.archive, 0, known.seq, 0, (known.tip, None), [missing])
        theirs, faults = _replayed(*found, ours)
    return _related(context, remote, ours, theirs, faults)


def _replayed(copy: Repository, tip: str, ours: LedgerView) -> tuple[Ledger, list[Finding]]:
    return replay(ledger.entries_of(copy, tip), ours.judge)


def _related(context: Context, remote: str, ours: LedgerView, theirs: Ledger, faults: list[Finding]) -> Copies:
    mine = ours.ledger
    one, other = ([oid for oid, _ in known.events] for known in (mine, theirs))
    common = next(
        (place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
    findings = [*_of_theirs(remote, faults), *ours.faults]
    relation: Relation
    if mine.archive != theirs.archive and theirs.archive:
        relation = "other-archive"
        message = f"`{remote}` holds another archive"
        findings.append(error("wrong-archive", remote, message, expected=mine.archive, found=theirs.archive))
    elif common < min(len(one), len(other)):
        relation = "unsynced" if _only_unpushed(context, one, common) else "fork"
        findings.append(_differs(remote, relation, common, mine, theirs))
    elif any(found.severity is not Severity.WARNING for found in findings):
        relation = "unknown"
    else:
        relation = "equal" if len(one) == len(other) else "ahead" if len(one) > len(other) else "behind"
    tips = (mine.tip, theirs.tip)
    return Copies(relation, remote, mine.archive, common, mine.seq, theirs.seq, tips, worst_first(findings))


def _of_theirs(remote: str, faults: list[Finding]) -> list[Finding]:
    make = {Severity.ERROR: error, Severity.UNKNOWN: unknown, Severity.WARNING: warning}
    return [
        make[found.severity](
            found.code, f"{remote}: {found.subject}", found.message, expected=found.expected, found=found.found
        )
        for found in faults
    ]


def _only_unpushed(context: Context, ours: list[str], common: int) -> bool:
    """True where nobody else can have seen what this clone has otherwise: it is behind what was last fetched or pushed."""
    tracking = context.repo.ref(tracking_ref(context.remote)) if context.remote else None
    return tracking is not None and tracking in ours[:common]


def _differs(remote: str, relation: Relation, common: int, ours: Ledger, theirs: Ledger) -> Finding:
    expected, found = _told(ours.events[common]), _told(theirs.events[common])
    if relation == "unsynced":
        message = f"from event {common + 1} on this clone has events that were never pushed, and `{remote}` has others"
        return warning("ledger-unsynced", remote, message, expected=expected, found=found, hint="arcgit sync")
    message = f"the ledgers part at event {common + 1}: two histories were written under one archive"
    hint = "keep both copies; ask the people who signed the two events, and whoever runs the remote"
    return error("ledger-fork", remote, message, expected=f"here {expected}", found=f"there {found}", hint=hint)


def _told(row: tuple[str, Event]) -> str:
    oid, event = row
    return f"{event.type} by {event.actor} ({oid[:12]})"
