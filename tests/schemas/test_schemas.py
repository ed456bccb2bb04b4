"""The schemas for editors: alone they tell good files from bad ones, and they agree with arcgit's own parsers on each.

A bad file names in its first line what the schema must complain about.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arcgit.archive.policy import policyfile
from arcgit.errors import RefusedError
from arcgit.model import manifest, paths, policy, schemas, yaml
from arcgit.model.experiment import Experiment
from arcgit.resources import resource
from arcgit.rules import completeness
from arcgit.rules.completeness import Demands
from tests.world import World

HERE = Path(__file__).parent
FILES = sorted([*(HERE / "good").iterdir(), *(HERE / "bad").iterdir()])
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDwIYc/Qgar/amOckza0ZsXfhhkdvrJf4Ht2EipF7gyR"
FINGERPRINT = "SHA256:KJT5l+eShTSu7QHDMwiGV+5g3sHfXgNRtZN+EL7QwWc"
TODAY = date(2026, 6, 1)
FORM = {"owner-missing", "purpose-missing", "retention-class-unknown", "waiver-invalid"}


def kind(path: Path) -> str:
    return path.name.partition("-")[0]


def shipped(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resource(f"templates/schemas/{name}-v1.schema.json").read_text())
    return found


def text(path: Path) -> str:
    return path.read_text().replace("FINGERPRINT", FINGERPRINT)


def complaints(path: Path) -> list[str]:
    """What the schema alone says of a file."""
    value = yaml.to_json_value(yaml.load(text(path).encode()).value)
    faults = jsonschema.Draft7Validator(shipped(kind(path))).iter_errors(value)
    return [f"{fault.message} ({fault.validator})" for fault in faults]


def accepted(path: Path) -> bool:
    """What arcgit itself says of it: its form, and what the first policy asks to be filled in."""
    if kind(path) == "policy":
        try:
            policyfile.parse_proposal(text(path).encode(), [KEY])
        except RefusedError:
            return False
        return True
    found, faults = manifest.parse(text(path).encode(), "arcgit.yaml")
    if found is None or faults or not found.artifacts:
        return False
    bare = Experiment("arcgit.yaml", "0" * 64, found, artifacts={}, params={}, metrics={}, lineage={})
    return not {finding.code for finding in completeness.judge(bare, Demands(), TODAY)} & FORM


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_schema_and_parser_agree_and_the_complaint_is_the_expected_one(path: Path) -> None:
    found = complaints(path)
    assert bool(found) is (path.parent.name == "bad"), found
    assert accepted(path) is (path.parent.name == "good")
    if found:
        expected = path.read_text().splitlines()[0].removeprefix("# complains: ")
        assert any(expected in complaint for complaint in found), found


def test_the_shipped_schemas_are_those_of_the_code() -> None:
    """`make docs` writes them."""
    assert shipped("manifest") == schemas.manifest()
    assert shipped("policy") == schemas.policy()


@pytest.mark.parametrize("name", ["manifest", "policy"])
def test_the_schemas_are_valid_and_keep_to_what_draft_07_knows(name: str) -> None:
    schema = shipped(name)
    jsonschema.Draft7Validator.check_schema(schema)
    words = json.dumps(schema)
    for newer in ("$defs", "unevaluatedProperties", "dependentRequired", "prefixItems", "(?i", "\\\\p{"):
        assert newer not in words


def test_the_schemas_have_every_field_of_the_code() -> None:
    def fields(struct: Any) -> set[str]:
        return {field.name for field in msgspec.structs.fields(struct)}

    ours, theirs = schemas.manifest(), schemas.policy()
    assert set(ours["properties"]) == fields(manifest.Manifest)
    assert set(ours["definitions"]["artifact"]["properties"]) == fields(manifest.Artifact)
    assert set(ours["definitions"]["waiver"]["properties"]) == fields(manifest.Waiver)
    assert set(theirs["properties"]) == fields(policy.Policy)
    assert set(theirs["definitions"]["person"]["properties"]) == fields(policy.Person)
    assert set(theirs["properties"]["thresholds"]["properties"]) == fields(policy.Thresholds)
    assert set(theirs["definitions"]["retention"]["properties"]) == fields(policy.RetentionClass)
    assert set(theirs["properties"]["waivers"]["properties"]) == fields(policy.WaiverRules)


@pytest.mark.parametrize("name", ["manifest", "policy"])
def test_every_field_is_described_and_every_object_is_closed(name: str) -> None:
    def look(node: Any, where: str) -> None:
        if isinstance(node, list):
            for item in node:
                look(item, where)
        if not isinstance(node, dict):
            return
        if node.get("type") == "object" and where != "extensions":
            assert "additionalProperties" in node, where
        for key, item in node.get("properties", {}).items():
            assert "description" in item or "const" in item or key in {"max_days", "subject"}, f"{where}.{key}"
        for key, item in node.items():
            if key not in {"examples", "defaultSnippets"}:
                look(item, key)

    look(shipped(name), name)


pieces = st.sampled_from(
    ["a", "b.c", ".", "..", "", ".git", ".GIT", "git~1", "con", "AUX.txt", "nul", "x ", "x.", "é", "com1", "gitx"]
)


@given(
    st.lists(pieces, min_size=1, max_size=4).map("/".join) | st.text(st.sampled_from("ab/.\\: ~\x1b\x85"), max_size=8)
)
@example("\n")
@example("a\n")
def test_the_pattern_of_paths_is_the_rule_of_the_code(path: str) -> None:
    fits = jsonschema.Draft7Validator({"type": "string", "pattern": schemas.PATH}).is_valid(path)
    assert fits is (paths.unsafe_reason(path) == "")


@pytest.mark.parametrize("word", [*sorted(manifest.PLACEHOLDERS), "", " ", "ToDo", "N/A "])
def test_placeholders_are_not_filled_in_for_the_schema_either(word: str) -> None:
    assert not jsonschema.Draft7Validator({"pattern": schemas.FILLED_IN}).is_valid(word)


def test_init_and_draft_point_editors_to_schemas_beside_the_files(world: World) -> None:
    line = (world.work / ".arcgit" / "policy.yaml").read_text().splitlines()[0]
    assert line.startswith("# yaml-language-server: $schema=")
    path = world.work / ".arcgit" / line.partition("$schema=")[2]
    assert json.loads(path.read_text()) == shipped("policy")


def test_the_proposal_that_init_writes_is_good_for_its_schema(world: World) -> None:
    value = yaml.load((world.work / ".arcgit" / "policy.yaml").read_bytes()).value
    assert list(jsonschema.Draft7Validator(shipped("policy")).iter_errors(value)) == []
