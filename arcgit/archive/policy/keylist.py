"""`arcgit keys list`, `show`: every key that the archive's policies have listed, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.policy.keychange import normal
from arcgit.errors import UsageError
from arcgit.model.policy import Key
from arcgit.signing.keyfacts import Certificate, certificate
from arcgit.signing.keys import PublicKey


@dataclass(frozen=True)
class KeyRow:
    """One key: whose it is, and its state `in force`, `retired`, `compromised`, `expired`, `revoked` or `unusable`.

    `since` and `until` are events: the policy that listed it first, and the one that did so no more (None for now).
    `signed` counts the events that it signed, `doubted` those that do not count.
    """

    person: str
    key: Key
    about: Certificate | None
    state: str
    note: str
    since: int
    until: int | None
    signed: int
    doubted: int

    def to_dict(self) -> dict[str, Any]:
        parts = self.about.parts if self.about is not None else ()
        return {
            "fingerprint": self.key.fingerprint,
            "type": self.key.type,
            "person": self.person,
            "state": self.state,
            "note": self.note,
            "algorithm": self.about.algorithm if self.about is not None else None,
            "expires": _time(self.about.expires) if self.about is not None else None,
            "signing_keys": [
                {"fingerprint": part.fingerprint, "expires": _time(part.expires), "revoked": part.revoked}
                for part in parts
                if part.signs
            ],
            "since_event": self.since,
            "until_event": self.until,
            "events_signed": self.signed,
            "events_doubted": self.doubted,
        }


def rows(context: Context, now: datetime) -> list[KeyRow]:
    """Every key that a policy has listed, those in force first, by person."""
    view = ledger.require(context)
    found = [_row(view, fingerprint, now) for fingerprint in _all(view)]
    return sorted(found, key=lambda row: (row.until is not None, row.person, row.since))


def show(context: Context, wanted: str, now: datetime) -> list[KeyRow]:
    """The keys of a person, or the one with a fingerprint. Raises UsageError."""
    everything = rows(context, now)
    found = [row for row in everything if row.person == wanted or row.key.fingerprint == normal(wanted)]
    if not found:
        known = ", ".join(sorted({row.person for row in everything}))
        message = f"`{wanted}` is neither a person of the archive ({known}) nor a full fingerprint of a key in it"
        raise UsageError("key-unknown", message, "arcgit keys list --all")
    return found


def _all(view: LedgerView) -> list[str]:
    return list({key.fingerprint: None for one in view.ledger.adopted for key in one.policy.all_keys()})


def _row(view: LedgerView, fingerprint: str, now: datetime) -> KeyRow:
    known = view.ledger
    listing = [one for one in known.adopted if one.policy.person_of(fingerprint) is not None]
    last = listing[-1]
    person = last.policy.person_of(fingerprint) or ""
    key = next(one for one in last.policy.people[person].keys if one.fingerprint == fingerprint)
    after = [one.seq for one in known.adopted if one.seq > last.seq]
    numbers = [seq for seq, signer in enumerate(known.keys, 1) if signer == fingerprint]
    about = _certificate(key)
    until = after[0] if after else None
    state, note = _state(view, key, about, until, now)
    doubted = sum(seq in known.doubts for seq in numbers)
    return KeyRow(person, key, about, state, note, listing[0].seq, until, len(numbers), doubted)


def _certificate(key: Key) -> Certificate | None:
    try:
        return certificate(PublicKey(key.type, key.fingerprint, key.public_key))
    except Exception:  # noqa: BLE001  a key that cannot be read is nobody's, and the list still shows it
        return None


def _state(view: LedgerView, key: Key, about: Certificate | None, until: int | None, now: datetime) -> tuple[str, str]:
    declared = view.ledger.require_policy().compromised.get(key.fingerprint)
    if declared is not None:
        return "compromised", f"from event {declared.since} on" + (f": {declared.reason}" if declared.reason else "")
    if until is not None:
        return "retired", f"with event {until}; what it signed before stands"
    if about is None:
        return "unusable", "it cannot be read, so what it signs is by an unknown key"
    trouble = about.trouble(now)
    if not trouble:
        return "in force", f"until {about.expires:%Y-%m-%d}" if about.expires is not None else ""
    return ("revoked" if about.parts[0].revoked else "expired" if "expired" in trouble else "unusable"), trouble


def _time(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment is not None else None
