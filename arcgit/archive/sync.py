"""`arcgit sync`: the one way in which tags and ledger are exchanged with the remote.

Fetch, check that the remote ledger holds and has not gone back behind the pin, put own unpushed events on top of it
(signed again, judged again), push everything as one, and start over where somebody else was faster. Nothing is merged
or forced, and what is dropped is kept under refs/arcgit/lost/.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import NoReturn

from arcgit.archive import fixity, ledger, retry, trust
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.recover import lost, recover
from arcgit.archive.turn import EXCHANGING, WRITING, turn
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git import exchange
from arcgit.git.repository import ZERO, RefMovedError, RefUpdate
from arcgit.model.event import Event
from arcgit.model.finding import Severity
from arcgit.model.names import (
    FIXITY_REF,
    LEDGER_REF,
    LOST_PREFIX,
    RECORD_PREFIX,
    UNPUSHED_PREFIX,
    RecordName,
    fixity_tracking_ref,
    tracking_ref,
)
from arcgit.model.notetree import RawObject
from arcgit.signing.signer import Signer

GetSigner = Callable[[], Signer]


@dataclass
class SyncResult:
    """What was exchanged. `pushed` lists refs, `resigned` event types signed again, `dropped` what went to lost.

    `missing` lists recorded tags that neither side has: somebody took them away. `first_sight` where no pin told what this
    person had seen of the archive before.
    """

    remote: str
    fetched: int = 0
    pushed: list[str] = field(default_factory=list)
    resigned: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    first_sight: bool = False


def sync(
    context: Context,
    get_signer: GetSigner,
    *,
    trust_root: str | None = None,
    ask: trust.Ask | None = None,
    atomic: bool = True,
    pulled: bool = False,
) -> SyncResult:
    """Exchange refs with the remote until both have the same. Raises ArcgitError; what was local stays local then.

    Where it was `pulled` just now, there is no fetch before the first push: that fails if the remote has moved on.
    """
    context.require_chosen_remote()
    if context.remote is None:
        hint = "git remote add origin URL"
        raise UndeterminedError("remote-missing", "there is no git remote to exchange with", hint)
    result = SyncResult(context.remote)

    pushed: list[LedgerView | None] = []

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
        _join(context, result, theirs, get_signer)
        pushed.append(_push(context, result, atomic=atomic))

    _persistently(context, both)
    if not result.fetched and LEDGER_REF in result.pushed:
        # Until now the remote had no ledger, and `git fetch` fails where it is told to bring one. `doctor` tells the rest.
        with suppress(ArcgitError):
            context.settings.fetch_ledger_from(result.remote)
    present = {ref.name for ref in context.repo.refs(RECORD_PREFIX)}
    recorded = _recorded_oids(pushed[-1])
    result.missing = sorted(name.removeprefix("refs/tags/") for name in recorded if name not in present)
    return result


def pull(
    context: Context, get_signer: GetSigner, *, trust_root: str | None = None, ask: trust.Ask | None = None
) -> SyncResult:
    """The first half of a sync: fetch, judge, and put local events on top; nothing is pushed."""
    result = SyncResult(context.remote or "")

    def half() -> None:
        theirs = _bring(context, result, trust_root=trust_root, ask=ask)
        _join(context, result, theirs, get_signer)

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
    """Fetch ledger, fixity lists and tags, and judge the ledger before anything local follows it; None without one."""
    remote = result.remote
    there = exchange.list_remote(context.root, remote, LEDGER_REF, FIXITY_REF, f"{RECORD_PREFIX}*")
    before = context.repo.ref(tracking_ref(remote))
    refspecs = [f"+{LEDGER_REF}:{tracking_ref(remote)}"] if LEDGER_REF in there else []
    refspecs += [f"+{FIXITY_REF}:{fixity_tracking_ref(remote)}"] if FIXITY_REF in there else []
    if refspecs:
        exchange.fetch(context.root, remote, refspecs)
    if LEDGER_REF not in there:
        if before is not None:
            message = f"`{remote}` had a ledger when it was last fetched and has none now"
            hint = f"ask whoever runs it; to give it back: git push {remote} {tracking_ref(remote)}:{LEDGER_REF}"
            raise RefusedError("ledger-rollback", message, hint)
        return None
    view = ledger.read(context, tracking_ref(remote))
    if view is None:
        raise UndeterminedError("ref-moved", "the fetched ledger vanished", "arcgit sync")
    if view.faults:
        found = view.faults[0]
        kind = RefusedError if found.severity is Severity.ERROR else UndeterminedError
        raise kind(found.code, f"the ledger of `{remote}` does not hold: {found.subject}: {found.message}", found.hint)
    local = context.repo.ref(LEDGER_REF)
    if local is not None:
        ours = ledger.entries_of(context.repo, local)
        if ours[0].oid != view.ledger.genesis:
            message = f"`{remote}` holds another archive than this clone ({view.ledger.archive})"
            raise RefusedError("ledger-fork", message, "choose the remote with: git config arcgit.remote NAME")
    try:
        root = trust.require(context, view, trust_root=trust_root, ask=ask)
    except RefusedError as fault:
        # Another clone of this person may have pushed, and remembered it, after this one has fetched.
        now = exchange.list_remote(context.root, remote, LEDGER_REF).get(LEDGER_REF)
        if now in {None, there[LEDGER_REF]}:
            raise
        raise exchange.BusyError(fault.code, fault.message, fault.hint) from fault
    result.first_sight = result.first_sight or root.first_sight
    result.fetched = view.ledger.seq
    _yield_names(context, result, there, view)
    if any(name.startswith(RECORD_PREFIX) for name in there):
        exchange.fetch(context.root, remote, [f"{RECORD_PREFIX}*:{RECORD_PREFIX}*"])
    return view


def _yield_names(context: Context, result: SyncResult, there: dict[str, str], view: LedgerView) -> None:
    """Where the remote's ledger recorded the same content under the same name, ours (never pushed) makes room.

    A tag that anybody put there without an event is no record, and ours stays. Raises RefusedError.
    """
    unpushed = {ref.name: ref.oid for ref in context.repo.refs(UNPUSHED_PREFIX)}
    for ref in context.repo.refs(RECORD_PREFIX):
        name = RecordName.parse(ref.name)
        if name is None or there.get(ref.name, ref.oid) == ref.oid or unpushed.get(name.unpushed_ref) != ref.oid:
            continue
        known = view.ledger.records.get(ref.name)
        if known is None or known.subject.oid != there[ref.name]:
            message = f"`{result.remote}` has another object as {name.tag}, which its ledger did not record"
            hint = f"ask who pushed it; whoever may: git push {result.remote} :{ref.name}; then arcgit sync"
            raise RefusedError("unrecorded-tag", message, hint)
        context.repo.update_refs(
            [
                lost(context, ref.oid),
                RefUpdate(ref.name, ZERO, ref.oid),
                RefUpdate(name.unpushed_ref, ZERO, ref.oid),
            ]
        )
        result.dropped.append(name.tag)


def _join(context: Context, result: SyncResult, theirs: LedgerView | None, get_signer: GetSigner) -> None:
    """Make the local ledger equal the remote's or extend it, and finish or roll back what a run that died has left."""
    with turn(context, WRITING):
        _rest_on(context, result, theirs, get_signer)
        restored, dropped = recover(context)
    result.restored += restored
    result.dropped += dropped


