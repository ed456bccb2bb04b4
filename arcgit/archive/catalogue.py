"""The catalogue of codes as it ships with arcgit."""

from __future__ import annotations

from functools import cache

from arcgit.model import catalogue
from arcgit.model.catalogue import AREAS, Entry
from arcgit.resources import resource


@cache
def by_area() -> dict[str, dict[str, Entry]]:
    """The entries by area and code, in the order in which they are written."""
    return {area: catalogue.parse(resource(f"templates/findings/{area}.yaml").read_bytes()) for area, _ in AREAS}


def load() -> dict[str, Entry]:
    """Every entry by its code."""
    return {code: entry for entries in by_area().values() for code, entry in entries.items()}
