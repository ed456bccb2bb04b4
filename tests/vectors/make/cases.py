"""The parts of a case, as they stand in every file of vectors."""

from __future__ import annotations

import json
from typing import Any

Case = dict[str, Any]


def good(name: str, why: str, **fields: Any) -> Case:
    """What must be accepted, or a result that must come out."""
    return {"name": name, "why": why, **fields}


def refused(name: str, why: str, fault: str, **fields: Any) -> Case:
    """What must be refused; `fault` is a part of what arcgit says of it."""
    return {"name": name, "why": why, **fields, "error": "invalid", "fault": fault}


def newer(name: str, why: str, fault: str, **fields: Any) -> Case:
    """What a reader of this version is too old to judge."""
    return {"name": name, "why": why, **fields, "error": "unknown version", "fault": fault}


def wrong(name: str, why: str, **fields: Any) -> Case:
    """A result that a mistaken reader comes to."""
    return {"name": name, "why": why, **fields, "holds": False}


def written(document: Case) -> str:
    """The text of a file of vectors."""
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"
