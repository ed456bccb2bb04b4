"""The published vectors: what another implementation must read, write and refuse.

Files under `tests/vectors/` are only ever added to. A case with `error` must be refused; `unknown version` is the one
refusal that is no failure of the record but of the reader's age.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arcgit.archive import pin
from arcgit.model import canonical, fixity, gitobject, policy, record, tagmessage
from arcgit.model import event as events
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.fixity import FixityEntry
from arcgit.model.manifest import SCHEMA, Artifact, Manifest
from arcgit.model.notetree import NoteTree
from arcgit.rules.matching import matches

FOLDER = Path(__file__).parent.parent / "vectors"


def vectors(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def split(name: str) -> tuple[list[Any], list[Any]]:
    """The cases to accept and those to refuse, each with its name as test id."""
    cases = vectors(name)
    accepted = [pytest.param(case, id=case["name"]) for case in cases if "error" not in case]
    return accepted, [pytest.param(case, id=case["name"]) for case in cases if "error" in case]


def refuses(read: Callable[[], object], case: dict[str, Any], kinds: tuple[type[Exception], type[Exception]]) -> None:
    """`kinds` are the error for what is malformed and its subclass for a version that is not known."""
    with pytest.raises(kinds[0]) as caught:
        read()
    assert isinstance(caught.value, kinds[1]) == (case["error"] == "unknown version")


RECORDS, NO_RECORDS = split("record")
EVENTS, NO_EVENTS = split("event")
POLICIES, NO_POLICIES = split("policy")
LISTS, NO_LISTS = split("fixity")
MATCHING = vectors("matching")


@pytest.mark.parametrize("case", split("run-id")[0])
def test_a_run_id_is_of_the_bytes_of_the_content(case: dict[str, Any]) -> None:
    content = case["content"].encode()
    assert record.run_id(content) == case["run_id"]
    assert canonical.dumps(canonical.parse(content)) == content


@pytest.mark.parametrize("case", RECORDS)
def test_a_record_is_read(case: dict[str, Any]) -> None:
    sealed = record.parse(case["record"].encode())
    assert sealed.predicate.run_id == case["run_id"]
    assert bytes(sealed.predicate.content).decode() == case["content"]
    if "message" in case:
        name = record.name_of(sealed)
        assert (name.refname, tagmessage.message(sealed, name)) == (case["refname"], case["message"])


@pytest.mark.parametrize("case", NO_RECORDS)
def test_what_is_no_record_is_refused(case: dict[str, Any]) -> None:
    kinds = (record.RecordError, record.UnknownRecordVersionError)
    refuses(lambda: record.parse(case["record"].encode()), case, kinds)


@pytest.mark.parametrize("case", EVENTS)
def test_an_event_is_read_from_its_commit(case: dict[str, Any]) -> None:
    raw = case["commit"].encode()
    assert gitobject.object_id("commit", raw) == case["commit_oid"]
    assert canonical.sha256(raw) == case["commit_sha256"]
    message = gitobject.parse_commit(raw).message
    event = events.parse_message(message)
    assert (message, msgspec.to_builtins(event)) == (case["message"], case["event"])
    assert events.message(event) == message


@pytest.mark.parametrize("case", NO_EVENTS)
def test_what_is_no_event_is_refused(case: dict[str, Any]) -> None:
    refuses(lambda: events.parse_message(case["message"]), case, (events.EventError, events.UnknownEventVersionError))


def test_the_ledgers_tree_follows_from_its_events() -> None:
    tree = NoteTree()
    told = vectors("notes")
    assert tree.oid == told["empty"]
    for row in told["events"]:
        if row["note_on"]:
            event = events.parse_message(row["message"])
            tree.take(row["note_on"], event, tree.preview(row["note_on"], event))
        assert tree.oid == row["tree"]


@pytest.mark.parametrize("case", POLICIES)
def test_a_policy_and_what_is_signed_to_approve_it(case: dict[str, Any]) -> None:
    found = policy.parse(case["policy"])
    assert (policy.digest(case["policy"]), policy.serialise(found)) == (case["digest"], case["policy"])
    payload = policy.approval_payload(
        archive=found.archive, version=found.version, previous=case["previous"], policy=case["digest"]
    )
    assert payload.decode() == case["approval_payload"]


@pytest.mark.parametrize("case", NO_POLICIES)
def test_what_is_no_policy_is_refused(case: dict[str, Any]) -> None:
    refuses(lambda: policy.parse(case["policy"]), case, (policy.PolicyError, policy.UnknownPolicyVersionError))


@pytest.mark.parametrize("case", LISTS)
def test_a_fixity_list_is_read_and_named(case: dict[str, Any]) -> None:
    data = case["list"].encode()
    listed = tuple(FixityEntry(*row) for row in case["entries"])
    assert (fixity.parse(data), canonical.sha256(data)) == (listed, case["sha256"])
    assert fixity.serialise(reversed(listed)) == data


@pytest.mark.parametrize("case", NO_LISTS)
def test_what_is_no_fixity_list_is_refused(case: dict[str, Any]) -> None:
    kinds = (fixity.FixityError, fixity.UnknownFixityVersionError)
    refuses(lambda: fixity.parse(case["list"].encode()), case, kinds)


@pytest.mark.parametrize("case", split("pin")[0])
def test_a_pin_contradicts_a_ledger(case: dict[str, Any], tmp_path: Path) -> None:
    archive = json.loads(case["file"])["archive"]
    path = pin.path_of(tmp_path, archive)
    path.parent.mkdir()
    path.write_text(case["file"])
    known = pin.load(tmp_path, archive)
    assert known is not None
    found = pin.compare(known, genesis=case["ledger"][0], oids=case["ledger"])
    assert [finding.code for finding in found] == case["codes"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in MATCHING["cases"]])
def test_a_record_matches_a_rev(case: dict[str, Any]) -> None:
    rev = case["rev"]
    rows = {f"a{number}": row for number, row in enumerate(rev["artifacts"])}
    found = Experiment(
        manifest_path="arcgit.yaml",
        manifest_sha256="0" * 64,
        manifest=Manifest(
            schema=SCHEMA,
            project=rev["project"],
            experiment=rev["experiment"],
            artifacts={key: Artifact(role=row["role"], path=row["path"]) for key, row in rows.items()},
        ),
        artifacts={key: stored(row) for key, row in rows.items()},
        params=rev["params"],
        metrics=rev["metrics"],
        lineage=rev["lineage"],
    )
    sealed = record.parse(MATCHING["records"][case["record"]].encode())
    assert matches(sealed, found) is case["matches"]


def stored(row: dict[str, str]) -> Stored:
    if "git" in row:
        return Stored(path=row["path"], kind="file", by="git", oid=row["git"], hash_name="git")
    return Stored(path=row["path"], kind="file", by="dvc", oid=row["dvc"], hash_name=row["hash"])


def test_most_of_the_vectors_are_attacks() -> None:
    refused = sum(len(cases) for cases in (NO_RECORDS, NO_EVENTS, NO_POLICIES, NO_LISTS))
    accepted = sum(len(cases) for cases in (RECORDS, EVENTS, POLICIES, LISTS))
    assert refused > 2 * accepted
