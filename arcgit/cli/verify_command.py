"""`verify`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from arcgit.archive.verify import SecondOpinion, Times
from arcgit.archive.verify import verify as run_verify
from arcgit.cli import complete, output
from arcgit.cli.app import opened
from arcgit.cli.clock import now
from arcgit.cli.options import Json, TrustRoot
from arcgit.errors import UsageError
from arcgit.model.text import count
from arcgit.report import findings as found
from arcgit.signing.native import TOOLS


class Level(str, Enum):
    """How deep to look."""

    signatures = "signatures"
    presence = "presence"
    fixity = "fixity"


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: arcgit verify --level fixity")(verify)


def verify(
    context: typer.Context,
    records: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECORD]...", help="Default: all records.", autocompletion=complete.records),
    ] = None,
    level: Annotated[
        Level,
        typer.Option(
            help="signatures: no network. presence: the data is in its remote. fixity: every byte of it is hashed."
        ),
    ] = Level.signatures,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="An archive without records passes.")] = False,
    cross_check: Annotated[
        str | None,
        typer.Option(
            "--cross-check",
            metavar="N|all",
            help="Put so many signatures, chosen at random, before gpgv and ssh-keygen too.",
            show_default=False,
        ),
    ] = None,
    trust_root: TrustRoot = None,
    max_age: Annotated[
        int | None,
        typer.Option(metavar="DAYS", min=0, help="Not a pass where the newest event claims to be older."),
    ] = None,
    json: Json = False,
) -> None:
    """Judge the archive: everything is still exactly what was signed by somebody trusted then, or it says what is not."""
    with output.progress() as report:
        result = run_verify(
            opened(context),
            records or [],
            level=level.value,
            allow_empty=allow_empty,
            trust_root=trust_root,
            ask=output.ask(),
            times=Times(now(), max_age),
            progress=report,
            today=now().date(),
            second_opinion=_second_opinion(cross_check),
        )
    if json:
        document = found.document("arcgit/verify/v1", result.verdict, result.scope, result.findings)
        output.emit({**document, "records": list(result.records)})
    else:
        if result.findings:
            output.say(found.findings_text(result.findings), "")
        output.say(found.verdict_line(result.verdict, _scope(result.scope)))
        if result.scope.get("first_sight"):
            output.say(output.FIRST_SIGHT)
    raise typer.Exit(result.verdict.exit_code)


def _second_opinion(wanted: str | None) -> SecondOpinion | None:
    if wanted is None or wanted == "all":
        return SecondOpinion() if wanted else None
    if not wanted.isdecimal() or not wanted.isascii() or int(wanted[:10]) == 0:
        message = f"--cross-check takes a number from 1, or `all`, not `{wanted}`"
        raise UsageError("usage", message, "arcgit verify --cross-check 100")
    return SecondOpinion(int(wanted))


def _scope(scope: dict[str, object]) -> str:
    parts = [count(int(str(scope["records_checked"])), "record"), count(int(str(scope["events"])), "event")]
    if scope["policy_version"] is not None:
        parts.append(f"policy {scope['policy_version']} ({str(scope['policy_digest'])[:12]})")
    parts.append(f"level {scope['level']}")
    if "objects_checked" in scope:
        parts.append(count(int(str(scope["objects_checked"])), "object"))
        if scope["remotes"] == "not pinned":
            parts.append("remotes not pinned by the policy")
    verifiers = scope.get("verifiers")
    if isinstance(verifiers, dict) and not set(TOOLS.values()).isdisjoint(verifiers.values()):
        parts.append(f"signatures by {' and '.join(verifiers.values())}")
    if "cross_checked" in scope:
        parts.append(f"{scope['cross_checked']} of {count(int(str(scope['signatures'])), 'signature')} cross-checked")
    if scope["ledger_tip"]:
        parts.append(f"ledger {str(scope['ledger_tip'])[:12]}")
    return ", ".join(parts)
