"""Every shape of DVC repository: what a draft finds in it, and that the sound repository is complete after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dvc.shapes import SHAPES, draft, judge, roles, stage, take, workspace

COMMON = {"data/raw.csv": "dataset", "train.sh": "code", "requirements.txt": "environment"}
ONE = {**COMMON, "model.pkl": "model", "metrics.json": "metrics"}
WITH_TRAIN = {**ONE, "data/train": "dataset train"}


def each(*names: str) -> dict[str, str]:
    """A model and its metrics for each name."""
    return {f"models/{name}.pkl": "model" for name in names} | {f"metrics/{name}.json": "metrics" for name in names}


MATRIX = [
    f"{size}-{deep}-{model}" for size in ("1", "2.5") for deep in ("true", "false") for model in ("gbm", "model1")
]
EXPECTED: dict[str, tuple[dict[str, str], list[str]]] = {
    "foreach": ({**COMMON, **each("small", "large", "one", "two", "states", "germany")}, ["params.yaml"]),
    "matrix": ({**COMMON, **each(*MATRIX)}, ["params.yaml"]),
    "vars": (
        {**COMMON, "models/gbm-final.pkl": "model", "metrics.json": "metrics"},
        ["params.yaml", "conf/model.yaml", "conf/run.json"],
    ),
    "mappings": (ONE, ["params.yaml"]),
    "folders": (
        {
            **COMMON,
            "models/model.pkl": "model",
            "data/prepared": "dataset",
            "reports/metrics.json": "metrics",
        },
        ["pipelines/prepare/params.yaml", "pipelines/train/params.yaml"],
    ),
    "frozen": (ONE, ["params.yaml"]),
    "imports": (
        {
            "model.pkl": "model",
            "data/kept.csv": "dataset",
            "data/parts": "dataset",
            "data/plain.csv": "dataset",
            "given.csv": "dataset",
            "train.sh": "code",
            "metrics.json": "metrics",
            "requirements.txt": "environment",
        },
        ["params.yaml"],
    ),
    "data-only": (
        {
            "models/model.onnx": "model",
            "data/train": "dataset train",
            "metrics.json": "metrics",
            "requirements.txt": "environment",
        },
        ["params.yaml"],
    ),
    "outs": (
        {
            **COMMON,
            "checkpoint.pt": "model",
            "models/model.pkl": "model",
            "features": "dataset",
            "src": "code",
            "metrics/kept.json": "metrics",
            "metrics/train.json": "metrics",
            "plots/loss.csv": "report",
            "plots/trees": "report",
            "roc.csv": "report",
            "table.csv": "report",
        },
        ["params.yaml"],
    ),
    "parameters": (ONE, ["params.yaml", "conf.json", "conf.toml", "conf.py", "whole.yaml"]),
    "ignored": (ONE, ["params.yaml"]),
    "nested": (
        {**ONE, **{f"inner/{path}": role for path, role in ONE.items() if path != "requirements.txt"}},
        ["params.yaml", "inner/params.yaml"],
    ),
    "dvclive": (
        {
            "model.pkl": "model",
            "data/raw.csv": "dataset",
            "train.py": "code",
            "dvclive/metrics.json": "metrics",
            "dvclive/plots/metrics": "report",
            "dvclive/plots/sklearn/confusion_matrix.json": "report",
            "requirements.txt": "environment",
        },
        ["dvclive/params.yaml"],
    ),
    "dvc0": ({**WITH_TRAIN, "windows.sh": "code"}, ["params.yaml"]),
    "dvc1": (WITH_TRAIN, ["params.yaml"]),
    "dvc2": ({**WITH_TRAIN, "src": "code"}, ["params.yaml"]),
    "live": (
        {
            "model.pkl": "model",
            "data/raw.csv": "dataset",
            "live.sh": "code",
            "training.json": "metrics",
            "training": "report",
            "requirements.txt": "environment",
        },
        ["params.yaml"],
    ),
    "versioned": ({**WITH_TRAIN, "features": "dataset"}, ["params.yaml"]),
}
WARNINGS = {"frozen": ["lock-out-of-date"], "data-only": ["lineage-broken"]}


@pytest.mark.parametrize("shape", EXPECTED)
def test_a_draft_finds_what_the_repository_has_and_leaves_it_complete(shape: str, tmp_path: Path) -> None:
    repo = take(shape, tmp_path / shape)
    manifest = draft(repo)
    assert (roles(manifest), manifest["params"]) == EXPECTED[shape]
    findings = judge(repo)
    assert [(found.severity.value, found.code) for found in findings] == [
        ("warning", code) for code in WARNINGS.get(shape, [])
    ]


def test_every_fixture_has_its_expectation() -> None:
    assert {*EXPECTED, "subprojects"} == set(SHAPES)


@pytest.mark.parametrize("folder", ["left", "right"])
def test_each_subproject_has_a_manifest_of_its_own(folder: str, tmp_path: Path) -> None:
    repo = take("subprojects", tmp_path / "repo")
    assert roles(draft(repo, "left")) == ONE
    assert roles(draft(repo, "right")) == ONE
    assert judge(repo) == [], "two manifests"
    found = workspace(repo)
    assert (found.project_of(f"{folder}/model.pkl"), found.project_of("elsewhere")) == (folder, "")


def test_a_draft_leaves_alone_what_lies_beside_another_manifest(tmp_path: Path) -> None:
    repo = take("nested", tmp_path / "repo")
    assert roles(draft(repo, "inner")) == ONE
    assert roles(draft(repo)) == ONE


def test_the_rules_of_dvcignore_hide_nothing_from_the_project_below(tmp_path: Path) -> None:
    """The root's rules hide the inner project from the root's DVC; the inner project's own DVC sees its files."""
    found = workspace(take("nested", tmp_path / "repo"))
    assert {"model.pkl", "inner/model.pkl", "inner/data/raw.csv"} <= found.outs.keys()
    assert found.faults == []


