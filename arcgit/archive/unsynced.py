"""Records that were sealed in this clone and are not on the ledger in force: they wait for `arcgit sync`.

After a fetch the local ledger and the remote's may have parted, and events of somebody else may wait here for that person.
Their records are no strangers, but no pass either: only events that hold, by people whom the ledger in force lets record,
tell one of them from a tag that somebody slipped in.
"""

from __future__ import annotations

from collections.abc import Iterator

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.exchanging import waiting
from arcgit.archive.judge import ClaimReader
from arcgit.archive.ledger import LedgerView, Other
from arcgit.git.refs import Ref
from arcgit.model.finding import Finding, unknown
from arcgit.model.names import LEDGER_REF, WAITING_PREFIX
from arcgit.rules import doubt
from arcgit.rules.signature import Checked
from arcgit.rules.state import ROLES, RecordState


def find(context: Context, view: LedgerView, ref: Ref, claims: ClaimReader | None = None) -> RecordState | None:
    """The record that waits in this clone as the tag under `ref`, as the ledger that it was sealed on has it.

    None for a tag that no ledger of this clone records, or by somebody who may not record any more. With `claims`
    signatures are believed, as in `ledger.read`.
    """
    known = view.ledger.records.get(ref.name)
    if known is not None and known.subject.oid == ref.oid:
        return None
    if view.others is None:
        view.others = list(_others(context, view, claims))
    for other in view.others:
        state = other.view.ledger.records.get(ref.name)
        if state is None or state.subject.oid != ref.oid:
            continue
        waits = other.events is None or other.view.ledger.oids[state.seq - 1] in other.events
        if waits and _counts(view, other.view, state):
            return state
    return None


def possible(context: Context, in_force: str | None) -> bool:
    """False where this clone has no ledger but the one in force, so that nothing has to be read to know that none waits."""
    return in_force not in {None, LEDGER_REF} or bool(context.repo.refs(WAITING_PREFIX))


def findings(context: Context, view: LedgerView, state: RecordState, tag: Checked) -> Iterator[Finding]:
    """What is said of a record that waits; `tag` is who signed it, who must be in order behind the ledger in force."""
    place = view.ledger.seq + 1
    doubted = doubt.compromised(view.ledger.policy, tag.fingerprint, place)
    if doubted is None and (tag.expires or tag.revoked):
        doubted = doubt.ended(tag.fingerprint, tag.expires, view.ledger.latest, revoked=tag.revoked)
    if doubted is not None:
        yield doubt.about_record(state, doubted)
    remote = context.remote or "the remote"
    person = state.recorder
    message = (
        f"{person} sealed it in this clone, and `{remote}` has gone on since: it is not on the ledger in force yet"
    )
    if view.ledger.records.get(state.name.refname) is not None:
        message = f"{person} sealed it in this clone, and the ledger of `{remote}` has the same content from elsewhere"
    hint = f"arcgit sync, by {person} in this clone"
    if state.subject.oid in waiting.tags(context):
        hint += f"; if {person} never comes: arcgit sync --give-up {person} sets it aside"
    yield unknown(
        "record-unsynced", state.name.tag, message, expected="on the ledger in force", found="on another one", hint=hint
    )


def _others(context: Context, view: LedgerView, claims: ClaimReader | None) -> Iterator[Other]:
    """The ledgers of this clone that are not in force, as far as they hold and are of the same archive."""
    if view.ref != LEDGER_REF and view.local is not None and view.local not in view.ledger.oids:
        other = _sound(context, view, LEDGER_REF, claims)
        if other is not None:
            yield Other(other, None)
    places = {ref.oid: ref.name for ref in context.repo.refs(WAITING_PREFIX)}
    seen: set[str] = set()
    for oid, name in places.items():
        if oid in seen:
            continue
        other = _sound(context, view, name, claims)
        if other is not None:
            seen.update(other.ledger.oids)
            yield Other(other, frozenset(places))


def _sound(context: Context, view: LedgerView, ref: str, claims: ClaimReader | None) -> LedgerView | None:
    found = ledger.read(context, ref, claims, remember="standing")
    if found is None or found.ledger.genesis != view.ledger.genesis:
        return None
    # Notes of stock git at the end are left behind by sync; the events below them are none the worse.
    return found if all(fault.code == "ledger-foreign-commit" for fault in found.faults) else None


def _counts(view: LedgerView, other: LedgerView, state: RecordState) -> bool:
    """True where who wrote the event could write it behind the ledger in force as well."""
    policy, key = view.ledger.policy, other.ledger.keys[state.seq - 1]
    person = policy.person_of(key) if policy is not None else None
    if policy is None or person is None or not policy.has_role(person, ROLES["recorded"]):
        return False
    return not state.tainted and doubt.compromised(policy, key, view.ledger.seq + 1) is None
