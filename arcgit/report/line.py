"""A line of a very long report: a text and its styles, as rich's `Text`, of which a page would take thousands.

It is made into a `Text` where a terminal shows it in colour or where it does not fit; everywhere else only its characters
are asked for. What stands in it was escaped before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.style import Style
from rich.text import Text

from arcgit.report.layout import broken, columns


class Line:
    """One line; `style` is that of all of it, and further ones lie on top."""

    __slots__ = ("_spans", "plain", "style")

    def __init__(self, plain: str = "", style: str | Style = "") -> None:
        self.plain = plain
        self.style = style
        self._spans: list[tuple[str | Style, int, int]] = []

    @classmethod
    def of(cls, text: Text) -> Line:
        """What rich has of a line."""
        made = cls(text.plain, text.style)
        made._spans = [(span.style, span.start, span.end) for span in text.spans]
        return made

    @classmethod
    def assemble(cls, *parts: str | tuple[str, str]) -> Line:
        """A line of parts, each a text or a text with its style."""
        made = cls()
        for part in parts:
            if isinstance(part, str):
                made.plain += part
            else:
                made.append(*part)
        return made

    def append(self, text: str, style: str | Style = "") -> Line:
        """The line itself, with more at its end."""
        if style:
            self._spans.append((style, len(self.plain), len(self.plain) + len(text)))
        self.plain += text
        return self

    def stylize(self, style: str, start: int, end: int) -> None:
        """Put a style on top of some of its characters."""
        self._spans.append((style, start, end))

    @property
    def cell_len(self) -> int:
        """How many columns of a terminal it takes."""
        return columns(self.plain)

    def text(self) -> Text:
        """The same for rich."""
        made = Text(self.plain, self.style)
        for span in self._spans:
            made.stylize(*span)
        return made

    def broken(self, width: int, indent: int) -> Iterator[Line]:
        """As `layout.broken`."""
        if self.cell_len <= width:
            yield self
        else:
            yield from map(Line.of, broken(self.text(), width, indent))


def text_of(lines: Iterable[Line]) -> Text:
    """Lines as one text in their colours."""
    return Text("\n").join(line.text() for line in lines)


def plain_of(lines: Iterable[Line]) -> str:
    """The characters of the same, as rich prints them into a pipe."""
    return "\n".join(line.plain for line in lines)
