"""`arcgit audit-report`: the archive as a reviewer asks about it, the whole of it or what is new since a base.

It judges as `verify` and `check` do, and matches each manifest at HEAD with its record. Signatures are judged for every
record, also for those that are not new: a report does not pass over a broken archive. Data is looked at, where a level
asks for it, for the records of the report alone. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timezone
from typing import Any

from msgspec.structs import replace as replaced

from arcgit.archive import ledger, trust, verify
from arcgit.archive.auditing import atrev
from arcgit.archive.auditing.atrev import Head
from arcgit.archive.auditing.entries import Entries
from arcgit.archive.auditing.evidence import Evidence, by_record, signer_of
from arcgit.archive.auditing.revisions import Pair
from arcgit.archive.context import Context
from arcgit.archive.policy.policyhistory import versions
from arcgit.archive.verify import Level, Progress, Times, VerifyResult
from arcgit.errors import UndeterminedError, UsageError
from arcgit.model.finding import Finding, Severity, Verdict, judge, unknown, worst_first
from arcgit.model.names import RecordName
from arcgit.report import copies
from arcgit.report.audit import Entry, Report
from arcgit.rules.changes import Changes
from arcgit.rules.copies import asked_for
from arcgit.rules.state import RecordState

_ByRecord = Mapping[str, Sequence[Finding]]


@dataclass(frozen=True)
class Request:
    """What is asked: against which base, how deep, and from which severity on the verdict is fail."""

    base: str | None = None
    level: Level = "signatures"
    allow_empty: bool = False
    fail_on: Severity = Severity.ERROR
    trust_root: str | None = None


@dataclass(frozen=True)
class _Base:
    """The base as it was given, its commit, and where HEAD left it; None where this clone does not show that."""

    rev: str
    commit: str
    fork: str | None


def audit(
    context: Context,
    request: Request,
    *,
    today: date,
    ask: trust.Ask | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """The report. Raises UsageError for a base that is no commit, UndeterminedError without a commit at HEAD."""
    commit = context.repo.commit_of("HEAD")
    base = _base(context, request.base, commit)
    judged = verify.verify(
        context,
        level=request.level if base is None else "signatures",
        allow_empty=base is not None or request.allow_empty,
        trust_root=request.trust_root,
        ask=ask,
        times=Times(datetime.combine(today, time.max, timezone.utc)),
        progress=progress,
    )
    # What it read of the ledger has done its work; the report needs other parts of it.
    judged.view, judged.records = None, ()
    evidence = Evidence(context, ledger.in_force(context, remember="records"), today)
    fork = base.fork if base is not None else None
    head = atrev.look(context, evidence, commit, fork=fork, compared=base is not None, today=today)
    names = [state.name for pair in head.pairs if (state := _record_of(evidence, pair)) and evidence.sealed(state)]
    deep = _deeper(context, request, names, progress) if base is not None else None
    findings = [*judged.findings, *(deep.findings if deep else ()), *head.findings, *_moved(evidence, judged)]
    findings += _base_findings(context, base)
    entries, remarks, on_ledger = Entries(), list[Finding](), 0
    for entry in _entries(evidence, head, base, by_record(findings)):
        entries.append(entry)
        remarks += entry.remarks
        on_ledger += entry.review is not None
    findings += remarks
    checked = int(judged.scope["records_checked"]) if base is None else len(head.pairs)
    if not checked and not request.allow_empty and base is not None:
        message = f"no experiment is new or changed since {base.rev}"
        findings.append(unknown("nothing-checked", "experiments", message, hint="--allow-empty accepts that"))
    scope = _scope(judged, deep, head, base, request)
    scope["records_reported"] = entries.recorded
    if base is None and evidence.view is not None:
        scope["records_unread"] = len(evidence.view.ledger.records) - on_ledger
    scope["survival"] = evidence.clocks.to_dict()
    scope["policies"] = [one.to_dict() for one in versions(evidence.view.ledger)] if evidence.view else []
    verdict = _verdict(findings, checked, request)
    # Every experiment is read again for it, where the policy asks for copies at all.
    counted = (entry.copies for entry in entries if entry.record is not None and entry.copies is not None)
    scope["copies"] = copies.scope(counted) if _copies_asked_for(evidence) else None
    return Report(verdict, tuple(map(_with_a_step, worst_first(findings))), scope, entries)


def _with_a_step(found: Finding) -> Finding:
    """What is wrong or in doubt says what to do next; what has no command of its own is explained."""
    if found.hint or found.severity is Severity.WARNING:
        return found
    return replaced(found, hint=f"arcgit explain {found.code}")


def _copies_asked_for(evidence: Evidence) -> bool:
    policy = evidence.view.ledger.policy if evidence.view else None
    return policy is not None and asked_for(policy)


def _base(context: Context, rev: str | None, head: str) -> _Base | None:
    if rev is None:
        return None
    try:
        commit = context.repo.commit_of(rev)
    except UndeterminedError as fault:
        hint = (
            f"{context.repo.fetch_hint()}; then name it as this clone does, such as {context.remote or 'origin'}/main"
        )
        raise UsageError("rev-unknown", f"the base: {fault.message}", hint) from fault
    return _Base(rev, commit, context.repo.merge_base(commit, head))


def _base_findings(context: Context, base: _Base | None) -> Iterator[Finding]:
    if base is not None and base.fork is None:
        message = f"this clone shows no common ancestor of {base.rev} and HEAD, so everything at HEAD counts as new"
        yield unknown("merge-base-missing", base.rev, message, hint=context.repo.fetch_hint())


def _deeper(context: Context, request: Request, names: list[RecordName], progress: Progress) -> VerifyResult | None:
    if request.level == "signatures" or not names:
        return None
    wanted = [name.tag for name in names]
    return verify.verify(
        context,
        wanted,
        level=request.level,
        allow_empty=True,
        trust_root=request.trust_root,
        progress=progress,
    )


def _moved(evidence: Evidence, judged: VerifyResult) -> Iterator[Finding]:
    tip = evidence.view.ledger.tip if evidence.view else None
    if tip != judged.scope["ledger_tip"]:
        message = "the ledger changed while it was being judged"
        yield unknown("ref-moved", "ledger", message, hint="run arcgit audit-report again")


def _record_of(evidence: Evidence, pair: Pair) -> RecordState | None:
    """The record that stands for what HEAD has or, where the manifest was deleted, for what the base had."""
    found = pair.after or pair.before
    return evidence.matching(found) if found is not None else None


def _entries(evidence: Evidence, head: Head, base: _Base | None, findings: _ByRecord) -> Iterator[Entry]:
    rows = [_of_pair(evidence, pair, findings) for pair in head.pairs]
    if base is not None:
        yield from sorted(rows, key=lambda entry: (entry.change == "deleted", entry.record is not None, entry.label))
        return
    manifests = {str(entry.record["tag"]): entry.manifest for entry in rows if entry.record}
    bare = sorted((entry for entry in rows if entry.record is None), key=lambda entry: entry.label)
    yield from bare
    for name in _worst_first(evidence, findings):
        yield _of_name(evidence, name, findings, manifests)


def _worst_first(evidence: Evidence, findings: _ByRecord) -> Iterator[RecordName]:
    """Records with an error or a doubt before the others, so that a reader of the first lines sees whose they are."""
    wrong = {tag for tag, found in findings.items() if any(one.severity is not Severity.WARNING for one in found)}
    if wrong:
        yield from (name for name in evidence.tags() if name.tag in wrong)
    yield from (name for name in evidence.tags() if name.tag not in wrong)


def _of_pair(evidence: Evidence, pair: Pair, findings: _ByRecord) -> Entry:
    found = pair.after or pair.before
    if found is None:  # pragma: no cover  a pair has at least one side
        raise ValueError("a pair without experiments")
    manifest = pair.after.manifest_path if pair.after else ""
    was = pair.before.label if pair.change == "renamed" and pair.before else ""
    earlier = evidence.matching(pair.before) if pair.before is not None and pair.after is not None else None
    state = evidence.matching(found)
    if state is not None and (not state.ended or pair.after is None):
        entry = _of_name(evidence, state.name, findings, {})
        since = _since(evidence, earlier, entry, state)
        return replace(entry, change=pair.change, manifest=manifest, was=was, base=since)
    last = evidence.latest(found)
    since = evidence.changes_at_rev(earlier, found) if earlier is not None else None
    previous = evidence.changes_at_rev(last, found) if last is not None else None
    entry = Entry(found.label, pair.change, manifest, None, base=since, previous=previous, was=was)
    runs = evidence.runs_of(found.manifest.project, found.manifest.experiment)
    return replace(entry, hidden=evidence.hidden(found), runs=runs)


def _since(evidence: Evidence, earlier: RecordState | None, entry: Entry, state: RecordState) -> Changes | None:
    sealed = evidence.sealed(state)
    if earlier is None or earlier.name == state.name or sealed is None:
        return None
    if entry.previous is not None and entry.previous.tag == earlier.name.tag:
        return entry.previous
    return evidence.changes(earlier, sealed)


def _of_name(evidence: Evidence, name: RecordName, findings: _ByRecord, manifests: dict[str, str]) -> Entry:
    page, sealed = evidence.page(name, findings.get(name.tag, ()))
    state = evidence.state(name)
    broken = any(found.severity is Severity.ERROR and found.subject == name.tag for found in page.findings)
    signer = signer_of(state) if state is not None and not broken else None
    earlier = evidence.before(state) if state is not None else None
    return Entry(
        label=f"{name.project}/{name.experiment}",
        change="",
        manifest=manifests.get(name.tag, ""),
        record=page.to_dict(),
        signer=signer,
        previous=evidence.changes(earlier, sealed) if earlier is not None else None,
        splits=evidence.splits(sealed),
        hidden=state is None and not evidence.whole,
        review=evidence.review_of(state) if state is not None else None,
        runs=evidence.runs_of(name.project, name.experiment),
        remarks=tuple(evidence.remarks(name, sealed)),
        copies=evidence.copies(state, sealed),
    )


def _scope(
    judged: VerifyResult, deep: VerifyResult | None, head: Head, base: _Base | None, request: Request
) -> dict[str, Any]:
    looked = {key: deep.scope[key] for key in ("objects_checked", "bytes_read", "remotes")} if deep else {}
    named = {"rev": base.rev, "commit": base.commit, "merge_base": base.fork} if base is not None else None
    return {
        **judged.scope,
        **looked,
        "level": request.level,
        "fail_on": request.fail_on.value,
        "head": head.commit,
        "base": named,
        **head.scope,
        "experiments_unchanged": head.unchanged,
    }


def _verdict(findings: list[Finding], checked: int, request: Request) -> Verdict:
    """As every judging command, but what weighs as much as `fail_on` fails as well. Nothing is ever made milder."""
    order = list(Severity)
    if any(order.index(found.severity) <= order.index(request.fail_on) for found in findings):
        return Verdict.FAIL
    return judge(findings, checked=checked, allow_empty=request.allow_empty)
