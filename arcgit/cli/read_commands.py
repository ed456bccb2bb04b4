"""`list`, `show`, `log`, `verify`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from arcgit.archive import ledger, read
from arcgit.archive.verify import verify as run_verify
from arcgit.cli import output
from arcgit.cli.app import opened
from arcgit.cli.setup_commands import Json, TrustRoot
from arcgit.model.event import Event
from arcgit.model.names import RecordName
from arcgit.model.text import count
from arcgit.report import findings as found
from arcgit.report import pages

Record = Annotated[str, typer.Argument(metavar="RECORD", help="A tag name, a run id, or a unique prefix of one.")]


class Level(str, Enum):
    """How deep to look."""

    signatures = "signatures"
    presence = "presence"
    fixity = "fixity"


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command("list", epilog="Example: arcgit list --json")(list_)
    app.command(epilog="Example: arcgit show 3f9c0a")(show)
    app.command(epilog="Example: arcgit log churn/baseline")(log)
    app.command(epilog="Example: arcgit verify --level fixity")(verify)


def list_(context: typer.Context, json: Json = False) -> None:
    """List every record, newest first."""
    listing = read.list_records(opened(context))
    rows = [row.to_dict() for row in listing.rows]
    if json:
        skipped = [{"tag": tag, "reason": reason} for tag, reason in listing.unreadable]
        output.emit({"schema": "arcgit/list/v1", "records": rows, "unreadable": skipped})
        return
    if rows:
        output.say(pages.records_table(rows, output.console().width))
    else:
        output.note("no records here; arcgit record seals one, arcgit sync fetches them")
    if listing.unreadable:
        output.note(f"{count(len(listing.unreadable), 'tag')} could not be read as a record; see: arcgit verify")


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
    record: Annotated[str | None, typer.Argument(metavar="[RECORD]", help="Only this record's events.")] = None,
    json: Json = False,
) -> None:
    """Show the ledger: everything that happened, in order."""
    entries = read.log(opened(context), record)
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


def verify(
    context: typer.Context,
    records: Annotated[list[str] | None, typer.Argument(metavar="[RECORD]...", help="Default: all records.")] = None,
    level: Annotated[
        Level,
        typer.Option(
            help="signatures: no network. presence: the data is in its remote. fixity: every byte of it is hashed."
        ),
    ] = Level.signatures,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="An archive without records passes.")] = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Judge the archive: everything is still exactly what was signed by somebody trusted then, or it says what is not."""
    with output.progress() as report:
        result = run_verify(
            opened(context),
            records or [],
            level=level.value,
            allow_empty=allow_empty,
            trust_root=trust_root,
            ask=output.ask(),
            progress=report,
        )
    if json:
        document = found.document("arcgit/verify/v1", result.verdict, result.scope, result.findings)
        output.emit({**document, "records": result.records})
    else:
        if result.findings:
            output.say(found.findings_text(result.findings), "")
        output.say(found.verdict_line(result.verdict, _scope(result.scope)))
    raise typer.Exit(result.verdict.exit_code)


def _scope(scope: dict[str, object]) -> str:
    parts = [count(int(str(scope["records_checked"])), "record"), count(int(str(scope["events"])), "event")]
    if scope["policy_version"] is not None:
        parts.append(f"policy {scope['policy_version']} ({str(scope['policy_digest'])[:12]})")
    parts.append(f"level {scope['level']}")
    if "objects_checked" in scope:
        parts.append(count(int(str(scope["objects_checked"])), "object"))
    if scope["ledger_tip"]:
        parts.append(f"ledger {str(scope['ledger_tip'])[:12]}")
    return ", ".join(parts)