def _rest_on(context: Context, result: SyncResult, theirs: LedgerView | None, get_signer: GetSigner) -> None:
    repo = context.repo
    local = repo.ref(LEDGER_REF)
    # What was judged, and not what a `git fetch` of somebody else may have brought since.
    tracking = theirs.ledger.tip if theirs is not None else None
    if theirs is None or tracking is None:
        if local is not None:
            _drop_foreign(context, result, local)
        return
    if local == tracking:
        return
    if local is None or repo.is_ancestor(local, tracking):
        repo.update_refs([RefUpdate(LEDGER_REF, tracking, local or ZERO)])
        return
    if repo.is_ancestor(tracking, local):
        _drop_foreign(context, result, local)
        return
    _sign_again(context, result, theirs, local, get_signer)


def _drop_foreign(context: Context, result: SyncResult, local: str) -> None:
    """Take commits that are no events off the end of the local ledger, and keep them under refs/arcgit/lost/."""
    view = ledger.read(context, LEDGER_REF)
    if view is None or not view.faults:
        return
    found = view.faults[0]
    if found.code != "ledger-foreign-commit" or view.ledger.tip is None:
        raise RefusedError(found.code, f"the local ledger does not hold: {found.subject}: {found.message}", found.hint)
    context.repo.update_refs([lost(context, local), RefUpdate(LEDGER_REF, view.ledger.tip, local)])
    result.dropped.append(f"foreign commits on {LEDGER_REF} (kept as {LOST_PREFIX}{local})")


