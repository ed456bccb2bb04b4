"""A file of vectors and its cases."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Case = dict[str, Any]
FOLDER = Path(__file__).parent


def document(name: str) -> Case:
    """A file of vectors."""
    found: Case = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


def is_refusal(case: Case) -> bool:
    """True for a case in which something is refused, found wrong, or claimed and not so."""
    found_wrong = bool(case.get("codes")) or case.get("status", "good") != "good"
    return "error" in case or case.get("holds") is False or case.get("matches") is False or found_wrong


def padded(case: Case, field: str, letter: str = "x") -> str:
    """A text of a case, its pad written out."""
    text: str = case[field]
    return text.replace("{pad}", letter * case.get("pad", 0))


def raw(case: Case, field: str) -> bytes:
    """Bytes of a case, given as text or in base64."""
    return padded(case, field).encode() if field in case else base64.b64decode(case[f"{field}_base64"])


def refused(
    case: Case, read: Callable[[], object], error: type[Exception], newer: type[Exception] | None = None
) -> None:
    """The case is refused, for its reason, and as a newer version only where it says so."""
    with pytest.raises(error) as caught:
        read()
    assert case["fault"]
    assert case["fault"] in str(caught.value)
    assert (newer is not None and isinstance(caught.value, newer)) == (case["error"] == "unknown version")


def holds(case: Case, claim: object, right: object) -> None:
    """The claim of the case is right, or a wrong one is not."""
    assert (claim == right) == case.get("holds", True)
    assert case.get("right", right) == right
