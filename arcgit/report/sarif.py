"""Findings as a SARIF 2.1.0 log, for code scanning and editors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from arcgit import __version__
from arcgit.model import canonical
from arcgit.model.catalogue import Catalogue, Entry
from arcgit.model.finding import Finding, Verdict
from arcgit.model.text import escape

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "arcgit/v1"
# What could not be checked must not look like a remark.
_LEVELS = {"error": "error", "unknown": "error", "warning": "warning"}


def log(
    findings: Iterable[Finding], *, verdict: Verdict, scope: Mapping[str, Any], catalogue: Catalogue
) -> dict[str, Any]:
    """The log of one run. Rules are those of the findings, as the catalogue describes them."""
    rows = list(findings)
    codes = sorted({finding.code for finding in rows})
    seen: Counter[str] = Counter()
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "arcgit",
                        "semanticVersion": __version__,
                        "rules": [_rule(code, catalogue.get(code)) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": True, "exitCode": verdict.exit_code}],
                "results": [_result(finding, codes.index(finding.code), seen) for finding in rows],
                "properties": {"verdict": verdict.value, "scope": dict(scope)},
            }
        ],
    }


def _rule(code: str, entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {"id": code}
    steps = " ".join(f"{number}. {step}" for number, step in enumerate(entry.fix, 1))
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": f"{entry.means} {entry.matters}"},
        "help": {"text": steps},
        "defaultConfiguration": {"level": _LEVELS[entry.severity or "error"]},
    }


def _result(finding: Finding, index: int, seen: Counter[str]) -> dict[str, Any]:
    parts = [
        finding.message,
        *(f"{k}: {v}" for k, v in (("expected", finding.expected), ("found", finding.found)) if v),
    ]
    if finding.hint:
        parts.append(f"next: {finding.hint}")
    fingerprint = _fingerprint(finding)
    seen[fingerprint] += 1
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity.value],
        "message": {"text": escape(". ".join(parts))},
        "partialFingerprints": {FINGERPRINT: f"{fingerprint}:{seen[fingerprint]}"},
        "properties": {"severity": finding.severity.value, "subject": escape(finding.subject)},
    }
    if finding.place is not None:
        location: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.place.path, errors="surrogateescape")}}
        if finding.place.line:
            location["region"] = {"startLine": finding.place.line}
        result["locations"] = [{"physicalLocation": location}]
    return result


def _fingerprint(finding: Finding) -> str:
    """The same for the same fault in the next run, wherever its line has moved to."""
    place = finding.place
    about = finding.subject if place is None else finding.subject.removeprefix(str(place))
    key = [place.path, *map(str, place.key)] if place is not None else []
    return canonical.sha256("\0".join([finding.code, about, *key]).encode(errors="surrogateescape"))[:32]
