"""`arcgit check`: the completeness gate, over what is staged, a rev, or the work tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from arcgit import __version__
from arcgit.archive import experiment
from arcgit.git.snapshot import Snapshot
from arcgit.model.finding import Finding, Verdict, error, judge, worst_first
from arcgit.model.manifest import FILE_NAME
from arcgit.rules import completeness
from arcgit.rules.completeness import Demands


@dataclass
class CheckResult:
    """The verdict, its findings (worst first), its scope, and the labels of the experiments that were judged."""

    verdict: Verdict
    findings: list[Finding]
    scope: dict[str, Any]
    experiments: list[str]


def check(
    snapshot: Snapshot,
    *,
    demands: Demands,
    source: str,
    allow_empty: bool = True,
    before: Iterable[Finding] = (),
) -> CheckResult:
    """Judge every manifest of a snapshot by `demands`, which come from `source`; `before` was found on the way here."""
    findings: list[Finding] = list(before)
    labels = []
    paths = snapshot.named(FILE_NAME)
    reader = experiment.Reader(snapshot) if paths else None
    for path in paths:
        found, faults = reader.read(path) if reader else (None, [])
        findings += faults
        if found is not None:
            labels.append(found.label)
            findings += completeness.judge(found, demands)
    for label in sorted({label for label in labels if labels.count(label) > 1}):
        message = "two manifests have the same project and experiment"
        findings.append(error("manifest-invalid", label, message, hint="give one of them another `experiment`"))
    if not paths and not allow_empty:
        hint = "arcgit draft writes one"
        findings.append(error("manifest-missing", snapshot.label, f"there is no {FILE_NAME}", hint=hint))
    scope = {
        "snapshot": snapshot.label,
        "manifests": len(paths),
        "policy": source,
        "tool": f"arcgit {__version__}",
    }
    return CheckResult(judge(findings, checked=len(paths), allow_empty=True), worst_first(findings), scope, labels)
