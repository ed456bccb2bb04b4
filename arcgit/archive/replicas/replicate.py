"""`arcgit replicate`: copy the data of records into a second remote, prove it there, and say so on the ledger.

The records are judged first, and only what was sealed is copied. The event is written once every object of a record was
read back from the remote and is what it must be; a run that ends before that leaves none, and the next one goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from msgspec import structs

from arcgit import durable, several
from arcgit.archive import ledger
from arcgit.archive.apart import require_apart
from arcgit.archive.context import Context
from arcgit.archive.crew import Progress
from arcgit.archive.events.append import Appended, Exchange, append
from arcgit.archive.exchanging import sync
from arcgit.archive.holders import Remotes, unchecked
from arcgit.archive.holdings import Stores
from arcgit.archive.ledger import LedgerView
from arcgit.archive.replicas import replicaplace, replicarefs
from arcgit.archive.replicas.replicaobjects import ReplicaPlan
from arcgit.archive.replicas.replicaplace import Place
from arcgit.archive.replicas.replicaplan import plan
from arcgit.archive.replicas.replicarefs import RefsCopied
from arcgit.archive.replicas.replicawork import ReplicaWork, State, Tally
from arcgit.archive.verify import VerifyResult, verify
from arcgit.errors import ArcgitError, RefusedError, UsageError
from arcgit.model.event import Subject
from arcgit.model.finding import Finding, Severity, Verdict, as_finding, judge, warning, worst_first
from arcgit.model.names import LEDGER_REF, RecordName, tracking_ref
from arcgit.model.record import Record
from arcgit.rules import copies
from arcgit.rules.state import ROLES
from arcgit.signing.signer import Signer

EVENT = "replicated"
LOCAL_JOBS = 4
STAGING = "replicas"
"""Where objects for storage that is no folder grow, inside arcgit's own folder in git's."""
Chosen = Sequence[tuple[RecordName, Record]]


@dataclass(frozen=True)
class Request:
    """What is wanted. Without `records` those that are not proven in the remote; `again` means every one.

    `git_remote` gets the refs too, or with `with_refs` a bare repository beside a remote that is a folder. So many `jobs`
    go at a time, None for what suits the remote.
    """

    remote: str
    records: Sequence[str] = ()
    again: bool = False
    imports: bool = False
    dry_run: bool = False
    git_remote: str | None = None
    with_refs: bool = False
    jobs: int | None = None


@dataclass
class Replicated:
    """What was done. `records` are those that were to be copied, `proven` those that the event names, by refname."""

    remote: str
    verdict: Verdict
    findings: list[Finding]
    records: list[RecordName] = field(default_factory=list)
    proven: set[str] = field(default_factory=set)
    work: ReplicaWork | None = None
    plan: ReplicaPlan = field(default_factory=ReplicaPlan)
    event: Appended | None = None
    refs: RefsCopied | None = None
    before: int = 0

    def count(self, state: State) -> Tally:
        """How many objects ended so, and their bytes."""
        return self.work.count(state) if self.work is not None else Tally()

    @property
    def read_back(self) -> Tally:
        """The objects that were read back and are what they must be."""
        return self.work.read_back_of(range(len(self.plan))) if self.work is not None else Tally()


def replicate(
    context: Context,
    get_signer: Callable[[], Signer],
    asked: Request,
    *,
    exchange: Exchange,
    now: datetime,
    progress: Progress = lambda what, done, total: None,
) -> Replicated:
    """Copy, read back, and write one event. Raises ArcgitError; no event was written then."""
    # As DVC takes the names of remotes, and as the ledger is to have them.
    asked = replace(asked, remote=asked.remote.lower())
    _require_usable(context, asked, exchange)
    wanted, before = _wanted(context, asked)
    judged = verify(context, wanted, allow_empty=True, trust_root=exchange.trust_root, ask=exchange.ask)
    if judged.view is None or _blocking(judged):
        return Replicated(asked.remote, judged.verdict, judged.findings)
    if not asked.dry_run:
        require_role(judged.view, get_signer)
        for folder in (context.repo.private_dir, context.repo.private_dir / STAGING):
            durable.sweep(folder)
    view = judged.view
    chosen = _chosen(view, judged, asked)
    result = Replicated(asked.remote, Verdict.PASS, list(judged.findings), [name for name, _ in chosen])
    result.before = before
    with ExitStack() as stack:
        work = _prepared(context, view, asked, chosen, result, stack, now, progress)
        if asked.dry_run:
            work.rehearse()
            return _judged(result, work.findings())
        _carry_out(work)
    findings = [*work.findings(), *([_stopped(asked.remote, work.stopped)] if work.stopped else [])]
    result.proven = _whole(result, chosen) if work.stopped is None else set()
    if result.proven:
        result.event = _event(context, get_signer, result, exchange, now)
    elif not chosen and exchange.push and _unpushed(context):
        # What a run that was killed has written is proven here, and nobody else knows of it yet.
        sync.sync(context, get_signer, trust_root=exchange.trust_root, ask=exchange.ask, atomic=exchange.atomic)
    if work.stopped is None and (asked.git_remote or asked.with_refs):
        result.refs = _refs(context, view, asked, exchange)
        findings += result.refs.findings
    return _judged(result, findings)


def require_role(view: LedgerView, get_signer: Callable[[], Signer]) -> None:
    """Raise RefusedError where this person's event would not count, before anything is copied for it."""
    person = ledger.person_of(view, get_signer())
    if not view.ledger.require_policy().has_role(person, ROLES[EVENT]):
        message = f"{person} has none of the roles that a `{EVENT}` event needs: {', '.join(sorted(ROLES[EVENT]))}"
        raise RefusedError("signer-role", message, "ask somebody who has one: arcgit policy show")


