"""Asking the sources of an object one after the other, until one gives what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from arcgit.archive.sources import Fault, Source, SourceError
from arcgit.dvc.objects import ObjectId

Candidates = Iterable[tuple[Source, ObjectId | None]]


def first(candidates: Candidates, take: Callable[[Source, ObjectId | None], None]) -> tuple[Source | None, list[Fault]]:
    """The first source for which `take` raises no SourceError, or None, and what was wrong with those before it."""
    faults: list[Fault] = []
    for source, oid in candidates:
        try:
            take(source, oid)
        except SourceError as fault:
            value = oid.value if oid is not None else ""
            faults.append(Fault(source.label, source.replica, value, fault.kind, fault.words, fault.found))
        else:
            return source, faults
    return None, faults


def require_size(source: Source, size: int | None, wanted: int | None) -> None:
    """Raise SourceError where the `size` that a source tells is not what is `wanted`, which may be any."""
    if source.tells_size and size is None:
        raise SourceError("missing", "it is not there")
    if source.tells_size and wanted not in {None, size}:
        raise SourceError("corrupt", f"it has {size} bytes instead of {wanted}")
