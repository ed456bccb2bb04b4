"""What is out of step with dvc.lock is noticed in every shape of repository, and what only looks so is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.dvc.shapes import draft, edit, judge, stage, take

Change = Callable[[Path], None]


def swap(name: str, old: str, new: str) -> Change:
    """Replace text in one file."""
    return lambda repo: edit(repo / name, old, new)


def appended(name: str, text: str) -> Change:
    """Text at the end of a file."""

    def change(repo: Path) -> None:
        with (repo / name).open("a") as file:
            file.write(text)

    return change


def run_elsewhere(name: str, path: str) -> Change:
    """Another hash for an out, as when a stage before it was run again and this one was not."""

    def change(repo: Path) -> None:
        document = yaml.safe_load((repo / name).read_text())
        for stage_ in document["stages"].values():
            for out in stage_.get("outs", []):
                if out["path"] == path:
                    out["md5"] = "0" * 32
        (repo / name).write_text(yaml.safe_dump(document))

    return change


NOTICED: list[tuple[str, Change, str]] = [
    ("mappings", swap("dvc.yaml", "sh train.sh model.pkl", "sh train.sh  model.pkl"), "the command"),
    ("mappings", swap("params.yaml", "rate: 0.5", "rate: 0.75"), "the parameter train of params.yaml"),
    ("mappings", swap("params.yaml", "fast: true", "fast: false"), "the command"),
    ("mappings", swap(".dvc/config", "list = append", "list = nargs"), "the command"),
    ("mappings", appended("train.sh", "exit 1\n"), "the dependency train.sh"),
    ("mappings", swap("dvc.yaml", "deps: [data/raw.csv, train.sh]", "deps: [train.sh]"), "the dependencies"),
    ("mappings", swap("dvc.yaml", "outs: [model.pkl]", "outs: [model.pkl, more.bin]"), "the outs"),
    ("mappings", swap("metrics.json", "0.91", "0.99"), "the out metrics.json"),
    ("mappings", swap("data/raw.csv.dvc", "md5: 1", "md5: 2"), "the dependency data/raw.csv"),
    ("vars", swap("conf/model.yaml", "gbm", "net"), "the command"),
    ("vars", swap("conf/steps.py", "100", "200"), "the command"),
    ("vars", swap("dvc.yaml", "version: 2", "version: 3"), "the command"),
    ("foreach", swap("dvc.yaml", "[small, large]", "[small, large, huge]"), "listed@huge"),
    ("foreach", swap("params.yaml", "lr: 0.1, name: states", "lr: 0.3, name: states"), "countries.us"),
    ("foreach", appended("params.yaml", "  fr: {lr: 0.3, name: france}\n"), "templated@fr"),
    ("matrix", swap("dvc.yaml", "[1, 2.5]", "[1, 2.5, 3]"), "train@3-true-gbm"),
    ("folders", swap("pipelines/train/params.yaml", "lr: 0.1", "lr: 0.2"), "the parameter lr of pipelines/train"),
    ("folders", swap("pipelines/train/dvc.yaml", "sh train.sh", "bash train.sh"), "the command"),
    ("folders", run_elsewhere("pipelines/prepare/dvc.lock", "data/prepared"), "the dependency data/prepared"),
    ("imports", swap("data/kept.csv.dvc", "md5: 6", "md5: 5"), "the dependency data/kept.csv"),
    ("outs", swap("src/helper.py", "helper", "hinder"), "the dependency src"),
    ("outs", swap("table.csv", "t", "u"), "the out table.csv"),
    ("outs", swap("plots/trees/one.svg", "x", "y"), "the out plots/trees"),
    ("parameters", swap("params.yaml", "{x: y}", "{x: z}"), "deep.list.1.x"),
    ("parameters", swap("params.yaml", "k: 1", "k: 2"), "copy.k"),
    ("parameters", swap("conf.json", "1e-05", "1e-06"), "train.lr of conf.json"),
    ("parameters", swap("conf.toml", "0.5", "0.25"), "train of conf.toml"),
    ("parameters", swap("conf.py", "EPOCHS = 3", "EPOCHS = 4"), "Train.EPOCHS of conf.py"),
    ("parameters", swap("conf.py", "batch = 32", "batch = 64"), "Train.batch of conf.py"),
    ("parameters", swap("conf.py", "(1, 2)", "(1, 3)"), "PAIR of conf.py"),
    ("parameters", swap("whole.yaml", "alpha: 1", "alpha: 2"), "alpha of whole.yaml"),
    ("parameters", appended("whole.yaml", "gamma: 1\n"), "gamma of whole.yaml"),
    ("dvclive", swap("dvclive/params.yaml", "0.001", "0.002"), "lr of dvclive/params.yaml"),
    ("live", swap("live.sh", "weights", "heavier"), "the dependency live.sh"),
    ("dvc0", appended("train.sh", "exit 1\n"), "the dependency train.sh"),
    ("dvc0", swap("windows.sh", "a\r\n", "c\r\n"), "the dependency windows.sh"),
    ("dvc0", swap("metrics.json", "0.91", "0.99"), "the out metrics.json"),
    ("dvc1", swap("params.yaml", "epochs: 3", "epochs: 4"), "epochs of params.yaml"),
    ("dvc2", swap("src/a.py", "print(1)", "print(3)"), "the dependency src"),
    ("versioned", swap("data/train.dvc", "relpath: b.csv", "relpath: c.csv"), "the dependency data/train"),
    ("subprojects", swap("left/params.yaml", "1e-3", "2e-3"), "lr of left/params.yaml"),
]  # fmt: skip


def ready(shape: str, target: Path) -> Path:
    """The drafted, sound repository."""
    repo = take(shape, target)
    for folder in ["left", "right"] if shape == "subprojects" else [""]:
        draft(repo, folder)
    return repo


@pytest.mark.parametrize(("shape", "change", "told"), NOTICED)
def test_a_change_that_was_not_run_is_told(shape: str, change: Change, told: str, tmp_path: Path) -> None:
    repo = ready(shape, tmp_path / "repo")
    change(repo)
    stage(repo)
    found = [row for row in judge(repo) if row.code == "lock-out-of-date"]
    assert [row for row in found if told in f"{row.subject} {row.message}"], found
    assert {row.severity.value for row in found} == {"error"}
    assert all(row.hint for row in found)


QUIET: list[tuple[str, Change]] = [
    ("mappings", appended("params.yaml", "unused: 1\n")),
    ("mappings", swap("params.yaml", "lr: 1e-3", "lr: 2e-3")),
    ("mappings", appended("dvc.yaml", "  # a remark\n")),
    ("mappings", swap("dvc.yaml", "    deps:", "    desc: It trains.\n    deps:")),
    ("vars", swap("conf/run.json", '"unused": [1, 2]', '"unused": [3]')),
    ("matrix", swap("dvc.yaml", "[1, 2.5]", "[2.5, 1]")),
    ("parameters", swap("conf.py", "local = 5", "local = 6")),
    ("parameters", swap("conf.py", '"b": None', '"b": None, ')),
    # Up to DVC 2, line ends of text were no matter.
    ("dvc0", swap("windows.sh", "\r\n", "\n")),
    ("dvc2", swap("src/a.py", "\r\n", "\n")),
    ("dvc2", swap("src/b.py", "\n", "\r\n")),
    # A folder with other files than DVC counted may hold what git ignores, and cannot be compared.
    ("outs", appended("src/new.py", "new\n")),
]


@pytest.mark.parametrize(("shape", "change"), QUIET)
def test_a_change_that_dvc_would_not_run_for_is_not_told(shape: str, change: Change, tmp_path: Path) -> None:
    repo = ready(shape, tmp_path / "repo")
    change(repo)
    stage(repo)
    assert judge(repo) == []


def test_a_frozen_stage_may_lag_behind_and_the_hint_says_how_to_wake_it(tmp_path: Path) -> None:
    (found,) = judge(ready("frozen", tmp_path / "repo"))
    assert (found.severity.value, "dvc unfreeze train" in found.hint) == ("warning", True)


def test_the_hint_names_the_subproject_that_the_stage_is_in(tmp_path: Path) -> None:
    repo = ready("subprojects", tmp_path / "repo")
    edit(repo / "left" / "params.yaml", "1e-3", "2e-3")
    stage(repo)
    (found,) = judge(repo)
    assert found.hint == "dvc --cd left repro train, then git add left/dvc.lock"


def test_a_stage_that_dvc_lock_only_remembers_makes_nothing(tmp_path: Path) -> None:
    """A renamed stage leaves its entry behind; DVC takes no notice of it, and it must not lend its hashes."""
    repo = ready("mappings", tmp_path / "repo")
    lock = yaml.safe_load((repo / "dvc.lock").read_text())
    old = yaml.safe_load((repo / "dvc.lock").read_text())["stages"]["train"]
    old["outs"][0]["md5"] = old["deps"][1]["md5"] = "0" * 32
    (repo / "dvc.lock").write_text(yaml.safe_dump({**lock, "stages": {"before": old, **lock["stages"], "zold": old}}))
    stage(repo)
    assert judge(repo) == []


def test_data_of_a_stage_that_was_taken_out_is_missed(tmp_path: Path) -> None:
    repo = ready("foreach", tmp_path / "repo")
    edit(repo / "dvc.yaml", "[small, large]", "[large]")
    stage(repo)
    found = {(row.code, row.subject) for row in judge(repo)}
    assert {("lock-out-of-date", "arcgit.yaml: listed@small"), ("artifact-untracked", "arcgit.yaml: small")} <= found


def test_a_template_that_names_what_is_not_in_git_is_a_warning(tmp_path: Path) -> None:
    repo = ready("vars", tmp_path / "repo")
    (repo / "conf" / "steps.py").unlink()
    stage(repo)
    found = {(row.severity.value, row.code) for row in judge(repo)}
    assert ("warning", "template-unresolved") in found


def test_an_artifact_that_is_never_pushed_is_refused(tmp_path: Path) -> None:
    repo = ready("outs", tmp_path / "repo")
    edit(repo / "arcgit.yaml", "artifacts:\n", "artifacts:\n  scratch: {role: other, path: scratch.bin}\n")
    stage(repo)
    (found,) = judge(repo)
    assert (found.code, "push: false" in found.message) == ("artifact-missing", True)


def test_the_pointer_of_git_lfs_is_not_taken_for_the_file(tmp_path: Path) -> None:
    repo = ready("mappings", tmp_path / "repo")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"
    (repo / "train.sh").write_text(pointer)
    stage(repo)
    assert judge(repo) == []
