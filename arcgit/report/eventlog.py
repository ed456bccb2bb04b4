"""The ledger as a person reads it: one event a row, its words wrapped and never cut; in a pipe one event a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.cells import cell_len

from arcgit.model.text import escape, shorten
from arcgit.report import eventwords, layout

Paint = Callable[[str, str], str]
GAP = "  "
LEAST = 34
"""So many columns what an event says needs beside the others; else it goes below them."""
WIDE = 110
PIPE = 1000
MAX_TOLD = 2000


class _Row(NamedTuple):
    seq: str
    when: str
    kind: str
    actor: str
    commit: str
    about: str
    told: str
    word: str


def render(events: Sequence[tuple[str, Mapping[str, Any]]], width: int, paint: Paint) -> Iterator[str]:
    """The events with the oids of their commits, for a terminal of `width` columns; a very large one means a pipe."""
    rows = [_row(oid, event, whole=width >= PIPE) for oid, event in events]
    if not rows:
        return
    titles = ["#", "CLAIMED (UTC)", "EVENT", "BY", *(["COMMIT"] if width >= WIDE else [])]
    columns = [max(len(title), *(_width(row[n]) for row in rows)) for n, title in enumerate(titles)]
    room = width - sum(columns) - len(GAP) * len(columns)
    if room < LEAST:
        for row in rows:
            yield from _stacked(row, width, paint)
        return
    yield paint("title", GAP.join([*_padded(titles, columns), "WHAT"]))
    for row in rows:
        cells = _padded(row[: len(titles)], columns)
        cells[2] = paint(row.word, cells[2])
        cells[4:] = [paint("dim", cell) for cell in cells[4:]]
        first, *others = _what(row, room, paint)
        yield GAP.join([*cells, first]).rstrip()
        yield from (" " * (width - room) + line for line in others)


def _row(oid: str, event: Mapping[str, Any], *, whole: bool) -> _Row:
    time = escape(event["time"]) if whole else escape(event["time"][:16].replace("T", " "))
    told = eventwords.told(event)
    said = escape(told if whole else shorten(told, MAX_TOLD))
    kind, outcome = event["type"], event["data"].get("outcome")
    word = outcome if kind in {"reviewed", "run"} and isinstance(outcome, str) else kind
    about = escape(eventwords.about(event))
    return _Row(str(event["seq"]), time, escape(kind), escape(event["actor"]), oid[:12], about, said, word)


def _what(row: _Row, room: int, paint: Paint) -> list[str]:
    """What it is about and what it says: beside each other where there is room, else below each other."""
    if not (row.about and row.told):
        return _painted(row, _wrapped(row.about or row.told, room), paint)
    if _width(row.about) + len(GAP) + _width(row.told) <= room:
        return [f"{paint('subject', row.about)}{GAP}{row.told}"]
    return [*_painted(row, _wrapped(row.about, room), paint), *map(layout.safe_start, _wrapped(row.told, room))]


def _painted(row: _Row, lines: list[str], paint: Paint) -> list[str]:
    return [paint("subject" if row.about else "", layout.safe_start(line)) for line in lines]


def _stacked(row: _Row, width: int, paint: Paint) -> Iterator[str]:
    """For a narrow terminal: who did what when, and below it the rest."""
    yield f"#{row.seq}{GAP}{row.when}{GAP}{paint(row.word, row.kind)} by {row.actor}"
    indent = " " * 4
    yield from (f"{indent}{line}" for line in _what(row, max(width - len(indent), 20), paint) if line)


def _wrapped(text: str, room: int) -> list[str]:
    """Lines of at most `room` columns; a word that is longer stays whole on a line of its own."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and _width(joined) > room:
            lines.append(word)
        else:
            lines[-1] = joined
    return lines


def _padded(cells: Sequence[str], columns: Sequence[int]) -> list[str]:
    """The first column to the right, the others to the left."""
    return [
        " " * (columns[n] - _width(cell)) + cell if n == 0 else cell + " " * (columns[n] - _width(cell))
        for n, cell in enumerate(cells)
    ]


def _width(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)
