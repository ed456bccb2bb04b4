"""`review`, `evaluate` and `retire`: a person's signed word on a record."""

from __future__ import annotations

from typing import Annotated

import typer

from arcgit.archive.events.evaluate import evaluate as run_evaluate
from arcgit.archive.events.retire import retire as run_retire
from arcgit.archive.events.review import review as run_review
from arcgit.cli import complete, output
from arcgit.cli.app import opened
from arcgit.cli.clock import now
from arcgit.cli.events import event_facts, exchange_of, say_pushed, signer_of
from arcgit.cli.options import Json, NonAtomic, NoPush, Record, TrustRoot
from arcgit.errors import UsageError
from arcgit.model.text import count, escape, word


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(epilog="Example: arcgit review 3f9c0a --approve -m 'Metrics and splits checked'")(review)
    app.command(
        epilog="Example: arcgit evaluate 3f9c0a --outcome reproduced --metric auc=0.91 -m 'On the new machine'"
    )(evaluate)
    app.command(epilog="Example: arcgit retire 3f9c0a --superseded-by 7c2800 --reason 'Better features'")(retire)


def review(
    context: typer.Context,
    record: Record,
    comment: Annotated[str, typer.Option("--comment", "-m", help="Why; it stays on the ledger.")],
    approve: Annotated[bool, typer.Option("--approve", help="The record is good.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="The record is not good.")] = False,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Approve or reject a record that somebody else recorded. The last word of each reviewer counts."""
    if approve == reject:
        raise UsageError("usage", "say either --approve or --reject", f"arcgit review {word(record)} --approve -m WHY")
    if not comment.strip():
        raise UsageError("usage", "a review says why", f"arcgit review {word(record)} --approve -m WHY")
    repo = opened(context)
    done = run_review(
        repo,
        signer_of(repo),
        record,
        outcome="approved" if approve else "rejected",
        comment=comment,
        exchange=exchange_of(no_push, non_atomic, trust_root),
        now=now(),
    )
    if json:
        output.emit(
            {"schema": "arcgit/review/v1", "tag": done.tag, **event_facts(done.event), **done.standing.to_dict()}
        )
        return
    said = done.standing
    output.say(f"{'Approved' if approve else 'Rejected'} {done.tag} with event {done.event.seq}.")
    against = f", rejected by {', '.join(said.rejected)}" if said.rejected else ""
    output.say(f"It is {said.word}: {count(len(said.approved), 'approval')} of {said.needed}{against}.")
    say_pushed(repo, done.event)


def evaluate(
    context: typer.Context,
    record: Record,
    outcome: Annotated[
        str, typer.Option(help="In a word: reproduced, differs, failed, or what your team says.", show_default=False)
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="What was measured this time, by the sealed name; several times."),
    ] = None,
    comment: Annotated[str, typer.Option("--comment", "-m", help="How; it stays on the ledger.")] = "",
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Sign what came of running a record again or measuring it anew; `show` puts it beside the sealed metrics."""
    repo = opened(context)
    done = run_evaluate(
        repo,
        signer_of(repo),
        record,
        outcome=outcome,
        metrics=metric or [],
        comment=comment,
        exchange=exchange_of(no_push, non_atomic, trust_root),
        now=now(),
    )
    if json:
        body = {"tag": done.tag, **event_facts(done.event), "by_recorder": done.own}
        output.emit({"schema": "arcgit/evaluate/v1", **body})
        return
    output.say(f"Evaluated {done.tag} with event {done.event.seq}: {escape(outcome)}.")
    if done.own:
        output.say(f"{done.actor} recorded it, and the report will say so.")
    say_pushed(repo, done.event)


def retire(
    context: typer.Context,
    record: Record,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; it stays on the ledger.")],
    superseded_by: Annotated[
        str | None,
        typer.Option(
            "--superseded-by",
            metavar="RECORD",
            help="The record that takes its place.",
            autocompletion=complete.records,
        ),
    ] = None,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Say that a record is no longer in use. It stays; the same content may be recorded anew."""
    if not reason.strip():
        raise UsageError("usage", "a retirement says why", f"arcgit retire {word(record)} --reason WHY")
    repo = opened(context)
    exchange = exchange_of(no_push, non_atomic, trust_root)
    done = run_retire(
        repo, signer_of(repo), record, reason=reason, successor=superseded_by, exchange=exchange, now=now()
    )
    if json:
        named = {"superseded_by": done.successor} if done.successor else {}
        output.emit({"schema": "arcgit/retire/v1", **event_facts(done.event), **named})
        return
    instead = f"; in its place there is {done.successor}" if done.successor else ""
    output.say(f"Retired {escape(record)} with event {done.event.seq}{instead}.")
    say_pushed(repo, done.event)
