"""How the command line speaks: text in colour on a terminal, plain in pipes and under NO_COLOR, or one JSON document."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import typer
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.text import Text

from arcgit import durable
from arcgit.errors import ArcgitError, UndeterminedError
from arcgit.model.text import escape, without_ci_commands
from arcgit.report import pages

FIRST_SIGHT = "First sight of this archive here: whether something was taken away before today is not known."
Report = Callable[[str, int, int], None]


class _Tamed:
    """A stream on which no text becomes a command to a CI system."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        return self._stream.write(without_ci_commands(text))


def console(*, stderr: bool = False) -> Console:
    """A console that adds nothing of its own: no markup, no highlighting, no wrapping in pipes."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 10_000
    return Console(
        file=cast("IO[str]", _Tamed(stream)), markup=False, highlight=False, emoji=False, soft_wrap=True, width=width
    )


def say(*parts: RenderableType) -> None:
    """Print to standard output."""
    out = console()
    for part in parts:
        out.print(part, end="" if getattr(part, "plain", "").endswith("\n") else "\n")


def say_table(table: RenderableType) -> None:
    """Print a table; in a pipe without the blanks that fill it up to the right."""
    out = console()
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    lines(line.rstrip() for line in captured.get().splitlines())


def note(text: RenderableType) -> None:
    """Print a remark to standard error, where it does not disturb what a program reads."""
    console(stderr=True).print(text)


def note_escaped(text: str) -> None:
    """The same of a text that may hold anything."""
    note(escape(text))


def emit(document: dict[str, Any]) -> None:
    """Print the one JSON document of a command."""
    emit_pieces([as_json(document), "\n"])


def as_json(value: Any) -> str:
    """A JSON document or a part of one, as far as the reader of standard output takes characters beyond ASCII."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    try:
        text.encode("utf-8" if _speaks_utf8() else "ascii")
    except UnicodeEncodeError:
        # A name that is no UTF-8, or a reader that takes no more than ASCII.
        text = json.dumps(value, indent=2, allow_nan=False)
    return text


def emit_pieces(pieces: Iterable[str]) -> None:
    """Print the one JSON document of a command, which comes in pieces of whole lines."""
    for piece in pieces:
        sys.stdout.write(without_ci_commands(piece, r"\u0023"))


def emit_many(document: dict[str, Any], key: str, rows: Iterable[bytes]) -> None:
    """Print the one JSON document of a command, with very many encoded rows under `key`, its last one."""
    text = json.dumps({**document, key: []}, indent=2, allow_nan=False)
    sys.stdout.write(text.removesuffix("]\n}"))
    plain, number = _speaks_utf8(), -1
    for number, row in enumerate(rows):
        shown = msgspec.json.format(row, indent=2).decode() if plain else json.dumps(json.loads(row), indent=2)
        shown = without_ci_commands(shown, r"\u0023").replace("\n", "\n    ")
        sys.stdout.write(f"{',' if number else ''}\n    {shown}")
    sys.stdout.write("\n  ]\n}\n" if number >= 0 else "]\n}\n")


def lines(texts: Iterable[str]) -> None:
    """Print very many lines that are coloured already."""
    sys.stdout.writelines(f"{without_ci_commands(text)}\n" for text in texts)


def painter(*, events: bool = False) -> Callable[[str, str], str]:
    """Colours texts by a word, of a status or of `events`: as little as this terminal shows, and nothing in pipes."""
    out = console()
    if not out.is_terminal or out.no_color:
        return lambda word, text: text
    marks: dict[str, tuple[str, str]] = {}

    def paint(word: str, text: str) -> str:
        if word not in marks:
            with out.capture() as captured:
                out.print(Text("\0", pages.style(word, event=events)), end="")
            before, _, after = captured.get().partition("\0")
            marks[word] = (before, after)
        return text.join(marks[word])

    return paint


def aside(text: str) -> None:
    """A remark for a person at a terminal only."""
    if sys.stderr.isatty():
        note(text)


def width_of(text: str) -> int:
    """How many columns a terminal needs for a text."""
    return cell_len(text)


def _speaks_utf8() -> bool:
    return (getattr(sys.stdout, "encoding", "") or "utf-8").lower().replace("-", "") == "utf8"


def write(path: Path, pieces: Iterable[str]) -> None:
    """Write a file that somebody asked for: all of it, or what was there stays. Raises UndeterminedError.

    A link is followed, and what is no file, such as a pipe, is written to as it is.
    """
    try:
        if _leads_elsewhere(path):
            with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
                file.writelines(pieces)
            return
        target = path.resolve()
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else _usual_mode()
        encoded = (piece.encode("utf-8", "backslashreplace") for piece in pieces)
        durable.replace_in_pieces(target, encoded, mode=mode)
    except OSError as fault:
        message = f"{path} cannot be written: {fault.strerror}"
        raise UndeterminedError("output-unwritable", message, "name a file in a folder of yours: -o FILE") from fault


def _leads_elsewhere(path: Path) -> bool:
    """A pipe, a device, or a name of something that is open, such as `/dev/stdout`, whatever that leads to."""
    if path.parent in {Path("/dev"), Path("/dev/fd")} or path.is_relative_to("/proc"):
        return True
    return path.exists() and not path.is_file()


def _usual_mode() -> int:
    """The mode that a new file gets. The system tells the mask only to whoever sets one."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def complain(error: ArcgitError, *, as_json: bool) -> None:
    """Say what happened, to which thing, and what to type next."""
    hint = error.hint or f"arcgit explain {error.code}"
    if as_json:
        body = {"code": error.code, "message": error.message, "hint": hint}
        emit({"schema": "arcgit/error/v1", "error": body})
        return
    out = console(stderr=True)
    out.print("error: ", style="bold red", end="")
    out.print(escape(error.message))
    if hint:
        out.print(" next: ", style="dim", end="")
        out.print(escape(hint), style="cyan")


def ask() -> Callable[[str], bool] | None:
    """A way to ask the person, or None where nobody is at a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return lambda question: typer.confirm(question, err=True, abort=True)


def ask_choice(choices: Sequence[str]) -> Callable[[str, str], str] | None:
    """A way to ask the person for one of a few words, or None where nobody is at a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    from rich.prompt import Prompt  # noqa: PLC0415  only a person is asked

    def ask(subject: str, default: str) -> str:
        return Prompt.ask(
            f"What is {escape(subject)}?", choices=list(choices), default=default, console=console(stderr=True)
        )

    return ask


@contextmanager
def progress() -> Iterator[Report]:
    """A progress bar on standard error, on a terminal only, for work over a second."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda what, done, total: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415  at a terminal only

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total or None)
            bar.update(tasks[what], completed=done, total=total or None)

        yield report


@contextmanager
def bytes_progress(*of: str) -> Iterator[Report]:
    """The same with bytes, and the time that is left, for work that is called so; without `of`, for what is `reading`."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda what, done, total: None
        return
    from rich import progress as bars  # noqa: PLC0415  at a terminal only

    plain = (bars.TextColumn("{task.description}"), bars.BarColumn())
    counting = bars.Progress(*plain, bars.MofNCompleteColumn(), bars.TimeRemainingColumn(), console=out, transient=True)
    columns = (*plain, bars.DownloadColumn(binary_units=True), bars.TransferSpeedColumn(), bars.TimeRemainingColumn())
    reading = bars.Progress(*columns, console=out, transient=True)
    from rich.console import Group  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    with Live(Group(counting, reading), console=out, transient=True):
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            bar = reading if what in (of or ("reading",)) else counting
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total or None)
            bar.update(tasks[what], completed=done, total=total or None)

        yield report
