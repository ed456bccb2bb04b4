"""`draft`, `check`, `record`, `sync`."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from arcgit.archive import demands, known, ledger
from arcgit.archive.check import CheckResult
from arcgit.archive.check import check as run_check
from arcgit.archive.context import Context
from arcgit.archive.data import Receipt
from arcgit.archive.drafting.draft import draft as run_draft
from arcgit.archive.drafting.suggest import ROLES
from arcgit.archive.exchanging.sync import SyncResult
from arcgit.archive.exchanging.sync import sync as run_sync
from arcgit.archive.ledger import LedgerView
from arcgit.archive.record import IncompleteError
from arcgit.archive.record import record as run_record
from arcgit.cli import output
from arcgit.cli.app import Globals, opened
from arcgit.cli.clock import now
from arcgit.cli.events import signer_of
from arcgit.cli.options import Json, NonAtomic, TrustRoot
from arcgit.errors import UsageError
from arcgit.git import snapshot
from arcgit.git.snapshot import Snapshot
from arcgit.model.text import count, escape, size, word
from arcgit.report import findings as found
from arcgit.report import pages
from arcgit.rules.completeness import Demands

SHOWN = 20
"""So many of what was exchanged are named one by one."""


class Format(str, Enum):
    """How the findings are written."""

    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(epilog="Example: arcgit draft --experiment baseline")(draft)
    app.command(epilog="Example: arcgit check --rev HEAD --format github")(check)
    app.command(epilog="Example: arcgit record --no-push")(record)
    app.command(epilog="Example: arcgit sync")(sync)


def draft(
    context: typer.Context,
    experiment: Annotated[str | None, typer.Option(help="The experiment's name.")] = None,
    json: Json = False,
) -> None:
    """Write or refresh arcgit.yaml from dvc.yaml, dvc.lock, .dvc, params, metrics and environment files."""
    repo = opened(context)
    view = ledger.in_force(repo)
    policy = view.ledger.policy if view is not None else None
    folder = folder_of(context, repo)
    result = run_draft(
        repo,
        experiment=experiment,
        project=policy.project if policy is not None else None,
        required=tuple(Demands.of(policy).required),
        folder=folder,
        ask=None if json else output.ask_choice(ROLES),
    )
    if json:
        output.emit({"schema": "arcgit/draft/v1", **vars(result)})
        return
    output.say(
        f"{result.path}: {result.outcome}" + (f", {count(len(result.added), 'artifact')} found" if result.added else "")
    )
    for path in result.added:
        output.say(f"  + {escape(path)}" + ("  (role guessed)" if path in result.guessed else ""))
    for path in result.gone:
        output.say(f"  ? {escape(path)} is in the manifest, and nothing tracks it any more")
    asked = [*result.open, *(["the roles that are guessed"] if result.guessed else [])]
    output.say(
        f"For you to decide: {', '.join(asked)}. Then: git add {word(result.path)}"
        if asked
        else f"Next: git add {word(result.path)}"
    )


def folder_of(context: typer.Context, repo: Context) -> str:
    """Where the person stands, relative to the repository's root; empty for the root itself."""
    options: Globals = context.obj
    here, root = Path(options.folder).resolve(), repo.root.resolve()
    return here.relative_to(root).as_posix() if here != root else ""


