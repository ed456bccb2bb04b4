"""What the shell offers to complete: records, and the fields of queries. Nothing here may print or fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import typer

from arcgit.model.names import RECORD_PREFIX, RecordName
from arcgit.rules import fields

LIMIT = 1000
SAMPLE = 200
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
    from arcgit.git import plumbing  # noqa: PLC0415

    out = plumbing.run(["for-each-ref", "--format=%(refname)", RECORD_PREFIX], cwd=_folder(ctx))
    names = [name for line in out.decode(errors="replace").split("\n") if (name := RecordName.parse(line))]
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
def query_fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of fields; what was opened before them stays."""
    name = incomplete.lstrip("(")
    return _named(ctx, name, incomplete[: len(incomplete) - len(name)])


@_silent
def column_fields(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of fields behind those that are there."""
    before, comma, name = incomplete.rpartition(",")
    return _named(ctx, name, before + comma)


def _named(ctx: typer.Context, begun: str, before: str) -> list[str]:
    group = begun.partition(".")[0]
    known: Iterable[str] = fields.names()
    if group in {"params", "metrics"} and "." in begun:
        from arcgit.archive.context import open_context  # noqa: PLC0415
        from arcgit.archive.search import names_seen  # noqa: PLC0415

        context = open_context(_folder(ctx), state_dir=Path(), only_read=True)
        known = [f"{group}.{name}" for name in sorted(names_seen(context, group, SAMPLE)) if name.isprintable()]
    return [before + name for name in known if name.startswith(begun)]


def _folder(ctx: Any) -> Path:
    folders = ctx.find_root().params.get("folders")
    return Path(*folders) if folders else Path()
