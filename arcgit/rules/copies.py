"""In how many remotes the data of a record is proven to lie, against how many the policy asks for.

A remote counts by a signed event: `replicated`, `verified` at level fixity, or the recording, which reads back what it put
into the remotes that the record names. These hold the data together, so they count as one copy. A remote in which
something failed since does not count, and two names that the policy pins to one address are one remote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from arcgit.model.event import Event
from arcgit.model.finding import Finding, error, warning
from arcgit.model.policy import Policy
from arcgit.model.record import Record
from arcgit.rules.doubt import Doubt
from arcgit.rules.proof import GIT, Standing, proofs
from arcgit.rules.state import RecordState

CODE = "copies-short"


class Copies(NamedTuple):
    """Copies of one record: how many are asked for, and the remotes that count, by name."""

    wanted: int
    remotes: tuple[str, ...]

    @property
    def short(self) -> bool:
        """True where the policy asks for more."""
        return len(self.remotes) < self.wanted


def asked_for(policy: Policy) -> bool:
    """True where the policy asks for copies of anything."""
    return policy.copies is not None or any(one.copies is not None for one in policy.retention.values())


def homes(record: Record) -> tuple[str, ...]:
    """The DVC remotes that the record names for its data. Imports lie elsewhere, and what is in git in none."""
    facts = record.predicate.artifacts.values()
    named = {fact.dvc.remote or "default" for fact in facts if fact.dvc is not None and fact.dvc.origin is None}
    return tuple(sorted(named))


class Counter:
    """Counts the copies of records by the events of a replayed ledger, oldest first; those in `doubts` do not count."""

    def __init__(self, events: Iterable[tuple[str, Event]], doubts: Mapping[int, Doubt], policy: Policy) -> None:
        self._policy = policy
        self._proofs = proofs(events, doubts)
        self._standings: dict[str, dict[str, Standing]] = {}
        for (refname, remote), standing in self._proofs.standings.items():
            self._standings.setdefault(refname, {})[remote.lower()] = standing

    def of(self, state: RecordState, retention: str, named: Iterable[str]) -> Copies:
        """The copies of a record whose data lies in the remotes `named`; `retention` is its class as sealed.

        A record without data in DVC, and one that was purged, needs none.
        """
        at_home = frozenset(name.lower() for name in named)
        if not at_home or state.status == "purged":
            return Copies(0, ())
        refname = state.subject.refname
        standings = self._standings.get(refname, {})
        failed = {remote for remote, standing in standings.items() if standing.failed is not None}
        whole = {remote for remote, standing in standings.items() if standing.whole is not None}
        replicas = {remote.lower() for remote in self._proofs.replicas(refname)}
        # What lies where the record says may be a part of it; a copy that was made is all of it.
        counted = {remote for remote in whole - failed - {GIT} if remote not in at_home or remote in replicas}
        read_back = not state.tainted or whole >= at_home
        if read_back and not at_home & (failed | counted):
            counted.add(" and ".join(sorted(at_home)))
        wanted = self._policy.copies_of(state.amended.get("retention", retention))
        return Copies(wanted, tuple(_apart(sorted(counted), self._policy)))

    def proven(self, refname: str, remote: str) -> bool:
        """True where the record was copied into the remote, all of it, and nothing failed there since."""
        standing = self._standings.get(refname, {}).get(remote.lower())
        replicas = {name.lower() for name in self._proofs.replicas(refname)}
        whole = standing is not None and standing.whole is not None and standing.failed is None
        return whole and remote.lower() in replicas


def _apart(remotes: Iterable[str], policy: Policy) -> Iterator[str]:
    """Those of the remotes that the policy does not pin to one and the same address."""
    pins = {name.lower(): remote.url.rstrip("/") for name, remote in policy.remotes.items()}
    seen: set[str] = set()
    for remote in remotes:
        address = pins.get(remote, f"the remote {remote}")
        if address not in seen:
            seen.add(address)
            yield remote


def finding(tag: str, found: Copies, policy: Policy) -> Iterator[Finding]:
    """What is to be said of a record that falls short, as heavy as the policy's `severities` have it."""
    severity = policy.severities.get(CODE, "warning")
    if not found.short or severity == "off":
        return
    message = f"its data is proven in {len(found.remotes)} of the {found.wanted} remotes that the policy asks for"
    make = error if severity == "error" else warning
    yield make(
        "copies-short",
        tag,
        message,
        expected=f"{found.wanted} remotes",
        found=", ".join(found.remotes) or "none",
        hint=f"arcgit replicate REMOTE {tag}",
    )
