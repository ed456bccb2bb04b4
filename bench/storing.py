"""Bytes: hashing all of an archive's data, and recording when none of it is new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from bench.child import Spent, held, spent
from bench.place import ARCGIT, PYTHON, Pair, Place
from bench.project import data, experiment

MIB = 1 << 20
_NUMBERS = count(1)
FIXITY = (*ARCGIT, "verify", "--level", "fixity")
OPENSSL = ("sh", "-c", "find ../store -type f -print0 | xargs -0 openssl dgst -sha256")
BY_HAND = f'"{PYTHON}" -m dvc push --quiet && git tag -s -m "$0" "$0" && git push --quiet origin "refs/tags/$0"'


def fixity_big(place: Place) -> Pair:
    return _fixity(big(place))


def fixity_many(place: Place) -> Pair:
    return _fixity(many(place))


def rate_big(place: Place) -> Pair:
    return _rate(big(place), small(place))


def rate_many(place: Place) -> Pair:
    return _rate(_files(place, 2 * place.sizes.files), many(place))


def memory(place: Place) -> Pair:
    """The same work on much and on little data."""
    much, little = big(place), small(place)
    return Pair(lambda: held(FIXITY, much), lambda: held(FIXITY, little))


def memory_many(place: Place) -> Pair:
    """The same work on very many files and on one."""
    much, little = many(place), small(place)
    return Pair(lambda: held(FIXITY, much), lambda: held(FIXITY, little))


def record_memory(place: Place) -> Pair:
    """Another record of the same much and of the same little data."""
    return _record_memory(big(place), small(place))


def record_memory_many(place: Place) -> Pair:
    """Another record of the same very many files and of the same one."""
    return _record_memory(many(place), small(place))


def record_big(place: Place) -> Pair:
    return _record(big(place))


def record_many(place: Place) -> Pair:
    return _record(many(place))


def big(place: Place) -> Path:
    """A recorded project with one large file."""
    return data(place, f"data-{place.sizes.mib}-mib", 1, place.sizes.mib * MIB)


def small(place: Place) -> Path:
    """A recorded project with next to nothing in it."""
    return data(place, "data-1-mib", 1, MIB)


def many(place: Place) -> Path:
    """A recorded project with very many small files."""
    return _files(place, place.sizes.files)


def _files(place: Place, number: int) -> Path:
    return data(place, f"data-{number}-files", number, place.sizes.file_bytes)


def _fixity(work: Path) -> Pair:
    return Pair(lambda: spent(FIXITY, work), lambda: spent(OPENSSL, work))


def _rate(much: Path, little: Path) -> Pair:
    """What more data costs either side: the time for much beyond that for less, one right after the other."""

    def more(command: Sequence[str]) -> Spent:
        whole = spent(command, much)
        return whole._replace(seconds=whole.seconds - spent(command, little).seconds)

    return Pair(lambda: more(FIXITY), lambda: more(OPENSSL))


def _record(work: Path) -> Pair:
    return Pair(lambda: _recorded(work, spent), lambda: spent(["sh", "-c", BY_HAND, f"by-hand-{next(_NUMBERS)}"], work))


def _record_memory(much: Path, little: Path) -> Pair:
    return Pair(lambda: _recorded(much, held), lambda: _recorded(little, held))


def _recorded(work: Path, run: Callable[[Sequence[str], Path], Spent]) -> Spent:
    """Under a name that no record of the project has yet."""
    experiment(work, f"again-{next(_NUMBERS)}")
    return run([*ARCGIT, "record"], work)
