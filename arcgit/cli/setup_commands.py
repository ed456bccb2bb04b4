"""`init` and `hooks`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from arcgit.archive.context import Context, open_context
from arcgit.archive.hooks import hooks
from arcgit.archive.hooks.hooks import HookState
from arcgit.archive.init import InitResult
from arcgit.archive.init import init as run_init
from arcgit.cli import output
from arcgit.cli.app import Globals, opened, state_dir
from arcgit.cli.clock import now
from arcgit.cli.options import Json, TrustRoot
from arcgit.errors import UsageError
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


Server = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="The hooks of a repository that is pushed to; `here` is the one around you."),
]
OnlyUpdate = Annotated[
    bool, typer.Option("--only-update", help="With --server, on a host that allows no hook but `update`.")
]


@hooks_app.command(epilog="Example: arcgit hooks install, or: arcgit hooks install --server /srv/git/project.git")
def install(context: typer.Context, server: Server = None, only_update: OnlyUpdate = False, json: Json = False) -> None:
    """Install the hooks; a hook of somebody else is kept and runs after them."""
    repo, names = _meant(context, server, only_update)
    if repo.repo.bare and server is None:
        message = "this is a bare repository: nobody commits in it or pushes out of it, so those hooks would never run"
        raise UsageError("bare-repository", message, "arcgit hooks install --server here")
    _tell(hooks.install(repo, names), json=json, failed="skipped")


@hooks_app.command(epilog="Example: arcgit hooks uninstall")
def uninstall(
    context: typer.Context, server: Server = None, only_update: OnlyUpdate = False, json: Json = False
) -> None:
    """Remove the hooks that arcgit installed, and put back what was there before."""
    repo, names = _meant(context, server, only_update)
    _tell(hooks.uninstall(repo, names), json=json, failed="kept")


@hooks_app.command(epilog="Example: arcgit hooks status")
def status(context: typer.Context, server: Server = None, only_update: OnlyUpdate = False, json: Json = False) -> None:
    """Show whose hooks are installed, and whether git runs arcgit's."""
    repo, names = _meant(context, server, only_update)
    names = hooks.SERVER if repo.repo.bare and server is None else names
    _tell(hooks.status(repo, names), json=json, failed="inactive")


@hooks_app.command(
    epilog='Example: arcgit hooks run pre-commit || exit $?, or: arcgit hooks run pre-push "$@" || exit $?'
)
def run(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="HOOK", help="pre-commit, pre-merge-commit, pre-push, pre-receive or update.")
    ],
    given: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENT]...", help="What git gave the hook, besides its input.")
    ] = None,
) -> None:
    """Judge what is staged or pushed, as the installed hook does: for hooks that other programs manage."""
    options: Globals = context.obj
    command = [sys.executable, "-I", "-m", "arcgit.hook", name, *(given or ())]
    done = subprocess.run(command, cwd=options.folder, check=False)
    raise typer.Exit(done.returncode)


def _meant(context: typer.Context, server: Path | None, only_update: bool) -> tuple[Context, Sequence[str]]:
    """The repository whose hooks are meant, and their names."""
    if server is None:
        if only_update:
            raise UsageError("usage", "--only-update goes with --server PATH", "arcgit hooks install --help")
        return opened(context), hooks.NAMES
    options: Globals = context.obj
    folder = options.folder if str(server) == "here" else options.folder / server
    return open_context(folder, state_dir=state_dir()), hooks.ONLY_UPDATE if only_update else hooks.SERVER


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