def _require_usable(context: Context, asked: Request, exchange: Exchange) -> None:
    if asked.git_remote is not None:
        replicarefs.require_remote(context, asked.git_remote)
    if (asked.git_remote or asked.with_refs) and not exchange.push:
        message = "refs are not copied to a second place before they are in the first"
        raise UsageError("usage", message, "leave out --no-push")


def _blocking(judged: VerifyResult) -> list[Finding]:
    """What is wrong with the archive itself; a record that does not verify only keeps itself from being copied."""
    known = judged.view.ledger.records if judged.view is not None else {}
    tags = {name.removeprefix("refs/tags/") for name in (*known, *judged.records)}
    heavy = [found for found in judged.findings if found.severity is not Severity.WARNING]
    return [found for found in heavy if found.subject.partition(":")[0] not in tags and found.code != "nothing-checked"]


def _wanted(context: Context, asked: Request) -> tuple[list[str], int]:
    """The records to be judged, by tag, and how many are left out because they are proven in the remote."""
    view = ledger.in_force(context)
    if asked.records or view is None or view.ledger.policy is None:
        return list(asked.records), 0
    known = view.ledger
    counter = copies.Counter(known.events, known.doubts, view.ledger.policy)
    living = [state for state in known.records.values() if state.status != "purged"]
    again = asked.again or asked.imports
    needy = [state for state in living if again or not counter.proven(state.subject.refname, asked.remote)]
    return [state.name.tag for state in needy], len(living) - len(needy)


def _chosen(view: LedgerView, judged: VerifyResult, asked: Request) -> Chosen:
    """The sound ones that have data to be copied."""
    chosen = []
    for name, record in judged.sound:
        state = view.ledger.records.get(name.refname)
        if state is not None and state.status == "purged":
            message = f"the data of {name.tag} was purged, and a purge is for good"
            raise RefusedError("record-purged", message, f"arcgit log {name.short_id} tells by whom and why")
        facts = [fact.dvc for fact in record.predicate.artifacts.values() if fact.dvc is not None]
        if state is not None and any(fact.origin is None or asked.imports for fact in facts):
            chosen.append((name, record))
    return chosen


