"""`verify`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from arcgit.archive.events.append import Appended
from arcgit.archive.examine import Request
from arcgit.archive.verify import SecondOpinion, Times
from arcgit.archive.verify import verify as run_verify
from arcgit.archive.verifylog import logged
from arcgit.cli import complete, fixity_options, output
from arcgit.cli.app import opened
from arcgit.cli.archive_commands import NonAtomic, signer_of
from arcgit.cli.clock import now
from arcgit.cli.ledger_commands import NoPush, event_facts, exchange_of
from arcgit.cli.options import Json, TrustRoot
from arcgit.errors import UsageError
from arcgit.model.text import escape
from arcgit.report import findings as found
from arcgit.report import looked


class Level(str, Enum):
    """How deep to look."""

    signatures = "signatures"
    presence = "presence"
    fixity = "fixity"


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: arcgit verify --level fixity")(verify)


def verify(
    context: typer.Context,
    records: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECORD]...", help="Default: all records.", autocompletion=complete.records),
    ] = None,
    *,
    level: Annotated[
        Level,
        typer.Option(
            help="signatures: no network. presence: the data is in its remote. fixity: every byte of it is hashed."
        ),
    ] = Level.signatures,
    remote: Annotated[
        str | None,
        typer.Option("--remote", metavar="NAME", help="Look at the data in this DVC remote, as in a replica."),
    ] = None,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="An archive without records passes.")] = False,
    cross_check: Annotated[
        str | None,
        typer.Option(
            "--cross-check",
            metavar="N|all",
            help="Put so many signatures, chosen at random, before gpgv and ssh-keygen too.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, max=64, help="How many objects are read at a time.", show_default=False),
    ] = None,
    sample: Annotated[
        str | None, typer.Option(metavar="N|N%", help="Only so many objects, chosen at random.", show_default=False)
    ] = None,
    seed: Annotated[str, typer.Option(help="Draw the sample that was drawn with this seed.", show_default=False)] = "",
    since: Annotated[
        str | None,
        typer.Option(
            metavar="90d|DATE",
            help="Only what no event on the ledger says was proven since, oldest proof first.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a fixity run that was interrupted.")] = False,
    log: Annotated[
        bool | None,
        typer.Option(
            "--log/--no-log",
            help="Put a signed `verified` event on the ledger, for presence and fixity.",
            show_default=False,
        ),
    ] = None,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    max_age: Annotated[
        int | None,
        typer.Option(metavar="DAYS", min=0, help="Not a pass where the newest event claims to be older."),
    ] = None,
    json: Json = False,
) -> None:
    """Judge the archive: everything is still exactly what was signed by somebody trusted then, or it says what is not."""
    if remote is not None and level is Level.signatures:
        message = "--remote is about data, and the level signatures looks at none"
        raise UsageError("usage", message, f"arcgit verify --level fixity --remote {remote}")
    repo, moment = opened(context), now()
    chosen = fixity_options.choice(level.value, sample, seed, since, resume=resume, log=log, now=moment)
    with output.bytes_progress() as report:
        result = run_verify(
            repo,
            records or [],
            level=level.value,
            data=Request(remote=remote, jobs=jobs, choice=chosen, resume=resume, now=moment, say=output.note_escaped),
            allow_empty=allow_empty,
            trust_root=trust_root,
            ask=output.ask(),
            times=Times(moment, max_age, waivers=True),
            progress=report,
            second_opinion=_second_opinion(cross_check),
        )
    event, unlogged = None, ""
    if level is not Level.signatures:
        exchange = exchange_of(no_push, non_atomic, trust_root)
        event, unlogged = logged(repo, signer_of(repo), result, wanted=log, exchange=exchange, now=moment)
    if json:
        document = found.document("arcgit/verify/v1", result.verdict, result.scope, result.findings)
        facts = {"event": event_facts(event) if event is not None else None, "unlogged": unlogged or None}
        more = facts if level is not Level.signatures else {}
        output.emit({**document, "records": list(result.records), **more})
    else:
        if result.findings:
            output.say(found.findings_text(result.findings), "")
        output.say(found.verdict_line(result.verdict, looked.scope_words(result.scope)))
        for line in (*looked.left_out(result.scope), *_logged(event, unlogged if log else "")):
            output.say(escape(line))
        if result.scope.get("first_sight"):
            output.say(output.FIRST_SIGHT)
    raise typer.Exit(result.verdict.exit_code)


def _logged(event: Appended | None, unlogged: str) -> list[str]:
    if event is not None:
        return [f"It is event {event.seq} of the ledger."]
    return [f"Not logged: {unlogged}."] if unlogged else []


def _second_opinion(wanted: str | None) -> SecondOpinion | None:
    if wanted is None or wanted == "all":
        return SecondOpinion() if wanted else None
    if not wanted.isdecimal() or not wanted.isascii() or int(wanted[:10]) == 0:
        message = f"--cross-check takes a number from 1, or `all`, not `{wanted}`"
        raise UsageError("usage", message, "arcgit verify --cross-check 100")
    return SecondOpinion(int(wanted))
