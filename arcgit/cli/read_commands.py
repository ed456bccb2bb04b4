"""`show` and `log`."""

from __future__ import annotations

from typing import Annotated

import typer

from arcgit.archive import ledger, read
from arcgit.cli import complete, output
from arcgit.cli.app import opened
from arcgit.cli.clock import now
from arcgit.cli.options import Json, Record
from arcgit.errors import UsageError
from arcgit.model.event import TYPES
from arcgit.model.text import count, escape
from arcgit.report import eventlog, pages
from arcgit.report import findings as found
from arcgit.rules.choosing import Choice, choose
from arcgit.rules.comparing import ValueFormError


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(epilog="Example: arcgit show 3f9c0a")(show)
    app.command(epilog="Example: arcgit log churn/baseline --type reviewed --since 2026-05")(log)


def show(context: typer.Context, record: Record, json: Json = False) -> None:
    """Show one record: what was trained, from what, with which results, and what happened to it since."""
    page = read.show(opened(context), record, today=now().date())
    if json:
        output.emit({"schema": "arcgit/show/v1", "record": page.to_dict()})
        return
    output.say(pages.record_page(page.to_dict(), output.console().width))
    if page.findings:
        output.say("", found.findings_text(page.findings))


def log(
    context: typer.Context,
    record: Annotated[
        str | None,
        typer.Argument(
            metavar="[RECORD|EXPERIMENT]",
            help="Only this record's events, or this experiment's with its runs.",
            autocompletion=complete.records,
        ),
    ] = None,
    number: Annotated[
        int | None, typer.Option("--max-count", "-n", min=1, metavar="N", help="Only the last N.", show_default=False)
    ] = None,
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--type", help="Only events of this type; may be given several times.", autocompletion=complete.event_types
        ),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(help="Only what this person of the policy signed.", autocompletion=complete.people),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="From this claimed time on: 2026, 2026-05, 2026-05-31T12:00.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="TIME", help="Up to this claimed time, all of that day or month with it.")
    ] = None,
    json: Json = False,
) -> None:
    """Show the ledger: everything that happened, in order, the newest last. No signature is checked: verify does that."""
    known = read.log(opened(context, only_read=True), record)
    unknown = sorted(set(kinds or ()) - TYPES - {event.type for _, event in known})
    if unknown:
        message = f"there is no event type `{escape(unknown[0])}`"
        raise UsageError("usage", message, f"one of {', '.join(sorted(TYPES))}")
    try:
        entries = choose(known, Choice(frozenset(kinds or ()), actor, since, until, number))
    except ValueFormError as fault:
        raise UsageError("usage", f"--since and --until: {fault}", "arcgit log --since 2026-05") from fault
    events = [(oid, ledger.to_dict(event)) for oid, event in entries]
    if json:
        output.emit({"schema": "arcgit/log/v1", "events": [{"oid": oid, **event} for oid, event in events]})
        return
    output.lines(eventlog.render(events, output.console().width, output.painter(events=True)))
    if not events and known:
        output.note(f"none of {count(len(known), 'event')} is like that")
