"""`init` and `hooks`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from arcgit.archive import hooks
from arcgit.archive.hooks import HookState
from arcgit.archive.init import InitResult
from arcgit.archive.init import init as run_init
from arcgit.cli import output
from arcgit.cli.app import Globals, opened
from arcgit.cli.clock import now
from arcgit.cli.options import Json, TrustRoot
from arcgit.model.text import escape

hooks_app = typer.Typer(help="Install, show or remove the git hooks.", no_args_is_help=True)


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
        "hooks": [asdict(state) for state in result.hooks],
    }


@hooks_app.command(epilog="Example: arcgit hooks install")
def install(context: typer.Context, json: Json = False) -> None:
    """Install the commit hooks; a hook of somebody else is kept and runs after them."""
    _tell(hooks.install(opened(context)), json=json, failed="skipped")


@hooks_app.command(epilog="Example: arcgit hooks uninstall")
def uninstall(context: typer.Context, json: Json = False) -> None:
    """Remove the hooks that arcgit installed, and put back what was there before."""
    _tell(hooks.uninstall(opened(context)), json=json, failed="kept")


@hooks_app.command(epilog="Example: arcgit hooks status")
def status(context: typer.Context, json: Json = False) -> None:
    """Show whose hooks are installed, and whether git runs arcgit's."""
    _tell(hooks.status(opened(context)), json=json, failed="inactive")


@hooks_app.command(epilog="Example: arcgit hooks run pre-commit || exit $?")
def run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="HOOK", help="pre-commit or pre-merge-commit.")],
) -> None:
    """Judge what is staged, as the installed hook does: for hooks that other programs manage."""
    options: Globals = context.obj
    done = subprocess.run([sys.executable, "-I", "-m", "arcgit.hook", name], cwd=options.folder, check=False)
    raise typer.Exit(done.returncode)


def _tell(states: list[HookState], *, json: bool, failed: str) -> None:
    if json:
        output.emit({"schema": "arcgit/hooks/v1", "hooks": [asdict(state) for state in states]})
    for state in [] if json else states:
        output.say(f"{state.name}: {state.outcome}" + (f" ({escape(state.reason)})" if state.reason else ""))
        if state.chained:
            output.say(f"  then: {escape(state.chained)}")
        if state.hint:
            output.say(f"  next: {escape(state.hint)}")
    if any(state.outcome == failed for state in states):
        raise typer.Exit(1)
