"""Records as aligned columns of plain text, for very many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from rich.cells import cell_len

from arcgit.model.text import escape, shorten
from arcgit.rules.comparing import as_text

Paint = Callable[[str, str], str]
"""Colours a text, the second argument, as the first says: the word of a status, or `title`."""

GAP = "  "
CUT = "\u2026"
LEAST = 16
MOST_OF_NAMES = 28
"""The narrowest column that of names there is: a short experiment's with its run id fits."""
_NARROW = ("RECORD", "STATUS", "SEALED", "METRICS")
_WIDE = ("RECORD", "STATUS", "SEALED", "COMMIT", "OWNER", "METRICS")


def cells(*, tag: str, status: str, time: str, commit: str, owner: str, metrics: Mapping[str, Any]) -> list[str]:
    """The cells of the usual table, as `usual` takes them."""
    shown = escape(GAP.join([f"{key}={as_text(item)}" for key, item in sorted(metrics.items())]))
    name = tag.removeprefix("exp/")
    return [name, status, escape(time[:10]), escape(commit[:10]), shorten(escape(owner), 32), shown]


class Joined(Sequence[Sequence[str]]):
    """Rows of cells, each row kept as one text: `join` makes it. Cells are escaped, so no zero byte stands in them."""

    def __init__(self, rows: Sequence[str]) -> None:
        self._rows = rows

    @staticmethod
    def join(cells: Sequence[str]) -> str:
        """One row as it is kept."""
        return "\0".join(cells)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Sequence[str]: ...
    @overload
    def __getitem__(self, place: slice) -> list[Sequence[str]]: ...
    def __getitem__(self, place: int | slice) -> Sequence[str] | list[Sequence[str]]:
        if isinstance(place, slice):
            return list(map(self.__getitem__, range(*place.indices(len(self)))))
        return self._rows[place].split("\0")


def usual(rows: Sequence[Sequence[str]], width: int, paint: Paint) -> Iterator[str]:
    """The usual table. Commit and owner are left out where `width` is small; metrics are cut to what is left."""
    if not rows:
        return
    measured, right = _measured(len(_WIDE), rows)
    wide = width >= measured[0] + 80
    keep = range(6) if wide else (0, 1, 2, 5)
    titles = _WIDE if wide else _NARROW
    widths = [max(len(title), measured[place]) for title, place in zip(titles, keep, strict=True)]
    # A name that leaves no room for the rest has a line of its own, so that it does not push the others out.
    most = max(width - sum(widths[1:-1]) - len(GAP) * (len(titles) - 1) - LEAST, MOST_OF_NAMES)
    apart = widths[0] > most
    if apart:
        widths[0] = max([len(titles[0]), *(found for row in rows if (found := _width(row[0])) <= most)])
    room = max(LEAST, width - sum(widths[:-1]) - len(GAP) * (len(titles) - 1))
    # Nothing stands behind the last column, so its width is nobody's matter.
    widths[-1] = 0
    shown = ([*(row[place] for place in keep[:-1]), shorten(row[-1], room)] for row in rows)
    lines = (part for row in shown for part in _apart(row, widths[0])) if apart else shown
    yield from _lines(titles, lines, widths, [right[place] for place in keep], paint, status=1)


def _apart(row: Sequence[str], width: int) -> Iterator[Sequence[str]]:
    if _width(row[0]) <= width:
        yield row
        return
    yield [row[0], *[""] * (len(row) - 1)]
    yield ["", *row[1:]]


def chosen(values: Sequence[Sequence[Any]]) -> list[str]:
    """The cells of a row, from the values that it has of each column. Nothing is cut."""
    return [", ".join(escape(as_text(item)) for item in several) for several in values]


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], paint: Paint, *, status: int = -1) -> Iterator[str]:
    """Aligned lines under their titles; columns of numbers to the right. `status` is the column that is coloured."""
    measured, right = _measured(len(titles), rows)
    widths = [max(_width(title), width) for title, width in zip(titles, measured, strict=True)]
    yield from _lines(titles, rows, widths, right, paint, status=status)


def _lines(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    widths: Sequence[int],
    right: Sequence[bool],
    paint: Paint,
    *,
    status: int,
) -> Iterator[str]:
    yield paint("title", _line(titles, widths, right))
    for row in rows:
        if status >= 0:
            padded = [*row]
            padded[status] = paint(row[status], _padded(row[status], widths[status], right=right[status]))
            yield _line(padded, [0 if n == status else width for n, width in enumerate(widths)], right)
        else:
            yield _line(row, widths, right)


def _measured(columns: int, rows: Iterable[Sequence[str]]) -> tuple[list[int], list[bool]]:
    """The widths of the columns, and which of them have nothing but numbers."""
    widths, numbers = [0] * columns, [True] * columns
    for row in rows:
        widths = list(map(max, widths, map(_width, row)))
        if any(numbers):
            numbers = [one and _is_number(cell) for one, cell in zip(numbers, row, strict=True)]
    return widths, numbers


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
