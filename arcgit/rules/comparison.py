"""Two records side by side: what is the same, what changed, and what could not be told. Values in, a `Comparison` out.

`compare(before, after, files=…, lineage=…)` needs no bytes of data. It works on the sealed hashes; which files of a
directory changed comes from the fixity lists, which `files` hands out by their sha256 (None where one is not at hand).
A part that could not be told is in `Comparison.unknown` by name, and is never called the same.

What the rows hold:

- `artifacts`: `ArtifactChange`, sorted by role and name. `change` is about the content; `fields` is what else differs
  (path, role, kind, split, version, size, files, kept); `files` is a `FileChanges` for two directories that differ.
- `params`, `metrics`, `environment`, `said`: `ValueChange`. Numbers have `delta` and `relative`. `said` is everything
  that the record says beside its content: project, experiment, owner, purpose, retention, commit, tree, manifest, time …
- `lineage`: a `LineageChange` (in arcgit/rules/stages.py), or None where a lineage was not at hand.

`change` is always one of `same`, `changed`, `added`, `removed`. `to_dict()` is the body of `arcgit/diff/v1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from arcgit.model.fixity import FixityEntry
from arcgit.model.record import ArtifactFact, Record
from arcgit.model.recordform import Lineage
from arcgit.rules.directories import FileChanges, compare_files
from arcgit.rules.stages import LineageChange, compare_lineages
from arcgit.rules.values import Change, ValueChange, compare_values, differing_values

Files = Callable[[str], Sequence[FixityEntry] | None]
"""The entries of the fixity list with this sha256, or None where it is not at hand."""

Lineages = Callable[[Record], Lineage | None]
"""The lineage of a record, or None where it lies outside of the record and is not at hand."""


@dataclass(frozen=True)
class ArtifactChange:
    """One artifact in both records. `before` or `after` is None where only the other record has it."""

    change: Change
    name: str
    name_before: str
    before: ArtifactFact | None
    after: ArtifactFact | None
    fields: tuple[ValueChange, ...] = ()
    files: FileChanges | None = None

    @property
    def role(self) -> str:
        fact = self.after or self.before
        return fact.role if fact else ""

    @property
    def differs(self) -> bool:
        """True where anything about the artifact differs, be it only its name or a label."""
        return self.change != "same" or bool(self.fields) or self.name != self.name_before

    def to_dict(self) -> dict[str, Any]:
        return {
            "change": self.change,
            "name": self.name,
            "name_before": self.name_before,
            "role": self.role,
            "before": msgspec.to_builtins(self.before),
            "after": msgspec.to_builtins(self.after),
            "fields": [field.to_dict() for field in self.fields],
            "files": self.files.to_dict() if self.files else None,
        }


@dataclass(frozen=True)
class Unknown:
    """A part that could not be told, because a list is not at hand: `sha256` names it, `subject` is what it is about."""

    subject: str
    sha256: str


@dataclass(frozen=True)
class Comparison:
    """What two records have in common and what not. `same_content` is about what the run id is made of."""

    identical: bool
    same_content: bool
    artifacts: tuple[ArtifactChange, ...]
    params: tuple[ValueChange, ...]
    metrics: tuple[ValueChange, ...]
    environment: tuple[ValueChange, ...]
    said: tuple[ValueChange, ...]
    lineage: LineageChange | None
    unknown: tuple[Unknown, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "identical": self.identical,
            "same_content": self.same_content,
            "artifacts": [row.to_dict() for row in self.artifacts],
            "params": [row.to_dict() for row in self.params],
            "metrics": [row.to_dict() for row in self.metrics],
            "environment": [row.to_dict() for row in self.environment],
            "said": [row.to_dict() for row in self.said],
            "lineage": self.lineage.to_dict() if self.lineage else None,
            "unknown": [{"subject": part.subject, "sha256": part.sha256} for part in self.unknown],
        }


def compare(before: Record, after: Record, *, files: Files, lineage: Lineages) -> Comparison:
    """The two records side by side; `before` is the older one in all that is called added or removed."""
    unknown: list[Unknown] = []
    artifacts = tuple(compare_artifacts(before, after, files, unknown))
    one, other = before.predicate, after.predicate
    return Comparison(
        identical=before.raw == after.raw,
        same_content=bytes(one.content) == bytes(other.content),
        artifacts=artifacts,
        params=compare_values(before.content.params, after.content.params),
        metrics=compare_values(before.content.metrics, after.content.metrics),
        environment=compare_values({"": one.environment}, {"": other.environment}),
        said=compare_values({"": _said(before)}, {"": _said(after)}),
        lineage=compare_records_lineage(before, after, lineage, unknown),
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _said(record: Record) -> dict[str, Any]:
    predicate = record.predicate
    return {
        "project": record.content.project,
        "experiment": record.content.experiment,
        "owner": predicate.owner,
        "purpose": predicate.purpose,
        "retention": predicate.retention,
        "commit": predicate.commit.oid,
        "tree": predicate.commit.tree,
        "manifest": msgspec.to_builtins(predicate.manifest),
        "archive": predicate.archive,
        "time": predicate.time,
        "waivers": msgspec.to_builtins(predicate.waivers),
    }


def compare_records_lineage(
    before: Record, after: Record, lineage: Lineages, unknown: list[Unknown]
) -> LineageChange | None:
    """The lineages side by side; None where one could not be told, which is added to `unknown`."""
    if before.content.lineage == after.content.lineage and "sha256" in before.content.lineage:
        # The digest alone tells that nothing differs.
        return LineageChange((), ())
    known = [lineage(before), lineage(after)]
    for side, record, found in zip(("before", "after"), (before, after), known, strict=True):
        if found is None:
            unknown.append(Unknown(f"lineage {side}", str(record.content.lineage.get("sha256", ""))))
    one, other = known
    return compare_lineages(one, other) if one is not None and other is not None else None


def compare_artifacts(before: Record, after: Record, files: Files, unknown: list[Unknown]) -> Iterator[ArtifactChange]:
    """The artifacts side by side, sorted by role and name; what could not be told is added to `unknown`."""
    one, other = before.predicate.artifacts, after.predicate.artifacts
    rows = [_artifact(pair, one.get(pair[0]), other.get(pair[1]), files, unknown) for pair in _pairs(one, other)]
    yield from sorted(rows, key=lambda row: (row.role, row.name))


def _pairs(one: dict[str, ArtifactFact], other: dict[str, ArtifactFact]) -> list[tuple[str, str]]:
    """Which artifact of one record is which of the other: by name, else by path, else by being alone in its role."""
    pairs = [(name, name) for name in one if name in other]
    left = {name: fact for name, fact in one.items() if name not in other}
    right = {name: fact for name, fact in other.items() if name not in one}
    for key in (lambda fact: fact.path, lambda fact: fact.role):
        mine, theirs = _alone(left, key), _alone(right, key)
        for value in sorted(mine.keys() & theirs.keys()):
            pairs.append((mine[value], theirs[value]))
            del left[mine[value]], right[theirs[value]]
    return [*pairs, *((name, name) for name in (*left, *right))]


def _alone(facts: dict[str, ArtifactFact], key: Callable[[ArtifactFact], str]) -> dict[str, str]:
    """Name by key, of the artifacts that share their key with no other."""
    names: dict[str, list[str]] = {}
    for name, fact in facts.items():
        names.setdefault(key(fact), []).append(name)
    return {value: found[0] for value, found in names.items() if len(found) == 1}


def _artifact(
    pair: tuple[str, str],
    before: ArtifactFact | None,
    after: ArtifactFact | None,
    files: Files,
    unknown: list[Unknown],
) -> ArtifactChange:
    name_before, name = pair
    if before is None or after is None:
        return ArtifactChange("added" if before is None else "removed", name, name_before, before, after)
    fields = differing_values({"": _fields(before)}, {"": _fields(after)})
    # A file may have the very bytes of a fixity list; that makes it no directory.
    if (before.kind, before.sha256) == (after.kind, after.sha256):
        return ArtifactChange("same", name, name_before, before, after, fields)
    found = None
    if before.kind == after.kind == "directory":
        lists = [files(before.sha256), files(after.sha256)]
        for fact, entries in zip((before, after), lists, strict=True):
            if entries is None:
                unknown.append(Unknown(f"files of {name}", fact.sha256))
        one, other = lists
        found = compare_files(one, other) if one is not None and other is not None else None
    return ArtifactChange("changed", name, name_before, before, after, fields, found)


def _fields(fact: ArtifactFact) -> dict[str, Any]:
    """What is said about an artifact beside its content. A field that is left out has no row."""
    said = {"path": fact.path, "role": fact.role, "kind": fact.kind, "size": fact.size, "files": fact.files}
    kept = {"split": fact.split, "version": fact.version, "kept": "DVC" if fact.dvc else "git"}
    where = {"remote": fact.dvc.remote, "project": fact.dvc.project, "origin": fact.dvc.origin} if fact.dvc else {}
    return {name: value for name, value in {**said, **kept, **where}.items() if value is not None}
