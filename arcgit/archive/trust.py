"""Where trust in an archive begins: a pin, a trust root given from outside, or a person who is asked once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arcgit.archive import belonging, pin
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.model.finding import Finding, Severity, error, unknown, warning
from arcgit.model.names import LEDGER_REF, tracking_ref
from arcgit.model.text import word
from arcgit.rules.chain import Ledger

Ask = Callable[[str], bool]
"""Put a question to the person; only given where there is a terminal."""


@dataclass(frozen=True)
class Trust:
    """How the archive's root is known: `pin`, `trust-root` or `asked`; None where it is not.

    `first_sight` where no pin tells what this person has seen before, so that nothing can be missed.
    """

    how: str | None
    findings: list[Finding]
    first_sight: bool = False


def judge(context: Context, view: LedgerView, *, trust_root: str | None, ask: Ask | None, keep: bool = True) -> Trust:
    """Compare the ledger with the trust root or the pin, and remember what was seen where it may be relied upon.

    `keep` is False for a ledger that this clone has not taken in yet. A pin of it, and then a kill or a refusal, would make
    the ledger that stays look as if it had gone back: whoever asks calls `remember` when the refs have moved.
    """
    ledger = view.ledger
    oids = ledger.oids
    findings: list[Finding] = []
    known = pin.load(context.state_dir, ledger.archive) if ledger.archive else None
    how: str | None = None
    if trust_root is not None:
        findings += _root_faults(ledger, trust_root)
        how = "trust-root"
    if known is not None:
        # Behind a broken event nothing counts, so only the beginning of a broken ledger can be compared.
        differs = pin.compare(known, genesis=ledger.genesis, oids=None if view.faults else oids)
        findings += [_behind(context, known)] if differs and _only_behind(context, view, known) else differs
        how = how or "pin"
    if trust_root is None or _named(trust_root) != ledger.genesis:
        findings += belonging.faults(context, ledger.archive)
    if how is None and not findings and not view.faults and ask is not None and ask(_question(ledger)):
        how = "asked"
    if how is None:
        findings.append(_unknown_root(ledger))
    findings += _gone_back(context, view, known, oids) if known is not None and not findings and not view.faults else []
    if keep and how is not None and not findings and not view.faults:
        findings += remember(context, view)
    return Trust(how, findings, first_sight=known is None)


def _only_behind(context: Context, view: LedgerView, known: pin.Pin) -> bool:
    """Whether own events that were never pushed stand where the pin has what this clone has not fetched yet.

    Another clone of the same person has then seen more of the remote than this one. Whether the remote still has that, only
    fetching tells: until then nothing says that anything was rewritten, and nothing that it was not.
    """
    if view.faults or view.ref != LEDGER_REF or view.ledger.genesis != known.genesis:
        return False
    oids, tracking = view.ledger.oids, _seen_there(context, view)
    return tracking in oids and tracking != view.ledger.tip and oids.index(str(tracking)) + 1 < known.seq


def _behind(context: Context, known: pin.Pin) -> Finding:
    message = (
        f"event {known.seq} of the ledger of `{context.remote}`, which another clone of yours has seen, was not fetched"
        " here, and own events that were never pushed stand in its place"
    )
    hint = "arcgit sync fetches it and puts yours behind it; if it is not there any more, sync says so"
    return unknown("ledger-behind", "ledger", message, expected=f"event {known.seq} is {known.tip}", hint=hint)


def _gone_back(context: Context, view: LedgerView, known: pin.Pin, oids: Sequence[str]) -> list[Finding]:
    """Whether the remote's ledger, as last fetched, is shorter than it was when it was pinned."""
    tracking = _seen_there(context, view)
    if tracking is None or tracking not in oids or oids.index(tracking) + 1 >= known.seq:
        return []
    message = f"the ledger of `{context.remote}` is shorter than when it was last seen there; this clone has the rest"
    expected, found = f"event {known.seq} is {known.tip}", f"event {oids.index(tracking) + 1} is {tracking}"
    hint = f"ask whoever runs the remote; this gives back what was taken: git push {word(str(context.remote))} {LEDGER_REF}"
    return [error("ledger-rollback", "ledger", message, expected=expected, found=found, hint=hint)]


def _seen_there(context: Context, view: LedgerView) -> str | None:
    """The tip of the remote's ledger as last fetched: this very one, unless it is the local one."""
    if view.ref != LEDGER_REF:
        return view.ledger.tip
    return context.repo.ref(tracking_ref(context.remote)) if context.remote else None


def remember(context: Context, view: LedgerView) -> list[Finding]:
    """Pin the archive at the tip that the remote has (the local tip where there is no remote).

    A person whose state folder cannot be written can still read and record: a warning says what that costs.
    """
    ledger = view.ledger
    seen = _seen_there(context, view) if context.remote else ledger.tip
    seq = ledger.oids.index(seen) + 1 if seen is not None and seen in ledger.oids else 0
    if not seq:
        # Nothing was pushed yet: the genesis is all that a later re-signing cannot change.
        seen, seq = ledger.genesis, 1
    seen_now = pin.Pin(
        schema=pin.SCHEMA,
        archive=ledger.archive,
        genesis=ledger.genesis,
        founder=ledger.founder,
        tip=str(seen),
        seq=seq,
    )
    try:
        pin.save(context.state_dir, seen_now)
    except OSError as fault:
        message = f"the pin could not be written ({fault.strerror}), so a later rollback would not be noticed"
        return [
            warning("pin-unwritten", str(context.state_dir), message, hint="set XDG_STATE_HOME to a folder of yours")
        ]
    return []


def require(context: Context, view: LedgerView, *, trust_root: str | None, ask: Ask | None, keep: bool = True) -> Trust:
    """As `judge`, but raises UndeterminedError where the root is not known, RefusedError where it is another."""
    trust = judge(context, view, trust_root=trust_root, ask=ask, keep=keep)
    faults = [found for found in trust.findings if found.severity is not Severity.WARNING]
    if faults:
        found = faults[0]
        kind = UndeterminedError if found.severity is Severity.UNKNOWN else RefusedError
        raise kind(found.code, found.message, found.hint or "arcgit verify tells more")
    return trust


def _named(trust_root: str) -> str:
    """A trust root as the oid of a genesis is written."""
    return trust_root.replace(" ", "").removeprefix("0x").lower()


def _root_faults(ledger: Ledger, trust_root: str) -> list[Finding]:
    wanted = trust_root.replace(" ", "").removeprefix("0x")
    if wanted == ledger.founder or _named(trust_root) == ledger.genesis or wanted.upper() == ledger.founder:
        return []
    message = "the archive does not begin with the given trust root"
    found = f"genesis {ledger.genesis} signed by {ledger.founder}"
    hint = "ask whoever gave you the trust root; give the full fingerprint or the full genesis oid"
    return [error("trust-root-unknown", "ledger", message, expected=trust_root, found=found, hint=hint)]


def _unknown_root(ledger: Ledger) -> Finding:
    if not ledger.genesis or not ledger.founder:
        return unknown("trust-root-unknown", "ledger", "the archive's first key could not be read")
    hint = f"compare with what its owner tells you by another way, then add: --trust-root {ledger.founder}"
    message = f"this archive was never seen here; it was begun by key {ledger.founder} (genesis {ledger.genesis})"
    return unknown("trust-root-unknown", "ledger", message, hint=hint)


def _question(ledger: Ledger) -> str:
    return (
        f"Archive {ledger.archive} was never seen here.\n"
        f"  begun by key  {ledger.founder}\n  genesis       {ledger.genesis}\n"
        "Is that what its owner told you by another way?"
    )
