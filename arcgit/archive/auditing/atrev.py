"""What a commit has of experiments: judged as `check` does, matched with their records, paired with an earlier commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from arcgit.archive import check, demands, known
from arcgit.archive.auditing.evidence import Evidence
from arcgit.archive.auditing.revisions import Pair, pairs
from arcgit.archive.context import Context
from arcgit.archive.experiment import Reader
from arcgit.archive.policy import proposed
from arcgit.git import snapshot
from arcgit.git.snapshot import Snapshot
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, error, unknown, warning
from arcgit.model.manifest import FILE_NAME
from arcgit.rules.completeness import Demands, weighed
from arcgit.rules.state import RecordState


@dataclass(frozen=True)
class Head:
    """The experiments that are new or changed (all of them where nothing was compared), and how many are not.

    `findings` is what is wrong with any of them; `scope` counts the manifests and lists the waivers in force.
    """

    commit: str
    pairs: list[Pair]
    unchanged: int
    findings: list[Finding]
    scope: dict[str, Any]


def look(context: Context, evidence: Evidence, commit: str, *, fork: str | None, compared: bool, today: date) -> Head:
    """Judge the manifests at a commit as `check` does. `fork` is the earlier commit to compare with, if it is known."""
    before: AbstractContextManager[Snapshot | None] = nullcontext()
    if fork is not None:
        before = snapshot.of_commit(context.root, fork)
    with snapshot.of_commit(context.root, commit) as files, before as earlier:
        then = list(_experiments(earlier)) if earlier is not None else []
        present: list[Experiment] = []
        asked, source = _demands(evidence, files)
        contradicts = _contradicts(context, evidence)

        def beside(found: Experiment) -> Iterable[Finding]:
            present.append(found)
            return contradicts(found)

        result = check.check(files, root=str(context.root), demands=asked, source=source, today=today, beside=beside)
        found = pairs(present, then, frozenset(files.named(FILE_NAME)), compared=compared)
        findings = [*result.findings, *(one for pair in found for one in _unrecorded(evidence, pair, asked))]
        if earlier is not None and evidence.view is not None:
            findings += proposed.edited(evidence.view, earlier, files)
    changed = [pair for pair in found if pair.change != "unchanged"]
    scope = {"manifests": result.scope["manifests"], "waivers": result.scope["waivers"]}
    return Head(commit, changed, len(found) - len(changed), findings, scope)


def _experiments(files: Snapshot) -> Iterator[Experiment]:
    paths = files.named(FILE_NAME)
    reader = Reader(files) if paths else None
    for path in paths:
        found = reader.read(path)[0] if reader else None
        if found is not None:
            yield found


def _demands(evidence: Evidence, files: Snapshot) -> tuple[Demands, str]:
    """The policy on the ledger; without one the proposal, whose judgement is no pass, as `verify` says."""
    policy = evidence.view.ledger.policy if evidence.view else None
    if policy is not None:
        return Demands.of(policy), f"policy {policy.version} on the ledger"
    asked, source, _ = demands.of_proposal(files, strict=True)
    return asked, source


def _contradicts(context: Context, evidence: Evidence) -> Callable[[Experiment], Iterable[Finding]]:
    view = evidence.view
    return known.said_otherwise(context, view) if view is not None and not view.faults else lambda found: ()


def _unrecorded(evidence: Evidence, pair: Pair, asked: Demands) -> Iterator[Finding]:
    found = pair.after
    if found is None or evidence.view is None:
        return  # without a ledger nothing can be said, and `verify` has said so
    state = evidence.matching(found)
    if state is not None and not state.ended:
        if evidence.unpushed(state):
            where = "is in this clone and not at the remote"
            if not evidence.fetched:
                where = "is in this clone, which has never fetched the ledger of the remote"
            message = f"the record of {found.label}, {state.name.tag}, {where}"
            yield warning("record-unpushed", found.label, message, hint="arcgit sync", place=found.at("experiment"))
        return
    finding = _no_record(evidence, found, state, unchanged=pair.change == "unchanged")
    yield from weighed([finding], asked.severities or {})


def _no_record(evidence: Evidence, found: Experiment, ended: RecordState | None, *, unchanged: bool) -> Finding:
    place = found.at("experiment")
    if (waits := evidence.waiting(found)) is not None:
        message = (
            f"the record of {found.label}, {waits.name.tag}, waits in this clone and is not on the ledger in force"
        )
        hint = f"arcgit sync, by {waits.recorder} in this clone"
        return unknown("record-unsynced", found.label, message, hint=hint, place=place)
    if evidence.hidden(found):
        message = f"no record in this clone matches {found.label} as it is at HEAD; there may be one elsewhere"
        hint = "arcgit sync, or fetch what the other findings name"
        return unknown("unrecorded-experiment", found.label, message, hint=hint, place=place)
    message = f"no record matches {found.label} as it is at HEAD"
    if ended is not None:
        message = f"the record of {found.label} as it is at HEAD, {ended.name.tag}, was {ended.status}"
    hint = "arcgit record; if it is sealed already: arcgit sync"
    if unchanged:
        message = f"{message}; it is as it was at the base"
        return warning("unrecorded-experiment", found.label, message, hint=hint, place=place)
    return error("unrecorded-experiment", found.label, message, hint=hint, place=place)
