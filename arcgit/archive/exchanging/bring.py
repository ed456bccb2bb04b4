"""The first half of an exchange: what the remote has, fetched, judged, and only then taken in.

Everything is first fetched beside its place. When the ledger has been judged, the tags and the ledger that names them move
in one transaction, the ledger last: whoever looks in between sees what was there before, or all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from arcgit.archive import belonging, ledger, trust
from arcgit.archive.context import Context
from arcgit.archive.exchanging.waiting import lost
from arcgit.archive.ledger import LedgerView
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git import exchange, outgoing
from arcgit.git.repository import ZERO, RefUpdate
from arcgit.model.finding import Severity
from arcgit.model.names import (
    FIXITY_REF,
    INCOMING_PREFIX,
    LEDGER_REF,
    RECORD_PREFIX,
    TAG_PREFIX,
    UNPUSHED_PREFIX,
    RecordName,
    fixity_tracking_ref,
    tracking_ref,
)
from arcgit.model.text import word

INCOMING_LEDGER = f"{INCOMING_PREFIX}ledger"


@dataclass
class Brought:
    """The remote's ledger, judged; None where it has none. `yielded` are own tags that made room for recorded ones."""

    view: LedgerView | None = None
    first_sight: bool = False
    yielded: list[str] = field(default_factory=list)


def bring(
    context: Context,
    remote: str,
    *,
    trust_root: str | None,
    ask: trust.Ask | None,
    known: LedgerView | None = None,
) -> Brought:
    """Fetch ledger, fixity lists and tags, judge the ledger, and let the refs follow; `known` is as in `ledger.read_once`.

    Raises ArcgitError, and BusyError where somebody was faster; no ref that counts has moved then.
    """
    repo = context.repo
    there = exchange.list_remote(context.root, remote, LEDGER_REF, FIXITY_REF, f"{RECORD_PREFIX}*")
    before = repo.ref(tracking_ref(remote))
    if LEDGER_REF not in there and before is not None:
        message = f"`{remote}` had a ledger when it was last fetched and has none now"
        hint = "ask whoever runs it, where it may be hidden (transfer.hideRefs); to give it back:"
        hint += f" git push {word(remote)} {word(f'{tracking_ref(remote)}:{LEDGER_REF}')}"
        raise RefusedError("ledger-rollback", message, hint)
    tags = {ref.name: ref.oid for ref in repo.refs(RECORD_PREFIX)}
    news = [name for name, oid in there.items() if name.startswith(RECORD_PREFIX) and tags.get(name) != oid]
    for name in (LEDGER_REF, FIXITY_REF, *(name for name in news if RecordName.parse(name) is not None)):
        if name in there.symbolic:
            raise exchange.symbolic_ref(remote, [name], there.symbolic[name])
    if news or not _fetched_before(context, remote, there):
        _fetch(context, remote, there, news if LEDGER_REF in there else [])
    if LEDGER_REF not in there:
        return Brought()
    view = _judged(context, remote, known)
    brought = Brought(view, _trusted(context, view, remote, there[LEDGER_REF], trust_root, ask).first_sight)
    if view.ref != INCOMING_LEDGER:
        _remember(context, view)
        return brought
    _require_all(view, tags, there)
    incoming = {ref.name: ref.oid for ref in repo.refs(INCOMING_PREFIX)}
    beside = {name: incoming[_beside(name)] for name in news if _beside(name) in incoming}
    updates = list(_tags(context, remote, view, tags, beside, brought))
    updates += [RefUpdate(tracking_ref(remote), view.ledger.tip or ZERO, before or ZERO)]
    # git deletes after all else has moved.
    repo.update_refs([*updates, *(RefUpdate(name, ZERO, oid) for name, oid in incoming.items())])
    view.ref = tracking_ref(remote)
    _remember(context, view)
    return brought


def _remember(context: Context, view: LedgerView) -> None:
    trust.remember(context, view)
    belonging.settle(context, view.ledger.archive)


def _fetched_before(context: Context, remote: str, there: Mapping[str, str]) -> bool:
    """True where ledger and fixity lists of the remote are here, and nothing of a run that died stands beside them."""
    places = {LEDGER_REF: tracking_ref(remote), FIXITY_REF: fixity_tracking_ref(remote)}
    here = all(context.repo.ref(places[name]) == oid for name, oid in there.items() if name in places)
    return here and not context.repo.refs(INCOMING_PREFIX)


