"""`arcgit sync`: the one way in which tags and ledger are exchanged with the remote.

Fetch, check that the remote ledger holds and has not gone back behind the pin, put own unpushed events on top of it
(signed again, judged again), push everything as one, and start over where somebody else was faster. Nothing is merged
or forced, and what is dropped is kept under refs/arcgit/lost/.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from arcgit.archive import fixity, ledger, retry, trust
from arcgit.archive.context import Context
from arcgit.archive.exchanging import bring, signagain, waiting
from arcgit.archive.exchanging.recover import recover
from arcgit.archive.exchanging.signagain import Asked
from arcgit.archive.exchanging.waiting import lost
from arcgit.archive.ledger import LedgerView
from arcgit.archive.turn import EXCHANGING, WRITING, turn
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git import exchange
from arcgit.git.repository import ZERO, RefMovedError, RefUpdate, Repository
from arcgit.model.finding import Finding
from arcgit.model.names import (
    FIXITY_REF,
    LEDGER_REF,
    LOST_PREFIX,
    RECORD_PREFIX,
    UNPUSHED_PREFIX,
    WAITING_PREFIX,
    RecordName,
    tracking_ref,
)
from arcgit.signing.signer import Signer

GetSigner = Callable[[], Signer]


@dataclass
class SyncResult:
    """What was exchanged. `pushed` lists refs, `resigned` event types signed again, `dropped` what went to lost.

    `missing` lists recorded tags that neither side has: somebody took them away. `first_sight` where no pin told what this
    person had seen of the archive before. `waiting` has a line for each event that waits here for somebody else.
    `judged` is the ledger that was replayed last, so that none is replayed twice.
    """

    remote: str
    fetched: int = 0
    pushed: list[str] = field(default_factory=list)
    resigned: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    judged: LedgerView | None = None
    warnings: list[Finding] = field(default_factory=list)
    first_sight: bool = False


def sync(
    context: Context,
    get_signer: GetSigner,
    *,
    trust_root: str | None = None,
    ask: trust.Ask | None = None,
    atomic: bool = True,
    pulled: bool = False,
    known: LedgerView | None = None,
    drop: Iterable[int] = (),
    wait_for: Collection[str] = (),
    give_up: Collection[str] = (),
) -> SyncResult:
    """Exchange refs with the remote until both have the same. Raises ArcgitError; what was local stays local then.

    Where it was `pulled` just now, there is no fetch before the first push: that fails if the remote has moved on.
    `known` is as in `ledger.read_once`. `drop` are numbers of own events that cannot stand behind what the remote has, to
    be left out; `wait_for` are people whose events may wait in this clone for their own sync, and `give_up` people whose
    events have waited long enough.
    """
    context.require_chosen_remote()
    if context.remote is None:
        hint = "git remote add origin URL"
        raise UndeterminedError("remote-missing", "there is no git remote to exchange with", hint)
    result = SyncResult(context.remote, judged=known)
    waiting.require(context, give_up)

    pushed: list[LedgerView | None] = []
    leave = set(drop)

    def both() -> None:
        nonlocal pulled
        if pulled:
            pulled = False
            pushed.append(_push(context, result, atomic=atomic))
            return
        theirs = _bring(context, result, trust_root=trust_root, ask=ask)
        if context.repo.ref(LEDGER_REF) is None and context.repo.ref(tracking_ref(result.remote)) is None:
            message = f"neither this clone nor `{result.remote}` has an arcgit ledger"
            raise UndeterminedError(
                "ledger-missing", message, "is this the right remote? arcgit init founds an archive"
            )
        _join(context, result, theirs, get_signer, leave, wait_for)
        if give_up:
            with turn(context, WRITING):
                result.dropped += waiting.give_up(context, give_up)
        pushed.append(_push(context, result, atomic=atomic))

    _persistently(context, both)
    if not result.fetched and LEDGER_REF in result.pushed:
        # Until now the remote had no ledger, and `git fetch` fails where it is told to bring one. `doctor` tells the rest.
        with suppress(ArcgitError):
            context.settings.fetch_ledger_from(result.remote)
    refs = context.repo.refs(RECORD_PREFIX, WAITING_PREFIX)
    present = {ref.name for ref in refs.below(RECORD_PREFIX)}
    recorded = _recorded_oids(pushed[-1])
    result.missing = sorted(name.removeprefix("refs/tags/") for name in recorded if name not in present)
    result.waiting = waiting.told(context, refs.below(WAITING_PREFIX))
    return result


def pull(
    context: Context,
    get_signer: GetSigner,
    *,
    trust_root: str | None = None,
    ask: trust.Ask | None = None,
    known: LedgerView | None = None,
) -> SyncResult:
    """The first half of a sync: fetch, judge, and put local events on top; nothing is pushed."""
    result = SyncResult(context.remote or "", judged=known)

    def half() -> None:
        theirs = _bring(context, result, trust_root=trust_root, ask=ask)
        _join(context, result, theirs, get_signer, set())

    _persistently(context, half)
    return result


def _persistently(context: Context, work: Callable[[], None]) -> None:
    """Do `work`, and again while somebody else is faster: in this clone by turns, else after a wait at random."""
    locked = 0
    for attempt in range(retry.REMOTE_ATTEMPTS):
        try:
            with turn(context, EXCHANGING):
                return work()
        except (exchange.BusyError, RefMovedError) as fault:
            locked = locked + 1 if isinstance(fault, exchange.RemoteLockedError) else 0
            if attempt == retry.REMOTE_ATTEMPTS - 1 or locked == retry.REMOTE_LOCKED:
                raise
            retry.wait(attempt, retry.REMOTE_SECONDS)
    raise AssertionError("unreachable")  # pragma: no cover


def _bring(context: Context, result: SyncResult, *, trust_root: str | None, ask: trust.Ask | None) -> LedgerView | None:
    brought = bring.bring(context, result.remote, trust_root=trust_root, ask=ask, known=result.judged)
    result.judged = brought.view or result.judged
    result.dropped += brought.yielded
    result.first_sight = result.first_sight or brought.first_sight
    if brought.view is not None:
        result.fetched = brought.view.ledger.seq
    return brought.view


def _join(
    context: Context,
    result: SyncResult,
    theirs: LedgerView | None,
    get_signer: GetSigner,
    drop: set[int],
    wait_for: Collection[str] = (),
) -> None:
    """Make the local ledger equal the remote's or extend it, and finish or roll back what a run that died has left."""
    with turn(context, WRITING):
        if not _parted(context, result, theirs, get_signer, Asked(drop, wait_for)):
            _rest_on(context, result, theirs, drop)
            _bring_on(context, result, get_signer)
        # What a faster clone makes impossible from now on is named anew, under its new number.
        drop.clear()
        restored, dropped = recover(context, result.judged)
    result.restored += restored
    result.dropped += dropped


