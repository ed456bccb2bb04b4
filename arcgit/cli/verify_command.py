"""`verify`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from arcgit.archive.events.append import Appended
from arcgit.archive.verify import SecondOpinion, Times, VerifyResult
from arcgit.archive.verify import verify as run_verify
from arcgit.cli import complete, fixity_options, output
from arcgit.cli.app import opened
from arcgit.cli.clock import now
from arcgit.cli.events import event_facts, exchange_of, signer_of
from arcgit.cli.fixity_options import Depth, Jobs, Level, Log, Remote, Resume, Sample, Seed, Since
from arcgit.cli.options import Json, NonAtomic, NoPush, TrustRoot
from arcgit.errors import UsageError
from arcgit.model.text import escape, word
from arcgit.report import findings as found
from arcgit.report import looked

AllowEmpty = Annotated[bool, typer.Option("--allow-empty", help="An archive without records passes.")]
CrossCheck = Annotated[
    str | None,
    typer.Option(
        "--cross-check",
        metavar="N|all",
        help="Put so many signatures, chosen at random, before gpgv and ssh-keygen too.",
        show_default=False,
    ),
]
MOST_DAYS = 366_000
"""A thousand years: behind that the calendar of computers begins."""
MaxAge = Annotated[
    int | None,
    typer.Option(metavar="DAYS", min=0, max=MOST_DAYS, help="Not a pass where the newest event claims to be older."),
]


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
    level: Depth = Level.signatures,
    remote: Remote = None,
    allow_empty: AllowEmpty = False,
    cross_check: CrossCheck = None,
    jobs: Jobs = None,
    sample: Sample = None,
    seed: Seed = "",
    since: Since = None,
    resume: Resume = False,
    log: Log = None,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    max_age: MaxAge = None,
    json: Json = False,
) -> None:
    """Judge the archive: everything is still exactly what was signed by somebody trusted then, or it says what is not."""
    if remote is not None and level is Level.signatures:
        message = "--remote is about data, and the level signatures looks at none"
        raise UsageError("usage", message, f"arcgit verify --level fixity --remote {word(remote)}")
    repo, moment = opened(context), now()
    chosen = fixity_options.choice(level.value, sample, seed, since, resume=resume, log=log, now=moment)
    data = None
    if level is not Level.signatures:
        from arcgit.archive.looking.examine import Request  # noqa: PLC0415  signatures need nothing of this

        data = Request(remote=remote, jobs=jobs, choice=chosen, resume=resume, now=moment, say=output.note_escaped)
    with output.bytes_progress() as report:
        result = run_verify(
            repo,
            records or [],
            level=level.value,
            data=data,
            allow_empty=allow_empty,
            trust_root=trust_root,
            ask=output.ask(),
            times=Times(moment, max_age, waivers=True),
            progress=report,
            second_opinion=_second_opinion(cross_check),
        )
    event, unlogged = None, ""
    if level is not Level.signatures:
        from arcgit.archive.looking.verifylog import logged  # noqa: PLC0415

        exchange = exchange_of(no_push, non_atomic, trust_root)
        event, unlogged = logged(repo, signer_of(repo), result, wanted=log, exchange=exchange, now=moment)
    if json:
        document = found.document("arcgit/verify/v1", result.verdict, result.scope, result.findings)
        facts = {"event": event_facts(event) if event is not None else None, "unlogged": unlogged or None}
        more = facts if level is not Level.signatures else {}
        output.emit({**document, "records": list(result.records), **more})
    else:
        _say(result, _logged(event, unlogged if log else ""))
    raise typer.Exit(result.verdict.exit_code)


def _say(result: VerifyResult, logged_as: Sequence[str]) -> None:
    if result.findings:
        output.say(found.findings_text(result.findings), "")
    output.say(found.verdict_line(result.verdict, looked.scope_words(result.scope)))
    for line in (*looked.left_out(result.scope), *logged_as):
        output.say(escape(line))
    if result.scope.get("first_sight"):
        output.say(output.FIRST_SIGHT)


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
