"""What an audit report judged, in words that text and Markdown share; not escaped yet, which the renderings do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from arcgit.model.text import count, size
from arcgit.report import copies
from arcgit.report.audit import Report
from arcgit.rules.proof import GIT

MAX_POLICIES = 10


def scope_lines(report: Report) -> list[tuple[str, str]]:
    """What was judged, by what, and how deep."""
    scope, base = report.scope, report.scope["base"]
    policy = (
        "none" if scope["policy_version"] is None else f"version {scope['policy_version']}, {scope['policy_digest']}"
    )
    rows = [("HEAD", str(scope["head"]))]
    if base is not None:
        rows += [("base", f"{base['rev']} = {base['commit']}"), ("merge base", base["merge_base"] or "not known")]
    counted = f"{scope['records_checked']} checked, {count(scope['tags_skipped'], 'tag')} skipped"
    unchanged = f", {scope['experiments_unchanged']} unchanged since the base" if base is not None else ""
    objects = f", {count(scope['objects_checked'], 'object')}" if "objects_checked" in scope else ""
    objects += ", remotes not pinned by the policy" if scope.get("remotes") == "not pinned" else ""
    rows += [
        ("archive", scope["archive"] or "none"),
        ("root", _root(scope)),
        ("policy", policy),
        *_loosened(scope),
        ("ledger", f"{scope['ledger_tip'] or 'none'}, {count(scope['events'], 'event')}"),
        ("records", f"{counted}, {scope['records_reported']} in this report"),
        ("manifests", f"{scope['manifests']} checked at HEAD{unchanged}"),
        *([("copies", copies.summary(scope["copies"]))] if scope.get("copies") else []),
        ("level", f"{scope['level']}{objects}"),
        *survival_lines(scope["survival"]),
        ("fails on", scope["fail_on"]),
        ("tool", f"{scope['tool']}{_by_tools(scope)}"),
    ]
    return rows


def survival_lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """For each remote how much of the data was proven of late, by whose word."""
    for name, clock in found["remotes"].items():
        total, recent, never, failed = (clock[key] for key in ("total", "proven", "never_proven", "failed_since"))
        told = f"{recent['records']} of {count(total['records'], 'record')} ({_amount(recent)} of {_amount(total)})"
        told = f"{told} within {found['days']} days of {found['day']}"
        told += f", by the word of {', '.join(clock['by'])}" if clock["by"] else ""
        oldest = clock["oldest_proof"]
        told += f"; oldest proof {oldest['time'][:10]} by {oldest['by']} (event {oldest['event']})" if oldest else ""
        told += f"; {count(never['records'], 'record')} not proven since sealed" if never["records"] else ""
        told += f"; of {count(failed['records'], 'record')} a check failed since" if failed["records"] else ""
        yield f"proven in {name}", told


def overdue(report: Report) -> str:
    """The sentence about remotes of which nothing was proven for long, or nothing where there is none."""
    found = report.scope["survival"]
    names = [name for name, clock in found["remotes"].items() if clock["overdue"] and name != GIT]
    if not names:
        return ""
    where = ", ".join(names)
    return (
        f"Nobody has proven within {found['days']} days that the data in {where} is whole: arcgit verify --level fixity"
    )


def _amount(amount: Mapping[str, int]) -> str:
    return f"{count(amount['objects'], 'object')}, {size(amount['bytes'])}"


def _by_tools(scope: Mapping[str, Any]) -> str:
    """Which stock tools have checked the signatures, where a library is missing."""
    tools = [name for name in scope.get("verifiers", {}).values() if " " not in name]
    return f"; signatures checked by {' and '.join(tools)}" if tools else ""


def _root(scope: Mapping[str, Any]) -> str:
    """How the beginning of the archive is known."""
    known = {"pin": "as this person has seen it before", "trust-root": "the trust root that was given"}
    how = known.get(str(scope.get("trust")), "the person who was asked" if scope.get("trust") else "not known")
    seen = "; first sight here: whether something was taken away before today is not known"
    return f"{how}{seen if scope.get('first_sight') else ''}"


def _loosened(scope: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The policies that allowed what the one before did not, the last ones last."""
    rows = [one for one in scope.get("policies") or () if one["loosened"]]
    for one in rows[-MAX_POLICIES:]:
        told = "; ".join(item["message"] for item in one["loosened"])
        yield f"policy {one['version']}", f"by {one['actor']} with event {one['event']} allows more: {told}"