def _parted(
    context: Context, result: SyncResult, theirs: LedgerView | None, get_signer: GetSigner, asked: Asked
) -> bool:
    """Put own events on top of the remote's where both ledgers have grown; False where they have not."""
    repo, local = context.repo, context.repo.ref(LEDGER_REF)
    # What was judged, and not what a `git fetch` of somebody else may have brought since.
    tip = theirs.ledger.tip if theirs is not None else None
    if theirs is None or tip is None or local is None or _in_line(repo, local, tip):
        return False
    _signed_again(context, result, theirs, local, get_signer, asked)
    return True


def _rest_on(context: Context, result: SyncResult, theirs: LedgerView | None, drop: set[int]) -> None:
    repo, local = context.repo, context.repo.ref(LEDGER_REF)
    tracking = theirs.ledger.tip if theirs is not None else None
    shared = theirs.ledger.seq if theirs is not None else 0
    if drop:
        last = len(ledger.entries_of(repo, local)) if local is not None else 0
        signagain.refuse_needless(drop, shared=shared, last=max(last, shared), remote=result.remote)
    if tracking is not None and local != tracking and (local is None or repo.is_ancestor(local, tracking)):
        repo.update_refs([RefUpdate(LEDGER_REF, tracking, local or ZERO)])
    elif local is not None and local != tracking:
        _drop_foreign(context, result, local)


