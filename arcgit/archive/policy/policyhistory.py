"""The versions of an archive's policy as the ledger has them, with what each allowed that the one before did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from arcgit.rules.chain import Ledger
from arcgit.rules.loosening import Loosening, loosenings


@dataclass(frozen=True)
class PolicyVersion:
    """One version: the event by which it took force, its actor, the admins who approved it, and what it loosened."""

    version: int
    event: int
    actor: str
    approved: tuple[str, ...]
    loosened: tuple[Loosening, ...]
    doubted: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "event": self.event,
            "actor": self.actor,
            "approved": list(self.approved),
            "loosened": [{"place": one.place, "message": one.message} for one in self.loosened],
            "doubted": self.doubted,
        }


def versions(ledger: Ledger) -> Iterator[PolicyVersion]:
    """All versions, the first one first."""
    before = None
    for one in ledger.adopted:
        people = tuple(dict.fromkeys(person for person, _ in one.approvals))
        loosened = tuple(loosenings(before, one.policy)) if before is not None else ()
        yield PolicyVersion(one.policy.version, one.seq, one.actor, people, loosened, one.seq in ledger.doubts)
        before = one.policy
