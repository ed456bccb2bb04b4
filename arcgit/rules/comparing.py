"""Comparing what a record says with what a query asks: numbers as numbers, times as times, everything else as text.

A field that a record does not have meets no condition, not even `!=`; `not` around the condition finds such records.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import msgspec

from arcgit.model import canonical
from arcgit.rules.fields import Field, Lookup

MIN_PREFIX = 4
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
TEXT_FIELDS = ("tag", "purpose", "owner")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_SIZE = re.compile(rf"({_NUMBER.pattern})\s*([A-Za-z]+)")
_CLOCK = "(?:[01][0-9]|2[0-3])(?::[0-5][0-9](?::[0-5][0-9])?)?"
_TIME = re.compile(rf"[0-9]{{4}}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01])(?:T{_CLOCK})?)?)?Z?")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
Test = Callable[[Any], bool]


class ValueFormError(ValueError):
    """The value is not one that its field can be compared with."""


def condition(field: Field, sign: str, value: str, *, quoted: bool) -> Callable[[Lookup], bool]:
    """True for records of which one value of `field` passes. Raises ValueFormError."""
    if value == "*" and sign == "=" and not quoted:
        return lambda row: bool(row(field))
    test = _test(field, sign, value)
    return lambda row: any(test(item) for item in row(field))


def text(wanted: str) -> Callable[[Lookup], bool]:
    """True for records that have the text in their tag, purpose or owner."""
    asked = [Field(name, name) for name in TEXT_FIELDS]
    small = wanted.casefold()
    return lambda row: any(small in as_text(item).casefold() for field in asked for item in row(field))


def as_text(item: Any) -> str:
    """A value as records write it: text as it is, everything else as JSON."""
    if isinstance(item, str):
        return item
    if isinstance(item, float) and "e" not in (short := repr(item)) and not short.endswith(".0"):
        return short
    # Faster than the canonical writer, and not as particular about depth; exponents and whole numbers differ.
    return (canonical.dumps(item) if isinstance(item, float) else msgspec.json.encode(item, order="sorted")).decode()


def _test(field: Field, sign: str, value: str) -> Test:
    if sign == "~":
        small = value.casefold()
        return lambda item: small in as_text(item).casefold()
    if field.kind == "time":
        return _time(sign, value)
    if field.kind == "hash" and sign in {"=", "!="} and len(value) >= MIN_PREFIX:
        small = value.lower()
        return lambda item: as_text(item).startswith(small) == (sign == "=")
    return _plain(sign, value, _size(value) if field.kind == "size" else number(value))


def _time(sign: str, value: str) -> Test:
    """Both sides are cut to what the value says: `time<=2026-01` has all of January."""
    if not _TIME.fullmatch(value):
        raise ValueFormError("a time is written like 2026, 2026-01, 2026-01-31 or 2026-01-31T23:59")
    length, compare, wanted = len(value.removesuffix("Z")), _COMPARE[sign], value.removesuffix("Z")
    return lambda item: compare(as_text(item)[:length], wanted)


def _plain(sign: str, value: str, wanted: float | None) -> Test:
    compare = _COMPARE[sign]

    def test(item: Any) -> bool:
        if isinstance(item, (int, float)) and not isinstance(item, bool):
            return compare(item, wanted) if wanted is not None else sign == "!="
        # Only texts have an order of characters: `true` is neither more nor less than anything.
        return (isinstance(item, str) or sign in {"=", "!="}) and compare(as_text(item), value)

    return test


def number(value: str) -> float | int | None:
    """The number that `value` writes, or None."""
    if not _NUMBER.fullmatch(value):
        return None
    if re.fullmatch(r"[+-]?[0-9]+", value):
        return int(value) if len(value) < 400 else None
    found = float(value)
    return found if math.isfinite(found) else None


def _size(value: str) -> float | int | None:
    match = _SIZE.fullmatch(value)
    if match is None:
        return number(value)
    unit, amount = UNITS.get(match[2].upper()), number(match[1])
    if unit is None or amount is None:
        raise ValueFormError("a size is a number of bytes, or one with a unit such as KiB, MiB, GiB, kB, MB or GB")
    return amount * unit