def _bring_on(context: Context, result: SyncResult, get_signer: GetSigner) -> None:
    """Sign own events again that have waited here while the ledger went on."""
    if not context.repo.refs(WAITING_PREFIX):
        return
    view, local = _read(context, result), context.repo.ref(LEDGER_REF)
    if view is not None and local is not None and not view.faults and signagain.waits(context, view, get_signer):
        _signed_again(context, result, view, local, get_signer, Asked())


def _signed_again(
    context: Context, result: SyncResult, on: LedgerView, local: str, get_signer: GetSigner, asked: Asked
) -> None:
    again = signagain.sign_again(context, on, local, get_signer, asked=asked, remote=result.remote)
    result.resigned += again.resigned
    result.dropped += again.dropped


def _read(context: Context, result: SyncResult) -> LedgerView | None:
    """The local ledger, replayed unless that was done in this run."""
    view = ledger.read_once(context, LEDGER_REF, result.judged)
    result.judged = view or result.judged
    return view


def _in_line(repo: Repository, local: str, tracking: str) -> bool:
    """True where one of the two ledgers extends the other."""
    return local == tracking or repo.is_ancestor(local, tracking) or repo.is_ancestor(tracking, local)


def _drop_foreign(context: Context, result: SyncResult, local: str) -> None:
    """Take commits that are no events off the end of the local ledger, and keep them under refs/arcgit/lost/."""
    view = _read(context, result)
    if view is None or not view.faults:
        return
    found = view.faults[0]
    if found.code != "ledger-foreign-commit" or view.ledger.tip is None:
        raise RefusedError(found.code, f"the local ledger does not hold: {found.subject}: {found.message}", found.hint)
    context.repo.update_refs([lost(context, local), RefUpdate(LEDGER_REF, view.ledger.tip, local)])
    result.dropped.append(f"foreign commits on {LEDGER_REF} (kept as {LOST_PREFIX}{local})")


def _push(context: Context, result: SyncResult, *, atomic: bool) -> LedgerView | None:
    """Push what the remote lacks; returns the local ledger, which both sides have then."""
    repo, remote = context.repo, result.remote
    with turn(context, WRITING):
        shared = fixity.join(context, remote)
    result.warnings = [] if shared else [fixity.not_shared(context, remote)]
    there = exchange.list_remote(context.root, remote, LEDGER_REF, FIXITY_REF, f"{RECORD_PREFIX}*")
    # What goes is fixed here: a record that is sealed from now on must not have its event pushed without its tag.
    view = _read(context, result)
    if view is not None and view.faults:
        # It held a moment ago: what somebody put on it since is looked at, and taken off or named, before anything goes.
        raise RefMovedError("ref-moved", "the local ledger changed while it was read", "arcgit sync")
    if there.get(LEDGER_REF) not in {repo.ref(tracking_ref(remote)), view.ledger.tip if view is not None else None}:
        raise exchange.PushRejectedError("push-rejected", f"`{remote}` has news", "arcgit sync")
    recorded = _recorded_oids(view)
    lists = repo.ref(FIXITY_REF) if shared else None
    tip = view.ledger.tip if view is not None else repo.ref(LEDGER_REF)
    # A server that is shown one ref at a time must see the ledger before the tags that it records.
    goes = {name: oid for name, oid in ((LEDGER_REF, tip), (FIXITY_REF, lists)) if oid not in {None, there.get(name)}}
    goes |= {
        ref.name: ref.oid
        for ref in repo.refs(RECORD_PREFIX)
        if recorded.get(ref.name) == ref.oid != there.get(ref.name)
    }
    if instead := next((name for name in goes if name in there.symbolic), None):
        raise exchange.symbolic_ref(remote, [instead], there.symbolic[instead])
    if FIXITY_REF in goes and FIXITY_REF not in there:
        there[FIXITY_REF] = goes.pop(FIXITY_REF)
        _push_first_lists(context, result, there[FIXITY_REF])
    fault: ArcgitError | None = None
    try:
        if goes:
            _push_refs(context, remote, goes, atomic=atomic, present=there)
    except exchange.PartlyTakenError as partly:
        fault = partly
    shown = exchange.list_named(context.root, remote, goes) if goes else {}
    has = {name: oid for name, oid in goes.items() if shown.get(name) == oid}
    result.pushed += [name for name in has if name not in result.pushed]
    fault = fault or exchange.not_kept(remote, goes, there, shown)
    # The next sync brings the rest; what is there until then is remembered as being there.
    there.update(has)
    if fault is None or there.get(LEDGER_REF) == tip:
        _remember_pushed(context, remote, view, there)
    if fault is not None:
        raise fault
    return view


