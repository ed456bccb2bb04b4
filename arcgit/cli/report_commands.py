"""`audit-report`."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from arcgit.archive.auditing.audit import Request
from arcgit.archive.auditing.audit import audit as run_audit
from arcgit.cli import output
from arcgit.cli.app import Globals, opened
from arcgit.cli.clock import now
from arcgit.cli.fixity_options import Level
from arcgit.cli.options import Json, TrustRoot
from arcgit.model.finding import Severity
from arcgit.report import audit_json, audit_markdown, audit_text
from arcgit.report.audit import Report
from arcgit.report.findings import summary, verdict_line

FILE_WIDTH = 100


class Format(str, Enum):
    """How the report is written."""

    text = "text"
    md = "md"
    json = "json"


class FailOn(str, Enum):
    """From which severity on the verdict is fail."""

    error = "error"
    unknown = "unknown"
    warning = "warning"


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command("audit-report", epilog="Example: arcgit audit-report --base origin/main --format md -o report.md")(
        audit_report
    )


def audit_report(
    context: typer.Context,
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="Only what is new since HEAD left this. Default: everything.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to write the report.")] = Format.text,
    to: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report here instead of showing it.")
    ] = None,
    fail_on: Annotated[
        FailOn,
        typer.Option(help="From this severity on it fails. Without it an unknown ends with 3, a warning with 0."),
    ] = FailOn.error,
    level: Annotated[
        Level, typer.Option(help="As for verify; presence and fixity look at the data of the records in the report.")
    ] = Level.signatures,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Nothing to report on passes.")] = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Report to a reviewer: the verdict, who signed, what changed in data, parameters and metrics, and the evidence."""
    asked = Request(base, level.value, allow_empty, Severity(fail_on.value), trust_root)
    with output.progress() as progress:
        report = run_audit(opened(context), asked, today=now().date(), ask=output.ask(), progress=progress)
    chosen = Format.json if json else form
    if to is not None:
        options: Globals = context.obj
        output.write(options.folder / to, _pieces(report, chosen))
        output.note(verdict_line(report.verdict, f"{summary(report.findings)}; the report is in {to}"))
    elif chosen is Format.json:
        output.emit_pieces(audit_json.pieces(report, output.as_json))
    elif chosen is Format.md:
        typer.echo(audit_markdown.render(report), nl=False)
    else:
        screen = output.console()
        if screen.is_terminal:
            for piece in audit_text.render(report, screen.width):
                screen.print(piece)
        else:
            output.lines(audit_text.plain(report, screen.width))
    raise typer.Exit(report.verdict.exit_code)


def _pieces(report: Report, form: Format) -> Iterator[str]:
    """What is written to a file, in pieces: a whole archive is more than memory has room for."""
    if form is Format.json:
        yield from audit_json.pieces(
            report, lambda part: jsonlib.dumps(part, ensure_ascii=True, indent=2, allow_nan=False)
        )
    elif form is Format.md:
        yield audit_markdown.render(report)
    else:
        yield from (f"{piece}\n" for piece in audit_text.plain(report, FILE_WIDTH))