def _prepared(
    context: Context,
    view: LedgerView,
    asked: Request,
    chosen: Chosen,
    result: Replicated,
    stack: ExitStack,
    now: datetime,
    progress: Progress,
) -> ReplicaWork:
    """Everything that is needed to begin: the plan, and the remote as a place in each DVC project."""
    remotes = Remotes(context, view.ledger.require_policy())
    targets = {project: remotes.get((project, asked.remote)) for project in _projects(chosen)}
    for project, target in targets.items():
        records = [record for _, record in chosen]
        replicaplace.require_unversioned(target)
        require_apart(context, remotes, records, project, target, refill=bool(asked.records))
        replicaplace.require_folder(target)
    result.findings += [unchecked(target) for target in list(targets.values())[:1] if target.unchecked]
    result.plan = plan(context, Stores(remotes, context.root), chosen, imports=asked.imports)
    result.findings += result.plan.findings
    for tag in sorted(result.plan.imports):
        message = f"its imports were not copied to `{asked.remote}`: they lie where they were imported from"
        result.findings.append(warning("imports-not-copied", tag, message, hint="arcgit replicate REMOTE --imports"))
    places: dict[str, Place] = {}
    for project, target in targets.items():
        staging = context.repo.private_dir / STAGING
        place = replicaplace.opened(target, context.repo, staging, writing=not asked.dry_run)
        places[project] = stack.enter_context(place)
        if not asked.dry_run:
            target.sweep(now)
    jobs = asked.jobs or (LOCAL_JOBS if all(target.local for target in targets.values()) else several.NETWORK)
    result.work = ReplicaWork(places, result.plan, jobs, progress)
    return result.work


def _projects(chosen: Chosen) -> list[str]:
    facts = [fact.dvc for _, record in chosen for fact in record.predicate.artifacts.values()]
    return sorted({fact.project or "" for fact in facts if fact is not None})


def _carry_out(work: ReplicaWork) -> None:
    try:
        work.copy()
        for place in work.places.values():
            place.require_there()
        work.read_back()
        for place in work.places.values():
            place.require_there()
    except ArcgitError as fault:
        work.stopped = work.stopped or fault


def _stopped(remote: str, fault: ArcgitError) -> Finding:
    told = as_finding(fault, f"remote {remote}")
    return structs.replace(told, message=f"{fault.message}; no event was written")


def _whole(result: Replicated, chosen: Chosen) -> set[str]:
    """The records of which every sealed object was read back."""
    wanted, work = result.plan, result.work
    needed: set[int] = set()
    broken: set[int] = set()
    if work is None:
        return set()
    for number in range(len(wanted)):
        units = wanted.wanting(number)
        sealed = any(wanted.units[unit].sealed for unit in units)
        if sealed:
            needed.update(units)
        if (sealed or work.in_the_way(number)) and work.proven(number) is None:
            broken.update(units)
    whole = wanted.records(needed) - wanted.records(broken) - wanted.faulty
    return {name.refname for name, _ in chosen if name.refname in whole}


def _of(result: Replicated, records: set[str]) -> Tally:
    """The objects of these records that were read back."""
    wanted = result.plan
    ours = {number for number, unit in enumerate(wanted.units) if not unit.records.isdisjoint(records)}
    theirs = (number for number in range(len(wanted)) if not ours.isdisjoint(wanted.wanting(number)))
    return result.work.read_back_of(theirs) if result.work is not None else Tally()


def _event(
    context: Context,
    get_signer: Callable[[], Signer],
    result: Replicated,
    exchange: Exchange,
    now: datetime,
) -> Appended:
    said = _of(result, result.proven)
    data: dict[str, Any] = {"remote": result.remote, "objects": said.objects, "bytes": said.bytes}

    def decide(view: LedgerView) -> tuple[Subject | None, dict[str, Any]]:
        # Somebody may have purged one meanwhile; of such a record nothing can be said any more.
        living = [name for name in sorted(result.proven) if view.ledger.records[name].status != "purged"]
        if not living:
            raise RefusedError("record-purged", "every record that was copied was purged meanwhile", "arcgit log")
        return None, {**data, "records": living}

    return append(context, get_signer, kind=EVENT, decide=decide, exchange=exchange, now=now)


def _refs(context: Context, view: LedgerView, asked: Request, exchange: Exchange) -> RefsCopied:
    if asked.git_remote is not None:
        return replicarefs.copy(context, asked.git_remote, atomic=exchange.atomic)
    remote = Remotes(context, view.ledger.require_policy()).get(("", asked.remote))
    replicaplace.require_folder(remote)
    place = replicarefs.prepared(replicarefs.beside(remote))
    return replicarefs.copy(context, place, atomic=exchange.atomic)


def _unpushed(context: Context) -> bool:
    if context.remote is None:
        return False
    return context.repo.ref(LEDGER_REF) != context.repo.ref(tracking_ref(context.remote))


def _judged(result: Replicated, findings: Sequence[Finding]) -> Replicated:
    result.findings = worst_first([*result.findings, *findings])
    result.verdict = judge(result.findings, checked=1)
    return result
