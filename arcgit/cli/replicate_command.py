"""`replicate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from arcgit.archive.context import Context
from arcgit.archive.replicas.replicate import Replicated, Request
from arcgit.archive.replicas.replicate import replicate as run_replicate
from arcgit.archive.search import search as run_search
from arcgit.cli import complete, output
from arcgit.cli.app import opened
from arcgit.cli.clock import now
from arcgit.cli.events import event_facts, exchange_of, signer_of
from arcgit.cli.options import Json, NonAtomic, NoPush, TrustRoot
from arcgit.cli.search_commands import parsed
from arcgit.errors import UsageError
from arcgit.model.text import count, escape, size
from arcgit.report import findings as found

SHOWN = 50
STEPS = ("looking", "copying", "reading back")
Records = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[RECORD]...", help="Default: all that are not proven there.", autocompletion=complete.records
    ),
]
Query = Annotated[
    str | None, typer.Option("--query", "-q", metavar="QUERY", help="The records that `arcgit search` finds.")
]
Again = Annotated[bool, typer.Option("--all", help="Those that are proven there too: read them back again.")]
GitRemote = Annotated[
    str | None, typer.Option("--git-remote", metavar="NAME", help="Push records and ledger to this git remote too.")
]
WithRefs = Annotated[
    bool, typer.Option("--with-refs", help="Put records and ledger into REMOTE's folder with `.git` at its end.")
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, max=64, help="How many objects go at a time; default: 4, over a network 8."),
]


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: arcgit replicate offline")(replicate)


def replicate(
    context: typer.Context,
    remote: Annotated[str, typer.Argument(metavar="REMOTE", help="A remote in DVC's configuration.")],
    records: Records = None,
    *,
    query: Query = None,
    again: Again = False,
    imports: Annotated[bool, typer.Option("--imports", help="Copy imported data too.")] = False,
    git_remote: GitRemote = None,
    with_refs: WithRefs = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; show objects, bytes and sources.")] = False,
    jobs: Jobs = None,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Copy the data of records into a second remote, read every byte back, and put the proof on the ledger."""
    repo = opened(context)
    named = [*(records or ()), *(_found(repo, query, json=json) if query is not None else ())]
    asked = Request(
        remote=remote,
        records=named,
        again=again,
        imports=imports,
        dry_run=dry_run,
        git_remote=git_remote,
        with_refs=with_refs,
        jobs=jobs,
    )
    with output.bytes_progress(*STEPS) as report:
        result = run_replicate(
            repo,
            signer_of(repo),
            asked,
            exchange=exchange_of(no_push, non_atomic, trust_root),
            now=now(),
            progress=report,
        )
    if json:
        output.emit(_document(result, asked))
    else:
        _say(result, asked)
    raise typer.Exit(result.verdict.exit_code)


def _found(repo: Context, query: str, *, json: bool) -> list[str]:
    rows = run_search(repo, parsed(query, json=json), show=lambda row: row.ref.name).rows
    if not rows:
        raise UsageError("record-unknown", f"no record is what `{escape(query)}` asks for", "arcgit search QUERY")
    return rows


def _document(result: Replicated, asked: Request) -> dict[str, Any]:
    states = ("planned", "kept", "failed") if asked.dry_run else ("copied", "kept", "failed")
    work = result.work
    objects = [
        {
            "hash": one.wanted.oid.hash_name,
            "md5": one.wanted.oid.value,
            "sha256": one.wanted.sha256,
            "size": one.wanted.size,
            "subject": one.wanted.subject,
            "state": one.state,
            "proven": work is not None and work.proven(one.wanted.number) is not None,
            "source": one.source,
        }
        for one in (work.results() if work is not None else ())
    ]
    refs = result.refs
    return {
        "schema": "arcgit/replicate/v1",
        "verdict": result.verdict.value,
        "remote": result.remote,
        "dry_run": asked.dry_run,
        "records": [{"tag": name.tag, "proven": name.refname in result.proven} for name in sorted(result.records)],
        "proven_before": result.before,
        "counts": {state: vars(result.count(state)) for state in states},  # type: ignore[arg-type]
        "read_back": vars(result.read_back),
        "event": event_facts(result.event) if result.event is not None else None,
        "refs": {"place": refs.place, "there": refs.there, "pushed": refs.pushed} if refs is not None else None,
        "findings": [finding.to_dict() for finding in result.findings],
        "objects": sorted(objects, key=lambda row: (row["subject"], row["md5"])),
    }


def _say(result: Replicated, asked: Request) -> None:
    if asked.dry_run and result.work is not None:
        _say_plan(result)
    if result.findings:
        output.say(found.findings_text(result.findings), "")
    output.say(found.verdict_line(result.verdict, _summary(result, asked)))
    if result.event is not None:
        output.say(f"It is event {result.event.seq} of the ledger.")
        if result.event.here:
            output.aside("The event is only here until arcgit sync.")
    if result.refs is not None:
        there = f"{count(result.refs.there, 'ref')} in {escape(result.refs.place)}"
        output.say(f"{there}, {len(result.refs.pushed)} of them pushed now.")


def _say_plan(result: Replicated) -> None:
    rows = sorted(
        result.work.results() if result.work is not None else (),
        key=lambda one: (one.state != "failed", one.state == "kept", one.wanted.subject),
    )
    for one in rows[:SHOWN]:
        source = f"from {escape(one.source)}" if one.source else {"kept": "there already"}.get(one.state, "nowhere")
        length = size(one.wanted.size) if one.wanted.size is not None else "size not known"
        output.say(f"{one.state:<8}{escape(one.wanted.subject)}  {length}  {source}")
    if len(rows) > SHOWN:
        output.say(f"… and {len(rows) - SHOWN} more; --json has all of them")


def _summary(result: Replicated, asked: Request) -> str:
    remote = escape(result.remote)
    if not result.records:
        if result.before:
            before = f"{count(result.before, 'record')} proven in {remote} before"
            return f"nothing to copy: {before}; --all reads them back again"
        return f"nothing to copy to {remote}"
    if asked.dry_run:
        planned, kept = result.count("planned"), result.count("kept")
        return (
            f"{count(len(result.records), 'record')}: {count(planned.objects, 'object')} to copy to {remote}"
            f" ({size(planned.bytes)}), {count(kept.objects, 'object')} there already"
        )
    copied, kept, read = result.count("copied"), result.count("kept"), result.read_back
    return (
        f"{len(result.proven)} of {count(len(result.records), 'record')} proven in {remote}:"
        f" {count(copied.objects, 'object')} copied ({size(copied.bytes)}), {kept.objects} there already,"
        f" {read.objects} read back ({size(read.bytes)})"
    )
