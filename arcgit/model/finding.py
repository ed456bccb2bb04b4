"""Findings and the verdict they add up to.

A finding is one observed fact with a stable code. What could not be checked is a finding of severity `unknown`, and it
keeps the verdict from being a pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    """How much a finding weighs; the order is from worst to mildest."""

    ERROR = "error"
    UNKNOWN = "unknown"
    WARNING = "warning"


class Verdict(Enum):
    """The one-word answer, with the exit code that goes with it."""

    FAIL = "fail"
    CANNOT_VERIFY = "cannot-verify"
    PASS = "pass"  # noqa: S105  not a password

    @property
    def exit_code(self) -> int:
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.CANNOT_VERIFY: 3}[self]


_ORDER = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True)
class Finding:
    """One observed fact. `subject` is what it is about: a path, a refname, an object; `hint` is what to do next."""

    code: str
    severity: Severity
    subject: str
    message: str
    expected: str = ""
    found: str = ""
    hint: str = ""

    def to_dict(self) -> dict[str, str]:
        """The JSON form of docs/formats/json-output.md."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "subject": self.subject,
            "message": self.message,
            "expected": self.expected,
            "found": self.found,
            "hint": self.hint,
        }


def error(code: str, subject: str, message: str, *, expected: str = "", found: str = "", hint: str = "") -> Finding:
    """A finding that fails the verdict."""
    return Finding(code, Severity.ERROR, subject, message, expected, found, hint)


def unknown(code: str, subject: str, message: str, *, expected: str = "", found: str = "", hint: str = "") -> Finding:
    """A finding that says what could not be checked."""
    return Finding(code, Severity.UNKNOWN, subject, message, expected, found, hint)


def warning(code: str, subject: str, message: str, *, expected: str = "", found: str = "", hint: str = "") -> Finding:
    """A finding that leaves the verdict as it is."""
    return Finding(code, Severity.WARNING, subject, message, expected, found, hint)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without repetition, by severity, then subject, then code."""
    return sorted(dict.fromkeys(findings), key=lambda found: (_ORDER[found.severity], found.subject, found.code))


def judge(findings: Iterable[Finding], *, checked: int, allow_empty: bool = False) -> Verdict:
    """The verdict over `findings`. Judging nothing (`checked` is 0) is no pass unless `allow_empty`."""
    severities = {found.severity for found in findings}
    if Severity.ERROR in severities:
        return Verdict.FAIL
    if Severity.UNKNOWN in severities or (checked == 0 and not allow_empty):
        return Verdict.CANNOT_VERIFY
    return Verdict.PASS
