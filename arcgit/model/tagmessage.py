"""The message of a record's tag: for people first, then the record itself as its last paragraph.

The readable part, version 1, is a pure function of the record and of the name that its tag has. Its grammar is in
docs/formats/record.md; verifiers compare it byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arcgit.model import canonical
from arcgit.model.names import RecordName
from arcgit.model.record import ArtifactFact, Record, RecordError
from arcgit.model.text import count, escape, size

TRAILER = "Arcgit-Record: "
MAX_LINES = 20


def message(record: Record, name: RecordName) -> str:
    """The whole tag message: the readable part, then the record as its last paragraph."""
    return f"{readable(record, name)}\n{TRAILER}{record.raw.decode()}\n"


def split_message(text: str) -> tuple[str, bytes]:
    """The readable part and the record's bytes. Raises RecordError."""
    head, separator, rest = text.partition(f"\n\n{TRAILER}")
    if not separator or not rest.endswith("\n") or "\n" in rest[:-1]:
        raise RecordError(f"the message does not end in one `{TRAILER.strip()}` line")
    return head + "\n", rest[:-1].encode()


def readable(record: Record, name: RecordName) -> str:
    """The part of the tag message for people, version 1: a pure function of the record and its name."""
    facts = sorted(record.predicate.artifacts.values(), key=lambda fact: fact.path)
    lines = [f"{name.project}/{name.experiment} {name.short_id}", ""]
    lines += _capped([f"model: {_artifact_line(fact)}" for fact in facts if fact.role == "model"])
    lines += _capped([f"data: {_artifact_line(fact)}" for fact in facts if fact.role == "dataset"])
    metrics = flatten(record.content.metrics)
    if metrics:
        shown = [f"{escape(key)}={_scalar(value)}" for key, value in sorted(metrics.items())]
        more = f" (+{len(shown) - MAX_LINES} more)" if len(shown) > MAX_LINES else ""
        lines.append(f"metrics: {', '.join(shown[:MAX_LINES])}{more}")
    lines.append(f"owner: {escape(record.predicate.owner)}")
    lines.append(f"commit: {escape(record.predicate.commit.oid)}")
    return "".join(f"{line}\n" for line in lines)


def _capped(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_LINES
    return lines if more <= 0 else [*lines[:MAX_LINES], f"{lines[0].partition(':')[0]}: (+{more} more)"]


def _artifact_line(fact: ArtifactFact) -> str:
    parts = [escape(fact.path)]
    if fact.split:
        parts.append(f"split {escape(fact.split)}")
    if fact.version:
        parts.append(f"version {escape(fact.version)}")
    if fact.files is not None:
        parts.append(count(fact.files, "file"))
    return ", ".join([*parts, size(fact.size), f"sha256 {fact.sha256}"])


def flatten(by_file: Mapping[str, Any]) -> dict[str, Any]:
    """Params or metrics as `a.b` -> value. The file goes in front (`file:a.b`) only where two files share a key."""
    flat: dict[str, Any] = {}
    taken: set[str] = set()
    for file, value in sorted(by_file.items()):
        leaves: list[tuple[str, Any]] = []
        _walk(value, "", leaves)
        for key, item in leaves:
            if key in taken:
                flat[f"{file}:{key}"] = item
            else:
                flat[key] = item
                taken.add(key)
    return flat


def _walk(value: Any, prefix: str, leaves: list[tuple[str, Any]]) -> None:
    if isinstance(value, dict) and (value or not prefix):
        for key, item in value.items():
            name = f"{prefix}.{key}" if prefix else key
            if isinstance(item, dict):
                _walk(item, name, leaves)
            else:
                leaves.append((name, item))
    else:
        leaves.append((prefix, value))


def _scalar(value: Any) -> str:
    return escape(value if isinstance(value, str) else canonical.dumps(value).decode())
