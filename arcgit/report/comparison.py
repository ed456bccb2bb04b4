"""Two records side by side on a terminal: what differs in full, what is the same as a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from arcgit.model.fixity import FixityEntry
from arcgit.model.record import ArtifactFact
from arcgit.model.recordform import LineageItem
from arcgit.model.text import count, escape, shorten, size
from arcgit.report.layout import PIPE, elided
from arcgit.report.pages import opening, value, waiver_line
from arcgit.rules.comparison import ArtifactChange, Comparison
from arcgit.rules.directories import FileChanges
from arcgit.rules.stages import ItemChange, LineageChange, StageChange
from arcgit.rules.values import Change, ValueChange

MAX_NAMES = 5
_MAX_VALUE = 160
_MARKS: dict[Change, tuple[str, str]] = {
    "same": ("=", "dim"),
    "changed": ("~", "yellow"),
    "added": ("+", "green"),
    "removed": ("-", "red"),
}
_ROLES = {
    "model": "Models",
    "dataset": "Data",
    "code": "Code",
    "metrics": "Metrics files",
    "environment": "Environment",
}
_ABOUT: dict[str, Callable[[str], str]] = {
    "owner": str,
    "purpose": str,
    "retention": str,
    "commit": lambda oid: oid[:12],
    "time": lambda time: time.replace("T", " "),
}


def comparison_table(before: dict[str, Any], after: dict[str, Any], found: Comparison, width: int = PIPE) -> Table:
    """The whole comparison, for so many columns. `before` and `after` are the sides of `arcgit/diff/v1`."""
    sheet = _Sheet(width)
    _head(sheet, before, after, found)
    _artifacts(sheet, found.artifacts)
    _values(sheet, "Parameters", found.params)
    _values(sheet, "Metrics", found.metrics)
    _lineage(sheet, found.lineage)
    _values(sheet, "Sealed with", found.environment)
    return sheet.table


def verdict_text(found: Comparison) -> Text:
    """In one line: identical, the same content, or how much differs."""
    if found.identical:
        return Text("Identical: the two are one record, byte for byte.", "bold green")
    parts = [
        _number([row.change != "same" for row in rows], noun)
        for rows, noun in ((found.params, "parameter"), (found.metrics, "metric"))
    ]
    parts = [_number([row.differs for row in found.artifacts], "artifact"), *parts]
    if found.lineage is not None:
        parts.append(_number([row.change != "same" for row in found.lineage.stages], "stage"))
    shown = ", ".join(part for part in parts if part)
    if found.same_content:
        return Text("The same content; the two were sealed apart.", "bold green")
    return Text(f"Differs: {shown or 'only in how the content is written'}.", "bold")


def _number(differs: Sequence[bool], noun: str) -> str:
    return f"{sum(differs)} of {count(len(differs), noun)}" if any(differs) else ""


class _Sheet:
    """A table (mark, what, before, after, difference) with headings that appear with their first row."""

    def __init__(self, width: int) -> None:
        # A long name takes a third of the terminal and not a line for every few of its letters.
        self._label = max(width // 3, 20)
        self.table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
        self.table.add_column("", no_wrap=True)
        self.table.add_column("", overflow="fold", min_width=14)
        self.table.add_column("BEFORE", overflow="fold", min_width=12)
        self.table.add_column("AFTER", overflow="fold", min_width=12)
        self.table.add_column("", overflow="fold", style="dim")
        self._heading: tuple[Text, Text] | None = None

    def head(self, title: str, rest: str = "") -> None:
        self._heading = Text(title, "bold"), Text(rest, "dim")

    def row(
        self, change: Change, label: str, before: str = "", after: str = "", note: str = "", depth: int = 0
    ) -> None:
        """One line. Values come escaped."""
        if self._heading is not None:
            self.table.add_row()
            self.table.add_row(None, *self._heading)
            self._heading = None
        mark, style = _MARKS[change]
        moved = change != "same"
        sides = (Text(before, "red" if moved else "dim"), Text(after, "green" if moved else "dim"))
        self.table.add_row(
            Text(" " * depth + mark, style), Text(elided("  " * depth + label, self._label)), *sides, Text(note)
        )


def _head(sheet: _Sheet, before: dict[str, Any], after: dict[str, Any], found: Comparison) -> None:
    sheet.row(_word(before["tag"], after["tag"]), "record", _named(before), _named(after))
    sheet.row(_word(before["status"], after["status"]), "status", before["status"], after["status"])
    rows = {row.key: row for row in found.said}
    for key, shown in _ABOUT.items():
        row = rows[key]
        if row.change != "same" or key in {"commit", "time"}:
            one, other = _both(row)
            sheet.row(row.change, "sealed" if key == "time" else key, shown(one), shown(other))
    for key in sorted(before["amended"].keys() | after["amended"].keys()):
        one, other = (escape(side["amended"].get(key, "")) for side in (before, after))
        sheet.row(_word(one, other), f"{key}, amended", one, other)
    for row in found.said:
        if row.change != "same" and row.key not in {*_ABOUT, "tree"}:
            sheet.row(row.change, escape(row.key), *_said(row))


def _said(row: ValueChange) -> tuple[str, str]:
    """Both sides of something that the manifest says."""
    if row.key == "waivers":
        before, after = ("; ".join(map(waiver_line, side or ())) for side in (row.before, row.after))
        return before, after
    one, other = _both(row)
    return (one[:12], other[:12]) if row.key == "manifest.sha256" else (one, other)


def _named(side: dict[str, Any]) -> str:
    return f"{side['project']}/{side['experiment']} {str(side['tag']).rpartition('/')[2]}"


def _word(before: Any, after: Any) -> Change:
    return "same" if before == after else "changed"


def _artifacts(sheet: _Sheet, rows: Sequence[ArtifactChange]) -> None:
    for role in sorted({row.role for row in rows}, key=lambda role: (role not in _ROLES, [*_ROLES, role].index(role))):
        mine = [row for row in rows if row.role == role]
        _section(sheet, _ROLES.get(role, role.capitalize()), [row.differs for row in mine])
        for row in mine:
            if row.differs:
                _artifact(sheet, row)


def _section(sheet: _Sheet, title: str, differs: Sequence[bool]) -> None:
    same = len(differs) - sum(differs)
    sheet.head(title, f"{same} the same" if same else "")


def _artifact(sheet: _Sheet, row: ArtifactChange) -> None:
    name = row.name if row.name == row.name_before else f"{row.name_before} > {row.name}"
    moved = row.change != "same" or row.name != row.name_before
    change: Change = "changed" if moved and row.change == "same" else row.change
    sheet.row(change, escape(name), _bytes(row.before), _bytes(row.after), _more(row))
    for field in row.fields:
        if field.key not in {"size", "files"}:
            sheet.row(field.change, escape(field.key), *_both(field), depth=1)
    if row.files is not None:
        _files(sheet, row.files)
    elif row.change == "changed" and row.before and row.after and row.before.kind == row.after.kind == "directory":
        sheet.row("changed", "which files: not known here, see below", depth=1)


def _bytes(fact: ArtifactFact | None) -> str:
    if fact is None:
        return ""
    files = f"{count(fact.files, 'file')}, " if fact.files is not None else ""
    return f"{files}{size(fact.size)}  {fact.sha256[:12]}"


def _more(row: ArtifactChange) -> str:
    if row.change == "same":
        return "same content"
    if row.before is None or row.after is None:
        return ""
    more = row.after.size - row.before.size
    return f"{'+' if more > 0 else '-'}{size(abs(more))}" if more else "same size"


def _files(sheet: _Sheet, files: FileChanges) -> None:
    groups: tuple[tuple[Change, str, list[tuple[FixityEntry | None, FixityEntry | None]]], ...] = (
        ("added", "added", [(None, entry) for entry in files.added]),
        ("removed", "removed", [(entry, None) for entry in files.removed]),
        ("changed", "changed", list(files.changed)),
        ("changed", "renamed", list(files.renamed)),
    )
    for change, label, pairs in groups:
        for index, (one, other) in enumerate(pairs[:MAX_NAMES]):
            shown = f"{len(pairs)} {label}" if index == 0 else ""
            sheet.row(change, shown, _file(one), _file(other), depth=1)
        if len(pairs) > MAX_NAMES:
            sheet.row(change, f"and {len(pairs) - MAX_NAMES} more {label}", depth=1)
    if files.same:
        sheet.row("same", f"{files.same} the same", depth=1)


def _file(entry: FixityEntry | None) -> str:
    return f"{shorten(escape(entry.path), _MAX_VALUE)}  {size(entry.size)}" if entry else ""


def _values(sheet: _Sheet, title: str, rows: Sequence[ValueChange]) -> None:
    _section(sheet, title, [row.change != "same" for row in rows])
    shared = _in_two_files(rows)
    for row in rows:
        if row.change != "same":
            name = f"{row.file}:{row.key}" if row.key in shared or not row.key else row.key
            sheet.row(row.change, shorten(opening(name), _MAX_VALUE), *_both(row), _delta(row))


def _in_two_files(rows: Iterable[ValueChange]) -> set[str]:
    """Keys that say which value is meant only together with their file."""
    files: dict[str, set[str]] = {}
    for row in rows:
        files.setdefault(row.key, set()).add(row.file)
    return {key for key, found in files.items() if len(found) > 1}


def _both(row: ValueChange) -> tuple[str, str]:
    before = "" if row.change == "added" else shorten(value(row.before), _MAX_VALUE)
    return before, "" if row.change == "removed" else shorten(value(row.after), _MAX_VALUE)


def _delta(row: ValueChange) -> str:
    if row.delta is None:
        return ""
    relative = f" ({100 * row.relative:+.4g}%)" if row.relative is not None else ""
    return f"{row.delta:+.6g}{relative}"


def _lineage(sheet: _Sheet, found: LineageChange | None) -> None:
    if found is None:
        sheet.head("Lineage")
        sheet.row("changed", "not known here, see below")
        return
    changes = [stage.change for stage in found.stages] + [source.change for source in found.sources]
    _section(sheet, "Lineage", [change != "same" for change in changes])
    for stage in found.stages:
        if stage.change != "same":
            _stage(sheet, stage)
    for source in found.sources:
        _item(sheet, "source", source, depth=0)


def _stage(sheet: _Sheet, stage: StageChange) -> None:
    sheet.row(stage.change, f"stage {escape(stage.name)}", note=escape(stage.file))
    if stage.cmd.change != "same":
        sheet.row(stage.cmd.change, "cmd", *_both(stage.cmd), depth=1)
    for label, items in (("dep", stage.deps), ("out", stage.outs)):
        for item in items:
            _item(sheet, label, item, depth=1)
    names = [escape(row.key) for row in stage.params if row.change != "same"]
    if names:
        sheet.row("changed", "params", note=shorten(", ".join(names), _MAX_VALUE), depth=1)


def _item(sheet: _Sheet, label: str, item: ItemChange, *, depth: int) -> None:
    if item.change != "same":
        path = shorten(escape(item.path), _MAX_VALUE)
        sheet.row(item.change, f"{label} {path}", _kept(item.before), _kept(item.after), depth=depth)


def _kept(item: LineageItem | None) -> str:
    if item is None:
        return ""
    parts = [size(item.size)] if item.size is not None else []
    parts.append(escape(item.md5[:12]) if item.md5 else "no hash")
    if item.origin:
        rev = item.origin.get("rev_lock", "")[:12]
        parts.append(escape(f"from {item.origin.get('url', item.origin.get('path', ''))} {rev}".rstrip()))
    return "  ".join(parts)
