"""Records as aligned columns of plain text, for very many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

from arcgit.model.text import escape, shorten
from arcgit.rules.comparing import as_text

Paint = Callable[[str, str], str]
"""Colours a text, the second argument, as the first says: the word of a status, or `title`."""

GAP = "  "
CUT = "\u2026"
LEAST = 16
_NARROW = ("RECORD", "STATUS", "SEALED", "METRICS")
_WIDE = ("RECORD", "STATUS", "SEALED", "COMMIT", "OWNER", "METRICS")


def cells(*, tag: str, status: str, time: str, commit: str, owner: str, metrics: Mapping[str, Any]) -> list[str]:
    """The cells of the usual table, as `usual` takes them."""
    shown = escape(GAP.join([f"{key}={as_text(item)}" for key, item in sorted(metrics.items())]))
    name = tag.removeprefix("exp/")
    return [name, status, escape(time[:10]), escape(commit[:10]), shorten(escape(owner), 32), shown]


def usual(rows: Sequence[Sequence[str]], width: int, paint: Paint) -> Iterator[str]:
    """The usual table. Commit and owner are left out where `width` is small; metrics are cut to what is left."""
    if not rows:
        return
    wide = width >= max(_width(row[0]) for row in rows) + 80
    keep = range(6) if wide else (0, 1, 2, 5)
    titles = _WIDE if wide else _NARROW
    chosen = [[row[place] for place in keep] for row in rows]
    before = sum(_widths(titles[:-1], chosen)) + len(GAP) * (len(titles) - 1)
    for row in chosen:
        row[-1] = shorten(row[-1], max(LEAST, width - before))
    yield from table(titles, chosen, paint, status=1)


def chosen(values: Sequence[Sequence[Any]]) -> list[str]:
    """The cells of a row, from the values that it has of each column. Nothing is cut."""
    return [", ".join(escape(as_text(item)) for item in several) for several in values]


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], paint: Paint, *, status: int = -1) -> Iterator[str]:
    """Aligned lines under their titles; columns of numbers to the right. `status` is the column that is coloured."""
    widths = _widths(titles, rows)
    right = [all(_is_number(row[n]) for row in rows) for n in range(len(titles))]
    yield paint("title", _line(titles, widths, right))
    for row in rows:
        if status >= 0:
            padded = [*row]
            padded[status] = paint(row[status], _padded(row[status], widths[status], right=right[status]))
            yield _line(padded, [0 if n == status else width for n, width in enumerate(widths)], right)
        else:
            yield _line(row, widths, right)


def _widths(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """The widths of the columns, titles included."""
    columns = ([row[n] for row in rows] for n in range(len(titles)))
    return [max(_width(title), *map(_width, cells)) for title, cells in zip(titles, columns, strict=True)]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [_padded(cell, width, right=right[n]) for n, (cell, width) in enumerate(zip(cells, widths, strict=True))]
    line = GAP.join(padded).rstrip()
    # To some CI systems `::` at the start of a line is a command.
    return f"\\x3a{line[1:]}" if line.lstrip().startswith("::") else line


def _padded(cell: str, width: int, *, right: bool) -> str:
    # What `ljust` fills up to is counted in characters, not in columns.
    length = width - _width(cell) + len(cell)
    return cell.rjust(length) if right else cell.ljust(length)


def _width(text: str) -> int:
    # Most cells are ASCII, but for the mark where they were cut, which is one column wide.
    return len(text) if text.isascii() or (text[:-1].isascii() and text[-1] == CUT) else cell_len(text)


def _is_number(text: str) -> bool:
    return not text or text.replace(".", "", 1).replace("-", "", 1).replace("e", "", 1).isdigit()