def test_what_dvcignore_hides_is_neither_read_nor_complained_about(tmp_path: Path) -> None:
    repo = take("ignored", tmp_path / "repo")
    assert workspace(repo).faults == []
    (repo / ".dvcignore").write_text("")
    stage(repo)
    faults = {fault.subject.partition(":")[0] for fault in workspace(repo).faults}
    assert faults == {"old/run/broken.dvc", "old/dvc.yaml", "keepsake/a.bad.dvc"}


def test_imports_keep_where_they_came_from(tmp_path: Path) -> None:
    found = workspace(take("imports", tmp_path / "repo"))
    origins = {file.outs[0].path: file.deps[0].origin for file in found.sources}
    rev = "rev_lock"
    assert {path: sorted(origin or {}) for path, origin in origins.items()} == {
        "data/kept.csv": ["path", rev, "url"],
        "data/parts": ["path", rev, "url"],
        "data/plain.csv": ["path", "rev", rev, "url"],
        "given.csv": ["path"],
    }
    assert origins["given.csv"] == {"path": "../given.csv"}


def test_a_stage_in_a_dvc_file_is_lineage_like_any_other(tmp_path: Path) -> None:
    found = workspace(take("dvc0", tmp_path / "repo"))
    assert {lock.name: [out.path for out in lock.outs] for lock in found.locks} == {
        "prepare.dvc": ["data/train"],
        "train.dvc": ["metrics.json", "model.pkl"],
    }
    assert {out.hash_name for out in found.outs.values()} == {"md5-dos2unix"}


def test_parameters_of_a_dvc_file_are_read(tmp_path: Path) -> None:
    found = workspace(take("dvc1", tmp_path / "repo"))
    prepare = next(lock for lock in found.locks if lock.name == "prepare.dvc")
    assert (prepare.params, [dep.path for dep in prepare.deps]) == ({"params.yaml": {"epochs": 3}}, ["data/raw.csv"])


def test_data_on_a_cloud_versioned_remote_is_named_by_its_listing(tmp_path: Path) -> None:
    found = workspace(take("versioned", tmp_path / "repo"))
    train = found.outs["data/train"]
    assert (str(train.oid)[-4:], train.files, train.size) == (".dir", 2, 34)
    assert [member.relpath for member in train.members] == ["b.csv", "inner/a.csv"]
    assert list(found.outs["model.pkl"].versions or {}) == ["store"]


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt", "pylock.toml", "pylock.gpu.toml", "conda-lock.yml", "environment.yml", "poetry.lock",
        "pixi.lock", "uv.lock", "pdm.lock", "Pipfile.lock", "renv.lock", "pyproject.toml", "Dockerfile",
        "gpu.Dockerfile", "Containerfile",
    ],
)  # fmt: skip
def test_an_environment_is_found_by_its_file(name: str, tmp_path: Path) -> None:
    repo = take("mappings", tmp_path / "repo")
    (repo / "requirements.txt").rename(repo / name)
    assert roles(draft(repo))[name] == "environment"
    assert judge(repo) == []


def test_locked_versions_go_before_a_list_of_names_and_a_container_beside_them(tmp_path: Path) -> None:
    repo = take("mappings", tmp_path / "repo")
    for name in ("uv.lock", "pyproject.toml", "Dockerfile"):
        (repo / name).write_text("x\n")
    found = roles(draft(repo))
    assert [path for path, role in found.items() if role == "environment"] == ["uv.lock", "Dockerfile"]
