"""One record as lists show it and queries look at it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from arcgit.archive.standing import Standing
from arcgit.git.refs import Ref
from arcgit.model import summary as summaries
from arcgit.model.names import RecordName
from arcgit.model.summary import Summary
from arcgit.rules.fields import Field


class Row:
    """One record as lists show it and queries look at it."""

    def __init__(
        self, ref: Ref, name: RecordName, summary: Summary, known: Standing | None, *, waits: bool = False
    ) -> None:
        self.ref = ref
        self.name = name
        self.summary = summary
        self.signer = known.signer if known else None
        self.amended = (known.amended if known else None) or {}
        self.review = known.review if known else None
        self.evaluated = known.evaluated if known else ()
        self.superseded_by = known.superseded_by if known else None
        self.status: str = "unrecorded" if known is None else known.status if known.oid == ref.oid else "altered"
        if waits:
            self.status = "unsynced"
        if self.status != "altered" and summary.stated != f"{name.project}/{name.experiment}/{name.run_id}":
            self.status = "malformed"

    @cached_property
    def params(self) -> dict[str, Any]:
        return summaries.flat(self.summary, "params")

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return summaries.flat(self.summary, "metrics")

    @cached_property
    def artifacts(self) -> dict[str, dict[str, Any]]:
        return summaries.artifacts(self.summary)

    def values(self, field: Field) -> list[Any]:
        """What this record has of a field; nothing where it is missing."""
        head, rest = field.head, field.rest
        if head == "evaluated":
            return list(self.evaluated)
        if not rest:
            value = getattr(
                self.name if head in {"tag", "project", "experiment", "run_id"} else self._place(head), head
            )
            return [] if value is None else [value]
        if head == "artifacts":
            return self._of_artifacts(rest)
        if head == "environment":
            return _walk(summaries.environment(self.summary), rest)
        group: dict[str, Any] = getattr(self, head)
        return [group[rest]] if rest in group else []

    def _place(self, head: str) -> Any:
        return self if head in {"status", "signer", "review", "superseded_by"} else self.summary

    def _of_artifacts(self, rest: str) -> list[Any]:
        name, _, part = rest.rpartition(".")
        facts = self.artifacts.values() if name == "*" else [self.artifacts.get(name, {})]
        return [fact[part] for fact in facts if part in fact]

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON output has it."""
        sealed = self.summary
        return {
            "tag": self.name.tag,
            "project": self.name.project,
            "experiment": self.name.experiment,
            "run_id": self.name.run_id,
            "commit": sealed.commit,
            "owner": sealed.owner,
            "status": self.status,
            "time": sealed.time,
            "purpose": sealed.purpose,
            "retention": sealed.retention,
            "params": self.params,
            "metrics": self.metrics,
        }


def _walk(value: Any, path: str) -> list[Any]:
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return []
        value = value[part]
    return [value]
