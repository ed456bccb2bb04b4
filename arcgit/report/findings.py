"""Findings and verdicts, for a terminal, for CI annotations and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rich.text import Text

from arcgit.model.finding import Finding, Severity, Verdict
from arcgit.model.text import count, escape

SEVERITY_STYLES = {Severity.ERROR: "bold red", Severity.UNKNOWN: "bold yellow", Severity.WARNING: "yellow"}
_VERDICTS = {Verdict.PASS: "bold green", Verdict.FAIL: "bold red", Verdict.CANNOT_VERIFY: "bold yellow"}
_INDENT = " " * 10


def verdict_line(verdict: Verdict, rest: str) -> Text:
    """`PASS  <rest>`."""
    return Text.assemble((verdict.value.upper(), _VERDICTS[verdict]), f"  {rest}")


def findings_text(findings: Iterable[Finding]) -> Text:
    """Each finding: severity, code and subject; then what was observed; then the next step."""
    text = Text()
    for finding in findings:
        text.append(f"{finding.severity.value:<{len(_INDENT)}}", SEVERITY_STYLES[finding.severity])
        text.append(f"{finding.code}", "bold")
        text.append(f"  {escape(place_of(finding))}\n")
        text.append(f"{_INDENT}{escape(finding.message)}\n")
        for label, value in (("expected", finding.expected), ("found", finding.found)):
            if value:
                text.append(f"{_INDENT}{label:<9}", "dim")
                text.append(f"{escape(value)}\n")
        if finding.next_step:
            text.append(f"{_INDENT}{'next':<9}", "dim")
            text.append(f"{escape(finding.next_step)}\n", "cyan")
    return text


def place_of(finding: Finding) -> str:
    """`arcgit.yaml:12  train`: where it is, and what it is about where the subject says more than the place."""
    if finding.place is None:
        return finding.subject
    place = str(finding.place)
    rest = finding.subject.removeprefix(place).removeprefix(finding.place.path).lstrip(": ")
    return f"{place}  {rest}" if rest else place


def summary(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`, or `no findings`."""
    kinds = [finding.severity for finding in findings]
    parts = [count(kinds.count(severity), _NOUNS[severity]) for severity in Severity if severity in kinds]
    return ", ".join(parts) or "no findings"


_NOUNS = {Severity.ERROR: "error", Severity.UNKNOWN: "unknown", Severity.WARNING: "warning"}


def document(schema: str, verdict: Verdict, scope: Mapping[str, Any], findings: Iterable[Finding]) -> dict[str, Any]:
    """The JSON document of a judging command."""
    return {
        "schema": schema,
        "verdict": verdict.value,
        "scope": dict(scope),
        "findings": [finding.to_dict() for finding in findings],
    }


def github(findings: Iterable[Finding]) -> str:
    """GitHub workflow commands, one annotation a finding."""
    return "".join(f"{_annotation(finding)}\n" for finding in findings)


def _annotation(finding: Finding) -> str:
    level = "warning" if finding.severity is Severity.WARNING else "error"
    path = finding.place.path if finding.place else finding.subject.partition(": ")[0]
    line = finding.place.line if finding.place else 0
    place = f"file={_property(path)}" + (f",line={line}" if line else "")
    parts = [
        finding.message,
        *(f"{k}: {v}" for k, v in (("expected", finding.expected), ("found", finding.found)) if v),
    ]
    if finding.hint:
        parts.append(f"next: {finding.hint}")
    return f"::{level} {place},title={_property(finding.code)}::{_data('. '.join(parts))}"


def _data(text: str) -> str:
    """Message data of a workflow command: only `%` and line breaks are special, and escape() leaves no line break."""
    return escape(text).replace("%", "%25")


def _property(text: str) -> str:
    return re.sub("[:,]", lambda match: f"%{ord(match[0]):02X}", _data(text))
