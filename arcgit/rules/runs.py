"""How many runs of an experiment there were, and how many of them were sealed, by what the ledger says.

A record is a run that was sealed. A run that was logged as succeeded is the same run where it names the record, or where
its commit was sealed afterwards. Which runs nobody logged is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from arcgit.model.event import Event
from arcgit.model.names import RecordName
from arcgit.model.text import count
from arcgit.rules.state import RecordState

Key = tuple[str, str]
"""Project and experiment."""


class RunCount(msgspec.Struct, frozen=True):
    """Runs of one experiment: all that are known, those that were sealed, those that failed, and those that were logged."""

    runs: int
    sealed: int
    failed: int
    logged: int

    @property
    def unsealed(self) -> int:
        """Runs that succeeded and were not sealed."""
        return self.runs - self.sealed - self.failed

    @property
    def words(self) -> str:
        """`7 runs, 1 sealed`."""
        return f"{count(self.runs, 'run')}, {self.sealed or 'none'} sealed"

    @property
    def rest(self) -> str:
        """`5 failed, 1 succeeded and was not sealed`, or an empty string."""
        parts = [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.unsealed} succeeded and {'was' if self.unsealed == 1 else 'were'} not sealed"] * (
            self.unsealed > 0
        )
        return ", ".join(parts)

    def to_dict(self) -> dict[str, int]:
        return {"runs": self.runs, "sealed": self.sealed, "failed": self.failed, "logged": self.logged}


def experiment_of(event: Event) -> Key | None:
    """Which experiment a `run` event is of: as its data says, else that of the record that it is about."""
    if "experiment" in event.data:
        return event.data["project"], event.data["experiment"]
    name = RecordName.parse(event.subject.refname) if event.subject else None
    return (name.project, name.experiment) if name else None


def count_runs(records: Iterable[RecordState], runs: Iterable[Event]) -> dict[Key, RunCount]:
    """The counts by experiment. `runs` are the `run` events of the ledger, in order."""
    logged: dict[Key, list[Event]] = {}
    commits: set[str] = set()
    for event in runs:
        key = experiment_of(event)
        if key is not None:
            logged.setdefault(key, []).append(event)
            commits.add(event.data["commit"])
    sealed: dict[Key, _Sealed] = {}
    for state in records:
        known = sealed.setdefault((state.name.project, state.name.experiment), _Sealed())
        known.add(state, asked=state.commit in commits)
    return dict(_counted(sealed, logged))


def _counted(sealed: Mapping[Key, _Sealed], logged: Mapping[Key, list[Event]]) -> Iterator[tuple[Key, RunCount]]:
    for key in sorted(sealed.keys() | logged.keys()):
        known, events = sealed.get(key, _Sealed()), logged.get(key, [])
        matched = sum(known.take(event) for event in events)
        failed = sum(event.data["outcome"] == "failed" for event in events)
        total = len(known.run_ids)
        yield key, RunCount(len(events) + total - matched, total, failed, len(events))


class _Sealed:
    """The sealed runs of one experiment: run ids with the commits of their records. Each can be logged once."""

    def __init__(self) -> None:
        self.run_ids: set[str] = set()
        self._at: dict[str, list[tuple[int, str]]] = {}
        self._taken: set[str] = set()

    def add(self, state: RecordState, *, asked: bool) -> None:
        """One more; `asked` where a run was logged at its commit."""
        self.run_ids.add(state.name.run_id)
        if not asked:
            return
        self._at.setdefault(state.commit, []).append((state.seq, state.name.run_id))

    def take(self, event: Event) -> bool:
        """True where the event is about a sealed run that no event before it was about."""
        if event.data["outcome"] != "succeeded":
            return False
        found = next((run_id for run_id in self._meant(event) if run_id not in self._taken), None)
        if found is not None:
            self._taken.add(found)
        return found is not None

    def _meant(self, event: Event) -> Iterator[str]:
        name = RecordName.parse(event.subject.refname) if event.subject else None
        if name is not None:
            yield name.run_id
            return
        for seq, run_id in self._at.get(event.data["commit"], ()):
            if seq > event.seq:
                yield run_id
