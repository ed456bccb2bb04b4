"""Findings and the verdict they add up to.

A finding is one observed fact with a stable code. What could not be checked is a finding of severity `unknown`, and it
keeps the verdict from being a pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

import msgspec

from arcgit.errors import ArcgitError, RefusedError


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


class Place(msgspec.Struct, frozen=True):
    """Where a finding points: a file, the key in it, and the line of that key; 0 where the line is not known."""

    path: str
    key: tuple[str | int, ...] = ()
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


class Finding(msgspec.Struct, frozen=True):
    """One observed fact. `subject` is what it is about: a path, a refname, an object; `hint` is what to do next."""

    code: str
    severity: Severity
    subject: str
    message: str
    expected: str = ""
    found: str = ""
    hint: str = ""
    place: Place | None = None

    @property
    def next_step(self) -> str:
        """What to do next: what was said of this very case, else where the code is explained. A warning may have none."""
        explained = self.severity is not Severity.WARNING
        return self.hint or (f"arcgit explain {self.code}" if explained else "")

    def to_dict(self) -> dict[str, Any]:
        """The JSON form of docs/formats/json-output.md; `path` and `line` are there where they are known."""
        where: dict[str, Any] = {"path": self.place.path} if self.place else {}
        if self.place and self.place.line:
            where["line"] = self.place.line
        return {
            "code": self.code,
            "severity": self.severity.value,
            "subject": self.subject,
            "message": self.message,
            "expected": self.expected,
            "found": self.found,
            "hint": self.next_step,
            **where,
        }


def error(
    code: str,
    subject: str,
    message: str,
    *,
    expected: str = "",
    found: str = "",
    hint: str = "",
    place: Place | None = None,
) -> Finding:
    """A finding that fails the verdict."""
    return Finding(code, Severity.ERROR, subject, message, expected, found, hint, place)


def unknown(
    code: str,
    subject: str,
    message: str,
    *,
    expected: str = "",
    found: str = "",
    hint: str = "",
    place: Place | None = None,
) -> Finding:
    """A finding that says what could not be checked."""
    return Finding(code, Severity.UNKNOWN, subject, message, expected, found, hint, place)


def warning(
    code: str,
    subject: str,
    message: str,
    *,
    expected: str = "",
    found: str = "",
    hint: str = "",
    place: Place | None = None,
) -> Finding:
    """A finding that leaves the verdict as it is."""
    return Finding(code, Severity.WARNING, subject, message, expected, found, hint, place)


def as_finding(fault: ArcgitError, subject: str = "") -> Finding:
    """An error that came in the way of judging: what was refused fails, and of anything else nothing could be told."""
    make = error if isinstance(fault, RefusedError) else unknown
    return make(fault.code, subject, fault.message, hint=fault.hint)


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
