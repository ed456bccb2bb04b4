"""`arcgit restore`: write the files of one record out again, each of them proven before it gets its name.

The record is judged first; nothing is written from one that does not verify. Each file is read from the first place that
gives the bytes that were sealed. What is there already and is the same is kept, so that a run that was interrupted goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from arcgit.archive.context import Context
from arcgit.archive.crew import Progress
from arcgit.archive.events.append import Appended, Exchange
from arcgit.archive.placing import opening
from arcgit.archive.restoring.restorelog import RestoreLog
from arcgit.archive.restoring.restoreplan import Plan, plan
from arcgit.archive.restoring.restoretally import FileResult, State, Tally
from arcgit.archive.restoring.restorework import Settings, Work
from arcgit.archive.verify import verify
from arcgit.errors import RefusedError, UsageError
from arcgit.git.repository import Repository
from arcgit.model.finding import Finding, Verdict, judge, warning, worst_first
from arcgit.model.record import ArtifactFact
from arcgit.model.text import word
from arcgit.signing.signer import Signer


@dataclass(frozen=True)
class Request:
    """What is wanted. `folder` may be missing in a dry run only; `jobs` files are read at a time."""

    record: str
    folder: Path | None
    only: Sequence[str] = ()
    force: bool = False
    dry_run: bool = False
    reason: str = ""
    log: bool = True
    jobs: int = 4


@dataclass
class Restored:
    """What was done. `tallies` are by artifact; `unlogged` says why no event was written."""

    tag: str
    tag_oid: str
    verdict: Verdict
    findings: list[Finding]
    tallies: dict[str, Tally] = field(default_factory=dict)
    facts: Mapping[str, ArtifactFact] = field(default_factory=dict)
    whole: bool = False
    event: Appended | None = None
    unlogged: str = ""

    def count(self, state: State) -> int:
        """How many files ended so."""
        return sum(tally.files.get(state, 0) for tally in self.tallies.values())

    def size(self, state: State) -> int:
        """Their bytes."""
        return sum(tally.bytes.get(state, 0) for tally in self.tallies.values())


def restore(
    context: Context,
    get_signer: Callable[[], Signer],
    asked: Request,
    *,
    exchange: Exchange,
    now: datetime,
    progress: Progress = lambda what, done, total: None,
    on_file: Callable[[FileResult], None] = lambda result: None,
) -> Restored:
    """Restore a record, or say what would be done. Raises ArcgitError; no file was written then."""
    if asked.folder is None and not asked.dry_run:
        raise UsageError("usage", "say where to: --to DIR", f"arcgit restore {word(asked.record)} --to DIR")
    judged = verify(context, [asked.record], trust_root=exchange.trust_root, ask=exchange.ask)
    if judged.verdict is not Verdict.PASS or judged.view is None or not judged.sound:
        tag = judged.records[0].removeprefix("refs/tags/") if judged.records else asked.record
        return Restored(tag, "", judged.verdict, judged.findings)
    (name, record), view = judged.sound[0], judged.view
    known = view.ledger.records[name.refname]
    if known.status == "purged":
        message = f"the data of {name.tag} was purged, and a purge is for good"
        raise RefusedError("record-purged", message, f"arcgit log {name.short_id} tells by whom and why")
    wanted = plan(context, name, record, asked.only)
    result = Restored(name.tag, known.subject.oid, Verdict.PASS, [], facts=record.predicate.artifacts)
    result.whole = wanted.whole
    result.tallies = {part.name: Tally() for part in wanted.parts}
    settings = Settings(name.tag, record.predicate.commit.tree, asked.force, asked.jobs)
    work = Work(context, view.ledger.require_policy(), settings, wanted, result.tallies, progress, on_file)
    findings = [*judged.findings, *wanted.findings]
    if asked.folder is None or asked.dry_run:
        work.rehearse(asked.folder)
        return _judged(result, [*findings, *work.findings()])
    log = RestoreLog(context, get_signer, view, known.subject, exchange, now, asked.reason, asked.log)
    if log.demanded:
        _look_first(asked.folder, context.repo)
        result.event = log.require(_intended(wanted, result))
    with opening.opened(asked.folder, force=asked.force, repo=context.repo) as target:
        work.run(target)
    findings += work.findings()
    if not log.demanded and result.count("restored"):
        result.event, result.unlogged = log.attempt(_done(result, complete=not result.count("failed")))
        if result.unlogged and asked.log and not log.muted:
            findings.append(warning("restore-unlogged", name.tag, f"this is not on the ledger: {result.unlogged}"))
    return _judged(result, findings)


def _judged(result: Restored, findings: Sequence[Finding]) -> Restored:
    result.findings = worst_first(findings)
    result.verdict = judge(result.findings, checked=1)
    return result


def _look_first(folder: Path, repo: Repository) -> None:
    """Refuse a destination that cannot be one before an event is written."""
    there = opening.existing(folder, repo=repo)
    if there is not None:
        there.close()


def _intended(wanted: Plan, result: Restored) -> dict[str, Any]:
    files, size = sum(len(part.entries) for part in wanted.parts), sum(part.size for part in wanted.parts)
    body = {"artifacts": sorted(part.name for part in wanted.parts), "whole": result.whole}
    return {**body, "outcome": "begun", "files": files, "bytes": size}


def _done(result: Restored, *, complete: bool) -> dict[str, Any]:
    given = sorted({source for tally in result.tallies.values() for source in tally.sources})
    body = {"artifacts": sorted(name for name, tally in result.tallies.items() if tally.files.get("restored"))}
    return {
        **body,
        "whole": result.whole,
        "outcome": "complete" if complete else "partial",
        "files": result.count("restored"),
        "bytes": result.size("restored"),
        "sources": given,
    }
