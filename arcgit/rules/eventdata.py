"""What the data of each event type must and may say. More may stand beside it and survives; less makes it invalid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arcgit.model import forms, names
from arcgit.model.event import Event, Subject

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _slug(value: Any) -> bool:
    return isinstance(value, str) and names.is_slug(value)


def _oid(value: Any) -> bool:
    return isinstance(value, str) and forms.is_oid(value)


def _sha256(value: Any) -> bool:
    return isinstance(value, str) and forms.is_sha256(value)


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _numbers(value: Any) -> bool:
    """A value by the name of each metric; what JSON has no number for is written as a word."""
    return isinstance(value, dict) and all(_text(name) and _number(item) for name, item in value.items())


def _number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)) or value in NO_NUMBERS


def _subject(value: Any) -> bool:
    return subject_in(value) is not None


def _count(value: Any) -> bool:
    """A number from nought on; what JSON has no safe number for is written as a word."""
    if isinstance(value, str):
        return value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS and str(int(value)) == value
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _names(value: Any) -> bool:
    """Texts, sorted, none twice."""
    return isinstance(value, list) and all(map(_text, value)) and value == sorted(set(value))


def _places(value: Any) -> bool:
    """By name, numbers that rise: places in a list."""
    return isinstance(value, dict) and all(_text(name) and _rising(places) for name, places in value.items())


def _rising(value: Any) -> bool:
    whole = isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
    return whole and value == sorted(set(value))


MAX_DIGITS = 30
NO_NUMBERS = ("NaN", "Infinity", "-Infinity")


REQUIRED: Mapping[str, Mapping[str, Check]] = {
    "genesis": {"policy": _sha256},
    "recorded": {"commit": _oid, "record": _sha256, "run_id": _text},
    "run": {"commit": _oid, "outcome": _one_of("succeeded", "failed")},
    "reviewed": {"outcome": _one_of("approved", "rejected")},
    "evaluated": {"outcome": _text},
    "held": {"hold": _slug, "reason": _text},
    "released": {"hold": _slug},
    "replicated": {"remote": _text},
    "verified": {
        "level": _one_of("signatures", "presence", "fixity"),
        "outcome": _one_of("pass", "fail", "cannot-verify"),
    },
    "purged": {"reason": _text},
    "retired": {"reason": _text},
}
OPTIONAL: Mapping[str, Mapping[str, Check]] = {
    "run": {"project": _slug, "experiment": _slug},
    "evaluated": {"metrics": _numbers},
    "replicated": {"objects": _count, "bytes": _count},
    "verified": {
        "remotes": _names,
        "within": _places,
        "whole": _places,
        "objects": _count,
        "bytes": _count,
        "earlier": _count,
        "sample": _count,
        "seed": _text,
        "proven": _sha256,
    },
    "retired": {"superseded_by": _subject},
}
"""What may stand beside it with a meaning of its own: in its form, or not there."""
AMENDABLE = ("owner", "purpose", "retention")
SEVERAL = frozenset({"restored", "replicated", "verified"})
"""Events that may be about several records: then `subject` is null and `data.records` lists their refnames."""


def data_fault(event: Event) -> str:
    """What is missing or malformed in the event's data, or an empty string."""
    for field, check in REQUIRED.get(event.type, {}).items():
        if not check(event.data.get(field)):
            return f"`data.{field}` is missing or not in its form"
    for field, check in OPTIONAL.get(event.type, {}).items():
        if field in event.data and not check(event.data[field]):
            return f"`data.{field}` is not in its form"
    if event.type == "run" and ("project" in event.data) != ("experiment" in event.data):
        return "`data` names a project or an experiment without the other"
    if event.type == "amended":
        said = [name for name in AMENDABLE if name in event.data]
        if not said or not all(_text(event.data[name]) for name in said):
            return f"`data` says none of {', '.join(AMENDABLE)} anew"
    if event.type in SEVERAL and event.subject is None and not records_of(event):
        return "`data.records` does not list the records that it is about"
    return ""


def subject_in(value: Any) -> Subject | None:
    """A record as data names it, in the same way as `subject` does; None where it does not."""
    if not isinstance(value, dict) or value.keys() != {"refname", "oid", "sha256"}:
        return None
    if not isinstance(value["refname"], str) or not _oid(value["oid"]) or not _sha256(value["sha256"]):
        return None
    return Subject(refname=value["refname"], oid=value["oid"], sha256=value["sha256"])


def records_of(event: Event) -> tuple[str, ...]:
    """The refnames of the records that an event is about, one or several."""
    if event.subject is not None:
        return (event.subject.refname,)
    listed = event.data.get("records") if event.type in SEVERAL else None
    named = isinstance(listed, list) and all(isinstance(name, str) for name in listed)
    return tuple(listed) if named and isinstance(listed, list) and len(set(listed)) == len(listed) else ()
