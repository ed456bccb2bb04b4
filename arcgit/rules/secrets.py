"""Likely secrets in what a record would keep for ever: parameters, commands and addresses.

A finding names the place and shows the value masked; the value itself is never printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, error

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,}\b")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b")),
    ("a Hugging Face token", re.compile(r"\bhf_[A-Za-z0-9]{30,}\b")),
    ("an API key", re.compile(r"\bsk-[A-Za-z0-9_-]{20,}\b")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a JSON web token", re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")),
    ("a password in an address", re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")),
)
_TELLING = re.compile(r"(?i)(?:^|[_.-])(?:password|passwd|secret|api_?key|access_?key|auth_?token|credentials?)$")
_HARMLESS = re.compile(r"(?i)^(?:|\*+|x+|none|null|true|false|changeme|todo|\$\{.*\}|<.*>|env:.*|[0-9.]+)$")


def search(experiment: Experiment) -> list[Finding]:
    """Every likely secret in what would be sealed of this experiment."""
    places: list[tuple[str, Any]] = list(experiment.params.items())
    for stage in experiment.lineage.get("stages", ()):
        places += [(f"{stage['file']}: {stage['name']}", {"cmd": stage["cmd"], "params": stage["params"]})]
    places += [(source["path"], source.get("origin", {})) for source in experiment.lineage.get("sources", ())]
    places += [(experiment.manifest_path, {"purpose": experiment.manifest.purpose, **experiment.manifest.extensions})]
    return [finding for place, value in places for finding in _look(place, "", value)]


def _look(place: str, key: str, value: Any) -> Iterator[Finding]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _look(place, f"{key}.{name}" if key else str(name), item)
    elif isinstance(value, list):
        for item in value:
            yield from _look(place, key, item)
    elif isinstance(value, str):
        what = next((what for what, pattern in _PATTERNS if pattern.search(value)), None)
        if what is None and _TELLING.search(key) and not _HARMLESS.match(value):
            what = "a secret, by its name"
        if what is not None:
            hint = "keep it in the environment or in .dvc/config.local, and change it if it was ever committed"
            yield error("secret-found", f"{place}: {key}", f"this looks like {what}", found=mask(value), hint=hint)


def mask(value: str) -> str:
    """Enough of a secret to recognise it, not enough to use it."""
    return f"{value[:3]}… ({len(value)} characters)" if len(value) >= 12 else f"({len(value)} characters)"
