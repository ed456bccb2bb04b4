"""What it costs to start: the version, and one record shown."""

from __future__ import annotations

from bench.child import spent
from bench.place import ARCGIT, BARE, DVC, Pair, Place
from bench.project import pipeline


def version(place: Place) -> Pair:
    return Pair(lambda: spent([*ARCGIT, "--version"], place.folder), lambda: spent(BARE, place.folder))


def show(place: Place) -> Pair:
    work = pipeline(place)
    return Pair(lambda: spent([*ARCGIT, "show", "ten-stages"], work), lambda: spent(BARE, work))


def show_beside_dvc(place: Place) -> Pair:
    work = pipeline(place)
    return Pair(lambda: spent([*ARCGIT, "show", "ten-stages"], work), lambda: spent([*DVC, "status"], work))
