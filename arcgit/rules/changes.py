"""What changed since an earlier record, as far as a reviewer asks: data and other files, parameters, metrics, stages.

After it stands another record, or an experiment at a rev that has none yet. A rev knows the hash under which DVC or git
keeps a file and no sha256, so only with two records can the changed files of a directory be named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from arcgit.model.experiment import Experiment
from arcgit.model.record import Record
from arcgit.model.recordform import Lineage
from arcgit.rules.comparison import (
    ArtifactChange,
    Files,
    Lineages,
    Unknown,
    compare_artifacts,
    compare_records_lineage,
)
from arcgit.rules.directories import FileChanges
from arcgit.rules.matching import kept_as, stored_as
from arcgit.rules.stages import LineageChange, compare_lineages
from arcgit.rules.values import Change, ValueChange, differing_values

_SAID = frozenset({"path", "role", "split", "version", "kept", "remote", "origin"})


@dataclass(frozen=True)
class FileChange:
    """One artifact that differs: `change` is of its content, `fields` of what is said about it (path, role, split …).

    `files` has the files of a directory where both of its lists were at hand.
    """

    change: Change
    name: str
    role: str
    path: str
    files: FileChanges | None = None
    fields: tuple[ValueChange, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        told = _told(self.files) if self.files else None
        fields = [field.to_dict() for field in self.fields]
        row = {"change": self.change, "name": self.name, "role": self.role, "path": self.path}
        return {**row, "files": told, "fields": fields}


@dataclass(frozen=True)
class Changes:
    """What is otherwise than in the record `tag`; only what differs has a row. `unknown` names what was not told."""

    tag: str
    artifacts: tuple[FileChange, ...]
    params: tuple[ValueChange, ...]
    metrics: tuple[ValueChange, ...]
    environment: tuple[ValueChange, ...] = ()
    stages: tuple[tuple[Change, str], ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def data(self) -> tuple[FileChange, ...]:
        """The datasets that differ."""
        return tuple(row for row in self.artifacts if row.role == "dataset")

    @property
    def others(self) -> tuple[FileChange, ...]:
        """The other artifacts that differ, but for metrics, whose values are told."""
        return tuple(row for row in self.artifacts if row.role not in {"dataset", "metrics"})

    @property
    def nothing(self) -> bool:
        """True where everything was told and nothing differs."""
        return not (self.artifacts or self.params or self.metrics or self.environment or self.stages or self.unknown)

    def to_dict(self) -> dict[str, Any]:
        return {
            "tag": self.tag,
            "artifacts": [row.to_dict() for row in self.artifacts],
            "params": [row.to_dict() for row in self.params],
            "metrics": [row.to_dict() for row in self.metrics],
            "environment": [row.to_dict() for row in self.environment],
            "stages": [{"change": change, "name": name} for change, name in self.stages],
            "unknown": list(self.unknown),
        }


def _told(files: FileChanges) -> dict[str, Any]:
    return {
        "added": [entry.path for entry in files.added],
        "removed": [entry.path for entry in files.removed],
        "changed": [after.path for _, after in files.changed],
        "renamed": [[before.path, after.path] for before, after in files.renamed],
        "same": files.same,
    }


def between_records(tag: str, before: Record, after: Record, *, files: Files, lineage: Lineages) -> Changes:
    """What `after` has otherwise than the record `before` under `tag`: what `compare` says, but for what is the same."""
    unknown: list[Unknown] = []
    rows = map(_artifact, compare_artifacts(before, after, files, unknown))
    artifacts = tuple(row for row in rows if row.change != "same" or row.fields)
    stages = () if _one_lineage(before, after) else _stages(compare_records_lineage(before, after, lineage, unknown))
    return Changes(
        tag,
        artifacts,
        differing_values(before.content.params, after.content.params),
        differing_values(before.content.metrics, after.content.metrics),
        differing_values({"": before.predicate.environment}, {"": after.predicate.environment}),
        stages,
        tuple(part.subject for part in dict.fromkeys(unknown)),
    )


def _one_lineage(before: Record, after: Record) -> bool:
    """True where both records have the same lineage inside, as most do."""
    one, other = before.content.lineage, after.content.lineage
    return "sha256" not in one and repr(one) == repr(other)


def _artifact(row: ArtifactChange) -> FileChange:
    fact = row.after or row.before
    said = tuple(field for field in row.fields if field.key in _SAID)
    return FileChange(row.change, row.name, row.role, fact.path if fact else "", row.files, said)


def since_record(tag: str, sealed: Record, found: Experiment, before: Lineage | None) -> Changes:
    """What an experiment without a record has otherwise than the one under `tag`, whose lineage is `before`."""
    after = msgspec.convert(dict(found.lineage), Lineage)
    return Changes(
        tag,
        tuple(_at_rev(sealed, found)),
        differing_values(sealed.content.params, dict(found.params)),
        differing_values(_shown(sealed, found), dict(found.metrics)),
        (),
        _stages(compare_lineages(before, after)) if before is not None else (),
        () if before is not None else ("lineage before",),
    )


def _shown(sealed: Record, found: Experiment) -> dict[str, Any]:
    """The sealed metrics of the files that the rev shows, and of those that it no longer declares."""
    kept = {found.folder + artifact.path for artifact in found.manifest.artifacts.values()} - found.metrics.keys()
    return {path: value for path, value in sealed.content.metrics.items() if path not in kept}


def _at_rev(sealed: Record, found: Experiment) -> Iterable[FileChange]:
    facts = {fact.path: (name, fact) for name, fact in sealed.predicate.artifacts.items()}
    present = {found.folder + artifact.path: name for name, artifact in found.manifest.artifacts.items()}
    for path in sorted(facts.keys() | present.keys()):
        if path not in present:
            name, fact = facts[path]
            yield FileChange("removed", name, fact.role, path)
            continue
        name = present[path]
        role = found.manifest.artifacts[name].role
        if path not in facts:
            yield FileChange("added", name, role, path)
        elif kept_as(facts[path][1]) != stored_as(found.artifacts.get(name)):
            yield FileChange("changed", name, role, path)


def _stages(found: LineageChange | None) -> tuple[tuple[Change, str], ...]:
    return tuple((stage.change, stage.name) for stage in found.stages if stage.change != "same") if found else ()
