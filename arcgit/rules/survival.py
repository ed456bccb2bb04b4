"""How long ago anybody proved that the data is still there, for each remote: what `proof` finds, beside what records hold.

The clock is by the word of people: each proof is a signed event, and says when its signer claims to have read every byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from arcgit.model.masks import Masks
from arcgit.model.record import ArtifactFact
from arcgit.rules.proof import GIT, Proof, Proofs, Standing

DAYS = 90
IMPORT = "import"
"""Where data lies that is read from where it was imported from."""
NO_NAME = "(default)"


@dataclass(frozen=True)
class Held:
    """What of one record lies in one remote, as sealed, and what is claimed of it."""

    remote: str
    contents: Mapping[str, tuple[int, int]]
    standing: Standing

    def to_dict(self) -> dict[str, Any]:
        """As JSON shows it; `proven` is null where no event says that all of it was."""
        failed = self.standing.failed
        return {
            "remote": self.remote,
            "objects": sum(objects for objects, _ in self.contents.values()),
            "bytes": sum(size for _, size in self.contents.values()),
            "proven": _claim(self.standing.whole) if self.standing.whole is not None else None,
            "in_part": len(self.standing.parts),
            "failed_since": _claim(failed) if failed is not None else None,
        }


@dataclass
class Amount:
    """Records, and the objects and bytes of what they hold; what several of them hold is counted once."""

    records: int = 0
    objects: int = 0
    bytes: int = 0

    def to_dict(self) -> dict[str, int]:
        return {"records": self.records, "objects": self.objects, "bytes": self.bytes}


@dataclass
class Clock:
    """One remote: all that lies there, what was proven in the last days, what never, and what failed since its proof."""

    total: Amount = field(default_factory=Amount)
    recent: Amount = field(default_factory=Amount)
    ever: Amount = field(default_factory=Amount)
    failed: Amount = field(default_factory=Amount)
    oldest: Proof | None = None
    by: set[str] = field(default_factory=set)
    aged: bool = False
    _seen: Masks = field(default_factory=Masks)

    def add(self, one: Held, recorded: str, now: datetime, days: int) -> None:
        """Count what a record that claims to be recorded then has here."""
        whole = one.standing.whole
        recent = one.standing.proven_within(days, now)
        failed = whole is not None and one.standing.failed is not None
        counts = [self.total, *([self.ever] if whole else []), *([self.recent] if recent else [])]
        counts += [self.failed] if failed else []
        mask = sum(1 << place for place, counted in enumerate(self._all) if any(counted is one for one in counts))
        for counted in counts:
            counted.records += 1
        for sha256, (objects, size) in one.contents.items():
            # A number of the digest's beginning is small enough to be kept for very many.
            known = self._seen[int(sha256[:14], 16)] if one.remote != GIT else 0
            for place, counted in enumerate(self._all):
                if mask & ~known & 1 << place:
                    counted.objects += objects
                    counted.bytes += size
            if one.remote != GIT:
                self._seen[int(sha256[:14], 16)] = known | mask
        self.aged |= recorded < (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
        if whole is not None and (self.oldest is None or whole.time < self.oldest.time):
            self.oldest = whole
        if whole is not None and recent:
            self.by.add(whole.by)

    @property
    def _all(self) -> tuple[Amount, ...]:
        return (self.total, self.ever, self.recent, self.failed)

    def to_dict(self) -> dict[str, Any]:
        total, ever = self.total, self.ever
        never = Amount(total.records - ever.records, total.objects - ever.objects, total.bytes - ever.bytes)
        return {
            "total": total.to_dict(),
            "proven": self.recent.to_dict(),
            "never_proven": never.to_dict(),
            "failed_since": self.failed.to_dict(),
            "oldest_proof": _claim(self.oldest) if self.oldest is not None else None,
            "by": sorted(self.by),
            "overdue": self.overdue,
        }

    @property
    def overdue(self) -> bool:
        """True where nothing was proven in the last days and something was recorded before them."""
        return self.aged and not self.recent.records


class Clocks:
    """The clock of each remote, over records that are added one after the other."""

    def __init__(self, now: datetime, days: int = DAYS) -> None:
        self._now, self._days = now, days
        self._found: dict[str, Clock] = {}

    def add(self, recorded: str, places: Iterable[Held]) -> None:
        """Count a record by the time that it claims to be recorded at, and what of it lies where."""
        for one in places:
            self._found.setdefault(one.remote, Clock()).add(one, recorded, self._now, self._days)

    def to_dict(self) -> dict[str, Any]:
        remotes = {name: clock.to_dict() for name, clock in sorted(self._found.items())}
        return {"days": self._days, "day": self._now.date().isoformat(), "remotes": remotes}


def held(refname: str, artifacts: Mapping[str, ArtifactFact], proofs: Proofs) -> list[Held]:
    """What of a record lies where, and in the remotes that it was replicated to, by name."""
    places: dict[str, dict[str, tuple[int, int]]] = {}
    for fact in artifacts.values():
        places.setdefault(remote_of(fact), {})[fact.sha256] = (fact.files or 1, fact.size)
    copied = {
        sha256: amount
        for name, found in places.items()
        if name not in {GIT, IMPORT}
        for sha256, amount in found.items()
    }
    for remote in proofs.replicas(refname):
        places.setdefault(remote, dict(copied))
    return [Held(remote, found, proofs.of(refname, remote)) for remote, found in sorted(places.items())]


def remote_of(fact: ArtifactFact) -> str:
    """The remote that an artifact lies in, as events name it."""
    if fact.dvc is None:
        return GIT
    return IMPORT if fact.dvc.origin is not None else fact.dvc.remote or NO_NAME


def _claim(proof: Proof) -> dict[str, Any]:
    return {"event": proof.seq, "type": proof.kind, "by": proof.by, "time": proof.time}
