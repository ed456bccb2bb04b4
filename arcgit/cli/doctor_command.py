"""`doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from arcgit.archive import doctor as examination
from arcgit.archive.doctor import Examination
from arcgit.archive.gc import Risk
from arcgit.archive.hooks import hooks
from arcgit.cli import output
from arcgit.cli.app import Globals, opened
from arcgit.cli.clock import now
from arcgit.cli.options import Json
from arcgit.model.text import count, escape


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: arcgit doctor --json")(doctor)


def doctor(
    context: typer.Context,
    *,
    no_probes: Annotated[bool, typer.Option("--no-probes", help="Push nothing to a scratch repository.")] = False,
    network: Annotated[
        bool, typer.Option("--network", help="Ask DVC's remotes too what `dvc gc --cloud` would destroy.")
    ] = False,
    json: Json = False,
) -> None:
    """Show versions, hooks, fetch settings and pins, and by pushing probes which events the hooks really see."""
    options: Globals = context.obj
    found = examination.examine(opened(context), now(), folder=options.folder, probes=not no_probes, network=network)
    if json:
        output.emit({"schema": "arcgit/doctor/v1", **asdict(found), "gc": [one._asdict() for one in found.gc]})
    else:
        _page(found)
    if found.advice:
        raise typer.Exit(1)


def _page(found: Examination) -> None:
    output.say("Tools", *(f"  {name:<14} {escape(version)}" for name, version in found.tools.items()), "")
    output.say("Hooks")
    for state in found.hooks:
        output.say(f"  {state.name:<18} {state.outcome}  {escape(state.reason or state.path)}")
    if found.fetch:
        output.say("", "What git fetch brings")
    for row in found.fetch:
        brought = [word for word in ("ledger", "tags") if row[word]]
        output.say(f"  {escape(row['remote']):<18} {', '.join(brought) or 'neither ledger nor all tags'}")
    output.say("", "Pins")
    for row in found.pins:
        output.say(f"  {row['archive']} at event {row['seq']} ({row['tip'][:12]}), begun by {row['founder']}")
    if not found.pins:
        output.say("  none of this archive")
    if found.probes:
        output.say("", *_table(found))
    if found.gc:
        output.say("", *_gc(found.gc))
    for line in found.advice:
        output.say(f"next: {escape(line)}")


def _table(found: Examination) -> Iterator[str]:
    """Which road sees which event; in a repository that is pushed to there is but one road, its own hooks."""
    width = max(len(probe.event) for probe in found.probes)
    head = f"{'Pushed to a scratch repository':<{width + 2}}"
    names = [state.name for state in found.hooks]
    if set(hooks.SERVER) <= set(names):
        yield f"{head}  server"
        yield from (f"  {probe.event:<{width}}  {probe.server}" for probe in found.probes)
        yield f"server: {' and '.join(names)}, as far as they are installed here."
        return
    yield f"{head}  pre-push   server     pre-commit"
    for probe in found.probes:
        yield f"  {probe.event:<{width}}  {probe.pre_push:<9}  {probe.server:<9}  {probe.pre_commit}"
    yield "pre-push: as installed here. server: the hook that arcgit ships. pre-commit: whether it runs any hook at all."


def _gc(risks: Sequence[Risk]) -> Iterator[str]:
    """What plain `dvc gc` would do: no fault of anything here, so no advice."""
    yield "What `dvc gc` would destroy; arcgit gc with the same flags never does"
    width = max(len(risk.flags) for risk in risks)
    for risk in risks:
        told = risk.reason
        if risk.records:
            named = ", ".join(risk.records[:3]) + (
                f" and {len(risk.records) - 3} more" if len(risk.records) > 3 else ""
            )
            told = f"{count(risk.objects, 'object')} of {named}"
        yield f"  {risk.flags:<{width}}  {risk.outcome:<9}  {escape(told)}"
