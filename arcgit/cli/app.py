"""The Typer application, its global options, and the one place where errors become exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from arcgit import __version__, crash, lean
from arcgit.archive.context import Context, open_context
from arcgit.cli import output, systemfault
from arcgit.errors import ArcgitError, DeclinedError

INTERRUPTED = 130


@dataclass
class Globals:
    """What stands before the command."""

    folder: Path = Path()


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"arcgit {__version__}")
        raise typer.Exit


def options(
    context: typer.Context,
    folders: Annotated[
        list[Path] | None,
        typer.Option("-C", metavar="DIR", help="Run as if started in DIR, like git.", show_default=False),
    ] = None,
    version: Annotated[  # noqa: ARG001  its callback has answered it
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version and leave.")
    ] = False,
) -> None:
    """Keep what every command needs."""
    context.obj = Globals(Path(*folders) if folders else Path())


def opened(context: typer.Context, *, only_read: bool = False) -> Context:
    """The repository that the command is about; `only_read` for a command that judges nothing."""
    options: Globals = context.obj
    return open_context(options.folder, state_dir=state_dir(), only_read=only_read)


_NOWHERE = Path(os.devnull)
"""In the place of a home that nobody knows: nothing is kept below a file, and it is no folder without a pin either."""


def state_dir() -> Path:
    """`$XDG_STATE_HOME/arcgit`, or its default below the home directory; never anything below the present folder."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):
        return Path(base) / "arcgit"
    home = os.path.expanduser("~")  # noqa: PTH111  Path.home() raises where a user of a container has none
    return (Path(home) / ".local" / "state" if home.startswith("/") else _NOWHERE) / "arcgit"


COMMANDS = {
    "setup_commands": ("init", "hooks"),
    "archive_commands": ("draft", "check", "record", "sync"),
    "search_commands": ("list", "search"),
    "read_commands": ("show", "log"),
    "verify_command": ("verify",),
    "compare_commands": ("diff", "lineage"),
    "report_commands": ("audit-report",),
    "ledger_commands": ("policy", "amend"),
    "keys_commands": ("keys",),
    "copies_command": ("compare",),
    "review_commands": ("review", "evaluate", "retire"),
    "runs_commands": ("runs",),
    "doctor_command": ("doctor",),
    "restore_command": ("restore",),
    "replicate_command": ("replicate",),
    "gc_commands": ("protected", "gc"),
    "explain_command": ("explain",),
    "demo_command": ("demo",),
}
"""The modules that hold the commands. Importing all of them for one command would take longer than most commands do."""


def build(command: str | None = None) -> typer.Typer:
    """The application with all its commands, or with those of the module that has `command`."""
    app = typer.Typer(
        name="arcgit",
        help="A Git-native archive of machine learning experiments: signed records that point to DVC-tracked data.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for module, names in COMMANDS.items():
        if command is None or command in names:
            import_module(f"arcgit.cli.{module}").register(app)
    return app


def _command(arguments: Sequence[str]) -> str | None:
    """The command that is named, where it is a known one and nothing but `-C DIR` stands before it."""
    words = list(arguments) or os.environ.get("COMP_WORDS", "").split()[1:]
    while words[:1] == ["-C"]:
        words = words[2:]
    known = {name for names in COMMANDS.values() for name in names}
    return words[0] if words and words[0] in known else None


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. Nothing but a code comes out of here."""
    given = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in given
    _prepare_streams()
    command = _command(given)
    try:
        if wanted := os.environ.get(crash.VARIABLE):
            crash.arm(wanted)
        app = build(command)
        if command in COMMANDS["search_commands"] + COMMANDS["read_commands"]:
            with lean.short_lived():
                code = app(args=given, prog_name="arcgit", standalone_mode=False)
        else:
            lean.carry_on()
            code = app(args=given, prog_name="arcgit", standalone_mode=False)
        if code == INTERRUPTED:
            # Typer makes a mere exit code of it.
            raise KeyboardInterrupt
        sys.stdout.flush()
        return int(code or 0)
    except ArcgitError as error:
        output.complain(error, as_json=as_json)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        if as_json:
            output.complain(DeclinedError("interrupted", "interrupted: nothing was left half done"), as_json=True)
        else:
            output.note("interrupted: nothing was left half done")
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return 141
    except (OSError, MemoryError, RuntimeError) as error:
        fault = systemfault.told(error)
        if fault is None:
            return _unexpected(error, as_json=as_json)
        return _say_undelivered(fault, as_json=as_json)
    except Exception as error:  # noqa: BLE001  the last resort, so that no traceback reaches a user unasked
        return _unexpected(error, as_json=as_json)


def _prepare_streams() -> None:
    """Output that is closed or knows few characters must not stand in the way of an exit code."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say_undelivered(fault: ArcgitError, *, as_json: bool) -> int:
    """Standard output may be what cannot be written to: then this goes where errors go, and nothing else comes."""
    try:
        sys.stdout.flush()
        output.complain(fault, as_json=as_json)
        sys.stdout.flush()
    except OSError as refused:
        output.complain(systemfault.of_output(refused), as_json=False)
        _discard_output()
    return fault.exit_code


def _discard_output() -> None:
    """What is still buffered cannot be written; Python must not complain about it once more at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unexpected(error: Exception, *, as_json: bool) -> int:
    usage = getattr(error, "format_message", None)
    if usage is not None:
        if not str(usage()):
            # Only the help was asked for, and it is printed.
            return int(getattr(error, "exit_code", 2))
        hint = getattr(getattr(error, "ctx", None), "command_path", "arcgit")
        output.complain(ArcgitError("usage", str(usage()), f"{hint} --help"), as_json=as_json)
        return int(getattr(error, "exit_code", 2))
    message = f"{type(error).__name__}: {error}"
    hint = "this is a bug in arcgit; ARCGIT_DEBUG=1 shows where it happened"
    if os.environ.get("ARCGIT_DEBUG"):
        import traceback  # noqa: PLC0415  only where something is broken

        traceback.print_exception(error)
    output.complain(ArcgitError("internal", message, hint), as_json=as_json)
    return 4
