"""What a policy allows that the one before did not: shown to whoever approves it, and to every reviewer afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from arcgit.model.policy import MAX_WAIVER_DAYS, Policy, RetentionClass

_WEIGHTS = {"error": 2, "warning": 1, "off": 0}
_FOREVER = float("inf")


class Loosening(NamedTuple):
    """One thing that is allowed now: its place in the policy, and a sentence."""

    place: str
    message: str


def loosenings(before: Policy, after: Policy) -> list[Loosening]:
    """Everything that `after` allows and `before` did not, in the order of a policy."""
    return [
        *_people(before, after),
        *_alone(before, after),
        *_thresholds(before, after),
        *_rules(before, after),
        *_retention(before.retention, after.retention),
        *_copies(before, after),
        *_remotes(before, after),
        *_compromised(before, after),
    ]


def _people(before: Policy, after: Policy) -> Iterator[Loosening]:
    known = {key.fingerprint for key in before.all_keys()}
    for name, person in after.people.items():
        old = before.people.get(name)
        gained = [role for role in person.roles if old is None or role not in old.roles]
        if gained:
            yield Loosening(f"people.{name}.roles", f"{name} may act as {', '.join(gained)}")
        for key in person.keys:
            if key.fingerprint not in known:
                yield Loosening(f"people.{name}.keys", f"{key.fingerprint} may sign as {name}")
            elif before.person_of(key.fingerprint) != name:
                yield Loosening(
                    f"people.{name}.keys", f"{key.fingerprint} of {before.person_of(key.fingerprint)} is {name}'s"
                )
            elif _text(before, key.fingerprint) != key.public_key:
                yield Loosening(
                    f"people.{name}.keys", f"the certificate {key.fingerprint} is another one: its subkeys and dates"
                )


def _alone(before: Policy, after: Policy) -> Iterator[Loosening]:
    """Where there were several admins and one is left, nobody else can take back what that one adopts."""
    earlier, left = _admins(before), _admins(after)
    if len(left) == 1 < len(earlier):
        gone = ", ".join(name for name in earlier if name not in left)
        yield Loosening("people", f"{left[0]} is the only admin, and adopts policies alone: not any more {gone}")


def _admins(policy: Policy) -> list[str]:
    return [name for name, person in policy.people.items() if "admin" in person.roles and person.keys]


def _text(policy: Policy, fingerprint: str) -> str:
    return next(key.public_key for key in policy.all_keys() if key.fingerprint == fingerprint)


def _thresholds(before: Policy, after: Policy) -> Iterator[Loosening]:
    for field, what in (("policy", "a policy"), ("review", "a review")):
        old, new = getattr(before.thresholds, field), getattr(after.thresholds, field)
        if new < old:
            yield Loosening(f"thresholds.{field}", f"{new} instead of {old} must agree to {what}")


def _rules(before: Policy, after: Policy) -> Iterator[Loosening]:
    for field in before.required:
        if field not in after.required:
            yield Loosening("required", f"a manifest need not fill in {field}")
    for code in sorted(before.severities.keys() | after.severities.keys()):
        old, new = before.severities.get(code), after.severities.get(code)
        # Nothing here knows what a code weighs by itself, so a milder word where there was none counts.
        if new is not None and _WEIGHTS[new] < (_WEIGHTS[old] if old is not None else _WEIGHTS["error"]):
            yield Loosening(f"severities.{code}", f"{code} is {new}" + (f" instead of {old}" if old else ""))
    old_days, new_days = _waiver_days(before), _waiver_days(after)
    if new_days > old_days:
        yield Loosening("waivers.max_days", f"a waiver may last {new_days} days instead of {old_days}")


def _waiver_days(policy: Policy) -> int:
    return policy.waivers.max_days if policy.waivers is not None else MAX_WAIVER_DAYS


def _retention(before: Mapping[str, RetentionClass], after: Mapping[str, RetentionClass]) -> Iterator[Loosening]:
    for name, old in before.items():
        new = after.get(name)
        if new is None:
            yield Loosening(f"retention.{name}", f"the class {name} ({old.keep}) is gone")
        elif _days(new.keep) < _days(old.keep):
            yield Loosening(f"retention.{name}", f"{name} is kept {new.keep} instead of {old.keep}")


def _copies(before: Policy, after: Policy) -> Iterator[Loosening]:
    if (after.copies or 0) < (before.copies or 0):
        yield Loosening("copies", f"data is in {after.copies or 0} proven copies instead of {before.copies}")
    for name in sorted(before.retention.keys() & after.retention.keys()):
        of_its_own = before.retention[name].copies is not None or after.retention[name].copies is not None
        old, new = before.copies_of(name), after.copies_of(name)
        if of_its_own and new < old:
            yield Loosening(f"retention.{name}.copies", f"{name} is in {new} proven copies instead of {old}")


def _days(keep: str) -> float:
    """A length for comparing; months of 30.4 days are exact enough to tell which of two is shorter."""
    if keep == "forever":
        return _FOREVER
    total, number = 0.0, ""
    for char in keep.removeprefix("P"):
        if char.isdigit():
            number += char
        else:
            total += int(number) * {"Y": 365.25, "M": 30.4375, "D": 1.0}[char]
            number = ""
    return total


def _remotes(before: Policy, after: Policy) -> Iterator[Loosening]:
    if before.remotes and not after.remotes:
        yield Loosening("remotes", "no remote is pinned any more")
        return
    for name, old in before.remotes.items():
        if name not in after.remotes:
            yield Loosening(f"remotes.{name}", f"the remote {name} is not pinned any more")
        elif after.remotes[name].url != old.url:
            yield Loosening(f"remotes.{name}", f"the remote {name} is {after.remotes[name].url} instead of {old.url}")


def _compromised(before: Policy, after: Policy) -> Iterator[Loosening]:
    for fingerprint, old in before.compromised.items():
        new = after.compromised.get(fingerprint)
        if new is None:
            yield Loosening("compromised", f"{fingerprint} is no longer declared compromised")
        elif new.since > old.since:
            message = f"{fingerprint} counts up to event {new.since - 1} instead of {old.since - 1}"
            yield Loosening("compromised", message)
