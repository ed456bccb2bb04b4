"""`diff` and `lineage`: two records side by side, and what one was made from."""

from __future__ import annotations

import json as jsons
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from arcgit.archive.compare import diff as run_diff
from arcgit.archive.lineage import Traced, trace
from arcgit.cli import output
from arcgit.cli.app import Globals, opened
from arcgit.cli.options import Json, Record
from arcgit.errors import UsageError
from arcgit.model.text import count, escape
from arcgit.report import comparison as pages
from arcgit.report import drawing, graphs
from arcgit.report import findings as found
from arcgit.report.lineage import lineage_tree

UNDETERMINED = 3
_FILE_WIDTH = 100


class Form(str, Enum):
    """How a lineage is written."""

    text = "text"
    mermaid = "mermaid"
    dot = "dot"
    svg = "svg"
    json = "json"


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(epilog="Example: arcgit diff 3f9c0a 7c2800")(diff)
    app.command(epilog="Example: arcgit lineage 3f9c0a --format svg -o lineage.svg")(lineage)


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
        width = output.console().width
        output.say_table(pages.comparison_table(document["before"], document["after"], result.comparison, width))
        output.say("", pages.verdict_text(result.comparison))
        if result.findings:
            output.say("", found.findings_text(result.findings))
    raise typer.Exit(UNDETERMINED if result.unknown else 0)


def lineage(
    context: typer.Context,
    record: Record,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.text,
    to: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to standard output.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what a record was made from: its stages, data, scripts and parameters, back to imports and other records.

    Exit code 3 where the lineage is not in this clone; what the record itself says is shown.
    """
    if json and (to is not None or form not in {Form.text, Form.json}):
        raise UsageError("usage", "--json prints JSON to standard output", "leave out --json, or use --format json")
    result = trace(opened(context), record)
    if json or (form is Form.json and to is None):
        output.emit(_document(result))
    elif form is Form.text and to is None:
        output.say(lineage_tree(result.graph, output.console().width))
    elif to is None:
        typer.echo(_written(result, form), nl=False)
    else:
        options: Globals = context.obj
        output.write(options.folder / to, [_written(result, form)])
        output.note(f"wrote {escape(str(to))}")
    if not json and form is not Form.json:
        _remarks(result)
    raise typer.Exit(UNDETERMINED if result.unknown else 0)


def _document(result: Traced) -> dict[str, Any]:
    return {"schema": "arcgit/lineage/v1", **result.to_dict()}


def _written(result: Traced, form: Form) -> str:
    match form:
        case Form.text:
            return lineage_tree(result.graph, _FILE_WIDTH).plain
        case Form.mermaid:
            return graphs.mermaid(result.graph)
        case Form.dot:
            return graphs.dot(result.graph)
        case Form.svg:
            return drawing.svg(result.graph)
        case Form.json:
            return jsons.dumps(_document(result), indent=2, allow_nan=False) + "\n"


def _remarks(result: Traced) -> None:
    """What is wrong with the record goes to standard error: the drawing may be on its way into a file."""
    if result.findings:
        output.note(found.findings_text(result.findings).plain)
    if result.unreadable:
        output.note(f"{count(len(result.unreadable), 'tag')} could not be asked for links; see: arcgit verify")
