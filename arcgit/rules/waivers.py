"""Waivers: findings that a person answers for until a day.

A waived finding is never hidden: it becomes a warning that says by whom, until when and why. What makes a manifest
unreadable or unsafe, and what leaves nothing to seal, cannot be waived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, Severity, error, warning
from arcgit.model.manifest import WAIVABLE, Waiver
from arcgit.model.text import word

if TYPE_CHECKING:
    from arcgit.model.record import WaiverFact  # a commit hook judges no record


def apply(experiment: Experiment, findings: Iterable[Finding], *, today: date, max_days: int) -> list[Finding]:
    """The findings with the waived ones turned into warnings, and what is wrong with the waivers themselves."""
    given = experiment.manifest.waivers
    if not given:
        return list(findings)
    result, remarks, active = [], [], []
    for number, waiver in enumerate(given):
        remark = _fault(experiment, number, waiver, today, max_days)
        if remark is None:
            active.append((number, waiver))
        else:
            remarks.append(remark)
    used: set[int] = set()
    for finding in findings:
        hits = [(number, waiver) for number, waiver in active if covers(experiment, waiver, finding)]
        used |= {number for number, _ in hits}
        result.append(_waived(finding, hits[0][1]) if hits else finding)
    # Whether splits overlap may only come out when sealing; until then their waiver is not idle.
    waiting = any(finding.code == "split-overlap-unchecked" for finding in result)
    for number, waiver in active:
        if number not in used and not (waiting and waiver.code == "split-overlap"):
            remarks.append(_unused(experiment, number, waiver))
    return [*result, *remarks]


def in_force(experiment: Experiment, *, today: date, max_days: int) -> list[Waiver]:
    """The waivers that count today."""
    return [
        waiver
        for number, waiver in enumerate(experiment.manifest.waivers)
        if _fault(experiment, number, waiver, today, max_days) is None
    ]


def as_sealed(given: Iterable[WaiverFact], today: date | None) -> list[dict[str, Any]]:
    """The waivers inside a record; those that have ended say so."""
    rows: list[dict[str, Any]] = [msgspec.to_builtins(waiver) for waiver in given]
    return [{**row, "expired": True} if today and has_ended(row["expires"], today) else row for row in rows]


def ended(tag: str, given: Iterable[WaiverFact], today: date) -> Iterator[Finding]:
    """A remark for each waiver inside a record whose day is over. Sealed as it is, only a new record goes without it."""
    for waiver in given:
        if has_ended(waiver.expires, today):
            about = f" of {waiver.subject}" if waiver.subject else ""
            message = f"the waiver of {waiver.code}{about} by {waiver.owner}, sealed in it, ended on {waiver.expires}"
            hint = "mend what it was for, seal that, and: arcgit retire RECORD --superseded-by NEW"
            yield warning("waiver-expired", tag, message, hint=hint)


def has_ended(expires: str, today: date) -> bool:
    """True where that day is over, and for what is no day: it cannot be told to count still."""
    try:
        return date.fromisoformat(expires) < today
    except ValueError:
        return True


def only_used(experiment: Experiment, findings: Iterable[Finding]) -> Experiment:
    """The experiment with those of its waivers that `findings`, judged with them, do not call idle, ended or invalid."""
    idle = {finding.subject for finding in findings if finding.code.startswith("waiver-")}
    kept = [
        waiver for number, waiver in enumerate(experiment.manifest.waivers) if _subject(experiment, number) not in idle
    ]
    return replace(experiment, manifest=msgspec.structs.replace(experiment.manifest, waivers=kept))


def covers(experiment: Experiment, waiver: Waiver, finding: Finding) -> bool:
    """True where the waiver is about the finding. What could not be checked is never waived."""
    if waiver.code != finding.code or finding.severity is Severity.UNKNOWN:
        return False
    return waiver.subject is None or waiver.subject in _names(experiment, finding)


def _names(experiment: Experiment, finding: Finding) -> set[str]:
    """What a waiver may call the subject of a finding: a secret only by its exact place."""
    names = {finding.subject}
    if finding.code == "secret-found":
        return names
    if finding.place is not None:
        names.add(finding.place.path)
    name = finding.subject.removeprefix(f"{experiment.manifest_path}: ")
    names.add(name)
    artifact = experiment.manifest.artifacts.get(name)
    return names | {artifact.path, experiment.folder + artifact.path} if artifact else names


def _waived(finding: Finding, waiver: Waiver) -> Finding:
    message = f"{finding.message} (waived by {waiver.owner} until {waiver.expires}: {waiver.reason})"
    return replace(finding, severity=Severity.WARNING, message=message)


def _fault(experiment: Experiment, number: int, waiver: Waiver, today: date, max_days: int) -> Finding | None:
    """Why a waiver does nothing, or None where it counts."""
    subject = _subject(experiment, number)
    place = experiment.at("waivers", number, "expires")
    if waiver.expires < today:
        message = f"the waiver of {waiver.code} by {waiver.owner} ended on {waiver.expires} and does nothing"
        hint = (
            f"mend what it was for and take it out of {experiment.manifest_path}, or ask {waiver.owner} for a new one"
        )
        return warning("waiver-expired", subject, message, hint=hint, place=place)
    if waiver.code not in WAIVABLE:
        message = f"{waiver.code} cannot be waived"
        hint = f"arcgit explain {word(waiver.code)}"
        return error("waiver-invalid", subject, message, hint=hint, place=experiment.at("waivers", number, "code"))
    if waiver.code == "secret-found" and waiver.subject is None:
        message = "a waiver of secret-found names the exact place as its subject"
        hint = 'copy the subject of the finding, for example: subject: "params.yaml: db.password"'
        return error("waiver-invalid", subject, message, hint=hint, place=experiment.at("waivers", number))
    last = today + timedelta(days=max_days)
    if waiver.expires > last:
        message = f"a waiver may end {max_days} days ahead at most" if max_days else "the policy allows no waivers"
        expected = f"{last} or earlier" if max_days else ""
        hint = f"set `expires` to {last} or earlier" if max_days else "mend what it is for"
        found = str(waiver.expires)
        return error("waiver-invalid", subject, message, expected=expected, found=found, hint=hint, place=place)
    return None


def _unused(experiment: Experiment, number: int, waiver: Waiver) -> Finding:
    about = f" about {waiver.subject}" if waiver.subject else ""
    message = f"there is no finding {waiver.code}{about} that this waiver could be for"
    hint = f"take it out of {experiment.manifest_path}"
    place = experiment.at("waivers", number)
    return warning("waiver-unused", _subject(experiment, number), message, hint=hint, place=place)


def _subject(experiment: Experiment, number: int) -> str:
    return f"{experiment.manifest_path}: waivers.{number}"
