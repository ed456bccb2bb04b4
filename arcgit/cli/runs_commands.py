"""`runs log` and `runs list`: runs that failed or that nobody sealed are counted too.

The group is called as in `mlflow runs`: nobody takes it for what executes something, as `dvc exp run` or `datalad run` do.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from arcgit.archive import ledger
from arcgit.archive.events import runs as archive
from arcgit.archive.events.runs import Asked, Listed
from arcgit.cli import complete, output
from arcgit.cli.app import opened
from arcgit.cli.archive_commands import folder_of
from arcgit.cli.clock import now
from arcgit.cli.events import event_facts, exchange_of, say_pushed, signer_of
from arcgit.cli.options import Json, NonAtomic, NoPush, TrustRoot
from arcgit.report import eventlog, pages

runs_app = typer.Typer(help="Runs that failed or were never sealed: sign for them, count them.", no_args_is_help=True)


class Outcome(str, Enum):
    """How a run ended."""

    failed = "failed"
    succeeded = "succeeded"


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.add_typer(runs_app, name="runs")


@runs_app.command(epilog="Example: arcgit runs log -m 'Diverged after three epochs'")
def log(
    context: typer.Context,
    outcome: Annotated[Outcome, typer.Option(help="How it ended.")] = Outcome.failed,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why; it stays on the ledger.")] = "",
    rev: Annotated[str, typer.Option(metavar="REV", help="The commit that was run.")] = "HEAD",
    manifest: Annotated[
        str | None, typer.Option(metavar="PATH", help="Which arcgit.yaml, where there are several.")
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(
            metavar="[PROJECT/]NAME",
            help="Its experiment, where no manifest says so.",
            autocompletion=complete.experiments,
        ),
    ] = None,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Log a run that failed or is not sealed, so that it is not forgotten: one signed event, no data."""
    repo = opened(context)
    asked = Asked(outcome.value, comment.strip(), rev, manifest, folder_of(context, repo), experiment)
    exchange = exchange_of(no_push, non_atomic, trust_root)
    done = archive.log(repo, signer_of(repo), asked, exchange=exchange, now=now())
    project, name = done.experiment
    if json:
        body = {"project": project, "experiment": name, "commit": done.commit, "outcome": outcome.value}
        output.emit({"schema": "arcgit/runs-log/v1", **event_facts(done.event), **body, "runs": done.runs.to_dict()})
        return
    output.say(f"Logged a run of {project}/{name} that {outcome.value}, with event {done.event.seq}.")
    output.say(f"{project}/{name}: {pages.runs_words(done.runs)}.")
    say_pushed(repo, done.event)


@runs_app.command("list", epilog="Example: arcgit runs list churn/baseline")
def list_(
    context: typer.Context,
    experiment: Annotated[
        str | None,
        typer.Argument(
            metavar="[EXPERIMENT]", help="Only this one, with its logged runs.", autocompletion=complete.experiments
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Count the runs of every experiment, and how many of them were sealed. What nobody logged is not known."""
    found = archive.listed(opened(context, only_read=True), experiment)
    if json:
        output.emit({"schema": "arcgit/runs-list/v1", "experiments": [_facts(row) for row in found]})
        return
    width = max((len("/".join(row.experiment)) for row in found), default=0)
    for row in found:
        output.say(f"{'/'.join(row.experiment):<{width}}  {pages.runs_words(row.runs)}")
    if experiment is not None:
        events = [(oid, ledger.to_dict(event)) for row in found for oid, event in row.logged]
        output.lines(eventlog.render(events, output.console().width, output.painter(events=True)))
    if not found:
        output.note("no runs and no records here; arcgit runs log writes one down, arcgit sync fetches them")


def _facts(row: Listed) -> dict[str, Any]:
    events = [{"oid": oid, **ledger.to_dict(event)} for oid, event in row.logged]
    return {"project": row.experiment[0], "experiment": row.experiment[1], **row.runs.to_dict(), "events": events}
