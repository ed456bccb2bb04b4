"""`diff`: two records side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from arcgit.archive.compare import diff as run_diff
from arcgit.cli import output
from arcgit.cli.app import opened
from arcgit.cli.setup_commands import Json
from arcgit.report import comparison as pages
from arcgit.report import findings as found

UNDETERMINED = 3


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(epilog="Example: arcgit diff 3f9c0a 7c2800")(diff)


def diff(
    context: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help="A record: a tag name, a run id, or a unique prefix of one.")],
    b: Annotated[
        str | None,
        typer.Argument(metavar="[B]", help="The record after A. Without it: A, and the same experiment's one before."),
    ] = None,
    json: Json = False,
) -> None:
    """Compare two records: data, code, parameters, metrics, environment, lineage. No data is needed.

    Exit code 3 where a part could not be told, because its list is not in this clone; the rest is shown.
    """
    result = run_diff(opened(context), a, b)
    document = result.to_dict()
    if json:
        output.emit({"schema": "arcgit/diff/v1", **document})
    else:
        output.say(pages.comparison_table(document["before"], document["after"], result.comparison))
        output.say("", pages.verdict_text(result.comparison))
        if result.findings:
            output.say("", found.findings_text(result.findings))
    raise typer.Exit(UNDETERMINED if result.unknown else 0)
