"""Where trust in an archive begins: a pin, a trust root given from outside, or a person who is asked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from arcgit.archive import pin
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.errors import UndeterminedError, UsageError
from arcgit.model.finding import Finding, error, unknown
from arcgit.model.names import tracking_ref
from arcgit.rules.chain import Ledger

Ask = Callable[[str], bool]
"""Put a question to the person; only given where there is a terminal."""


@dataclass(frozen=True)
class Trust:
    """How the archive's root is known: `pin`, `trust-root` or `asked`; None where it is not."""

    how: str | None
    findings: list[Finding]


def judge(context: Context, view: LedgerView, *, trust_root: str | None, ask: Ask | None) -> Trust:
    """Compare the ledger with the trust root or the pin, and remember what was seen where it may be relied upon."""
    ledger = view.ledger
    oids = [oid for oid, _ in ledger.events]
    findings: list[Finding] = []
    known = pin.load(context.state_dir, ledger.archive) if ledger.archive else None
    how: str | None = None
    if trust_root is not None:
        findings += _root_faults(ledger, trust_root)
        how = "trust-root"
    if known is not None:
        # Behind a broken event nothing counts, so only the beginning of a broken ledger can be compared.
        findings += pin.compare(known, genesis=ledger.genesis, oids=None if view.faults else oids)
        how = how or "pin"
    if how is None and not view.faults and ask is not None and ask(_question(ledger)):
        how = "asked"
    if how is None:
        findings.append(_unknown_root(ledger))
    if how is not None and not findings and not view.faults:
        remember(context, view)
    return Trust(how, findings)


def remember(context: Context, view: LedgerView) -> None:
    """Pin the archive at the tip that the remote has (the local tip where there is no remote)."""
    ledger = view.ledger
    seen = context.repo.ref(tracking_ref(context.remote)) if context.remote else ledger.tip
    places = {oid: seq for seq, (oid, _) in enumerate(ledger.events, 1)}
    seq = places.get(seen or "")
    if seq is None:
        # Nothing was pushed yet: the genesis is all that a later re-signing cannot change.
        seen, seq = ledger.genesis, 1
    pin.save(
        context.state_dir,
        pin.Pin(
            schema=pin.SCHEMA,
            archive=ledger.archive,
            genesis=ledger.genesis,
            founder=ledger.founder,
            tip=str(seen),
            seq=seq,
        ),
    )


def require(context: Context, view: LedgerView, *, trust_root: str | None, ask: Ask | None) -> None:
    """As `judge`, but raises UndeterminedError or UsageError where the root is not known or not the expected one."""
    trust = judge(context, view, trust_root=trust_root, ask=ask)
    if trust.findings:
        found = trust.findings[0]
        kind = UndeterminedError if found.code == "trust-root-unknown" else UsageError
        raise kind(found.code, found.message, found.hint)


def _root_faults(ledger: Ledger, trust_root: str) -> list[Finding]:
    wanted = trust_root.replace(" ", "")
    if wanted in {ledger.genesis, ledger.founder, ledger.founder.upper()} or wanted.upper() == ledger.founder:
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
