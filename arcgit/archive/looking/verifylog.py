"""The `verified` event: who looked at the data of which records, where, how closely, and with what verdict.

It is written at the end and only where it is asked for: judging must be safe in any clone, and writing goes through the
clone's git. Where it cannot be written the command says why, and the verdict on the data stays what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from arcgit.archive import fixity, newevent, retry
from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange
from arcgit.archive.events.attempt import written_or_not
from arcgit.archive.ledger import LedgerView
from arcgit.archive.looking.examine import Examined
from arcgit.archive.verify import VerifyResult
from arcgit.errors import ArcgitError, RefusedError
from arcgit.git.repository import RefMovedError
from arcgit.model import canonical, proven
from arcgit.model.canonical import MAX_SAFE_INTEGER
from arcgit.model.event import Subject
from arcgit.model.finding import Finding, Severity, Verdict, error, warning, worst_first
from arcgit.model.proven import ProvenObject
from arcgit.signing.signer import Signer

UNLOGGED = "verify-unlogged"
MAX_RECORDS = 50_000
"""So many names are what one event of the ledger has room for."""


def log(
    context: Context,
    get_signer: Callable[[], Signer],
    result: VerifyResult,
    *,
    exchange: Exchange,
    now: datetime,
) -> tuple[Appended | None, str]:
    """The event about what was looked at, or why there is none."""
    if result.examined is None or result.view is None or not result.examined.targets.records:
        return None, "there was nothing to look at"
    try:
        # Asked before the remote is, so that somebody without a key of the policy does not wait for the network.
        newevent.person_of(result.view, get_signer())
        data, subject, blob = _said(result, result.examined, result.view)
        if blob is not None:
            _shelve(context, blob)

        def decide(view: LedgerView) -> tuple[Subject | None, dict[str, Any]]:
            del view
            return subject, data

        return written_or_not(context, get_signer, "verified", decide, data, exchange=exchange, now=now), ""
    except ArcgitError as fault:
        return None, fault.message


def logged(
    context: Context,
    get_signer: Callable[[], Signer],
    result: VerifyResult,
    *,
    wanted: bool | None,
    exchange: Exchange,
    now: datetime,
) -> tuple[Appended | None, str]:
    """As `log`, where it is `wanted` (None where nobody said). What a missing event weighs goes into the result."""
    event, why = None, "--no-log was given" if wanted is False else "it was not asked for with --log"
    if wanted:
        event, why = log(context, get_signer, result, exchange=exchange, now=now)
    if event is None and (found := unlogged_finding(result.view, why, asked=bool(wanted))) is not None:
        result.findings = worst_first([*result.findings, found])
        result.verdict = Verdict.FAIL if found.severity is Severity.ERROR else result.verdict
    return event, why


def unlogged_finding(view: LedgerView | None, why: str, *, asked: bool) -> Finding | None:
    """What a missing event weighs: a warning where it was asked for, else what the policy says."""
    policy = view.ledger.policy if view is not None else None
    weight = policy.severities.get(UNLOGGED) if policy is not None else None
    if weight == "off" or (weight is None and not asked):
        return None
    message = f"this is not on the ledger: {why}"
    hint = "with a key of the policy: arcgit verify --level fixity --log"
    if weight == "error":
        return error("verify-unlogged", "ledger", message, hint=hint)
    return warning("verify-unlogged", "ledger", message, hint=hint)


def _said(
    result: VerifyResult, examined: Examined, view: LedgerView
) -> tuple[dict[str, Any], Subject | None, bytes | None]:
    """Data and subject of the event, and the list of what was proven where that is not all."""
    targets = examined.targets
    records = targets.records
    if len(records) > MAX_RECORDS:
        message = f"{len(records)} records are more than the {MAX_RECORDS} that one event has room for"
        raise RefusedError("verify-unlogged", message, "name some of them: arcgit verify RECORD...")
    holders: dict[str, set[int]] = {}
    for store in targets.stores:
        holders.setdefault(store.name, set()).update(targets.holders(store))
    data: dict[str, Any] = {
        "level": result.scope["level"],
        "outcome": result.verdict.value,
        "remotes": sorted(holders),
        "objects": examined.objects,
        "bytes": examined.bytes_read if examined.bytes_read <= MAX_SAFE_INTEGER else str(examined.bytes_read),
    }
    if any(len(found) < len(records) for found in holders.values()):
        data["within"] = {name: sorted(found) for name, found in sorted(holders.items())}
    if examined.earlier:
        data["earlier"] = examined.earlier
    if "sample" in result.scope:
        data |= {"sample": examined.chosen.count, "seed": examined.seed}
    subject = view.ledger.records[records[0]].subject if len(records) == 1 else None
    if subject is None:
        data["records"] = records
    if result.scope["level"] != "fixity" or (
        result.verdict is Verdict.PASS and examined.whole and "sample" not in data
    ):
        return data, subject, None
    blob = proven.serialise(_proven(examined))
    if whole := _whole(examined):
        data["whole"] = whole
    return {**data, "proven": canonical.sha256(blob)}, subject, blob


def _whole(examined: Examined) -> dict[str, list[int]]:
    """By remote, the places of the records of which all that lies there was found to be what was sealed."""
    targets = examined.targets
    unknown = {record for unit in targets.units if unit.faults for record, _ in unit.subjects}
    there: dict[str, set[int]] = {}
    lacking: dict[str, set[int]] = {}
    for store, flags in zip(targets.stores, examined.good, strict=True):
        units = {unit for number, flag in enumerate(flags) if not flag for unit in store.objects.wanting(number)}
        found = {record for unit in units for record, _ in targets.units[unit].subjects}
        there.setdefault(store.name, set()).update(targets.holders(store))
        lacking.setdefault(store.name, set()).update(found)
    whole = {name: sorted(records - lacking[name] - unknown) for name, records in sorted(there.items())}
    return {name: places for name, places in whole.items() if places}


def _proven(examined: Examined) -> list[ProvenObject]:
    return [
        ProvenObject(wanted.sha256, wanted.size, store.name)
        for store, flags in zip(examined.targets.stores, examined.good, strict=True)
        for wanted, flag in zip(store.objects, flags, strict=True)
        if flag
    ]


def _shelve(context: Context, blob: bytes) -> None:
    """Put a list where the fixity lists are; `sync` takes it along."""
    for attempt in range(retry.ATTEMPTS):
        added = fixity.add(context.repo, [blob])
        if added is None:
            return
        try:
            with context.repo.held(added[0]):
                context.repo.update_refs([added[1]])
        except RefMovedError:
            if attempt == retry.ATTEMPTS - 1:
                raise
            retry.wait(attempt, retry.LOCAL_SECONDS)
        else:
            return
