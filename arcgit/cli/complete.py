"""What the shell offers to complete: records, and fields of queries with their values. Nothing here may print or fail."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer

from arcgit.model.event import TYPES
from arcgit.model.names import RECORD_PREFIX, RecordName
from arcgit.rules import fields

if TYPE_CHECKING:
    from arcgit.archive.context import Context

LIMIT = 1000
SAMPLE = 200
LONGEST = 200
_BEGUN = re.compile(r"\(*(?P<field>[^=!<>~()\s]+)!?=(?P<value>.*)")
_PLAIN = re.compile(r"[^\s()=<>~\"'!]+")
Completer = Callable[[typer.Context, str], list[str]]


def _silent(complete: Completer) -> Completer:
    @wraps(complete)
    def guarded(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return complete(ctx, incomplete)[:LIMIT]
        except Exception:  # noqa: BLE001  a shell that asks for completions has no place for an error
            return []

    return guarded


@_silent
def records(ctx: typer.Context, incomplete: str) -> list[str]:
    """Run ids, and where a name was begun the names of tags."""
    names = _names(ctx)
    ways: tuple[Callable[[RecordName], str], ...] = (
        lambda name: name.short_id,
        lambda name: name.tag,
        lambda name: f"{name.project}/{name.experiment}",
    )
    if not incomplete:
        return [name.short_id for name in names]
    found = {text for way in ways for name in names if (text := way(name)).startswith(incomplete)}
    return sorted(found)


@_silent
def experiments(ctx: typer.Context, incomplete: str) -> list[str]:
    """Experiments with their projects."""
    found = {f"{name.project}/{name.experiment}" for name in _names(ctx)}
    return sorted(text for text in found if text.startswith(incomplete))


@_silent
def event_types(ctx: typer.Context, incomplete: str) -> list[str]:  # noqa: ARG001  as every completer
    """The types of ledger events."""
    return sorted(kind for kind in TYPES if kind.startswith(incomplete))


@_silent
def people(ctx: typer.Context, incomplete: str) -> list[str]:
    """Everybody who signed an event."""
    from arcgit.archive.read import claimed  # noqa: PLC0415

    events = claimed(_context(ctx)).ledger.events
    return sorted({event.actor for _, event in events if event.actor.startswith(incomplete)})


@_silent
def query_fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of fields."""
    return _named(ctx, incomplete, "")


@_silent
def query(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of fields, and behind `=` the values that records have; what was typed before them stays.

    Bash takes `=` for the end of a word where it is not in quotes, and then asks for the value alone.
    """
    typed = ctx.params.get("words") or []
    words = list(typed) if isinstance(typed, (list, tuple)) else [str(typed)]
    if not incomplete and words[-1:] != ["="] and os.environ.get("COMP_WORDS", "").split()[-1:] == ["="]:
        words.append("=")  # typer takes it away, since an option may have it before its value
    if words[-1:] == ["="] and len(words) > 1:
        return [shlex.quote(value) for value in _values(ctx, words[-2].removesuffix("!").lstrip("("), incomplete)]
    last = _last_word(incomplete)
    if (begun := _BEGUN.fullmatch(last)) is not None:
        before = incomplete[: len(incomplete) - len(last) + begun.start("value")]
        return [before + value for value in _values(ctx, begun["field"], begun["value"])]
    name = last.lstrip("(")
    return _named(ctx, name, incomplete[: len(incomplete) - len(name)])


def _last_word(text: str) -> str:
    """What stands behind the last space that is in no quotes."""
    start, quote = 0, ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == " ":
            start = at + 1
    return text[start:]


def _values(ctx: typer.Context, name: str, begun: str) -> list[str]:
    """Values of a field, written as a query takes them."""
    field = fields.parse(name)
    known: Iterable[str]
    if field.head == "status":
        from arcgit.archive.standing import Status  # noqa: PLC0415

        known = get_args(Status)
    elif field.head == "review":
        known = ("approved", "open", "rejected")
    elif field.head in {"project", "experiment", "run_id", "tag"}:
        known = {str(getattr(record, field.head)) for record in _names(ctx)}
    else:
        from arcgit.archive.search import values_seen  # noqa: PLC0415

        known = values_seen(_context(ctx), field, LIMIT)
    plain = begun.lstrip("\"'")
    found = sorted(text for text in known if text.isprintable() and text.startswith(plain) and len(text) <= LONGEST)
    return [text if _PLAIN.fullmatch(text) else f'"{text}"' for text in found if '"' not in text and "\\" not in text]


@_silent
def column_fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of fields behind those that are there."""
    before, comma, name = incomplete.rpartition(",")
    return _named(ctx, name, before + comma)


def _named(ctx: typer.Context, begun: str, before: str) -> list[str]:
    group = begun.partition(".")[0]
    known: Iterable[str] = fields.names()
    if group in {"params", "metrics"} and "." in begun:
        from arcgit.archive.search import names_seen  # noqa: PLC0415

        known = [f"{group}.{name}" for name in sorted(names_seen(_context(ctx), group, SAMPLE)) if name.isprintable()]
    return [before + name for name in known if name.startswith(begun)]


def _names(ctx: typer.Context) -> list[RecordName]:
    from arcgit.git import plumbing  # noqa: PLC0415

    out = plumbing.run(["for-each-ref", "--format=%(refname)", RECORD_PREFIX], cwd=_folder(ctx))
    return [name for line in out.decode(errors="replace").split("\n") if (name := RecordName.parse(line))]


def _context(ctx: typer.Context) -> Context:
    from arcgit.archive.context import open_context  # noqa: PLC0415

    return open_context(_folder(ctx), state_dir=Path(), only_read=True)


def _folder(ctx: Any) -> Path:
    folders = ctx.find_root().params.get("folders")
    return Path(*folders) if folders else Path()
