"""Which experiment at one rev is which at an earlier one: by its name, else by the path of its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from arcgit.model.experiment import Experiment
from arcgit.rules.matching import same_content


class Pair(NamedTuple):
    """An experiment before and after, None where it was or is not there, and the word for what became of it.

    `change` is `new`, `changed`, `renamed`, `unchanged` or `deleted`, empty where nothing was compared.
    """

    before: Experiment | None
    after: Experiment | None
    change: str


def pairs(
    now: Iterable[Experiment], then: Iterable[Experiment], manifests: frozenset[str], *, compared: bool
) -> list[Pair]:
    """The experiments side by side. `manifests` are all paths there are now, also of manifests that cannot be read."""
    present = list(now)
    if not compared:
        return [Pair(None, found, "") for found in present]
    labels = {found.label for found in present}
    earlier = {found.label: found for found in then}
    gone = {found.manifest_path: found for label, found in earlier.items() if label not in labels}
    found = [_pair(one, earlier.get(one.label), gone) for one in present]
    return [*found, *_deleted(gone, manifests)]


def _pair(after: Experiment, before: Experiment | None, gone: dict[str, Experiment]) -> Pair:
    if before is not None:
        return Pair(before, after, "unchanged" if same_content(before, after) else "changed")
    before = gone.pop(after.manifest_path, None)
    return Pair(before, after, "new" if before is None else "renamed")


def _deleted(gone: dict[str, Experiment], manifests: frozenset[str]) -> Iterator[Pair]:
    for path, found in gone.items():
        if path not in manifests:
            yield Pair(found, None, "deleted")
