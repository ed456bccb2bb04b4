"""The doubts that an event brings with it onto a ledger: about itself, and for a policy about all before it."""

from __future__ import annotations

from collections.abc import Sequence

from arcgit.model.event import Event
from arcgit.rules import doubt
from arcgit.rules.doubt import Adopted, Doubt
from arcgit.rules.eventdata import records_of
from arcgit.rules.ledgerstate import Ledger
from arcgit.rules.signature import Checked


def take(ledger: Ledger, signed: Checked, approvals: Sequence[tuple[str, str]], current: Event) -> None:
    """Whether the event that was taken last counts, and for a policy which of the events so far still do."""
    if key := ended(ledger, signed, current.seq):
        ledger.ended[current.seq] = ledger.doubts[current.seq] = key
    if current.type == "policy":
        _policy(ledger, signed, approvals, current)
        return
    if ledger.ground is not None and ledger.ground is not ledger.policy:
        groundless = doubt.groundless(ledger.ground, signed.fingerprint, current)
        if groundless is not None:
            ledger.doubts.setdefault(current.seq, groundless)
    if current.seq in ledger.doubts:
        doubt.apply(ledger.records, records_of(current), ledger.doubts)


def ended(ledger: Ledger, checked: Checked, seq: int) -> Doubt | None:
    """The doubt about a key that had ended when it signed event `seq`."""
    if not (checked.expires or checked.revoked) or seq <= doubt.AT_THE_ROOT:
        return None
    return doubt.ended(checked.fingerprint, checked.expires, ledger.latest, revoked=checked.revoked)


def used_late(ledger: Ledger, fingerprint: str, expires: str) -> bool:
    """True where a key that ends at `expires` may have signed an event, or approved a policy, after that."""
    last = max((seq for seq, key in enumerate(ledger.keys, 1) if key == fingerprint), default=0)
    approved = (one.seq for one in ledger.adopted if any(key == fingerprint for _, key in one.approvals))
    return any(event.time >= expires for _, event in ledger.events[: max(1, last, *approved) - 1])


def _policy(ledger: Ledger, signed: Checked, approvals: Sequence[tuple[str, str]], current: Event) -> None:
    known = bool(ledger.doubts)
    ledger.keys[0] = ledger.founder
    ledger.adopted.append(
        Adopted(current.seq, ledger.require_policy(), current.actor, signed.fingerprint, tuple(approvals))
    )
    ledger.doubts, ledger.ground = doubt.judge_all(ledger.events, ledger.keys, ledger.adopted, ledger.ended)
    if known or ledger.doubts:
        doubt.apply(ledger.records, list(ledger.records), ledger.doubts)
