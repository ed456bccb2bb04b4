"""Bytes on their way into a second place: replicating a record beside copying its objects by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from bench import storing
from bench.child import Spent, held, spent
from bench.place import ARCGIT, DVC, Pair, Place, run

Run = Callable[[Sequence[str], Path], Spent]
REPLICATE = (*ARCGIT, "replicate", "--no-push", "second", "first")


def big(place: Place) -> Pair:
    return _beside_cp(place, storing.big(place))


def many(place: Place) -> Pair:
    return _beside_cp(place, storing.many(place))


def memory_big(place: Place) -> Pair:
    """The same work on much and on little data."""
    return _memory(place, storing.big(place))


def memory_many(place: Place) -> Pair:
    """The same work on very many files and on one."""
    return _memory(place, storing.many(place))


def _beside_cp(place: Place, work: Path) -> Pair:
    second, numbers = _second(place, work), count(1)

    def theirs() -> Spent:
        copied = work.parent / f"copied-objects-{next(numbers)}"
        try:
            return spent(["cp", "-r", "../store", str(copied)], work)
        finally:
            shutil.rmtree(copied)

    return Pair(lambda: _replicated(work, second), theirs)


def _memory(place: Place, work: Path) -> Pair:
    little = storing.small(place)
    second, other = _second(place, work), _second(place, little)
    return Pair(lambda: _replicated(work, second, held), lambda: _replicated(little, other, held))


def _replicated(work: Path, second: Path, run: Run = spent) -> Spent:
    """Into an empty remote, whatever was there before."""
    shutil.rmtree(second)
    second.mkdir()
    return run(REPLICATE, work)


def _second(place: Place, work: Path) -> Path:
    """The folder of a second remote that the policy of the archive knows."""

    def build(folder: Path) -> None:
        folder.mkdir()
        run(work, *DVC, "remote", "add", "--quiet", "second", str(folder))
        policy = work / ".arcgit" / "policy.yaml"
        text = policy.read_text().replace("\nversion: 1\n", "\nversion: 2\n")
        policy.write_text(f'{text.rstrip()}\n  "second": {{url: "{folder}"}}\n')
        run(work, *ARCGIT, "policy", "adopt")

    return place.once(f"second-{work.parent.name}", build)
