"""`init`, `hooks install`, `hooks uninstall`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from arcgit.archive import hooks
from arcgit.archive.init import InitResult
from arcgit.archive.init import init as run_init
from arcgit.cli import output
from arcgit.cli.app import opened
from arcgit.cli.clock import now
from arcgit.model.text import escape

hooks_app = typer.Typer(help="Install or remove the git hooks.", no_args_is_help=True)

TrustRoot = Annotated[
    str | None,
    typer.Option(metavar="KEY|OID", help="Fingerprint of the key, or genesis commit, that the archive began with."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(epilog="Example: arcgit init --project churn")(init)
    app.add_typer(hooks_app, name="hooks")


def init(
    context: typer.Context,
    project: Annotated[
        str | None, typer.Option(help="Name for `arcgit draft` to use; default: the folder's name.")
    ] = None,
    new_archive: Annotated[
        bool, typer.Option("--new-archive", help="Found an archive although a remote cannot be asked for one.")
    ] = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Found an archive in this DVC repository, or join the one that its remote has."""
    repo = opened(context)
    remote = repo.remote
    result = run_init(
        repo, project=project, new_archive=new_archive, trust_root=trust_root, ask=output.ask(), now=now()
    )
    if json:
        output.emit(_document(result))
        return
    words = {
        "founded": "Founded archive",
        "joined": "Joined archive",
        "unchanged": "Nothing to do: this is archive",
    }
    output.say(f"{words[result.outcome]} {result.archive}")
    output.say(f"  begun by   {result.founder}", f"  genesis    {result.genesis}")
    if result.person is None and result.keyless:
        output.say(f"  you are    without a signing key ({escape(result.keyless)}): you can verify, not record")
    else:
        output.say(f"  you are    {result.person or 'not in its policy: you can verify, not record'}")
    for change in result.changes:
        output.say(f"  wrote      {change}")
    for state in result.hooks:
        if state.outcome == "skipped":
            output.note(f"warning: the {state.name} hook was not installed: {state.reason}\n   next: {state.hint}")
    if result.outcome == "founded":
        output.say("", "Records stay for ever, and with them the owner's name: a pseudonym or a role address will do.")
        output.say("Next: git add .arcgit && git commit, and arcgit draft.")
        if remote is not None:
            output.say(f"The ledger is only here until the first arcgit record or arcgit sync brings it to {remote}.")


def _document(result: InitResult) -> dict[str, Any]:
    return {
        "schema": "arcgit/init/v1",
        "outcome": result.outcome,
        "archive": result.archive,
        "founder": result.founder,
        "genesis": result.genesis,
        "person": result.person,
        "changes": result.changes,
        "hooks": [
            {"name": state.name, "outcome": state.outcome, "reason": state.reason, "hint": state.hint}
            for state in result.hooks
        ],
    }


@hooks_app.command(epilog="Example: arcgit hooks install")
def install(context: typer.Context) -> None:
    """Install the commit hook; a hook of somebody else is left alone."""
    states = hooks.install(opened(context))
    for state in states:
        output.say(f"{state.name}: {state.outcome}" + (f" ({state.reason})" if state.reason else ""))
        if state.hint:
            output.say(f"  next: {state.hint}")
    if any(state.outcome == "skipped" for state in states):
        raise typer.Exit(1)


@hooks_app.command(epilog="Example: arcgit hooks uninstall")
def uninstall(context: typer.Context) -> None:
    """Remove the hooks that arcgit installed."""
    removed = hooks.uninstall(opened(context))
    output.say(f"removed: {', '.join(removed)}" if removed else "there was no hook of ours")
