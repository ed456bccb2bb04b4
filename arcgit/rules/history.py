"""What became of a record: its reviews, what took its place and whose place it took, and the runs of its experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from arcgit.rules.chain import Ledger
from arcgit.rules.people import People
from arcgit.rules.reviews import Standing, standing
from arcgit.rules.runs import RunCount, count_runs
from arcgit.rules.state import RecordState

NO_RUNS = RunCount(0, 0, 0, 0)


class History(msgspec.Struct, frozen=True):
    """`superseded_by` has the tag that took its place, then the one that took that one's, and so on."""

    review: Standing | None = None
    superseded_by: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    runs: RunCount = NO_RUNS

    def to_dict(self) -> dict[str, Any]:
        return {
            "review": self.review.to_dict() if self.review else None,
            "superseded_by": list(self.superseded_by),
            "supersedes": list(self.supersedes),
            "runs": self.runs.to_dict(),
        }


NOTHING = History()


class Histories:
    """The histories of all records of a ledger, which is gone through once. `people` are who is who on it."""

    def __init__(self, ledger: Ledger | None) -> None:
        self._records: Mapping[str, RecordState] = ledger.records if ledger else {}
        self._runs = count_runs(self._records.values(), ledger.runs if ledger else ())
        self.people = People(ledger.adopted if ledger else ())
        self._before: dict[str, list[str]] = {}
        for state in self._records.values():
            if (after := state.superseded_by) is not None:
                self._before.setdefault(after, []).append(state.name.tag)

    def runs_of(self, project: str, experiment: str) -> RunCount:
        """The runs of an experiment, also of one without a record."""
        return self._runs.get((project, experiment), NO_RUNS)

    def of(self, state: RecordState) -> History:
        """The history of a record."""
        name = state.name
        return History(
            standing(state, self.people),
            tuple(self._after(state)),
            tuple(self._before.get(name.refname, ())),
            self.runs_of(name.project, name.experiment),
        )

    def _after(self, state: RecordState) -> list[str]:
        found: list[str] = []
        refname = state.superseded_by
        while refname is not None:
            following = self._records[refname]
            found.append(following.name.tag)
            refname = following.superseded_by
        return found
