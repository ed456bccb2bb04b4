"""`compare`: this clone's ledger beside a remote's."""

from __future__ import annotations

from typing import Annotated

import typer

from arcgit.archive.copies import Copies
from arcgit.archive.copies import compare as run_compare
from arcgit.cli import output
from arcgit.cli.app import opened
from arcgit.cli.options import Json
from arcgit.model.text import count, escape
from arcgit.report import findings as found


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: arcgit compare https://mirror.example.org/churn.git")(compare)


def compare(
    context: typer.Context,
    remote: Annotated[str, typer.Argument(metavar="REMOTE", help="A git remote's name, or the address of any copy.")],
    json: Json = False,
) -> None:
    """Compare two copies of the ledger: this clone's and a remote's. Nothing is taken over and no ref changes.

    Exit code 1 where they part (somebody was shown another history), 3 where there is nothing to compare with.
    """
    result = run_compare(opened(context), remote)
    if json:
        output.emit(found.document("arcgit/compare/v1", result.verdict, result.scope(), result.findings))
    else:
        if result.findings:
            output.say(found.findings_text(result.findings), "")
        output.say(found.verdict_line(result.verdict, _told(result)))
    raise typer.Exit(result.verdict.exit_code)


def _told(result: Copies) -> str:
    name = escape(result.remote)
    more, fewer = count(result.ours - result.common, "event"), count(result.theirs - result.common, "event")
    match result.relation:
        case "equal":
            return f"{name} has the same ledger: {count(result.ours, 'event')}, tip {str(result.tips[0])[:12]}"
        case "ahead":
            return f"this clone is ahead of {name} by {more}: arcgit sync pushes them"
        case "behind":
            return f"this clone is behind {name} by {fewer}: arcgit sync takes them over"
        case "unsynced":
            return f"{more} here were never pushed, and {name} has {fewer} that this clone has not: arcgit sync"
        case "fork":
            return f"fork at event {result.fork_at}: {more} only here, {fewer} only at {name}"
        case "other-archive":
            return f"{name} holds another archive"
        case "missing":
            return f"{name} has no ledger"
        case "unknown":
            return f"a ledger does not hold; up to event {result.common} both are the same"
