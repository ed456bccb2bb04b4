"""Putting one signed event on the ledger, alone or about a record: judged, written by compare-and-swap, and exchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from arcgit.archive import demands, ledger, retry, trust, unsynced
from arcgit.archive.context import Context
from arcgit.archive.events import saying
from arcgit.archive.exchanging import signagain, sync
from arcgit.archive.exchanging.recover import recover
from arcgit.archive.ledger import LedgerView
from arcgit.archive.select import select
from arcgit.archive.turn import WRITING, turn
from arcgit.errors import UndeterminedError
from arcgit.git.repository import ZERO, RefMovedError, RefUpdate
from arcgit.model.event import Subject
from arcgit.model.names import LEDGER_REF, WAITING_PREFIX
from arcgit.signing.signer import Signer

Decide = Callable[[LedgerView], tuple[Subject | None, dict[str, Any]]]


STATEMENTS = frozenset({"amended", "retired", "reviewed"})
"""Events that say nothing new when they are repeated word by word with nothing in between."""


class Written(NamedTuple):
    """Where an event stands on the ledger, and whether this run has put it there."""

    seq: int
    oid: str
    created: bool = True


class WrittenBefore(Exception):  # noqa: N818  an answer of `decide`, not an error
    """What would be decided is on the ledger since an earlier run, which may not have pushed it."""

    def __init__(self, written: Written) -> None:
        super().__init__()
        self.written = written


@dataclass
class Appended:
    """The event that was written: its number and commit, and the refs that were pushed.

    `created` is False where an earlier run had written it, and `here` where it has got further than this clone.
    """

    seq: int
    oid: str
    pushed: list[str] = field(default_factory=list)
    created: bool = True
    here: bool = True


@dataclass(frozen=True)
class Exchange:
    """How an event is exchanged: whether at all, and how the archive's root is known."""

    push: bool = True
    atomic: bool = True
    trust_root: str | None = None
    ask: trust.Ask | None = None


def append(
    context: Context,
    get_signer: Callable[[], Signer],
    *,
    kind: str,
    decide: Decide,
    exchange: Exchange,
    now: datetime,
    known: LedgerView | None = None,
) -> Appended:
    """Write one event of type `kind`. Raises ArcgitError; nothing is written then.

    `decide` is asked for subject and data, anew whenever the ledger has moved on in between. It may raise `WrittenBefore`.
    `known` is as in `ledger.read_once`.
    """
    context.require_chosen_remote()
    with_remote = exchange.push and context.remote is not None
    pulled = False
    if with_remote:
        done = sync.pull(context, get_signer, trust_root=exchange.trust_root, ask=exchange.ask, known=known)
        pulled, known = done.fetched > 0, done.judged
    else:
        recover(context, known)

    def require_trust(view: LedgerView) -> None:
        # What was fetched has been judged, and the local ledger extends it; since then the pin may have seen more.
        if not pulled:
            trust.require(context, view, trust_root=exchange.trust_root, ask=exchange.ask)

    view, written = _written(context, get_signer, kind, decide, require_trust, now, known)
    demands.remember(context.repo.common_dir, view.ledger)
    result = Appended(written.seq, written.oid, created=written.created)
    if with_remote:
        done = sync.sync(
            context,
            get_signer,
            trust_root=exchange.trust_root,
            ask=exchange.ask,
            atomic=exchange.atomic,
            pulled=pulled,
            known=view,
        )
        result.pushed = done.pushed
        result.here = context.repo.ref(f"{WAITING_PREFIX}{written.oid}") is not None
        if done.resigned and not result.here:
            result.seq, result.oid = _signed_again(context, view, written)
    elif context.remote is None:
        trust.remember(context, view)
    return result


def _signed_again(context: Context, view: LedgerView, written: Written) -> tuple[int, str]:
    """Number and commit of the event behind what somebody faster wrote; those of before where it is not there."""
    said = dict(view.ledger.events).get(written.oid)
    tip = context.repo.ref(LEDGER_REF)
    for oid, event in reversed(ledger.believed(context.repo, tip).events if said is not None and tip else []):
        if said is not None and signagain.says_the_same(said, event):
            return event.seq, oid
    return written.seq, written.oid


def _written(
    context: Context,
    get_signer: Callable[[], Signer],
    kind: str,
    decide: Decide,
    require_trust: Callable[[LedgerView], None],
    now: datetime,
    known: LedgerView | None,
) -> tuple[LedgerView, Written]:
    for attempt in range(retry.ATTEMPTS):
        try:
            with turn(context, WRITING):
                # What an attempt in vain has put on top of it is not on the ledger.
                view = ledger.require(context, None if attempt else known)
                ledger.require_joined(view)
                require_trust(view)
                try:
                    subject, data = decide(view)
                except WrittenBefore as before:
                    return view, before.written._replace(created=False)
                saying.require_clean(data)
                if (said := _said(view, get_signer, kind, subject, data)) is not None:
                    return view, said
                time, who = ledger.timestamp(now), context.settings.identity()
                new = ledger.build(view, get_signer(), kind=kind, subject=subject, data=data, time=time, identity=who)
                written = Written(new.event.seq, new.oid)
                with context.repo.held(new.objects):
                    context.repo.update_refs([RefUpdate(LEDGER_REF, new.oid, view.local or ZERO)])
        except RefMovedError:
            if attempt == retry.ATTEMPTS - 1:
                raise
            retry.wait(attempt, retry.LOCAL_SECONDS)
        else:
            return view, written
    raise AssertionError("unreachable")  # pragma: no cover


def _said(
    view: LedgerView, get_signer: Callable[[], Signer], kind: str, subject: Subject | None, data: dict[str, Any]
) -> Written | None:
    """The event that says just this and is the last on its record: written by a run that died before it was done."""
    known = view.ledger.records.get(subject.refname) if subject is not None else None
    if kind not in STATEMENTS or known is None or not known.events:
        return None
    last = known.events[-1]
    if (last.type, last.subject, last.data) != (kind, subject, data):
        return None
    if last.actor != ledger.person_of(view, get_signer()):
        return None
    return Written(last.seq, view.ledger.events[last.seq - 1][0], created=False)


def subject_of(context: Context, view: LedgerView, wanted: str) -> Subject:
    """The record that a person means, as events name it. Raises UsageError, UndeterminedError."""
    name = next(iter(select(view, context.repo.refs("refs/tags/exp"), [wanted])))
    known = view.ledger.records.get(name.refname)
    if known is None:
        under = context.repo.refs(name.refname).find(name.refname)
        if under is not None and (waits := unsynced.find(context, view, under)) is not None:
            message = f"{name.tag} waits in this clone for {waits.recorder}, who sealed it"
            raise UndeterminedError("record-unsynced", message, f"arcgit sync, by {waits.recorder}; then again")
        raise UndeterminedError("unrecorded-tag", f"the ledger does not know {name.tag}", "arcgit sync")
    return known.subject
