"""How a case of each file is read: what it says must be what arcgit does.

`CHECKS` has one function for each file. A negative case is refused for its own reason: by the code or the part of the
message that it names, or because the result that it claims is not the right one.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from arcgit.archive import pin
from arcgit.errors import UndeterminedError
from arcgit.model import canonical, fixity, manifest, policy, proven, record, tagmessage, versions
from arcgit.model import event as events
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.finding import Severity
from arcgit.model.fixity import FixityEntry
from arcgit.model.manifest import Artifact, Manifest
from arcgit.model.names import RECORD_PREFIX, RecordName
from arcgit.model.notetree import NoteTree
from arcgit.model.proven import ProvenObject
from arcgit.model.record import ArtifactFact
from arcgit.model.text import escape
from arcgit.model.versions import FileVersion
from arcgit.rules.matching import matches
from tests.vectors import read_signed
from tests.vectors.cases import Case, holds, padded, refused


def check_canonical(_: Case, case: Case) -> None:
    if "error" not in case:
        data = canonical.dumps(json.loads(case["input"]))
        assert (data.decode(), canonical.sha256(data)) == (case["canonical"], case["sha256"])
        assert canonical.dumps(canonical.parse(data)) == data
    elif "input" in case:
        refused(case, lambda: canonical.dumps(json.loads(case["input"])), canonical.CanonicalError)
    else:
        data = case["text"].encode() if "text" in case else base64.b64decode(case["base64"])
        refused(case, lambda: canonical.parse(data), canonical.CanonicalError)


def check_run_id(_: Case, case: Case) -> None:
    content = case["content"].encode()
    if "input" in case:
        value = json.loads(case["input"])
        facts = [ArtifactFact(kind="file", size=0, **row) for row in value.pop("artifacts")]
        assert record.content_bytes(artifacts=facts, **value) == content
    assert canonical.dumps(canonical.parse(content)) == content
    holds(case, case["run_id"], record.run_id(content))


def check_record(_: Case, case: Case) -> None:
    data = padded(case, "record").encode()
    if "error" in case:
        refused(case, lambda: record.parse(data), record.RecordError, record.UnknownRecordVersionError)
        return
    sealed = record.parse(data)
    if "message" in case:
        name = record.name_of(sealed)
        assert (name.refname, name.run_id) == (case["refname"], case["run_id"])
        assert tagmessage.message(sealed, name) == case["message"]
        assert tagmessage.split_message(case["message"]) == (tagmessage.readable(sealed, name), data)
        assert bytes(sealed.predicate.content).decode() == case["content"]


def check_readable(whole: Case, case: Case) -> None:
    name = RecordName.parse(case["refname"])
    assert name is not None
    sealed = record.parse(whole["records"][case["record"]].encode())
    holds(case, case["readable"], tagmessage.readable(sealed, name))


def check_event(_: Case, case: Case) -> None:
    if "error" in case:
        read = lambda: events.parse_message(case["message"])  # noqa: E731
        refused(case, read, events.EventError, events.UnknownEventVersionError)
        return
    found = events.parse_message(case["message"])
    known = {field: case["event"][field] for field in events.Event.__struct_fields__}
    assert msgspec.to_builtins(found) == known
    if known == case["event"]:
        assert events.message(found) == case["message"]


def check_notes(whole: Case, case: Case) -> None:
    tree = NoteTree()
    assert tree.oid == whole["empty"]
    notes: dict[str, str] = {}
    for row in whole["histories"][case["history"]]:
        if row["note_on"] is not None:
            event = events.parse_message(row["message"])
            planned = tree.preview(row["note_on"], event)
            tree.take(row["note_on"], planned)
            notes[row["note_on"]] = planned[0].raw.decode()
    holds(case, case["tree"], tree.oid)
    if case.get("holds", True):
        assert case["notes"] == notes


def check_policy(_: Case, case: Case) -> None:
    if "error" in case:
        read = lambda: policy.parse(case["policy"])  # noqa: E731
        refused(case, read, policy.PolicyError, policy.UnknownPolicyVersionError)
        return
    found = policy.parse(case["policy"])
    assert policy.digest(case["policy"]) == case["digest"]
    payload = policy.approval_payload(
        archive=found.archive, version=found.version, previous=case["previous"], policy=case["digest"]
    )
    holds(case, case["approval_payload"], payload.decode())


def check_fixity(_: Case, case: Case) -> None:
    data = case["list"].encode()
    if "error" in case:
        refused(case, lambda: fixity.parse(data), fixity.FixityError, fixity.UnknownFixityVersionError)
        return
    listed = tuple(FixityEntry(*row) for row in case["entries"])
    assert (tuple(fixity.parse(data)), canonical.sha256(data)) == (listed, case["sha256"])
    assert fixity.serialise(reversed(listed)) == data


def check_proven(_: Case, case: Case) -> None:
    data = case["list"].encode()
    if "error" in case:
        refused(case, lambda: proven.parse(data), proven.ProvenError, proven.UnknownProvenVersionError)
        return
    listed = tuple(ProvenObject(*row) for row in case["entries"])
    assert (proven.parse(data), canonical.sha256(data)) == (listed, case["sha256"])
    assert proven.serialise(reversed(listed)) == data


def check_versions(_: Case, case: Case) -> None:
    data = case["list"].encode()
    if "error" in case:
        refused(case, lambda: versions.parse(data), versions.VersionsError, versions.UnknownVersionsVersionError)
        return
    listed = {path: FileVersion(*row) for path, row in case["entries"].items()}
    assert (versions.parse(data), canonical.sha256(data)) == (listed, case["sha256"])
    assert (versions.serialise(listed) == data) is not case.get("more", False)


def check_pin(_: Case, case: Case) -> None:
    archive = case.get("archive") or json.loads(case["file"])["archive"]
    with tempfile.TemporaryDirectory() as folder:
        path = pin.path_of(Path(folder), archive)
        path.parent.mkdir()
        path.write_text(case["file"])
        if "error" in case:
            refused(case, lambda: pin.load(Path(folder), archive), UndeterminedError)
            return
        known = pin.load(Path(folder), archive)
    assert known is not None
    assert canonical.dumps(msgspec.to_builtins(known)).decode() + "\n" == case["file"]
    found = pin.compare(known, genesis=case["ledger"][0], oids=case["ledger"])
    assert [finding.code for finding in found] == case["codes"]


def check_matching(whole: Case, case: Case) -> None:
    sealed = record.parse(whole["records"][case["record"]].encode())
    assert matches(sealed, _experiment(case["rev"])) is case["matches"]
    if "differs" in case:
        assert matches(sealed, _experiment({**case["rev"], case["differs"]: case["same"]}))


def _experiment(rev: Case) -> Experiment:
    rows = {f"a{number}": row for number, row in enumerate(rev["artifacts"])}
    return Experiment(
        manifest_path="arcgit.yaml",
        manifest_sha256="0" * 64,
        manifest=Manifest(
            schema=manifest.SCHEMA,
            project=rev["project"],
            experiment=rev["experiment"],
            artifacts={key: Artifact(role=row["role"], path=row["path"]) for key, row in rows.items()},
        ),
        artifacts={key: _stored(row) for key, row in rows.items()},
        params=rev["params"],
        metrics=rev["metrics"],
        lineage=rev["lineage"],
    )


def _stored(row: dict[str, str]) -> Stored | None:
    if "git" in row:
        return Stored(path=row["path"], kind="file", by="git", oid=row["git"], hash_name="git")
    return (
        Stored(path=row["path"], kind="file", by="dvc", oid=row["dvc"], hash_name=row["hash"]) if "dvc" in row else None
    )


def check_manifest(_: Case, case: Case) -> None:
    found, faults = manifest.parse(case["text"].encode(), "arcgit.yaml")
    if "error" in case:
        assert found is None
        about = [row for row in faults if row.code == case["code"] and case["fault"] and case["fault"] in row.message]
        assert about
        assert (about[0].severity is Severity.UNKNOWN) == (case["error"] == "unknown version")
        return
    assert faults == []
    fields = msgspec.to_builtins(found)
    assert {field: fields[field] for field in case["manifest"]} == case["manifest"]


def check_escape(_: Case, case: Case) -> None:
    holds(case, case["escaped"], escape(case["text"]))


def check_refname(_: Case, case: Case) -> None:
    found = RecordName.parse(case["refname"])
    if "error" in case:
        assert found is None
        assert RecordName.parse(case["nearest"]) is not None
        assert case["code"] == ("foreign-tag" if case["refname"].startswith(RECORD_PREFIX) else None)
        return
    assert found == RecordName(case["project"], case["experiment"], case["run_id"], case["number"])
    assert (found.refname, found.tag) == (case["refname"], case["tag"])
    assert (found.short_id, found.unpushed_ref) == (case["id"], case["unpushed"])


CHECKS: Mapping[str, Callable[[Case, Case], None]] = {
    "canonical": check_canonical,
    "commit": read_signed.check_commit,
    "escape": check_escape,
    "event": check_event,
    "fixity": check_fixity,
    "ledger": read_signed.check_ledger,
    "manifest": check_manifest,
    "matching": check_matching,
    "notes": check_notes,
    "pin": check_pin,
    "policy": check_policy,
    "proven": check_proven,
    "readable": check_readable,
    "record": check_record,
    "refname": check_refname,
    "run-id": check_run_id,
    "signature": read_signed.check_signature,
    "tag": read_signed.check_tag,
    "versions": check_versions,
}
