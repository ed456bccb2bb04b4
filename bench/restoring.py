"""Bytes on the way back: restoring a record beside copying its files by hand, and beside what DVC brings unproven."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from bench import storing
from bench.child import Spent, held, spent
from bench.place import ARCGIT, DVC, Pair, Place

Run = Callable[[Sequence[str], Path], Spent]
RESTORE = (*ARCGIT, "restore", "--no-log", "first", "--only", "data", "--to")


def big(place: Place) -> Pair:
    return _beside_cp(storing.big(place))


def many(place: Place) -> Pair:
    return _beside_cp(storing.many(place))


def big_dvc(place: Place) -> Pair:
    return _beside_dvc(storing.big(place))


def many_dvc(place: Place) -> Pair:
    return _beside_dvc(storing.many(place))


def memory_big(place: Place) -> Pair:
    """The same work on much and on little data."""
    much, little = storing.big(place), storing.small(place)
    return Pair(lambda: _restored(much, held), lambda: _restored(little, held))


def memory_many(place: Place) -> Pair:
    """The same work on very many files and on one."""
    much, little = storing.many(place), storing.small(place)
    return Pair(lambda: _restored(much, held), lambda: _restored(little, held))


def _beside_cp(work: Path) -> Pair:
    numbers = count(1)

    def theirs() -> Spent:
        return _into_new(["cp", "-r", "data"], work, work.parent / f"copied-{next(numbers)}")

    return Pair(lambda: _restored(work), theirs)


def _beside_dvc(work: Path) -> Pair:
    """`dvc fetch` brings the objects into an empty cache, where arcgit writes and proves the files themselves."""

    def theirs() -> Spent:
        aside = work.parent / "cache"
        (work / ".dvc" / "cache").rename(aside)
        try:
            return spent([*DVC, "fetch", "--quiet", "data.dvc"], work)
        finally:
            shutil.rmtree(work / ".dvc" / "cache", ignore_errors=True)
            aside.rename(work / ".dvc" / "cache")

    return Pair(lambda: _restored(work), theirs)


def _restored(work: Path, run: Run = spent) -> Spent:
    return _into_new(RESTORE, work, work.parent / "restored", run)


def _into_new(command: tuple[str, ...] | list[str], work: Path, folder: Path, run: Run = spent) -> Spent:
    try:
        return run([*command, str(folder)], work)
    finally:
        shutil.rmtree(folder)
