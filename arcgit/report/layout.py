"""Text laid out in columns of a terminal: broken between words, cut in the middle, padded. Wide characters count two."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.text import Text

PIPE = 1000
"""From so many columns on it is no terminal, and nothing is broken or cut."""
CUT = "\u2026"


def safe_start(shown: str) -> str:
    """What was escaped already, safe at the start of a line, where `::` would be a command to some CI systems."""
    return f"\\x3a{shown[1:]}" if shown.lstrip().startswith("::") else shown


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return len(text) if text.isascii() and text.isprintable() else cell_len(text)


def wrapped(text: str, room: int) -> list[str]:
    """`text` in lines of at most `room` columns, broken between words; a word that is longer stands alone and is broken."""
    if columns(text) <= room:
        return [text]
    return [safe_start(line) for line in _lines(text, room)]


def _lines(text: str, room: int) -> list[str]:
    if text.isascii():
        return textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    lines = [""]
    for word in text.split():
        first, *rest = chop_cells(word, room) if columns(word) > room else [word]
        if lines[-1] and columns(lines[-1]) + 1 + columns(first) <= room:
            lines[-1] += f" {first}"
        elif lines[-1]:
            lines.append(first)
        else:
            lines[-1] = first
        lines += rest
    return lines


def broken(text: Text, width: int, indent: int) -> Iterator[Text]:
    """A line in its colours, broken between words; what follows the first line is indented."""
    if text.cell_len <= width:
        yield text
        return
    start, left, lead = 0, width, 0
    plain = text.plain
    while columns(plain[start:]) > left:
        fits = len(chop_cells(plain[start:], left)[0])
        # A word goes whole onto the next line; one that has no line of its own is broken.
        space = plain.rfind(" ", start + (0 if lead else _margin(plain)) + 1, start + fits + 1)
        end = space if space > start else start + max(fits, 1)
        yield _further(text[start:end], lead)
        start = end + (plain[end : end + 1] == " ")
        lead, left = indent, max(width - indent, 10)
    yield _further(text[start:], lead)


def _further(text: Text, lead: int) -> Text:
    if text.plain.startswith("::"):
        return Text(f"{' ' * lead}\\x3a").append(text[1:])
    return Text(" " * lead).append(text)


def _margin(plain: str) -> int:
    return len(plain) - len(plain.lstrip())


def elided(text: str, room: int) -> str:
    """`text` in at most `room` columns: what is cut is cut in the middle, since names begin and values end a line."""
    if columns(text) <= room:
        return text
    ahead = (room - 1) // 2
    behind = room - 1 - ahead
    head = set_cell_size(text, ahead).rstrip()
    tail = set_cell_size(text[::-1], behind)[::-1].lstrip()
    return f"{head}{CUT}{tail}"


def padded(text: str, width: int) -> str:
    """`text` with blanks behind it up to `width` columns."""
    return text + " " * (width - columns(text))
