"""`protected` and `gc`: which objects records need, and deleting the others."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from arcgit.archive import gc as collecting
from arcgit.archive.gc import GcPlan
from arcgit.archive.protected import protected as run_protected
from arcgit.cli import output
from arcgit.cli.app import Globals, opened
from arcgit.cli.options import Json
from arcgit.dvc.gc import Flags
from arcgit.model.finding import Verdict, judge
from arcgit.model.text import count, escape
from arcgit.report import findings as found

SHOWN = 50


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command(epilog="Example: arcgit protected --json")(protected)
    app.command(epilog="Example: arcgit gc --workspace --all-tags --cloud")(gc)


def protected(context: typer.Context, json: Json = False) -> None:
    """List every object in DVC that records need, with the records that need it."""
    result = run_protected(opened(context))
    verdict = judge(result.findings, checked=1)
    if json:
        rows = [
            {
                "hash": oid.hash_name,
                "md5": oid.value,
                "project": need.project,
                "remote": need.remote,
                "path": next(iter(need.records.values())),
                "records": list(need.records),
                **({"versions": [version._asdict() for version in sorted(need.versions)]} if need.versions else {}),
            }
            for oid, need in sorted(result.objects.items())
        ]
        head = {"schema": "arcgit/protected/v1", "verdict": verdict.value, "records": result.records}
        output.emit({**head, "findings": [item.to_dict() for item in result.findings], "objects": rows})
    else:
        for oid, need in sorted(result.objects.items()):
            output.say(f"{oid.value:<36}  {escape(next(iter(need.records.values())))}  {', '.join(need.records)}")
        if result.findings:
            output.say(found.findings_text(result.findings), "")
        needed = f"{count(len(result.objects), 'object')} needed by {count(result.records, 'record')}"
        output.say(found.verdict_line(verdict, needed))
    raise typer.Exit(verdict.exit_code)


def gc(
    context: typer.Context,
    *,
    workspace: Annotated[bool, typer.Option("--workspace", "-w", help="Keep what the work tree uses.")] = False,
    all_branches: Annotated[bool, typer.Option("--all-branches", "-a", help="Keep what branches use.")] = False,
    all_tags: Annotated[
        bool, typer.Option("--all-tags", "-T", help="Keep what tags use, so what records use.")
    ] = False,
    all_commits: Annotated[bool, typer.Option("--all-commits", "-A", help="Keep what any commit uses.")] = False,
    all_experiments: Annotated[bool, typer.Option("--all-experiments", help="Keep what DVC experiments use.")] = False,
    date: Annotated[str | None, typer.Option("--date", metavar="DAY", help="Keep what later commits use.")] = None,
    rev: Annotated[str | None, typer.Option("--rev", metavar="REV", help="Keep what this commit uses.")] = None,
    num: Annotated[int | None, typer.Option("--num", "-n", help="So many commits of each rev or branch.")] = None,
    not_in_remote: Annotated[bool, typer.Option("--not-in-remote", help="Only what the remote has.")] = False,
    cloud: Annotated[bool, typer.Option("--cloud", "-c", help="In the remote as well.")] = False,
    remote: Annotated[str | None, typer.Option("--remote", "-r", metavar="NAME", help="In this remote.")] = None,
    trust_sizes: Annotated[
        bool, typer.Option("--trust-sizes", help="Believe that the remote has copies, by name and size, unread.")
    ] = False,
    not_shared: Annotated[
        bool, typer.Option("--not-shared", help="No other repository or DVC project keeps data in these places.")
    ] = False,
    dry: Annotated[bool, typer.Option("--dry", "--dry-run", help="Show what would go, delete nothing.")] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Do not ask. What records need stays all the same.")
    ] = False,
    json: Json = False,
) -> None:
    """Do what `dvc gc` does, after showing it; refuse where an object would go that a record needs."""
    repo = opened(context)
    options: Globals = context.obj
    flags = Flags(
        workspace=workspace,
        all_branches=all_branches,
        all_tags=all_tags,
        all_commits=all_commits,
        all_experiments=all_experiments,
        commit_date=date,
        rev=rev,
        num=num,
        not_in_remote=not_in_remote,
        cloud=cloud,
        remote=remote,
    )
    with output.bytes_progress() as report:
        plan = collecting.plan(
            repo, options.folder, flags, trust_sizes=trust_sizes, shared=not not_shared, progress=report
        )
    if not json:
        _say(plan)
    may = not dry and bool(plan.doomed) and plan.verdict is Verdict.PASS
    agreed = may and (force or (not json and _agreed(plan)))
    removed = collecting.collect(repo, options.folder, plan) if agreed else 0
    if json:
        output.emit(_document(plan, removed))
    else:
        output.say(_outcome(plan, removed, may=may))
    raise typer.Exit(plan.verdict.exit_code)


def _agreed(plan: GcPlan) -> bool:
    ask = output.ask()
    return ask is not None and ask(f"Delete {count(len(plan.doomed), 'object')}?")


def _outcome(plan: GcPlan, removed: int, *, may: bool) -> str | Text:
    """What was done; where it `may` be done and was not, how."""
    if plan.verdict is not Verdict.PASS:
        return found.verdict_line(plan.verdict, "nothing was deleted")
    if removed:
        return f"Deleted {count(removed, 'object')}."
    return "Nothing was deleted; --force deletes." if may else "Nothing was deleted."


def _say(plan: GcPlan) -> None:
    needed = {item for item, _ in plan.endangered}
    copies = {item for item, _ in plan.copies}
    unclaimed = set(plan.unclaimed)
    ordered = sorted(
        plan.doomed, key=lambda item: (item not in needed, item not in copies, item.remote or "", item.oid)
    )
    for item in ordered[:SHOWN]:
        need = plan.needed.objects.get(item.oid)
        place = item.remote if item.remote is not None else "DVC's cache"
        unused = "unnamed" if item in unclaimed else "unused"
        word = "needed" if item in needed else "copy" if item in copies else unused
        about = f"  {escape(next(iter(need.records.values())))}  {', '.join(need.records)}" if need is not None else ""
        output.say(f"{word:<7} {escape(place)}  {item.oid.value}{about}")
    if len(ordered) > SHOWN:
        output.say(f"… and {len(ordered) - SHOWN} more; --json has all of them")
    if plan.findings:
        output.say(found.findings_text(plan.findings), "")
    parts = [f"dvc gc {plan.flags} deletes {count(len(plan.doomed), 'object')}"]
    parts += [f"{len(plan.endangered)} of them needed by records"] if plan.endangered else []
    parts += [f"{len(plan.copies)} of them also in the record's remote"] if plan.copies else []
    output.say(", ".join(parts) + ".")
    if any(plan.held[item] == "by-size" for item, _ in plan.copies):
        output.say("What the remote has is told by name and size; without --trust-sizes it is read.")
    elif plan.copies:
        output.say("Of these copies, every byte was read in the remote.")


def _document(plan: GcPlan, removed: int) -> dict[str, Any]:
    needed = {item for item, _ in plan.endangered}
    rows = []
    for item in plan.doomed:
        need = plan.needed.objects.get(item.oid)
        rows.append(
            {
                "remote": item.remote,
                "hash": item.oid.hash_name,
                "md5": item.oid.value,
                "needed": item in needed,
                "held": plan.held.get(item),
                "records": list(need.records) if need is not None else [],
                "path": next(iter(need.records.values())) if need is not None else None,
            }
        )
    return {
        "schema": "arcgit/gc/v1",
        "verdict": plan.verdict.value,
        "flags": str(plan.flags),
        "deleted": removed,
        "findings": [item.to_dict() for item in plan.findings],
        "objects": rows,
    }
