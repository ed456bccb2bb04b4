"""The record: the sealed statement of one experiment, an in-toto Statement v1 inside one signed tag.

The run id is the first 12 hex digits of the sha256 of `predicate.content`, exactly as its bytes stand in the record, so
that a reader never serialises anything again. Commit, time, person and machine are outside of `content`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from arcgit.model import canonical, recordform
from arcgit.model.names import RecordName

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:arcgit:experiment:v1"
SCHEMA = "arcgit/record/v1"
MAX_RECORD_BYTES = 1024 * 1024
MAX_LINEAGE_BYTES = 32 * 1024


class RecordError(ValueError):
    """The bytes are not a record."""


class UnknownRecordVersionError(RecordError):
    """The record has a version that this arcgit does not know."""


class DvcRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where DVC keeps the bytes: hash value (`.dir` for a directory), hash name, name of the remote.

    `project` is the folder of the DVC project where that is not the repository's root. `origin` says where an import was
    taken from; then the bytes need not be in the remote. In a cloud-versioned remote `version` is the id of the version
    of a file, and `versions` the sha256 of the version list of a directory.
    """

    md5: str
    remote: str | None = None
    hash: str = "md5"
    project: str | None = None
    origin: dict[str, str] | None = None
    version: str | None = None
    versions: str | None = None


class ArtifactFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One artifact. `sha256` is of the file, or of the fixity list for a directory; `size` is in bytes."""

    path: str
    role: str
    kind: Literal["file", "directory"]
    size: int
    sha256: str
    files: int | None = None
    dvc: DvcRef | None = None
    git: str | None = None
    split: str | None = None
    version: str | None = None


class WaiverFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding that somebody answered for when the record was sealed. `expires` is a day, `YYYY-MM-DD`."""

    code: str
    reason: str
    owner: str
    expires: str
    subject: str | None = None


class CommitRef(msgspec.Struct, frozen=True, kw_only=True):
    """The experiment's commit and its tree."""

    oid: str
    tree: str


class FileRef(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the commit by the sha256 of its bytes."""

    path: str
    sha256: str


class ContentArtifact(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    role: str
    sha256: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What the run id is made of. `params` and `metrics` are by file; `lineage` may be a reference `{"sha256": …}`."""

    project: str
    experiment: str
    artifacts: list[ContentArtifact]
    params: dict[str, dict[str, Any]]
    metrics: dict[str, dict[str, Any]]
    lineage: dict[str, Any]


class Predicate(msgspec.Struct, frozen=True, kw_only=True):
    """What arcgit states. `content` holds the raw bytes behind the run id. Times are UTC, claimed by the signer."""

    schema: str
    archive: str
    run_id: str
    content: msgspec.Raw
    artifacts: dict[str, ArtifactFact]
    commit: CommitRef
    manifest: FileRef
    owner: str
    purpose: str
    retention: str
    time: str
    environment: dict[str, Any]
    known: dict[str, list[str]]
    waivers: list[WaiverFact] = []


class SubjectDescriptor(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    digest: dict[str, str]


class Statement(
    msgspec.Struct, frozen=True, kw_only=True, rename={"type_": "_type", "predicate_type": "predicateType"}
):
    """The in-toto envelope of the predicate."""

    type_: str
    subject: list[SubjectDescriptor]
    predicate_type: str
    predicate: Predicate


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded record with the bytes it came from."""

    raw: bytes
    statement: Statement
    content: Content

    @property
    def predicate(self) -> Predicate:
        return self.statement.predicate


def content_bytes(
    *,
    project: str,
    experiment: str,
    artifacts: Iterable[ArtifactFact],
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    lineage: Mapping[str, Any],
) -> bytes:
    """The canonical content. Order of the artifacts does not matter."""
    rows = sorted((fact.path, fact.role, fact.sha256) for fact in artifacts)
    return canonical.dumps(
        {
            "artifacts": [{"path": path, "role": role, "sha256": digest} for path, role, digest in rows],
            "experiment": experiment,
            "lineage": dict(lineage),
            "metrics": dict(metrics),
            "params": dict(params),
            "project": project,
        }
    )


def run_id(content: bytes) -> str:
    """The run id of canonical content bytes."""
    return canonical.sha256(content)[:12]


def subjects(artifacts: Iterable[ArtifactFact], produced: frozenset[str]) -> list[dict[str, Any]]:
    """The outputs, as in-toto subjects: models, metrics, reports and whatever a stage writes; else every artifact."""
    facts = sorted(artifacts, key=lambda fact: fact.path)
    outputs = [fact for fact in facts if fact.role in {"model", "metrics", "report"} or fact.path in produced]
    return [
        {
            "name": fact.path,
            "digest": {"sha256": fact.sha256} | ({"md5": fact.dvc.md5.removesuffix(".dir")} if fact.dvc else {}),
        }
        for fact in outputs or facts
    ]


def parse(data: bytes) -> Record:
    """The record in canonical JSON bytes. Raises RecordError, UnknownRecordVersionError."""
    if len(data) > MAX_RECORD_BYTES:
        raise RecordError(f"it is larger than {MAX_RECORD_BYTES} bytes")
    try:
        value = canonical.parse(data)
    except canonical.CanonicalError as error:
        raise RecordError(str(error)) from error
    kind = value.get("predicateType") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind.startswith("urn:arcgit:experiment:") and kind != PREDICATE_TYPE:
        raise UnknownRecordVersionError(f"unknown predicate type {kind}")
    schema = (
        value["predicate"].get("schema")
        if isinstance(value, dict) and isinstance(value.get("predicate"), dict)
        else None
    )
    if isinstance(schema, str) and schema.startswith("arcgit/record/") and schema != SCHEMA:
        raise UnknownRecordVersionError(f"unknown record schema {schema}")
    try:
        statement = msgspec.json.decode(data, type=Statement)
        # From the value that `canonical` read: there a large number is the double that it was written from.
        content = msgspec.convert(value["predicate"]["content"], Content)
    except msgspec.DecodeError as error:
        raise RecordError(str(error)) from error
    record = Record(raw=data, statement=statement, content=content)
    nulls = recordform.null_fault(value["predicate"]) if b":null" in data else ""
    if fault := nulls or _fault(record):
        raise RecordError(fault)
    return record


def _fault(record: Record) -> str:
    predicate = record.predicate
    if record.statement.type_ != STATEMENT_TYPE or record.statement.predicate_type != PREDICATE_TYPE:
        return "it is not an in-toto Statement v1 of an arcgit experiment"
    if predicate.schema != SCHEMA:
        return f"the schema is not {SCHEMA}"
    if predicate.run_id != run_id(bytes(predicate.content)):
        return "the run id is not that of the content"
    rows = sorted((fact.path, fact.role, fact.sha256) for fact in predicate.artifacts.values())
    if rows != [(row.path, row.role, row.sha256) for row in record.content.artifacts]:
        return "content and artifacts list different files"
    return recordform.fault(record)


def name_of(record: Record, number: int = 1) -> RecordName:
    """The name that the record's tag has."""
    return RecordName(record.content.project, record.content.experiment, record.predicate.run_id, number)
