"""When the data behind each record was last proven, by what the ledger's events claim.

Proven means that somebody of the policy signed for having read every byte in a remote and hashed it: `verified` at level
fixity, and `replicated`. Nothing here was seen by who reads it: an event says what its signer claims, at a time that its
signer claims. Events in doubt do not count, and an event that names no remote says nothing about one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from arcgit.model.event import Event
from arcgit.rules.clock import TOLERANCE
from arcgit.rules.doubt import Doubt
from arcgit.rules.eventdata import records_of

GIT = "git"
"""The name that events have for artifacts which lie in git and in no DVC remote."""
Kind = Literal["verified", "replicated"]


@dataclass(frozen=True)
class Proof:
    """One claim: number and claimed time (UTC) of its event, and the person of the policy who signed it.

    `proven` is the sha256 of the list of the objects that were proven where these were not all, `sample` how many were
    asked for where a sample was. `objects` and `bytes` are those of the whole event, None where it does not tell.
    """

    seq: int
    time: str
    by: str
    kind: Kind
    outcome: str
    objects: int | None = None
    bytes: int | None = None
    sample: int | None = None
    proven: str | None = None

    @property
    def moment(self) -> datetime:
        """The claimed time, aware."""
        return datetime.fromisoformat(self.time.replace("Z", "+00:00"))

    def since(self, start: datetime, now: datetime) -> bool:
        """Whether the claimed time lies between `start` and `now`, both aware. What is yet to come proves nothing."""
        return start <= self.moment <= now + TOLERANCE


@dataclass
class Standing:
    """What is claimed of one record in one remote.

    `whole` is the last event by which all of its data there was proven; `parts` are later ones that prove some objects,
    oldest first; `failed` is the last that ended with `fail` after `whole` without saying that this was good.
    """

    whole: Proof | None = None
    parts: list[Proof] = field(default_factory=list)
    failed: Proof | None = None

    def proven_within(self, days: int, now: datetime) -> bool:
        """Whether all of it was proven in the last `days` days, and nothing failed since."""
        return self.failed is None and self.whole is not None and self.whole.since(now - timedelta(days=days), now)


@dataclass
class Proofs:
    """The standing of records in remotes, by refname and the remote's name, and how many events say so.

    `copies` has the remotes into which records were replicated, by refname.

    A record with nothing in a remote that was looked at has a standing there as well, and it is proven of nothing: ask
    for the remotes that the record names, and for those that a `replicated` event put it into.
    """

    standings: dict[tuple[str, str], Standing] = field(default_factory=dict)
    copies: dict[str, set[str]] = field(default_factory=dict)
    events: int = 0
    whole: int = 0
    partial: int = 0

    def of(self, refname: str, remote: str) -> Standing:
        """What is claimed; an empty standing where nothing is."""
        return self.standings.get((refname, remote)) or Standing()

    def replicas(self, refname: str) -> set[str]:
        """The remotes into which an event says that the record was replicated."""
        return self.copies.get(refname, set())


def proofs(events: Iterable[tuple[str, Event]], doubts: Mapping[int, Doubt]) -> Proofs:
    """What the events of a replayed ledger, oldest first, say of fixity. Those in `doubts` say nothing."""
    found = Proofs()
    for _, event in events:
        if event.type not in {"verified", "replicated"} or event.seq in doubts:
            continue
        claim = _claim(event)
        pairs = list(_pairs(event))
        if claim is None or not pairs:
            continue
        found.events += 1
        found.whole += _is_whole(claim)
        found.partial += claim.proven is not None
        whole = set(_found_whole(event))
        for pair in pairs:
            _take(found.standings.setdefault(pair, Standing()), claim, whole=pair in whole)
            if claim.kind == "replicated":
                found.copies.setdefault(pair[0], set()).add(pair[1])
    return found


def _claim(event: Event) -> Proof | None:
    data = event.data
    kind: Kind = "replicated" if event.type == "replicated" else "verified"
    if kind == "verified" and data["level"] == "signatures":
        return None
    if kind == "verified" and data["level"] == "presence" and data["outcome"] != "fail":
        return None  # that something is there says nothing of its bytes; that it is not, does
    return Proof(
        seq=event.seq,
        time=event.time,
        by=event.actor,
        kind=kind,
        outcome="pass" if kind == "replicated" else data["outcome"],
        objects=_number(data.get("objects")),
        bytes=_number(data.get("bytes")),
        sample=_number(data.get("sample")),
        proven=data.get("proven") if kind == "replicated" or data["level"] == "fixity" else None,
    )


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, str)) else None


def _pairs(event: Event) -> Iterator[tuple[str, str]]:
    """Each record of the event with each remote that it was looked at in."""
    records = records_of(event)
    if event.type == "replicated":
        yield from ((refname, event.data["remote"]) for refname in records)
        return
    within = event.data.get("within")
    for remote in event.data.get("remotes", ()):
        places = range(len(records)) if within is None else within.get(remote, ())
        yield from ((records[place], remote) for place in places if place < len(records))


def _found_whole(event: Event) -> Iterator[tuple[str, str]]:
    """Those of which all was found good, though something else was not, or not looked at."""
    if event.type == "verified" and event.data["level"] == "fixity" and "proven" in event.data:
        records = records_of(event)
        for remote, places in event.data.get("whole", {}).items():
            yield from ((records[place], remote) for place in places if place < len(records))


def _is_whole(claim: Proof) -> bool:
    return claim.outcome == "pass" and claim.sample is None and claim.proven is None


def _take(standing: Standing, claim: Proof, *, whole: bool) -> None:
    if whole or _is_whole(claim):
        standing.whole, standing.parts, standing.failed = claim, [], None
        return
    if claim.proven is not None:
        standing.parts.append(claim)
    if claim.outcome == "fail":
        standing.failed = claim


def parse_since(text: str, now: datetime) -> datetime | None:
    """The moment that `90d`, `12w`, a date or a time in UTC means; None for anything else."""
    number, unit = text[:-1], text[-1:]
    days = {"d": 1, "w": 7}.get(unit)
    if days is not None and number.isascii() and number.isdecimal() and len(number) <= MAX_DIGITS:
        return now - timedelta(days=days * int(number))
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)


MAX_DIGITS = 5
