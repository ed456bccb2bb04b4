"""What may happen to a record, and in which order: the state machine behind the ledger's events."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field

from arcgit.model.event import Event, Subject
from arcgit.model.names import RecordName
from arcgit.model.policy import Policy
from arcgit.rules.eventdata import AMENDABLE, SEVERAL, records_of, subject_in

_EVERYBODY = frozenset({"admin", "recorder", "reviewer", "custodian", "auditor"})

ROLES: Mapping[str, frozenset[str]] = {
    "genesis": frozenset({"admin"}),
    "policy": frozenset({"admin"}),
    "recorded": frozenset({"recorder"}),
    "run": frozenset({"recorder"}),
    "amended": frozenset({"custodian"}),
    "reviewed": frozenset({"reviewer"}),
    "evaluated": frozenset({"recorder", "reviewer", "auditor"}),
    "held": frozenset({"custodian"}),
    "released": frozenset({"custodian"}),
    "replicated": frozenset({"recorder", "custodian"}),
    "restored": _EVERYBODY,
    "verified": _EVERYBODY,
    "purged": frozenset({"custodian"}),
    "retired": frozenset({"custodian"}),
}
"""Who may write which event: one of these roles, in the policy in force at the event's position."""

ABOUT_THE_ARCHIVE = frozenset({"genesis", "policy"})
ABOUT_A_RECORD = frozenset(ROLES) - ABOUT_THE_ARCHIVE - {"run"}


@dataclass
class RecordState:
    """A record as the ledger knows it. `policy` is the one in force when it was recorded, `content` its record's sha256.

    `doubted` are the numbers of its events that do not count any more, as `arcgit.rules.doubt` found.
    """

    name: RecordName
    subject: Subject
    commit: str
    recorder: str
    policy: Policy
    seq: int
    status: str = "recorded"
    holds: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    content: str = ""
    doubted: frozenset[int] = frozenset()

    @property
    def tainted(self) -> bool:
        """True where nothing that counts says that this was recorded."""
        return self.seq in self.doubted

    @property
    def amended(self) -> dict[str, str]:
        """What was said anew since, by field; the last word counts."""
        said: dict[str, str] = {}
        for event in self.events:
            if event.type == "amended" and event.seq not in self.doubted:
                said |= {name: event.data[name] for name in AMENDABLE if name in event.data}
        return said

    @property
    def superseded_by(self) -> str | None:
        """The refname of the record that took its place, if one is named."""
        for event in self.events:
            counts = event.type == "retired" and event.seq not in self.doubted
            if counts and (named := subject_in(event.data.get("superseded_by"))) is not None:
                return named.refname
        return None

    @property
    def ended(self) -> bool:
        """True where the same content may be recorded anew under the next number."""
        return self.status in {"retired", "purged"} or self.tainted


def record_fault(records: Mapping[str, RecordState], event: Event) -> str:
    """Why `event` is impossible in this state, or an empty string."""
    if event.subject is None:
        if event.type in SEVERAL:
            return _several_fault(records, event)
        return "" if event.type not in ABOUT_A_RECORD else "it names no record"
    if event.type in ABOUT_THE_ARCHIVE:
        return "it is about the archive and names a record"
    name = RecordName.parse(event.subject.refname)
    if name is None:
        return f"`{event.subject.refname}` is not the name of a record"
    known = records.get(event.subject.refname)
    if event.type == "recorded":
        return _recorded_fault(records, event, name, known)
    if known is None:
        return "the record was never recorded"
    if known.subject != event.subject:
        return "it names another tag object than the one that was recorded"
    return _life_fault(known, event) or _successor_fault(records, event)


def _several_fault(records: Mapping[str, RecordState], event: Event) -> str:
    for refname in records_of(event):
        known = records.get(refname)
        if known is None:
            return f"`{refname}` was never recorded"
        if fault := _life_fault(known, event):
            return f"{known.name.tag}: {fault}"
    return ""


def _recorded_fault(
    records: Mapping[str, RecordState], event: Event, name: RecordName, known: RecordState | None
) -> str:
    if known is not None:
        return "this record was recorded before"
    if event.data.get("run_id") != name.run_id:
        return "the run id is not the one in the tag's name"
    earlier = [
        records.get(RecordName(name.project, name.experiment, name.run_id, number).refname)
        for number in range(1, min(name.number, 1000))
    ]
    if any(record is None or not record.ended for record in earlier):
        return "an earlier record of the same content is still in force"
    return ""


def _life_fault(record: RecordState, event: Event) -> str:
    if record.status == "purged":
        return "the record's data was purged before"
    match event.type:
        case "purged" if record.holds:
            return f"the record is on hold: {', '.join(sorted(record.holds))}"
        case "retired" if record.status == "retired":
            return "the record was retired before"
        case "held" if event.data["hold"] in record.holds:
            return "this hold is in place already"
        case "released" if event.data.get("hold") not in record.holds:
            return "there is no such hold"
        case _:
            return ""


def _successor_fault(records: Mapping[str, RecordState], event: Event) -> str:
    """What takes a record's place is another one, in force at that time; so no circle can come about."""
    if event.type != "retired" or "superseded_by" not in event.data:
        return ""
    named = subject_in(event.data["superseded_by"])
    successor = records.get(named.refname) if named else None
    if successor is None:
        return "the record in its place was never recorded"
    if successor.subject != named:
        return "it names another tag object in its place than the one that was recorded"
    if successor.subject == event.subject:
        return "a record cannot take its own place"
    return f"the record in its place, {successor.name.tag}, was {successor.status} before" if successor.ended else ""


def apply(records: MutableMapping[str, RecordState], event: Event, policy: Policy) -> None:
    """Take a faultless event into the state of every record that it is about."""
    if event.type == "recorded" and event.subject is not None:
        name = RecordName.parse(event.subject.refname)
        if name is None:  # pragma: no cover  record_fault has refused it
            return
        record = RecordState(name, event.subject, event.data["commit"], event.actor, policy, event.seq)
        record.content = event.data["record"]
        record.events.append(event)
        records[event.subject.refname] = record
        return
    for refname in records_of(event):
        record = records[refname]
        _take(record, event)
        # What was asked for may be a copy.
        records[refname] = record


def _take(record: RecordState, event: Event) -> None:
    match event.type:
        case "held":
            record.holds.add(event.data["hold"])
        case "released":
            record.holds.discard(event.data["hold"])
        case "retired" | "purged":
            record.status = event.type
        case _:
            pass
    record.events.append(event)
