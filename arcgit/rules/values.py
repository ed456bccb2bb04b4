"""Two trees of values side by side, leaf by leaf: parameters, metrics, and whatever else a record says."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypeVar

from arcgit.model import canonical

Change = Literal["same", "changed", "added", "removed"]
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class ValueChange:
    """One value in both records.

    `file` is the file that it is from, or empty; `key` is dotted. What `added` has not before, or `removed` after, is
    None, as a null is. `delta` is after - before of two numbers; `relative` is that over the size of `before`, where it
    is not zero. Neither is there where it would not be finite.
    """

    change: Change
    file: str
    key: str
    before: Any
    after: Any
    delta: int | float | None = None
    relative: int | float | None = None

    def to_dict(self) -> dict[str, Any]:
        row = {"change": self.change, "file": self.file, "key": self.key, "before": self.before, "after": self.after}
        return row if self.delta is None else {**row, "delta": self.delta, "relative": self.relative}


def compare_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    """Values by file, side by side, sorted by file and key. Lists are one value."""
    return tuple(
        _value_change(file, ".".join(path), *pair) for (file, path), pair in _sides(_leaves(before), _leaves(after))
    )


def differing_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ValueChange, ...]:
    """The rows of `compare_values` that are not the same, without making the others."""
    if repr(before) == repr(after):
        return ()
    found: list[tuple[str, _Differing]] = []
    for file in before.keys() | after.keys():
        one, other = ([_Leaf(side[file])] if file in side else [] for side in (before, after))
        found += ((file, row) for row in _differing(one, other))
    found.sort(key=lambda row: (row[0], row[1][0]))
    rows = (_value_change(file, ".".join(path), leaf, twin) for file, (path, leaf, twin) in found)
    return tuple(row for row in rows if row.change != "same")


def _differing(before: list[_Leaf], after: list[_Leaf]) -> Iterator[_Differing]:
    """The leaves below two values, where they are not the same at a glance; a side is empty where it is not there."""
    waiting: list[tuple[tuple[str, ...], list[_Leaf], list[_Leaf]]] = [((), before, after)]
    while waiting:
        path, one, other = waiting.pop()
        inside, beside = _below(one), _below(other)
        for key in inside.keys() | beside.keys():
            if key in inside and key in beside and _plainly_same(inside[key], beside[key]):
                continue
            ours = [_Leaf(inside[key])] if key in inside else []
            waiting.append(((*path, key), ours, [_Leaf(beside[key])] if key in beside else []))
        leaf, twin = (one[0] if one and not inside else None), (other[0] if other and not beside else None)
        if leaf is not None or twin is not None:
            yield path, leaf, twin


def _below(side: list[_Leaf]) -> dict[str, Any]:
    return side[0].value if side and isinstance(side[0].value, dict) else {}


def _plainly_same(one: Any, other: Any) -> bool:
    """True for two values of which that is told at a glance."""
    return type(one) is type(other) and not isinstance(one, (dict, list)) and bool(one == other)


def compare_leaf(key: str, before: list[Any], after: list[Any]) -> ValueChange:
    """One value as a whole, whatever it is: a side is a list of the value, or an empty list where it is not there."""
    return _value_change("", key, *(_Leaf(side[0]) if side else None for side in (before, after)))


def same(one: Any, other: Any) -> bool:
    """True for one JSON value. Python alone takes true for 1, which the run id does not."""
    if type(one) is type(other) and not isinstance(one, (dict, list)):
        return bool(one == other)
    return bool(one == other) and canonical.dumps(one) == canonical.dumps(other)


def side_by_side(
    before: Iterable[tuple[Hashable, Thing]], after: Iterable[tuple[Hashable, Thing]]
) -> list[tuple[Thing | None, Thing | None]]:
    """Things with one key together, in the order of the keys. What has one key several times is matched in turn."""
    return [(one, other) for _, (one, other) in _sides(_numbered(before), _numbered(after))]


def change_of(before: Any, after: Any, *, equal: bool) -> Change:
    """The word for a pair of which at least one is there."""
    if before is None or after is None:
        return "added" if before is None else "removed"
    return "same" if equal else "changed"


def _numbered(things: Iterable[tuple[Hashable, Thing]]) -> dict[Any, Thing]:
    met: dict[Hashable, int] = {}
    out = {}
    for key, thing in things:
        met[key] = met.get(key, 0) + 1
        out[key, met[key]] = thing
    return out


def _sides(before: Mapping[Any, Thing], after: Mapping[Any, Thing]) -> Iterator[tuple[Any, tuple[Any, Any]]]:
    for key in sorted(before.keys() | after.keys()):
        yield key, (before.get(key), after.get(key))


class _Leaf(NamedTuple):
    """A value in a box, so that a null is not an absence."""

    value: Any


_Differing = tuple[tuple[str, ...], "_Leaf | None", "_Leaf | None"]
"""The path of a leaf, and the leaf on either side."""


def _leaves(by_file: Mapping[str, Any]) -> dict[Any, _Leaf]:
    return {(file, path): _Leaf(item) for file, value in by_file.items() for path, item in _walk(value)}


def _walk(value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, dict) and item:
            waiting += (((*path, key), inner) for key, inner in item.items())
        else:
            yield path, item


def _value_change(file: str, key: str, one: _Leaf | None, other: _Leaf | None) -> ValueChange:
    if one is None or other is None:
        before, after = (None, other.value) if other else (one.value if one else None, None)
        return ValueChange("removed" if other is None else "added", file, key, before, after)
    if same(one.value, other.value):
        return ValueChange("same", file, key, one.value, other.value)
    delta, relative = _difference(one.value, other.value)
    return ValueChange("changed", file, key, one.value, other.value, delta, relative)


def _difference(before: Any, after: Any) -> tuple[float | None, float | None]:
    if not (_is_number(before) and _is_number(after)):
        return None, None
    # In decimal, because people read 0.93 - 0.91 as 0.02.
    exact = Decimal(repr(after)) - Decimal(repr(before))
    delta = int(exact) if isinstance(before, int) and isinstance(after, int) else float(exact)
    relative = float(exact / abs(Decimal(repr(before)))) if before else None
    if relative is not None and not math.isfinite(relative):
        relative = None
    return (delta, relative) if math.isfinite(delta) else (None, relative)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
