"""What a team cannot mend is said once and does not stop it."""

from __future__ import annotations

from tests.world import World, dvc, git, invoke


def errors(found: list[dict[str, str]]) -> list[str]:
    return [finding["code"] for finding in found if finding["severity"] == "error"]


def warnings(found: list[dict[str, str]]) -> list[str]:
    return [finding["code"] for finding in found if finding["severity"] == "warning"]


def test_a_folder_whose_data_lies_beside_it_can_have_an_experiment(world: World) -> None:
    """A manifest names nothing outside of its folder, so it cannot declare what several experiments share."""
    folder = world.work / "small"
    folder.mkdir()
    (folder / "found.json").write_text('{"auc": 1}')
    (folder / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: cp ../data/raw.csv model.pkl && cp found.json metrics.json\n"
        "    deps: [../data/raw.csv, found.json]\n    params: [lr]\n    outs: [model.pkl]\n"
        "    metrics: [metrics.json: {cache: false}]\n"
    )
    (folder / "params.yaml").write_text("lr: 1\n")
    (folder / "requirements.txt").write_text("pyyaml\n")
    dvc(folder, "repro", "--quiet")
    world.arcgit("draft", "--experiment", "small", cwd=folder)
    manifest = folder / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace('purpose: ""', "purpose: x"))
    git(world.work, "add", "--all")
    found = world.arcgit("check", "--staged", code=0)["findings"]
    assert warnings(found) == ["dataset-version-missing"]
    assert "data/raw.csv" in found[0]["message"]


def test_an_experiment_at_the_root_that_declares_no_data_is_refused_as_before(world: World) -> None:
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(
        "\n".join(row for row in manifest.read_text().splitlines() if "role: dataset" not in row) + "\n"
    )
    world.commit()
    assert errors(world.arcgit("check", "--rev", "HEAD", code=1)["findings"]) == ["dataset-version-missing"]


def test_a_model_that_was_added_beside_one_that_is_trained_is_a_warning(world: World) -> None:
    (world.work / "base.bin").write_text("trained elsewhere")
    dvc(world.work, "add", "--quiet", "base.bin")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  base: {role: model, path: base.bin}\n")
    world.commit()
    found = world.arcgit("check", "--rev", "HEAD", code=0)["findings"]
    assert [(finding["code"], finding["subject"]) for finding in found] == [("lineage-broken", "arcgit.yaml: base")]


def test_a_model_that_no_stage_makes_is_refused_where_it_is_the_only_one(world: World) -> None:
    (world.work / "base.bin").write_text("trained elsewhere")
    dvc(world.work, "add", "--quiet", "base.bin")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace("path: model.pkl", "path: base.bin"))
    world.commit()
    assert "lineage-broken" in errors(world.arcgit("check", "--rev", "HEAD", code=1)["findings"])


def test_lists_that_are_not_at_hand_are_named_once(world: World) -> None:
    clone = world.clone()
    found = invoke(clone, "check", "--worktree", code=None)["findings"]
    assert [finding["code"] for finding in found].count("split-overlap-unchecked") == 1
