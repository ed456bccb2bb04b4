"""What the values of a record may be. `record.parse` refuses whatever is outside, so that no reader needs to guard again.

Paths are held to what no reader may ever follow out of its folder; which further names are refused when sealing or
restoring is `paths.unsafe_reason`, and may grow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from arcgit.model import canonical, forms, names, paths, versions

if TYPE_CHECKING:
    from arcgit.model.record import ArtifactFact, DvcRef, Record

ARTIFACT_OPTIONS = ("files", "dvc", "git", "split", "version")
DVC_OPTIONS = ("project", "origin", "version", "versions")
WAIVER_OPTIONS = ("subject",)
_MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")
_PLAIN = re.compile(
    rf"(?:{names.SLUG} {names.SLUG} [A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)* [0-9a-f]{{64}} "
    r"[0-9a-f]{32}(?: file|\.dir directory)\n)*"
)
"""A line for each artifact."""
_MOST = canonical.MAX_SAFE_INTEGER


class LineageItem(msgspec.Struct, frozen=True, kw_only=True):
    """A dep, an out or a source: its path, DVC's hash where it is known, and where an import was taken from."""

    path: str
    md5: str | None = None
    hash: str = "md5"
    size: int | None = None
    files: int | None = None
    cached: bool = True
    origin: dict[str, str] | None = None


class LineageStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage as dvc.lock has it; `params` is by file."""

    file: str
    name: str
    cmd: Any
    deps: list[LineageItem]
    outs: list[LineageItem]
    params: dict[str, dict[str, Any]]


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """Sources, and stages each after those that it needs."""

    sources: list[LineageItem]
    stages: list[LineageStage]


def fault(record: Record) -> str:
    """The first value that is outside of its form, or an empty string."""
    return next(_faults(record), "")


def null_fault(predicate: dict[str, Any]) -> str:
    """The first field that is null where it would be left out, or an empty string. The types are a record's already."""
    for name, fact in predicate["artifacts"].items():
        if field := _null_in(fact, ARTIFACT_OPTIONS) or _null_in(fact.get("dvc", {}), DVC_OPTIONS):
            return f"`{field}` of artifact `{name}` is null instead of left out"
    nulls = any(_null_in(waiver, WAIVER_OPTIONS) for waiver in predicate.get("waivers", ()))
    return "`waivers.subject` is null instead of left out" if nulls else ""


def _null_in(fields: dict[str, Any], options: Iterable[str]) -> str:
    return next((field for field in options if field in fields and fields[field] is None), "")


def _faults(record: Record) -> Iterator[str]:
    predicate, content = record.predicate, record.content
    checks = (
        (forms.is_archive_id(predicate.archive), "archive"),
        (names.is_slug(content.project), "project"),
        (names.is_slug(content.experiment), "experiment"),
        (forms.is_oid(predicate.commit.oid) and forms.is_oid(predicate.commit.tree), "commit"),
        (paths.stays_inside(predicate.manifest.path), "manifest.path"),
        (forms.is_sha256(predicate.manifest.sha256), "manifest.sha256"),
        (forms.is_time(predicate.time), "time"),
        (bool(predicate.artifacts), "artifacts"),
        (bool(record.statement.subject), "subject"),
        (all(forms.is_day(waiver.expires) for waiver in predicate.waivers), "waivers.expires"),
    )
    yield from (f"`{field}` is not in its form" for good, field in checks if not good)
    for name, fact in predicate.artifacts.items() if not _all_plain(predicate.artifacts) else ():
        if field := _artifact_fault(name, fact):
            yield f"`{field}` of artifact `{name}` is not in its form"
    if _repeats(fact.path for fact in predicate.artifacts.values()):
        yield "two artifacts have the same path"
    yield from _lineage_fault(content.lineage)
    yield from _subject_faults(record)


def _all_plain(facts: dict[str, ArtifactFact]) -> bool:
    """True for artifacts that are in their form at first sight; `_artifact_fault` knows the others."""
    lines = ""
    for name, fact in facts.items():
        ref, files = fact.dvc, fact.files
        if ref is None or fact.git is not None or ref.project is not None:
            return False
        if ref.version is not None or ref.versions is not None or (files is None) == (fact.kind == "directory"):
            return False
        if not (0 <= fact.size <= _MOST and 0 <= (files or 0) <= _MOST):
            return False
        lines += f"{name} {fact.role} {fact.path} {fact.sha256} {ref.md5} {fact.kind}\n"
    # One whose path has a line break in it could read like two.
    return lines.count("\n") == len(facts) and _PLAIN.fullmatch(lines) is not None


def _artifact_fault(name: str, fact: ArtifactFact) -> str:
    folder = fact.kind == "directory"
    if not names.is_slug(name) or not names.is_slug(fact.role):
        return "role" if names.is_slug(name) else "name"
    if not paths.stays_inside(fact.path):
        return "path"
    if (fact.files is None) == folder or not all(_is_count(number) for number in (fact.size, fact.files or 0)):
        return "size"
    if not forms.is_sha256(fact.sha256):
        return "sha256"
    if (fact.dvc is None) == (fact.git is None):
        return "dvc"
    if fact.dvc is not None and (not _MD5.fullmatch(fact.dvc.md5) or fact.dvc.md5.endswith(".dir") != folder):
        return "dvc.md5"
    if fact.dvc is not None and fact.dvc.project is not None and not paths.stays_inside(fact.dvc.project):
        return "dvc.project"
    if fact.dvc is not None and (field := _version_fault(fact.dvc, folder=folder)):
        return field
    return "" if fact.git is None or forms.is_oid(fact.git) else "git"


def _version_fault(ref: DvcRef, *, folder: bool) -> str:
    if ref.version is not None and (folder or ref.remote is None or not versions.is_id(ref.version)):
        return "dvc.version"
    if ref.versions is not None and (not folder or ref.remote is None or not forms.is_sha256(ref.versions)):
        return "dvc.versions"
    return ""


def _lineage_fault(lineage: dict[str, Any]) -> Iterator[str]:
    if lineage.keys() == {"sha256"}:
        if not isinstance(lineage["sha256"], str) or not forms.is_sha256(lineage["sha256"]):
            yield "`lineage.sha256` is not in its form"
        return
    try:
        msgspec.convert(lineage, Lineage)
    except msgspec.ValidationError as error:
        yield f"`lineage` is not in its form: {error}"


def _subject_faults(record: Record) -> Iterator[str]:
    facts = {fact.path: fact for fact in record.predicate.artifacts.values()}
    for subject in record.statement.subject:
        fact = facts.get(subject.name)
        if fact is None or subject.digest.get("sha256") != fact.sha256:
            yield "a subject is not among the artifacts, or has another digest"
        elif "md5" in subject.digest and (
            fact.dvc is None or subject.digest["md5"] != fact.dvc.md5.removesuffix(".dir")
        ):
            yield "a subject has another md5 than its artifact"


def _is_count(number: int) -> bool:
    return 0 <= number <= canonical.MAX_SAFE_INTEGER


def _repeats(values: Iterable[str]) -> bool:
    found = list(values)
    return len(set(found)) < len(found)