def check(
    context: typer.Context,
    staged: Annotated[bool, typer.Option("--staged", help="What is staged for the next commit.")] = False,
    rev: Annotated[str | None, typer.Option(metavar="REV", help="The files of one commit.")] = None,
    worktree: Annotated[bool, typer.Option("--worktree", help="The files on disk (the default).")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to write the findings.")] = Format.text,
    json: Json = False,
) -> None:
    """Check that every manifest is complete: the gate of the commit hook, of CI and of the server."""
    if staged + worktree + (rev is not None) > 1:
        raise UsageError("usage", "--staged, --rev and --worktree exclude each other", "arcgit check --help")
    repo = opened(context)
    view = ledger.in_force(repo)
    asked = _demands(repo, view)
    source = _source(repo, staged=staged, rev=rev)
    with source as files, snapshot.of_worktree(repo.root) if staged else nullcontext() as disk:
        kept, origin, before = asked or demands.of_proposal(files, strict=True)
        beside = [known.said_otherwise(repo, view)] if view is not None and not view.faults else []
        beside += [known.not_staged(files, disk)] if disk is not None else []
        result = run_check(
            files,
            root=str(repo.root),
            demands=kept,
            source=origin,
            today=now().date(),
            allow_empty=False,
            before=before,
            beside=lambda found: [finding for look in beside for finding in look(found)],
        )
    if json or form is Format.json:
        output.emit(found.document("arcgit/check/v1", result.verdict, result.scope, result.findings))
    elif form is Format.sarif:
        _emit_sarif(result)
    elif form is Format.github:
        output.say(found.github(result.findings).rstrip("\n") or found.verdict_line(result.verdict, "no findings"))
    else:
        _say(result)
    raise typer.Exit(result.verdict.exit_code)


def _source(repo: Context, *, staged: bool, rev: str | None) -> AbstractContextManager[Snapshot]:
    """The files that are judged."""
    if staged:
        return snapshot.of_index(repo.root)
    if rev is not None:
        return snapshot.of_commit(repo.root, repo.repo.commit_of(rev))
    return snapshot.of_worktree(repo.root)


def _demands(repo: Context, view: LedgerView | None) -> tuple[Demands, str, list[Any]] | None:
    if view is None:
        return None
    policy = view.ledger.policy
    if policy is not None and not view.faults:
        demands.remember(repo.repo.common_dir, view.ledger)
    source = f"policy {policy.version} on the ledger" if policy else "built-in rules"
    return Demands.of(policy), source, list(view.findings)


def _emit_sarif(result: CheckResult) -> None:
    from arcgit.archive import catalogue  # noqa: PLC0415  few calls need these
    from arcgit.report import sarif  # noqa: PLC0415

    log = sarif.log(result.findings, verdict=result.verdict, scope=result.scope, catalogue=catalogue.load())
    output.emit(log)


def _say(result: CheckResult) -> None:
    if result.findings:
        output.say(found.findings_text(result.findings), "")
    labels = ", ".join(result.experiments) or "no experiment"
    output.say(
        found.verdict_line(result.verdict, f"{labels} in {result.scope['snapshot']}, by {result.scope['policy']}"),
        *(f"  waiver  {pages.waiver_line(waiver)}" for waiver in result.scope["waivers"]),
    )


def record(
    context: typer.Context,
    manifest: Annotated[
        str | None, typer.Option(metavar="PATH", help="Which arcgit.yaml, where there are several.")
    ] = None,
    no_push: Annotated[
        bool, typer.Option("--no-push", help="Push the data, but keep tag and ledger here until `arcgit sync`.")
    ] = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Seal the experiment at HEAD: hash, push and read back its data, sign the tag, write the ledger, push the refs."""
    repo = opened(context)
    try:
        with output.progress() as report:
            result = run_record(
                repo,
                signer_of(repo),
                manifest_path=manifest,
                folder=folder_of(context, repo),
                push=not no_push,
                atomic=not non_atomic,
                trust_root=trust_root,
                ask=output.ask(),
                now=now(),
                progress=report,
            )
    except IncompleteError as error:
        if not json:
            output.console(stderr=True).print(found.findings_text(error.findings))
        raise
    if json:
        body = {"tag": result.name.tag, "tag_oid": result.tag_oid, "run_id": result.name.run_id}
        body |= {"commit": result.commit}
        warned = {"warnings": [finding.to_dict() for finding in result.warnings]} if result.warnings else {}
        output.emit({"schema": "arcgit/record-result/v1", **body, "created": result.created, **warned})
        return
    if result.created:
        output.say(f"Sealed {result.name.tag}")
        output.say(f"  data     {_data(result.receipt)}")
    else:
        output.say(f"Already sealed: {result.name.tag}")
    output.say(f"  commit   {result.commit}", f"  tag      {result.tag_oid}")
    output.say(f"  refs     {_where(repo, result.pushed, asked=not no_push)}")
    if not result.created:
        output.say("  data     not looked at again: arcgit verify --level presence")
    for finding in result.warnings:
        output.note(
            f"warning: {finding.code}: {finding.message}" + (f"\n next: {finding.hint}" if finding.hint else "")
        )


def _data(receipt: Receipt) -> str:
    said = f"{count(receipt.objects, 'object')} in the remote, {receipt.pushed} pushed now,"
    said += f" {receipt.read_back} read back ({size(receipt.bytes)})"
    return said + (f"; {receipt.unread} unchanged since an earlier record" if receipt.unread else "")


def _where(repo: Context, pushed: list[str], *, asked: bool) -> str:
    if pushed:
        return f"pushed {', '.join(pushed)}"
    if repo.remote is None:
        return "kept here: there is no git remote (git remote add origin URL, then arcgit sync)"
    return f"in step with {repo.remote}" if asked else "kept here until arcgit sync"


def sync(
    context: typer.Context,
    drop: Annotated[
        list[int] | None,
        typer.Option(metavar="SEQ", help="Set an own event aside that sync has named: it cannot stand any more."),
    ] = None,
    wait_for: Annotated[
        list[str] | None,
        typer.Option(metavar="PERSON", help="Let events wait here that PERSON has not pushed, until they run sync."),
    ] = None,
    give_up: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PERSON", help="Set aside what waits here for PERSON, who does not come; nothing is deleted."
        ),
    ] = None,
    signatures: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Let a key that needs a touch or a PIN be asked N times, not three."),
    ] = None,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Exchange tags and ledger with the remote: fetch, check, put own events on top, push as one."""
    repo = opened(context)
    signer = signer_of(repo, signatures)
    result = run_sync(
        repo,
        signer,
        trust_root=trust_root,
        ask=output.ask(),
        atomic=not non_atomic,
        drop=drop or (),
        wait_for=wait_for or (),
        give_up=give_up or (),
    )
    if json:
        rows = [finding.to_dict() for finding in result.warnings]
        said = {name: value for name, value in vars(result).items() if name != "judged"}
        output.emit({"schema": "arcgit/sync/v1", **said, "warnings": rows})
        raise typer.Exit(1 if result.missing else 0)
    _say_exchanged(result)
    raise typer.Exit(1 if result.missing else 0)


def _say_exchanged(result: SyncResult) -> None:
    output.say(f"In step with {result.remote}: {count(result.fetched, 'event')} there before")
    for label, items in (
        ("pushed", result.pushed),
        ("signed again", result.resigned),
        ("restored", result.restored),
        ("set aside", result.dropped),
        ("waits", result.waiting),
    ):
        for item in items[:SHOWN]:
            output.say(f"  {label:<13}{item}")
        if len(items) > SHOWN:
            output.say(f"  {label:<13}and {len(items) - SHOWN} more; --json names them all")
    if result.waiting:
        output.aside("Whoever never comes: arcgit sync --give-up PERSON sets aside what waits for them.")
    for finding in result.warnings:
        output.note(f"warning: {finding.code}: {finding.message}\n next: {finding.hint}")
    if result.first_sight:
        output.say(output.FIRST_SIGHT)
    for tag in result.missing:
        output.note(
            f"error: recorded-tag-missing: the ledger recorded {tag}, and neither side has it\n next: arcgit verify"
        )
