"""What the data of each event type must say. More may stand beside it and survives; less makes the event invalid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arcgit.model import forms, names
from arcgit.model.event import Event

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
AMENDABLE = ("owner", "purpose", "retention")
SEVERAL = frozenset({"restored", "replicated", "verified"})
"""Events that may be about several records: then `subject` is null and `data.records` lists their refnames."""


def data_fault(event: Event) -> str:
    """What is missing or malformed in the event's data, or an empty string."""
    for field, check in REQUIRED.get(event.type, {}).items():
        if not check(event.data.get(field)):
            return f"`data.{field}` is missing or not in its form"
    if event.type == "amended":
        said = [name for name in AMENDABLE if name in event.data]
        if not said or not all(_text(event.data[name]) for name in said):
            return f"`data` says none of {', '.join(AMENDABLE)} anew"
    if event.type in SEVERAL and event.subject is None and not records_of(event):
        return "`data.records` does not list the records that it is about"
    return ""


def records_of(event: Event) -> tuple[str, ...]:
    """The refnames of the records that an event is about, one or several."""
    if event.subject is not None:
        return (event.subject.refname,)
    listed = event.data.get("records") if event.type in SEVERAL else None
    named = isinstance(listed, list) and all(isinstance(name, str) for name in listed)
    return tuple(listed) if named and isinstance(listed, list) and len(set(listed)) == len(listed) else ()