def _sign_again(context: Context, result: SyncResult, view: LedgerView, local: str, get_signer: GetSigner) -> None:
    """Put our events that the remote does not have on top of its ledger."""
    ours = _own_events(context, {oid for oid, _ in view.ledger.events}, local)
    signer = get_signer()
    identity = context.settings.identity()
    me = ledger.person_of(view, signer)
    objects: list[RawObject] = []
    for current in ours:
        if current.actor != me:
            _not_ours(current.actor)
        known = view.ledger.records.get(current.subject.refname) if current.subject else None
        if current.type == "recorded" and known is not None:
            continue
        new = ledger.build(
            view,
            signer,
            kind=current.type,
            subject=current.subject,
            data=current.data,
            time=current.time,
            identity=identity,
        )
        objects += new.objects
        result.resigned.append(current.type)
    tip = view.ledger.tip or ZERO
    with context.repo.held(objects) if objects else nullcontext():
        context.repo.update_refs([lost(context, local), RefUpdate(LEDGER_REF, tip, local)])


def _own_events(context: Context, known: set[str], local: str) -> list[Event]:
    """The valid local events that are not in `known`. Foreign commits at the end are left behind."""
    view = ledger.read(context, LEDGER_REF)
    if view is None or context.repo.ref(LEDGER_REF) != local:
        raise RefMovedError("ref-moved", "the local ledger changed while it was read", "arcgit sync")
    bad = [found for found in view.faults if found.code != "ledger-foreign-commit"]
    if bad:
        raise RefusedError(bad[0].code, f"the local ledger does not hold: {bad[0].message}", bad[0].hint)
    return [current for oid, current in view.ledger.events if oid not in known]


def _not_ours(actor: str) -> NoReturn:
    message = f"the local ledger has an unpushed event by {actor}, which only {actor} can sign again"
    raise RefusedError("ledger-unsynced", message, f"let {actor} run `arcgit sync` in this repository")


def _push(context: Context, result: SyncResult, *, atomic: bool) -> LedgerView | None:
    """Push what the remote lacks; returns the local ledger, which both sides have then."""
    repo, remote = context.repo, result.remote
    with turn(context, WRITING):
        shared = fixity.join(context, remote)
    there = exchange.list_remote(context.root, remote, LEDGER_REF, FIXITY_REF, f"{RECORD_PREFIX}*")
    # What goes is fixed here: a record that is sealed from now on must not have its event pushed without its tag.
    view = ledger.read(context, LEDGER_REF)
    if there.get(LEDGER_REF) not in {repo.ref(tracking_ref(remote)), view.ledger.tip if view is not None else None}:
        raise exchange.PushRejectedError("push-rejected", f"`{remote}` has news", "arcgit sync")
    recorded = _recorded_oids(view)
    lists = repo.ref(FIXITY_REF) if shared else None
    tip = view.ledger.tip if view is not None and not view.faults else repo.ref(LEDGER_REF)
    # A server that is shown one ref at a time must see the ledger before the tags that it records.
    goes = {name: oid for name, oid in ((LEDGER_REF, tip), (FIXITY_REF, lists)) if oid not in {None, there.get(name)}}
    goes |= {
        ref.name: ref.oid
        for ref in repo.refs(RECORD_PREFIX)
        if recorded.get(ref.name) == ref.oid != there.get(ref.name)
    }
    if goes:
        _push_refs(context, remote, goes, atomic=atomic)
    result.pushed += [name for name in goes if name not in result.pushed]
    there |= goes
    waiting = {ref.name: ref.oid for ref in repo.refs(UNPUSHED_PREFIX)}
    updates = [
        RefUpdate(name.unpushed_ref, ZERO, ref.oid)
        for ref in repo.refs(RECORD_PREFIX)
        if (name := RecordName.parse(ref.name)) and waiting.get(name.unpushed_ref) == ref.oid == there.get(ref.name)
    ]
    tracking = repo.ref(tracking_ref(remote))
    if tip is not None and tip != tracking:
        updates.append(RefUpdate(tracking_ref(remote), tip, tracking or ZERO))
    if updates:
        repo.update_refs(updates)
    if view is not None and not view.faults:
        trust.remember(context, view)
    return view


def _push_refs(context: Context, remote: str, goes: dict[str, str], *, atomic: bool) -> None:
    if atomic:
        exchange.push(context.root, remote, [f"{oid}:{name}" for name, oid in goes.items()])
        return
    # Tags first: a ledger that names a tag which is not there yet would look like a lost record.
    try:
        for part in ([name for name in goes if name != LEDGER_REF], [LEDGER_REF] if LEDGER_REF in goes else []):
            if part:
                exchange.push(context.root, remote, [f"{goes[name]}:{name}" for name in part], atomic=False)
    except RefusedError as fault:
        if "unrecorded-tag" not in fault.message:
            raise
        # A server that judges takes no tag without its event, and it sees both where they come in one push.
        exchange.push(context.root, remote, [f"{oid}:{name}" for name, oid in goes.items()], atomic=False)


def _recorded_oids(view: LedgerView | None) -> dict[str, str]:
    records = view.ledger.records if view is not None else {}
    return {refname: record.subject.oid for refname, record in records.items()}
