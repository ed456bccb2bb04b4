"""What changed in an experiment, in words that text and Markdown share; only `in_short` escapes, by what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from arcgit.model import canonical, tagmessage
from arcgit.model.text import count, escape, shorten
from arcgit.report.audit import Entry, Report
from arcgit.rules.changes import Changes, FileChange
from arcgit.rules.values import ValueChange

MAX_ROWS = 6
MAX_VALUE = 60
MAX_SAME = 4
_UNKNOWN = "not known"
_DOUBT_IN_SHORT = "the same, although the model changed"
_DOUBT = (f"{_DOUBT_IN_SHORT}: were they measured again?",)


class Since(NamedTuple):
    """What changed since an earlier record: `title` says which; a row is a topic and what differs, item by item.

    `measured` are the metrics, which a reader wants to see even where none of them differs.
    """

    title: str
    short: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    measured: tuple[str, ...] = ()

    def same(self, topic: str) -> str:
        """The values of a topic without differences, where a reader wants them; else nothing."""
        return ", ".join(capped(self.measured, MAX_SAME)) if topic == "metrics" else ""


def since(report: Report, entry: Entry) -> list[Since]:
    """What changed against the base and against the previous record; once, where these are one and the same."""
    base, previous = entry.base, entry.previous
    groups: list[Since] = []
    measured = _measured(entry)
    one = base is not None and previous is not None and base.tag == previous.tag
    if base is not None:
        which = ", which is the previous record" if one else ""
        groups.append(Since(f"since {report.base}{which}, {_id(base)}", f"since {report.base}", _rows(base), measured))
    if previous is not None and not one:
        groups.append(
            Since(f"since the previous record, {_id(previous)}", "since the previous record", _rows(previous), measured)
        )
    return groups


def _id(changes: Changes) -> str:
    return changes.tag.removeprefix("exp/")


def first(entry: Entry) -> str:
    """What stands in the place of changes where there is nothing to compare with."""
    if entry.change == "deleted":
        return "its manifest is no longer at HEAD; a record stays in the archive"
    return "the first of this experiment: there is no earlier record to compare with"


def _rows(changes: Changes) -> tuple[tuple[str, tuple[str, ...]], ...]:
    rows = [
        ("data", tuple(map(_file, changes.data))),
        ("params", tuple(map(value_change, _known_first(changes.params)))),
        (
            "metrics",
            tuple(value_change(row) + _delta(row) for row in _known_first(changes.metrics)) or _doubtful(changes),
        ),
    ]
    rows += [("other files", tuple(map(_file, changes.others)))] if changes.others else []
    rows += [("stages", tuple(f"{name} {change}" for change, name in changes.stages))] if changes.stages else []
    rows += [("sealed on", tuple(map(value_change, changes.environment)))] if changes.environment else []
    rows += [(_UNKNOWN, tuple(dict.fromkeys(changes.unknown)))] if changes.unknown else []
    return tuple(rows)


def _known_first(rows: Iterable[ValueChange]) -> list[ValueChange]:
    """Short names before long ones and those that lie deep: where not all are shown, a person set those by hand."""
    return sorted(rows, key=lambda row: (row.key.count("."), len(row.key), row.key, row.file))


def _doubtful(changes: Changes) -> tuple[str, ...]:
    """What a reviewer should ask where a model was trained otherwise and nothing was measured otherwise."""
    model = any(row.role == "model" and row.change == "changed" for row in changes.artifacts)
    return _DOUBT if model else ()


def _measured(entry: Entry) -> tuple[str, ...]:
    metrics = tagmessage.flatten(entry.record["metrics"]) if entry.record is not None else {}
    return tuple(f"{key} {value(item)}" for key, item in sorted(metrics.items()))


def _file(row: FileChange) -> str:
    said = [f"{field.key} {value(field.before)} → {value(field.after)}" for field in row.fields if field.key != "kept"]
    told = f"{row.path} {'the same content' if row.change == 'same' else row.change}"
    if row.files is not None:
        files = row.files
        parts = (
            (files.changed, "changed"),
            (files.added, "added"),
            (files.removed, "removed"),
            (files.renamed, "renamed"),
        )
        told = f"{row.path}: {', '.join(f'{len(part)} {word}' for part, word in parts if part)}"
        told += f" of {count(len(files.changed) + len(files.removed) + len(files.renamed) + files.same, 'file')}"
    return f"{told} ({', '.join(said)})" if said else told


def value_change(row: ValueChange) -> str:
    """`lr 0.001 → 0.01`, `depth added: 3`."""
    key = row.key or row.file
    if row.change == "added":
        return f"{key} added: {value(row.after)}"
    if row.change == "removed":
        return f"{key} removed: {value(row.before)}"
    return f"{key} {value(row.before)} → {value(row.after)}"


def _delta(row: ValueChange) -> str:
    return f" ({row.delta:+.4g})" if row.delta is not None else ""


def value(item: Any) -> str:
    """A value on one line, cut where it is long."""
    return shorten(item if isinstance(item, str) else canonical.dumps(item).decode(), MAX_VALUE)


def capped(items: Sequence[str], limit: int = MAX_ROWS) -> list[str]:
    """At most `limit` items, and how many more there are."""
    return [*items[:limit], *([f"and {len(items) - limit} more"] if len(items) > limit else [])]


def in_short(group: Since, cap: int, shown: Callable[[str], str]) -> str:
    """What changed on one line: of each topic at most `cap` differences, as `shown` writes and escapes them."""
    told = []
    for topic, items in group.rows:
        if items and topic != _UNKNOWN:
            few = _DOUBT_IN_SHORT if items == _DOUBT else ", ".join(map(shown, items[:cap]))
            told.append(f"{topic} {few}{f' and {len(items) - cap} more' if len(items) > cap else ''}")
    unknown = [
        f"{_UNKNOWN}: {', '.join(map(shown, capped(items, 3)))}" for topic, items in group.rows if topic == _UNKNOWN
    ]
    nothing = "nothing known to have changed" if unknown else "nothing changed"
    return f"{escape(shorten(group.short, MAX_VALUE))}: {'; '.join([*(told or [nothing]), *unknown])}"
