"""Bytes: hashing all of an archive's data, and recording when none of it is new."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from bench.child import Spent, spent
from bench.place import ARCGIT, PYTHON, Pair, Place
from bench.project import data, experiment

MIB = 1 << 20
FIXITY = (*ARCGIT, "verify", "--level", "fixity")
OPENSSL = ("sh", "-c", "find ../store -type f -print0 | xargs -0 openssl dgst -sha256")
BY_HAND = f'"{PYTHON}" -m dvc push --quiet && git tag -s -m "$0" "$0" && git push --quiet origin "refs/tags/$0"'


def fixity_big(place: Place) -> Pair:
    return _fixity(_big(place))


def fixity_many(place: Place) -> Pair:
    return _fixity(_many(place))


def rate_big(place: Place) -> Pair:
    return _rate(place, _big(place))


def rate_many(place: Place) -> Pair:
    return _rate(place, _many(place))


def memory(place: Place) -> Pair:
    """The same work on much and on little data."""
    big, small = _big(place), _small(place)
    return Pair(lambda: spent(FIXITY, big), lambda: spent(FIXITY, small))


def record_big(place: Place) -> Pair:
    return _record(_big(place))


def record_many(place: Place) -> Pair:
    return _record(_many(place))


def _big(place: Place) -> Path:
    return data(place, f"data-{place.sizes.mib}-mib", 1, place.sizes.mib * MIB)


def _small(place: Place) -> Path:
    return data(place, "data-1-mib", 1, MIB)


def _many(place: Place) -> Path:
    return data(place, f"data-{place.sizes.files}-files", place.sizes.files, place.sizes.file_bytes)


def _fixity(work: Path) -> Pair:
    return Pair(lambda: spent(FIXITY, work), lambda: spent(OPENSSL, work))


def _rate(place: Place, work: Path) -> Pair:
    """What more data costs: the time beyond that for nearly none, which is the start of Python, DVC and git."""
    small = _small(place)

    def ours() -> Spent:
        whole = spent(FIXITY, work)
        return whole._replace(seconds=whole.seconds - spent(FIXITY, small).seconds)

    return Pair(ours, lambda: spent(OPENSSL, work))


def _record(work: Path) -> Pair:
    numbers = count(1)

    def ours() -> Spent:
        experiment(work, f"again-{next(numbers)}")
        return spent([*ARCGIT, "record"], work)

    return Pair(ours, lambda: spent(["sh", "-c", BY_HAND, f"by-hand-{next(numbers)}"], work))
