"""`arcgit check`: the completeness gate, over what is staged, a rev, or the work tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

import msgspec

from arcgit import __version__
from arcgit.archive import experiment
from arcgit.git.snapshot import Snapshot
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, Verdict, error, judge, worst_first
from arcgit.model.manifest import FILE_NAME
from arcgit.rules import completeness, waivers
from arcgit.rules.completeness import Demands


class CheckResult(msgspec.Struct):
    """The verdict, its findings (worst first), its scope, and the labels of the experiments that were judged."""

    verdict: Verdict
    findings: list[Finding]
    scope: dict[str, Any]
    experiments: list[str]


def check(
    snapshot: Snapshot,
    *,
    root: str,
    demands: Demands,
    source: str,
    today: date,
    allow_empty: bool = True,
    before: Iterable[Finding] = (),
    beside: Callable[[Experiment], Iterable[Finding]] = lambda found: (),
    concerned: Callable[[str, Experiment | None], bool] = lambda path, found: True,
) -> CheckResult:
    """Judge every manifest of a snapshot by `demands`, which come from `source`.

    `before` was found on the way here; `beside` finds what the snapshot alone does not tell. Only manifests that are
    `concerned` are judged: it is asked with the path and, where the manifest can be read, its experiment.
    """
    findings: list[Finding] = list(before)
    judged: list[Experiment] = []
    others: list[Experiment] = []
    paths = snapshot.named(FILE_NAME)
    reader = experiment.Reader(snapshot) if paths else None
    for path in paths:
        found, faults = reader.read(path) if reader else (None, [])
        if not concerned(path, found):
            others += [found] if found else []
            continue
        findings += faults
        if found is not None:
            judged.append(_with_splits(found, snapshot, root))
            findings += completeness.judge(judged[-1], demands, today)
            findings += beside(judged[-1])
    findings += _same_names([*others, *judged], judged)
    if not paths and not allow_empty:
        hint = "arcgit draft writes one"
        findings.append(error("manifest-missing", snapshot.label, f"there is no {FILE_NAME}", hint=hint))
    scope = {
        "snapshot": snapshot.label,
        "manifests": len(paths),
        "policy": source,
        "tool": f"arcgit {__version__}",
        "waivers": [row for found in judged for row in _waivers(found, demands, today)],
    }
    verdict = judge(findings, checked=len(paths), allow_empty=True)
    return CheckResult(verdict, _located(snapshot, findings), scope, [found.label for found in judged])


# Most commits find nothing, and many experiments name no splits: a commit hook does without what it takes to look.


def _with_splits(found: Experiment, snapshot: Snapshot, root: str) -> Experiment:
    if not any(artifact.split for artifact in found.manifest.artifacts.values()):
        return found
    from arcgit.archive import splits  # noqa: PLC0415

    return splits.looked_at(found, snapshot, root)


def _located(snapshot: Snapshot, findings: list[Finding]) -> list[Finding]:
    if not findings:
        return []
    from arcgit.archive import places  # noqa: PLC0415

    return places.located(snapshot, worst_first(findings))


def _same_names(read: list[Experiment], judged: list[Experiment]) -> Iterable[Finding]:
    first: dict[str, Experiment] = {}
    for found in read:
        other = first.setdefault(found.label, found)
        if other is not found and found in judged:
            message = f"{other.manifest_path} and {found.manifest_path} have the same project and experiment"
            hint = "give one of them another `experiment`"
            yield error("manifest-invalid", found.label, message, hint=hint, place=found.at("experiment"))


def _waivers(found: Experiment, demands: Demands, today: date) -> Iterable[dict[str, Any]]:
    for waiver in waivers.in_force(found, today=today, max_days=demands.waiver_days):
        yield {
            "manifest": found.manifest_path,
            "code": waiver.code,
            "subject": waiver.subject or "",
            "owner": waiver.owner,
            "expires": waiver.expires.isoformat(),
            "reason": waiver.reason,
        }
