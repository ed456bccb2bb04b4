"""Ledger events: what happened to a record, one event a signed commit.

The commit message is a title for people, a blank line, and `Arcgit-Event: <canonical JSON>`. `previous` is the sha256
of the raw parent commit: the chain does not rest on SHA-1 alone. Unknown fields survive, since nothing is ever re-written.
Round trip: `parse_message(message(event)) == event`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from arcgit.model import canonical, forms, names
from arcgit.model.names import RecordName
from arcgit.model.text import escape

SCHEMA = "arcgit/event/v1"
TRAILER = "Arcgit-Event: "
TYPES = frozenset(
    {"genesis", "policy", "recorded", "amended", "run", "reviewed", "evaluated"}
    | {"held", "released", "restored", "replicated", "verified", "purged", "retired"}
)


class EventError(ValueError):
    """The message does not hold a well-formed event."""


class UnknownEventVersionError(EventError):
    """The event has a schema version that this arcgit does not know."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The record that an event is about: its full refname, the tag object's oid, and the sha256 of its raw bytes."""

    refname: str
    oid: str
    sha256: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `seq` counts from 1; `time` is claimed by the actor (UTC); `actor` is a person of the policy."""

    schema: str
    archive: str
    seq: int
    type: str
    actor: str
    time: str
    previous: str | None
    subject: Subject | None
    data: dict[str, Any]


def title(event: Event) -> str:
    """The first line of the message: a pure function of the event."""
    if event.subject is not None:
        name = RecordName.parse(event.subject.refname)
        about = f"{name.project}/{name.experiment} {name.short_id}" if name else escape(event.subject.refname)
    elif event.type == "genesis":
        about = f"archive {escape(event.archive)}"
    elif event.type == "policy":
        about = f"version {escape(str(event.data.get('version')))}"
    else:
        about = f"event {event.seq}"
    return f"{escape(event.type)} {about}"


def message(event: Event) -> str:
    """The whole commit message."""
    body = canonical.dumps(msgspec.to_builtins(event)).decode()
    return f"{title(event)}\n\n{TRAILER}{body}\n"


def parse_message(text: str) -> Event:
    """The event in a commit message. Raises EventError, UnknownEventVersionError."""
    head, separator, rest = text.partition(f"\n\n{TRAILER}")
    if not separator or not rest.endswith("\n") or "\n" in head or "\n" in rest[:-1]:
        raise EventError(f"the message is not a title and one `{TRAILER.strip()}` line")
    data = rest[:-1].encode()
    event = _plainly(data) or parse(data)
    if head != title(event):
        raise EventError("the title does not say what the event says")
    return event


_DECODER = msgspec.json.Decoder(Event)
_ENCODER = msgspec.json.Encoder(order="sorted")


def _plainly(data: bytes) -> Event | None:
    """The event in canonical JSON bytes where all it says is text, as in most; `parse` gives the same and tells faults.

    Without numbers in `data`, unknown fields and anything but ASCII, one spelling is left, and msgspec writes that.
    """
    try:
        event = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None
    plain = data.isascii() and all(type(value) is str for value in event.data.values())
    return event if plain and _ENCODER.encode(event) == data and not _malformed(event) else None


def parse(data: bytes) -> Event:
    """The event in canonical JSON bytes. Raises EventError, UnknownEventVersionError."""
    try:
        value = canonical.parse(data)
    except canonical.CanonicalError as error:
        raise EventError(str(error)) from error
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, str) and schema.startswith("arcgit/event/") and schema != SCHEMA:
        raise UnknownEventVersionError(f"unknown event schema {schema}")
    try:
        event = msgspec.convert(value, Event)
    except msgspec.ValidationError as error:
        raise EventError(str(error)) from error
    if field := _malformed(event):
        raise EventError(f"`{field}` is not in its form")
    return event


def _malformed(event: Event) -> str:
    """The first field whose value is outside of its form, or an empty string."""
    subject, field = event.subject, ""
    if event.schema != SCHEMA:
        field = "schema"
    elif not forms.is_archive_id(event.archive):
        field = "archive"
    elif not 1 <= event.seq <= canonical.MAX_SAFE_INTEGER:
        field = "seq"
    elif not event.type:
        field = "type"
    elif not names.is_slug(event.actor):
        field = "actor"
    elif not forms.is_time(event.time):
        field = "time"
    elif event.previous is not None if event.seq == 1 else not forms.is_sha256(event.previous or ""):
        field = "previous"
    elif subject is not None and not (forms.is_oid(subject.oid) and forms.is_sha256(subject.sha256)):
        field = "subject"
    return field
