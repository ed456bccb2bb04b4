"""Which events of a ledger do not count any more, though each was valid where it stands.

Three things are only known later, or only by position: that a key was in other hands from some event on, as the policy in
force declares; that a key had expired, or was given up, when an event came onto the ledger, whatever date its signature
states; and that a policy rests on such signatures, so that what only it allowed has no ground.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from arcgit.model.event import Event
from arcgit.model.finding import Finding, error, warning
from arcgit.model.policy import Compromise, Policy
from arcgit.rules.state import ROLES, RecordState

Code = Literal["key-compromised", "key-expired", "key-revoked", "policy-doubted"]

AT_THE_ROOT = 2
"""Genesis and first policy: whoever trusts the archive's root trusts them, and no later event takes that away."""


class Doubt(NamedTuple):
    """Why an event does not count: a finding's code and the sentence that goes with it."""

    code: Code
    message: str


@dataclass(frozen=True)
class Adopted:
    """One policy of the ledger: where it took force, the key that put it there, and who approved it by which key.

    `approvals` leaves out keys that had ended by then; `signer` is a fingerprint.
    """

    seq: int
    policy: Policy
    actor: str
    signer: str
    approvals: tuple[tuple[str, str], ...]


def compromised(policy: Policy | None, fingerprint: str, seq: int) -> Doubt | None:
    """The doubt about what a key signed at one place of the ledger, by what a policy declares."""
    declared: Compromise | None = policy.compromised.get(fingerprint) if policy is not None else None
    if declared is None or seq < declared.since or seq <= AT_THE_ROOT:
        return None
    why = f" ({declared.reason})" if declared.reason else ""
    message = f"it was signed with {fingerprint}, which is declared compromised from event {declared.since} on{why}"
    return Doubt("key-compromised", message)


def ended(fingerprint: str, expires: str, latest: str, *, revoked: bool) -> Doubt | None:
    """The doubt about a key that was expired or given up at its place. `latest` is the latest time claimed before it."""
    if revoked:
        message = f"it was signed with {fingerprint} after the policy in force said that the key was given up"
        return Doubt("key-revoked", message)
    if expires and latest >= expires:
        message = f"it was signed with {fingerprint}, which expired {expires}; an event before it is from {latest}"
        return Doubt("key-expired", message)
    return None


def sound_policies(adopted: list[Adopted], doubts: Mapping[int, Doubt], policy: Policy) -> Iterator[tuple[int, Policy]]:
    """The policies that rest on enough admins whose keys are not in doubt, with their places; the first always."""
    sound: Policy | None = None
    for one in adopted:
        if sound is None or _rests(one, sound, doubts, policy):
            sound = one.policy
            yield one.seq, sound


def _rests(one: Adopted, sound: Policy, doubts: Mapping[int, Doubt], declaring: Policy) -> bool:
    admins = {
        person
        for person, fingerprint in one.approvals
        if compromised(declaring, fingerprint, one.seq) is None
        and sound.person_of(fingerprint) == person
        and sound.has_role(person, ROLES["policy"])
    }
    signer = sound.person_of(one.signer)
    known = signer is not None and sound.has_role(signer, ROLES["policy"])
    return known and one.seq not in doubts and len(admins) >= sound.thresholds.policy


def judge_all(
    events: Sequence[tuple[str, Event]], keys: list[str], adopted: list[Adopted], ended_keys: Mapping[int, Doubt]
) -> tuple[dict[int, Doubt], Policy]:
    """The doubts about every event by its number, by what the last of the policies declares, and the last sound policy.

    `keys` are the fingerprints that signed the events, `ended_keys` the doubts that were known when they came.
    """
    policy = adopted[-1].policy
    doubts = dict(ended_keys)
    if policy.compromised:
        for seq, fingerprint in enumerate(keys, 1):
            if fingerprint in policy.compromised and (doubt := compromised(policy, fingerprint, seq)) is not None:
                doubts[seq] = doubt
    sound = dict(sound_policies(adopted, doubts, policy))
    if len(sound) == len(adopted):
        return doubts, policy
    ground = in_force = adopted[0].policy
    places = {one.seq: one.policy for one in adopted}
    for seq, (_, event) in enumerate(events, 1):
        if seq in places:
            ground, in_force = sound.get(seq, ground), places[seq]
            if seq not in sound and seq not in doubts:
                doubts[seq] = Doubt("policy-doubted", "too few of those who approved it had keys that nobody doubts")
        elif ground is not in_force and seq not in doubts and (doubt := groundless(ground, keys[seq - 1], event)):
            doubts[seq] = doubt
    return doubts, ground


def groundless(ground: Policy, fingerprint: str, event: Event) -> Doubt | None:
    """The doubt about an event that the last sound policy would not have allowed."""
    person = ground.person_of(fingerprint)
    if person == event.actor and ground.has_role(person, ROLES.get(event.type, frozenset())):
        return None
    return Doubt("policy-doubted", "only a policy that rests on doubted signatures allowed it")


def apply(records: MutableMapping[str, RecordState], names: Iterable[str], doubts: Mapping[int, Doubt]) -> None:
    """Set each of the named records to what its events say without those in doubt.

    A hold stays in place and a purge stays done, whoever wrote them: nothing may be lost by a doubt.
    """
    for name in names:
        record = records[name]
        numbers = (record.seq, *(event.seq for event in record.events))
        found = frozenset(seq for seq in numbers if seq in doubts)
        if found or record.doubted:
            record.doubted = found
            _again(record)
            records[name] = record


def _again(record: RecordState) -> None:
    record.status = "recorded"
    record.holds = set()
    for event in record.events:
        match event.type:
            case "held":
                record.holds.add(event.data["hold"])
            case "released" if event.seq not in record.doubted:
                record.holds.discard(event.data["hold"])
            case "purged":
                record.status = "purged"
            case "retired" if event.seq not in record.doubted:
                record.status = "retired"
            case _:
                pass


def about_record(record: RecordState, doubt: Doubt) -> Finding:
    """The finding about a record whose sealing is in doubt: an error until somebody has retired it."""
    if record.status == "retired":
        return warning(doubt.code, record.name.tag, f"{doubt.message}; it was retired since")
    hint = f"if you know it to be good: arcgit record seals it anew; then arcgit retire {record.name.short_id}"
    return error(doubt.code, record.name.tag, doubt.message, hint=hint)


def about_events(
    events: Sequence[tuple[str, Event]], doubts: Mapping[int, Doubt], adopted: list[Adopted]
) -> Iterator[Finding]:
    """The findings about the other events in doubt. Those that simply do not count any more are warnings."""
    sound = list(sound_policies(adopted, doubts, adopted[-1].policy)) if adopted else []
    last = sound[-1][0] if sound else 0
    for seq, doubt in sorted(doubts.items()):
        event = events[seq - 1][1]
        subject = f"event {seq} ({events[seq - 1][0][:12]})"
        if event.type == "recorded":
            continue
        if event.type == "policy" and seq > last:
            hint = "admins whose keys are in order adopt a policy: arcgit policy diff, then arcgit policy adopt"
            yield error(doubt.code, subject, f"`policy`: {doubt.message}", hint=hint)
        elif event.type == "purged":
            hint = "restore the data from a second remote or a backup, and record it anew"
            yield error(doubt.code, subject, f"`purged`: {doubt.message}", hint=hint)
        elif event.type == "policy":
            yield warning(doubt.code, subject, f"`policy`: {doubt.message}; a later policy was approved without it")
        else:
            yield warning(doubt.code, subject, f"`{event.type}`: {doubt.message}; it does not count any more")
