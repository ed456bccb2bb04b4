"""The roles that a draft gives to what it finds, in repositories that are only files."""

from __future__ import annotations

from pathlib import Path

import pytest

from arcgit.archive.drafting.suggest import suggest
from arcgit.git import snapshot
from tests.dvc.shapes import judge, roles, stage, workspace
from tests.world import git, invoke

MD5 = "0" * 32


def repository(root: Path, files: dict[str, str], outs: dict[str, str], sources: tuple[str, ...] = ()) -> Path:
    """A git repository with files, with stages by the path of their out, and with data that somebody added."""
    git(root, "init", "--quiet")
    (root / ".dvc").mkdir()
    stages = [f"  {name}:\n    cmd: run {name}\n    outs: ['{path}']\n" for path, name in outs.items()]
    locked = [
        f"  {name}:\n    cmd: run {name}\n    outs:\n    - {{path: '{path}', hash: md5, md5: {MD5}}}\n"
        for path, name in outs.items()
    ]
    added = {f"{path}.dvc": f"outs:\n- {{md5: {MD5}, hash: md5, path: '{Path(path).name}'}}\n" for path in sources}
    texts = {".dvc/config": "", "dvc.yaml": "stages:\n" + "".join(stages), **added, **files}
    for name, text in {**texts, "dvc.lock": "schema: '2.0'\nstages:\n" + "".join(locked)}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    stage(root)
    return root


@pytest.mark.parametrize(
    ("path", "maker", "role", "guessed"),
    [
        ("model.pkl", "train", "model", False),
        ("models/net", "train", "model", False),
        ("artifacts/best.safetensors", "export", "model", False),
        ("data/encoder.onnx", "export", "model", False),
        ("models/predictions.csv", "predict", "dataset", False),
        ("model_a/data/model-a-train.csv", "split", "dataset", False),
        ("data/model.pkl", "train", "model", False),
        ("data/X_train.pkl", "split", "dataset", False),
        ("features", "featurize", "dataset", False),
        ("result.bin", "train", "model", True),
        ("result.bin", "prepare", "dataset", True),
        ("oof.csv", "train", "dataset", True),
        ("plots/roc.png", "evaluate", "report", False),
        ("reports/summary.json", "evaluate", "report", False),
        ("logs/train.out", "train", "other", False),
        ("train.log", "train", "other", False),
    ],
)
def test_the_role_of_an_out_is_told_by_its_name_and_its_maker(
    path: str,
    maker: str,
    role: str,
    guessed: bool,  # noqa: FBT001
    tmp_path: Path,
) -> None:
    found, _ = suggest(workspace(repository(tmp_path, {}, {path: maker})), "")
    assert [(item.path, item.role, item.guessed) for item in found] == [(path, role, guessed)]


def test_a_model_that_was_brought_along_is_what_the_trained_one_is_built_upon(tmp_path: Path) -> None:
    repo = repository(tmp_path, {}, {"model.pkl": "train"}, ("pretrained/base.pt",))
    found, _ = suggest(workspace(repo), "")
    assert {item.path: (item.role, item.guessed) for item in found} == {
        "model.pkl": ("model", False),
        "pretrained/base.pt": ("other", True),
    }


def test_a_model_that_was_brought_along_is_the_model_where_there_is_no_other(tmp_path: Path) -> None:
    repo = repository(tmp_path, {}, {"features": "prepare"}, ("pretrained/base.pt",))
    found, _ = suggest(workspace(repo), "")
    assert {item.path: item.role for item in found}["pretrained/base.pt"] == "model"


def test_metrics_that_were_never_run_are_left_out_while_others_are_there(tmp_path: Path) -> None:
    text = "stages:\n  a:\n    cmd: x\n    metrics:\n    - a.json: {cache: false}\n    - b.json: {cache: false}\n"
    repo = repository(tmp_path, {"a.json": '{"auc": 1}'}, {"model.pkl": "train"})
    (repo / "dvc.yaml").write_text(text)
    stage(repo)
    found, _ = suggest(workspace(repo), "")
    assert [item.path for item in found if item.role == "metrics"] == ["a.json"]


def test_an_environment_further_down_is_found_where_there_is_none_at_hand(tmp_path: Path) -> None:
    files = {"src/requirements.txt": "x\n", "src/deep/uv.lock": "x\n", "docker/Dockerfile": "x\n"}
    found, _ = suggest(workspace(repository(tmp_path, files, {})), "")
    assert [item.path for item in found] == ["src/requirements.txt", "docker/Dockerfile"]


def test_more_than_a_manifest_holds_is_refused_with_the_way_to_go(tmp_path: Path) -> None:
    repo = repository(
        tmp_path, {"one/dvc.yaml": "stages: {}\n"}, {f"data/{number}.csv": f"s{number}" for number in range(1001)}
    )
    refused = invoke(repo, "draft", code=1)
    assert "1001 artifacts" in refused["error"]["message"]
    assert refused["error"]["hint"].endswith("arcgit -C one draft")
    assert not (repo / "arcgit.yaml").exists()


def test_urls_are_the_same_in_dvc_yaml_and_in_dvc_lock(tmp_path: Path) -> None:
    url = "https://example.org/data.csv"
    repo = repository(tmp_path, {}, {"model.pkl": "train"})
    (repo / "dvc.yaml").write_text(f"stages:\n  train:\n    cmd: x\n    deps: ['{url}']\n    outs: [model.pkl]\n")
    (repo / "dvc.lock").write_text(
        f"schema: '2.0'\nstages:\n  train:\n    cmd: x\n    deps:\n    - {{path: '{url}', checksum: abc, size: 1}}\n"
        f"    outs:\n    - {{path: model.pkl, hash: md5, md5: {MD5}}}\n"
    )
    assert roles(_drafted(repo)) == {"model.pkl": "model"}
    assert "lock-out-of-date" not in {row.code for row in judge(repo)}


def _drafted(repo: Path) -> dict[str, dict[str, dict[str, str]]]:
    import yaml  # noqa: PLC0415

    stage(repo)
    invoke(repo, "draft")
    stage(repo)
    found: dict[str, dict[str, dict[str, str]]] = yaml.safe_load((repo / "arcgit.yaml").read_text())
    return found


def test_the_paths_inside_a_folder_are_those_that_begin_with_it(tmp_path: Path) -> None:
    names = ["a", "a-b/x", "a.txt", "b/c/d", "b/c", "b0", "é/x", "b/é"]
    entries = {name: snapshot.Entry("100644", "") for name in names if name != "b/c"}
    found = snapshot.Snapshot("x", entries, None)  # type: ignore[arg-type]
    for folder in ("", "a", "b", "b/c", "é", "nowhere"):
        assert found.below(folder) == sorted(name for name in entries if not folder or name.startswith(f"{folder}/"))
