"""`show` and `log`."""

from __future__ import annotations

from typing import Annotated

import typer

from arcgit.archive import ledger, read
from arcgit.cli import complete, output
from arcgit.cli.app import opened
from arcgit.cli.options import Json, Record
from arcgit.model.event import Event
from arcgit.model.names import RecordName
from arcgit.report import findings as found
from arcgit.report import pages


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(epilog="Example: arcgit show 3f9c0a")(show)
    app.command(epilog="Example: arcgit log churn/baseline")(log)


def show(context: typer.Context, record: Record, json: Json = False) -> None:
    """Show one record: what was trained, from what, with which results, and what happened to it since."""
    page = read.show(opened(context), record)
    if json:
        output.emit({"schema": "arcgit/show/v1", "record": page.to_dict()})
        return
    output.say(pages.record_page(page.to_dict()))
    if page.findings:
        output.say("", found.findings_text(page.findings))


def log(
    context: typer.Context,
    record: Annotated[
        str | None,
        typer.Argument(metavar="[RECORD]", help="Only this record's events.", autocompletion=complete.records),
    ] = None,
    json: Json = False,
) -> None:
    """Show the ledger: everything that happened, in order."""
    entries = read.log(opened(context, only_read=True), record)
    if json:
        events = [{"oid": oid, **ledger.to_dict(event)} for oid, event in entries]
        output.emit({"schema": "arcgit/log/v1", "events": events})
        return
    rows = [(event.seq, event.time, event.type, _about(event), event.actor, oid) for oid, event in entries]
    output.say(pages.events_table(rows))


def _about(event: Event) -> str:
    name = RecordName.parse(event.subject.refname) if event.subject else None
    if name is not None:
        return f"{name.project}/{name.experiment} {name.short_id}"
    return f"version {event.data.get('version')}" if event.type == "policy" else ""
