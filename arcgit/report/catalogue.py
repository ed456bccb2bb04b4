"""The catalogue of codes for a terminal, and as the page docs/findings.md."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping

from rich.text import Text

from arcgit.model.catalogue import AREAS, Entry

WIDTH = 80
_STYLES = {"error": "bold red", "unknown": "bold yellow", "warning": "yellow"}
_CODE = re.compile(r"`([^`]+)`")


def page(code: str, entry: Entry) -> Text:
    """One code, wrapped for a terminal of 80 columns."""
    text = Text()
    text.append(code, "bold").append(f"  {entry.title}\n").append(
        f"{kind(entry)}\n", _STYLES.get(entry.severity or "", "")
    )
    for title, body in (("What it means", entry.means), ("Why it matters", entry.matters)):
        text.append(f"\n{title}\n", "bold")
        _paragraph(text, body, "  ", "  ")
    text.append("\nHow to fix it\n", "bold")
    for number, step in enumerate(entry.fix, 1):
        _paragraph(text, step, f"  {number}. ", "     ")
    text.append("\nFrom\n", "bold")
    _paragraph(text, ", ".join(entry.by), "  ", "  ")
    return text


def kind(entry: Entry) -> str:
    """`error, may be waived`, or `stops the command with exit code 3`."""
    parts: list[str] = [entry.severity] if entry.severity else []
    parts += [f"stops a command with exit code {entry.exit}"] if entry.exit is not None else []
    parts += ["may be waived"] if entry.waivable else []
    parts += ["planned: nothing emits it yet"] if entry.planned else []
    return ", ".join(parts)


def _paragraph(text: Text, body: str, first: str, rest: str) -> None:
    wrapped = textwrap.fill(
        " ".join(body.split()),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    # Commands stand out by colour, and by their backticks where there is none.
    place = 0
    for match in re.finditer(r"`[^`]+`", wrapped):
        text.append(wrapped[place : match.start()]).append(match[0], "cyan")
        place = match.end()
    text.append(wrapped[place:]).append("\n")


def listing(by_area: Mapping[str, Mapping[str, Entry]]) -> Text:
    """Every code with its title, by area."""
    text = Text()
    width = max(len(code) for entries in by_area.values() for code in entries)
    for area, heading in AREAS:
        text.append(f"{heading}\n", "bold")
        for code, entry in by_area[area].items():
            style = _STYLES.get(entry.severity or "", "")
            text.append(f"  {code:<{width}}  ", style).append(f"{entry.title}\n")
        text.append("\n")
    text.append("arcgit explain CODE tells what one means and how to fix it.\n", "dim")
    return text


def markdown(by_area: Mapping[str, Mapping[str, Entry]]) -> str:
    """docs/findings.md."""
    lines = [
        "# Finding and error codes",
        "",
        "Written by `make docs` from `templates/findings/`; `arcgit explain CODE` shows the same in a terminal.",
        "",
        "A finding is one observed fact. An error fails the verdict, an unknown keeps it from being a pass, a warning",
        "leaves it as it is; a policy may choose other severities. A code that stops a command is the `code` of the",
        "error that it prints. A finding that may be waived becomes a warning while a",
        "[waiver](formats/manifest.md#waivers) is in force.",
    ]
    for area, heading in AREAS:
        lines += ["", f"## {heading}"]
        for code, entry in by_area[area].items():
            lines += ["", f"### {code}", "", f"**{entry.title}.** {kind(entry).capitalize()}.", ""]
            lines += [_escaped(entry.means), "", f"Why it matters: {_escaped(entry.matters)}", ""]
            lines += [f"{number}. {_escaped(step)}" for number, step in enumerate(entry.fix, 1)]
            lines += ["", f"From: {', '.join(entry.by)}."]
    return "\n".join(lines) + "\n"


def _escaped(body: str) -> str:
    """Angle brackets outside of code would be taken for tags."""
    parts = _CODE.split(" ".join(body.split()))
    return "".join(
        f"`{part}`" if number % 2 else part.replace("<", "&lt;").replace("*", "\\*")
        for number, part in enumerate(parts)
    )
