"""`restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from arcgit.archive.restoring.restore import Request, Restored
from arcgit.archive.restoring.restore import restore as run_restore
from arcgit.archive.restoring.restoretally import FileResult, State
from arcgit.cli import output
from arcgit.cli.app import Globals, opened
from arcgit.cli.clock import now
from arcgit.cli.events import event_facts, exchange_of, signer_of
from arcgit.cli.options import Json, NonAtomic, NoPush, Record, TrustRoot
from arcgit.model.text import count, escape, size
from arcgit.report import findings as found

HELP_ONLY = "A role, an artifact's name, a path, a folder or a pattern such as 'data/**/*.csv'. Can be repeated."


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: arcgit restore 3f9c0a --only model --to out")(restore)


def restore(
    context: typer.Context,
    record: Record,
    *,
    more: Annotated[list[str] | None, typer.Argument(metavar="[PART]...", help="More of what --only takes.")] = None,
    only: Annotated[list[str] | None, typer.Option("--only", metavar="PART", help=HELP_ONLY)] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where to; files get the paths that they have in the repository."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there and differ.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; show files, sizes and sources.")] = False,
    reason: Annotated[str, typer.Option("--message", "-m", metavar="WHY", help="Why; it stays on the ledger.")] = "",
    no_log: Annotated[bool, typer.Option("--no-log", help="Put no `restored` event on the ledger.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="How many files are read at a time.")] = 4,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Write the files of a record out again, every byte proven, from whichever place has good ones."""
    repo = opened(context)
    options: Globals = context.obj
    asked = Request(
        record=record,
        folder=options.folder / to if to is not None else None,
        only=(*(only or ()), *(more or ())),
        force=force,
        dry_run=dry_run,
        reason=reason,
        log=not no_log,
        jobs=jobs,
    )
    rows: list[bytes] = []
    shown: list[FileResult] = []

    def keep(result: FileResult) -> None:
        if json:
            rows.append(msgspec.json.encode(result._asdict()))
        elif dry_run:
            shown.append(result)

    with output.bytes_progress("restoring") as report:
        result = run_restore(
            repo,
            signer_of(repo),
            asked,
            exchange=exchange_of(no_push, non_atomic, trust_root),
            now=now(),
            progress=report,
            on_file=keep,
        )
    if json:
        rows.sort()
        output.emit_many(_document(result, asked), "files", rows)
    else:
        _say(result, asked, shown)
    raise typer.Exit(result.verdict.exit_code)


def _document(result: Restored, asked: Request) -> dict[str, Any]:
    states: tuple[State, ...] = ("planned" if asked.dry_run else "restored", "kept", "failed")
    return {
        "schema": "arcgit/restore/v1",
        "tag": result.tag,
        "tag_oid": result.tag_oid,
        "verdict": result.verdict.value,
        "dry_run": asked.dry_run,
        "to": str(asked.folder) if asked.folder is not None else None,
        "whole": result.whole,
        "counts": {state: {"files": result.count(state), "bytes": result.size(state)} for state in states},
        "event": event_facts(result.event) if result.event is not None else None,
        "unlogged": result.unlogged or None,
        "findings": [finding.to_dict() for finding in result.findings],
    }


def _say(result: Restored, asked: Request, shown: list[FileResult]) -> None:
    for row in sorted(shown):
        source = f"from {escape(row.source)}" if row.source else {"kept": "there already"}.get(row.state, "nowhere")
        output.say(f"{row.state:<9}{escape(row.path)}  {size(row.size)}  {source}")
    if not asked.dry_run:
        for name, tally in result.tallies.items():
            given = ", ".join(escape(source) for source in tally.sources)
            fact = result.facts[name]
            files = sum(number for state, number in tally.files.items() if state != "failed")
            output.say(f"{name}  {escape(fact.path)}  {count(files, 'file')}{f' from {given}' if given else ''}")
    if result.findings:
        output.say(found.findings_text(result.findings), "")
    if not result.tag_oid:
        output.say(found.verdict_line(result.verdict, "nothing was written: the record does not verify"))
        return
    done: State = "planned" if asked.dry_run else "restored"
    word = "to restore" if asked.dry_run else "restored"
    parts = [f"{count(result.count(done), 'file')} {word} ({size(result.size(done))})"]
    if kept := result.count("kept"):
        parts.append(f"{count(kept, 'file')} there already")
    if failed := result.count("failed"):
        parts.append(f"{count(failed, 'file')} not restored")
    output.say(found.verdict_line(result.verdict, f"{result.tag}: {', '.join(parts)}"))
    if result.event is not None:
        output.say(f"It is event {result.event.seq} of the ledger.")
        if result.event.here and asked.log:
            output.aside("The event is only here until arcgit sync.")