def _push_first_lists(context: Context, result: SyncResult, oid: str) -> None:
    """Lists of files where the remote shows none yet: before all else, because a server that hides them takes the rest.

    A record whose lists nobody can fetch is not pushed. Raises ArcgitError.
    """
    exchange.push(context.root, result.remote, {FIXITY_REF: oid})
    there = exchange.list_remote(context.root, result.remote, FIXITY_REF)
    if FIXITY_REF in there.symbolic:
        raise exchange.symbolic_ref(result.remote, [FIXITY_REF], there.symbolic[FIXITY_REF])
    if FIXITY_REF not in there:
        message = f"`{result.remote}` says that it took {FIXITY_REF}, and shows it to nobody who fetches"
        hint = "whoever runs the server looks at uploadpack.hideRefs and receive.procReceiveRefs; then arcgit sync"
        raise UndeterminedError("ref-hidden", message, hint)
    if FIXITY_REF not in result.pushed:
        result.pushed.append(FIXITY_REF)


def _remember_pushed(context: Context, remote: str, view: LedgerView | None, there: Mapping[str, str]) -> None:
    """Note what the remote has by now, its ledger with it."""
    repo = context.repo
    refs = repo.refs(UNPUSHED_PREFIX, RECORD_PREFIX)
    unpushed = {ref.name: ref.oid for ref in refs.below(UNPUSHED_PREFIX)}
    updates = [
        RefUpdate(name.unpushed_ref, ZERO, ref.oid)
        for ref in refs.below(RECORD_PREFIX)
        if (name := RecordName.parse(ref.name)) and unpushed.get(name.unpushed_ref) == ref.oid == there.get(ref.name)
    ]
    tip, tracking = there.get(LEDGER_REF), repo.ref(tracking_ref(remote))
    if tip is not None and tip != tracking:
        updates.append(RefUpdate(tracking_ref(remote), tip, tracking or ZERO))
    if updates:
        repo.update_refs(updates)
    if view is not None and not view.faults:
        trust.remember(context, view)


def _push_refs(
    context: Context, remote: str, goes: dict[str, str], *, atomic: bool, present: Mapping[str, str]
) -> None:
    if atomic:
        exchange.push(context.root, remote, goes, present=present)
        return
    # Tags first: a ledger that names a tag which is not there yet would look like a lost record.
    try:
        for part in ([name for name in goes if name != LEDGER_REF], [LEDGER_REF] if LEDGER_REF in goes else []):
            if part:
                exchange.push(context.root, remote, {name: goes[name] for name in part}, atomic=False)
    except RefusedError as fault:
        if "unrecorded-tag" not in fault.message:
            raise
        # A server that judges takes no tag without its event, and it sees both where they come in one push.
        exchange.push(context.root, remote, goes, atomic=False)


def _recorded_oids(view: LedgerView | None) -> dict[str, str]:
    records = view.ledger.records if view is not None else {}
    return {refname: record.subject.oid for refname, record in records.items()}
