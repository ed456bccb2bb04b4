"""What a list shows of a record and a search looks at, read from the tag without judging it.

The record's text is decoded, not held to its canonical form, its run id or its signature: that is `verify`'s work.
"""

from __future__ import annotations

from typing import Any

import msgspec

from arcgit.model import record, tagmessage
from arcgit.model.record import CommitRef, RecordError, UnknownRecordVersionError

ARTIFACT_PARTS = ("role", "path", "kind", "size", "files", "sha256", "md5", "version", "split")
"""What a query may ask of an artifact."""

_TRAILER = b"\n\n" + tagmessage.TRAILER.encode()


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The searchable part of a record. Params and metrics are by file; the rest is decoded when asked for."""

    commit: str
    owner: str
    time: str
    purpose: str
    retention: str
    params: dict[str, dict[str, Any]]
    metrics: dict[str, dict[str, Any]]
    artifacts: msgspec.Raw
    environment: msgspec.Raw


class _Content(msgspec.Struct):
    params: dict[str, dict[str, Any]]
    metrics: dict[str, dict[str, Any]]


class _Predicate(msgspec.Struct):
    schema: str
    content: _Content
    artifacts: msgspec.Raw
    commit: CommitRef
    owner: str
    purpose: str
    retention: str
    time: str
    environment: msgspec.Raw


class _Statement(msgspec.Struct):
    predicate: _Predicate


class _Version(msgspec.Struct):
    schema: str


class _Versioned(msgspec.Struct):
    predicate: _Version


_STATEMENT = msgspec.json.Decoder(_Statement)
_SUMMARY = msgspec.json.Decoder(Summary)
_ANY = msgspec.json.Decoder()


def of_tag(raw: bytes) -> Summary:
    """The summary of a raw tag object. Raises RecordError, UnknownRecordVersionError."""
    _, found, rest = raw.partition(_TRAILER)
    data, _, signature = rest.partition(b"\n")
    if not found or not (signature.startswith(b"-----BEGIN ") or not signature):
        raise RecordError(f"the message does not end in one `{tagmessage.TRAILER.strip()}` line")
    if len(data) > record.MAX_RECORD_BYTES:
        raise RecordError(f"it is larger than {record.MAX_RECORD_BYTES} bytes")
    try:
        predicate = _STATEMENT.decode(data).predicate
        if predicate.schema != record.SCHEMA:
            raise _unknown(predicate.schema)
        return Summary(
            commit=predicate.commit.oid,
            owner=predicate.owner,
            time=predicate.time,
            purpose=predicate.purpose,
            retention=predicate.retention,
            params=predicate.content.params,
            metrics=predicate.content.metrics,
            artifacts=predicate.artifacts,
            environment=predicate.environment,
        )
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError) as error:
        raise _newer(data) or RecordError(str(error)) from error


def decode(data: bytes) -> Summary | None:
    """The summary that `encode` wrote, or None where these bytes are none."""
    try:
        return _SUMMARY.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def encode(summary: Summary) -> bytes:
    """The bytes of a summary, for `decode`."""
    return msgspec.json.encode(summary)


def flat(summary: Summary, group: str) -> dict[str, Any]:
    """The `params` or `metrics` as `a.b` -> value."""
    return tagmessage.flatten(getattr(summary, group))


def artifacts(summary: Summary) -> dict[str, dict[str, Any]]:
    """The artifacts by name, each with what a query may ask for that it has."""
    facts = _mapping(summary.artifacts)
    return {name: _asked(fact) for name, fact in facts.items() if isinstance(fact, dict)}


def environment(summary: Summary) -> dict[str, Any]:
    """What the record says of the machine that sealed it."""
    return _mapping(summary.environment)


def _asked(fact: dict[str, Any]) -> dict[str, Any]:
    dvc = fact.get("dvc")
    known = {**fact, "md5": dvc.get("md5") if isinstance(dvc, dict) else None}
    return {name: known[name] for name in ARTIFACT_PARTS if known.get(name) is not None}


def _mapping(raw: msgspec.Raw) -> dict[str, Any]:
    try:
        value = _ANY.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _newer(data: bytes) -> RecordError | None:
    try:
        schema = msgspec.json.decode(data, type=_Versioned).predicate.schema
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return _unknown(schema) if schema != record.SCHEMA else None


def _unknown(schema: str) -> RecordError:
    return UnknownRecordVersionError(f"unknown record schema {schema}")