def _fetch(context: Context, remote: str, there: Mapping[str, str], news: list[str]) -> None:
    specs = [f"+{FIXITY_REF}:{fixity_tracking_ref(remote)}"] if FIXITY_REF in there else []
    specs += [f"+{LEDGER_REF}:{INCOMING_LEDGER}"] if LEDGER_REF in there else []
    # As with what goes out: git holds each tag that is named against every other.
    if len(news) < outgoing.MANY:
        specs += [f"+{name}:{_beside(name)}" for name in news]
    else:
        specs.append(f"+{RECORD_PREFIX}*:{_beside(RECORD_PREFIX)}*")
    if specs:
        exchange.fetch(context.root, remote, specs)


def _beside(name: str) -> str:
    return f"{INCOMING_PREFIX}{name.removeprefix(TAG_PREFIX)}"


def _judged(context: Context, remote: str, known: LedgerView | None) -> LedgerView:
    places = (INCOMING_LEDGER, tracking_ref(remote))
    view = next(filter(None, (ledger.read_once(context, place, known) for place in places)), None)
    if view is None:
        raise exchange.BusyError("ref-moved", "the fetched ledger vanished", "arcgit sync")
    if view.faults:
        found = view.faults[0]
        kind = RefusedError if found.severity is Severity.ERROR else UndeterminedError
        raise kind(found.code, f"the ledger of `{remote}` does not hold: {found.subject}: {found.message}", found.hint)
    local = context.repo.ref(LEDGER_REF)
    apart = local is not None and local not in view.ledger.oids
    if local is not None and apart and ledger.entries_of(context.repo, local)[0].oid != view.ledger.genesis:
        message = f"`{remote}` holds another archive than this clone ({view.ledger.archive})"
        raise RefusedError("ledger-fork", message, "choose the remote with: git config arcgit.remote NAME")
    return view


def _trusted(
    context: Context, view: LedgerView, remote: str, listed: str, trust_root: str | None, ask: trust.Ask | None
) -> trust.Trust:
    try:
        return trust.require(context, view, trust_root=trust_root, ask=ask, keep=False)
    except RefusedError as fault:
        # Another clone of this person may have pushed, and remembered it, after this one has fetched.
        now = exchange.list_remote(context.root, remote, LEDGER_REF).get(LEDGER_REF)
        if now in {None, listed}:
            raise
        raise exchange.BusyError(fault.code, fault.message, fault.hint) from fault


def _require_all(view: LedgerView, tags: Mapping[str, str], there: Mapping[str, str]) -> None:
    """Refuse a ledger that is newer than the list of tags, where it names some that were not listed."""
    if view.ledger.tip != there[LEDGER_REF] and any(
        name not in tags and name not in there for name in view.ledger.records
    ):
        raise exchange.BusyError("ref-moved", "the remote was written to while it was read", "arcgit sync")


def _tags(
    context: Context,
    remote: str,
    view: LedgerView,
    tags: Mapping[str, str],
    incoming: Mapping[str, str],
    brought: Brought,
) -> Iterator[RefUpdate]:
    """The new tags. Where the remote's ledger recorded the same content under an own name, never pushed, ours makes room.

    A tag that anybody put there without an event is no record, and ours stays. Raises RefusedError.
    """
    unpushed = {ref.name: ref.oid for ref in context.repo.refs(UNPUSHED_PREFIX)}
    for refname, oid in incoming.items():
        here = tags.get(refname)
        if here == oid:
            continue
        if here is None:
            yield RefUpdate(refname, oid, ZERO)
            continue
        name = RecordName.parse(refname)
        if name is None or unpushed.get(name.unpushed_ref) != here:
            message = f"`{remote}` has another object under the name of a tag that you have: {refname}"
            raise RefusedError("tag-not-as-recorded", message, "arcgit verify")
        known = view.ledger.records.get(refname)
        if known is None or known.subject.oid != oid:
            message = f"`{remote}` has another object as {name.tag}, which its ledger did not record"
            hint = f"ask who pushed it; whoever may: git push {word(remote)} {word(f':{refname}')}; then arcgit sync"
            raise RefusedError("unrecorded-tag", message, hint)
        yield lost(context, here)
        yield RefUpdate(refname, oid, here)
        yield RefUpdate(name.unpushed_ref, ZERO, here)
        brought.yielded.append(name.tag)
