"""`arcgit draft`: finds what DVC and git know, leaves what a person must decide, keeps what a person wrote."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from arcgit.model import manifest
from arcgit.resources import resource
from tests.world import MANIFEST, World, dvc, git


def drafted(world: World) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((world.work / "arcgit.yaml").read_text())
    return found


def test_a_draft_names_everything_that_the_pipeline_speaks_of(world: World) -> None:
    (world.work / "arcgit.yaml").unlink()
    made = world.arcgit("draft", "--experiment", "fresh")
    assert (made["outcome"], made["open"]) == ("created", ["purpose"])
    found = drafted(world)
    assert (found["project"], found["experiment"], found["params"]) == ("churn", "fresh", ["params.yaml"])
    roles = {artifact["path"]: (artifact["role"], artifact.get("split")) for artifact in found["artifacts"].values()}
    assert roles == {
        "model.pkl": ("model", None),
        "data/raw.csv": ("dataset", None),
        "data/train": ("dataset", "train"),
        "data/test": ("dataset", "test"),
        "src/prepare.py": ("code", None),
        "src/train.py": ("code", None),
        "metrics.json": ("metrics", None),
        "requirements.txt": ("environment", None),
    }


def test_a_draft_needs_only_the_purpose_to_be_complete(world: World) -> None:
    (world.work / "arcgit.yaml").unlink()
    world.arcgit("draft", "--experiment", "fresh")
    git(world.work, "add", "--all")
    assert [finding["code"] for finding in world.arcgit("check", "--staged", code=1)["findings"]] == ["purpose-missing"]


def test_a_second_draft_changes_nothing(world: World) -> None:
    (world.work / "arcgit.yaml").unlink()
    world.arcgit("draft")
    before = (world.work / "arcgit.yaml").read_bytes()
    assert world.arcgit("draft")["outcome"] == "unchanged"
    assert (world.work / "arcgit.yaml").read_bytes() == before


def test_a_refresh_adds_what_is_new_and_keeps_every_line(world: World) -> None:
    path = world.work / "arcgit.yaml"
    path.write_text(MANIFEST.format(experiment="deep").replace("artifacts:", "# mine\nartifacts:  # and mine"))
    before = path.read_text().splitlines()
    (world.work / "extra.csv").write_text("1\n")
    dvc(world.work, "add", "--quiet", "extra.csv")
    made = world.arcgit("draft")
    assert made["outcome"] == "refreshed"
    assert "extra.csv" in made["added"]
    after = path.read_text().splitlines()
    assert [line for line in after if line in before] == before
    assert world.arcgit("check", code=0)["findings"] == []


def test_dvcs_own_artifacts_section_is_understood(world: World) -> None:
    path = world.work / "dvc.yaml"
    path.write_text(
        path.read_text() + "artifacts:\n  champion:\n    path: model.pkl\n    type: model\n    version: '3'\n"
    )
    (world.work / "arcgit.yaml").unlink()
    world.arcgit("draft")
    assert {"role": "model", "path": "model.pkl", "version": "3"} in drafted(world)["artifacts"].values()


def test_a_bad_name_is_refused_with_a_good_one(world: World) -> None:
    refused = world.arcgit("draft", "--experiment", "Big Model", code=2)
    assert refused["error"]["hint"] == "for example: --experiment big-model"


def test_an_invalid_manifest_is_never_overwritten(world: World) -> None:
    (world.work / "arcgit.yaml").write_text("project: [\n")
    world.arcgit("draft", code=1)
    assert (world.work / "arcgit.yaml").read_text() == "project: [\n"


def test_odd_paths_are_quoted_so_that_they_are_read_back(world: World) -> None:
    for name in ("yes.csv", "a: b.csv", "ünïcode.csv", "#x.csv", "true"):
        (world.work / name).write_text(name)
        if ":" not in name:
            dvc(world.work, "add", "--quiet", name)
    (world.work / "arcgit.yaml").unlink()
    world.arcgit("draft")
    found, faults = manifest.parse((world.work / "arcgit.yaml").read_bytes(), "arcgit.yaml")
    assert found is not None, faults
    paths = {artifact["path"] for artifact in drafted(world)["artifacts"].values()}
    assert paths == {artifact.path for artifact in found.artifacts.values()}
    assert {"yes.csv", "ünïcode.csv", "#x.csv", "true"} <= paths


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(resource("templates/schemas/manifest-v1.schema.json").read_text())
    return found


def test_a_draft_points_editors_to_a_schema_that_lies_beside_it(world: World) -> None:
    (world.work / "arcgit.yaml").unlink()
    world.arcgit("draft")
    first = (world.work / "arcgit.yaml").read_text().splitlines()[0]
    name = first.partition("$schema=")[2]
    assert json.loads((world.work / name).read_text()) == schema()


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (MANIFEST.format(experiment="x"), True),
        (MANIFEST.format(experiment="X"), False),
        (MANIFEST.format(experiment="x") + "colour: blue\n", False),
        (MANIFEST.format(experiment="x").replace("role: code", "role: script"), False),
        (MANIFEST.format(experiment="x").replace("owner: Ada Lovelace <ada@example.org>\n", ""), False),
    ],
)
def test_the_schema_alone_tells_good_manifests_from_bad(text: str, valid: bool) -> None:  # noqa: FBT001
    faults = list(jsonschema.Draft7Validator(schema()).iter_errors(yaml.safe_load(text)))
    assert (not faults) is valid
    found, findings = manifest.parse(text.encode(), "arcgit.yaml")
    complete = found is not None and not findings and bool(found.owner)
    assert complete is valid
