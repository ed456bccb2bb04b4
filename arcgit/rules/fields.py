"""The fields of a record that can be searched, sorted by and shown as columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from arcgit.model.summary import ARTIFACT_PARTS

Lookup = Callable[["Field"], list[Any]]
"""The values that a record has of a field: none where it is missing, several where the field stands for several."""

PLAIN = (
    "tag",
    "project",
    "experiment",
    "run_id",
    "commit",
    "owner",
    "status",
    "time",
    "purpose",
    "retention",
    "signer",
    "review",
    "evaluated",
    "superseded_by",
)
GROUPS = ("params", "metrics", "artifacts", "environment", "amended")
SHORT = {
    "id": "run_id",
    "date": "time",
    "recorded_by": "signer",
    "param": "params",
    "metric": "metrics",
    "artifact": "artifacts",
    "env": "environment",
    "path": "artifacts.*.path",
    "size": "artifacts.*.size",
    "sha256": "artifacts.*.sha256",
    "md5": "artifacts.*.md5",
    "version": "artifacts.*.version",
}
AMENDED = ("owner", "purpose", "retention")
_QUOTES = re.compile(r"[\"']")


class FieldError(ValueError):
    """There is no such field."""


class Field(NamedTuple):
    """A field: its name as it was written, its group or plain name, and what stands behind the group's first dot."""

    written: str
    head: str
    rest: str = ""

    @property
    def kind(self) -> str:
        """`time`, `hash`, `size` or an empty string: what a value of this field may be written like."""
        last = self.rest.rpartition(".")[2] if self.head == "artifacts" else self.head
        if last in {"commit", "run_id", "sha256", "md5"}:
            return "hash"
        return last if last in {"time", "size"} else ""


def parse(written: str) -> Field:
    """The field that a person means. Raises FieldError, with names that are near."""
    name = _QUOTES.sub("", written)
    head, dot, rest = name.partition(".")
    whole = SHORT.get(head, head) + dot + rest
    head, dot, rest = whole.partition(".")
    if head in PLAIN and not dot:
        return Field(written, head)
    if head not in GROUPS:
        raise FieldError(_unknown(name))
    if not rest:
        raise FieldError(f"`{head}` is a group: say which one, such as {_example(head)}")
    if head == "artifacts":
        artifact, _, part = rest.rpartition(".")
        if not artifact:
            raise FieldError(f"say what of `{rest}` is meant, such as {head}.{rest}.size: {', '.join(ARTIFACT_PARTS)}")
        if part not in ARTIFACT_PARTS:
            raise FieldError(f"an artifact has no `{part}`; it has {', '.join(ARTIFACT_PARTS)}")
    if head == "amended" and rest not in AMENDED:
        raise FieldError(f"only {', '.join(AMENDED)} can be amended")
    return Field(written, head, rest)


def names() -> list[str]:
    """Every name that can begin a field, for completion."""
    return [*PLAIN, *(f"{group}." for group in GROUPS), *(name for name in SHORT if SHORT[name] not in GROUPS)]


def near(name: str, known: Iterable[str]) -> list[str]:
    """Known names that are spelled like `name`, the nearest first."""
    return difflib.get_close_matches(name, list(known)[:10_000], 3, 0.6)


def _unknown(name: str) -> str:
    head = name.partition(".")[0]
    found = near(head[:64], [*PLAIN, *GROUPS, *SHORT])
    meant = f"; did you mean {', '.join(found)}?" if found else f"; there are {', '.join((*PLAIN, *GROUPS))}"
    return f"there is no field `{name}`{meant}"


def _example(group: str) -> str:
    return {
        "params": "params.lr",
        "metrics": "metrics.auc",
        "artifacts": "artifacts.model.size, or artifacts.*.size for any of them",
        "environment": "environment.recorded_with.python",
        "amended": "amended.owner",
    }[group]
