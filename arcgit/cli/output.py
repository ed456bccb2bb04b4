"""How the command line speaks: text in colour on a terminal, plain in pipes and under NO_COLOR, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from arcgit.errors import ArcgitError
from arcgit.model.text import escape

Report = Callable[[str, int, int], None]


def console(*, stderr: bool = False) -> Console:
    """A console that adds nothing of its own: no markup, no highlighting, no wrapping in pipes."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 10_000
    return Console(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)


def say(*parts: RenderableType) -> None:
    """Print to standard output."""
    out = console()
    for part in parts:
        out.print(part, end="" if getattr(part, "plain", "").endswith("\n") else "\n")


def note(text: RenderableType) -> None:
    """Print a remark to standard error, where it does not disturb what a program reads."""
    console(stderr=True).print(text)


def emit(document: dict[str, Any]) -> None:
    """Print the one JSON document of a command."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    try:
        text.encode("utf-8" if _speaks_utf8() else "ascii")
    except UnicodeEncodeError:
        # A name that is no UTF-8, or a reader that takes no more than ASCII.
        text = json.dumps(document, indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")


def _speaks_utf8() -> bool:
    return (getattr(sys.stdout, "encoding", "") or "utf-8").lower().replace("-", "") == "utf8"


def complain(error: ArcgitError, *, as_json: bool) -> None:
    """Say what happened, to which thing, and what to type next."""
    if as_json:
        body = {"code": error.code, "message": error.message, "hint": error.hint}
        emit({"schema": "arcgit/error/v1", "error": body})
        return
    out = console(stderr=True)
    out.print("error: ", style="bold red", end="")
    out.print(escape(error.message))
    if error.hint:
        out.print(" next: ", style="dim", end="")
        out.print(escape(error.hint), style="cyan")


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
