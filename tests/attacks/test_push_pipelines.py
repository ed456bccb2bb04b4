"""Pushes to a protected branch that spoil DVC's files so that nothing leads from them to the experiment any more.

What a manifest is read from is known as long as it is read from there. Each of these takes that away.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.hooks.pushing import guarded, own_copy, refused, taken
from tests.hooks.staging import spoil
from tests.world import World, git, invoke


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive with the server's hook in its hub; made once."""
    root = tmp_path_factory.mktemp("pipelines")
    with guarded(template, root) as world:
        return world.root


@pytest.fixture
def hub(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return own_copy(prepared, tmp_path, monkeypatch)


def commit(work: Path) -> None:
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--no-verify", "-m", "x")


def moved_behind_a_link(work: Path, name: str) -> None:
    (work / "aside").mkdir()
    (work / name).rename(work / "aside" / name)
    (work / name).symlink_to(f"aside/{name}")


def as_a_submodule(work: Path, name: str) -> None:
    git(work, "rm", "--quiet", name)
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{git(work, 'rev-parse', 'HEAD')},{name}")
    (work / name).mkdir()


def stages_in_a_circle(work: Path) -> None:
    lock = yaml.safe_load((work / "dvc.lock").read_text())
    lock["stages"]["prepare"]["deps"] += [{"path": "model.pkl", "hash": "md5", "md5": "0" * 32, "size": 1}]
    pipeline = yaml.safe_load((work / "dvc.yaml").read_text())
    pipeline["stages"]["prepare"]["deps"].append("model.pkl")
    (work / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))
    (work / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))


def another_that_nobody_can_read(work: Path, name: str) -> None:
    (work / "aside").mkdir()
    (work / "aside" / name).write_text("{{{\n")


WAYS: dict[str, Callable[[Path], object]] = {
    "a lock of no stages": lambda work: (work / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n"),
    "an empty lock": lambda work: (work / "dvc.lock").write_text(""),
    "a lock that nobody can read": lambda work: (work / "dvc.lock").write_text("{{{\n"),
    "a lock that is a link": lambda work: moved_behind_a_link(work, "dvc.lock"),
    "a lock that is a submodule": lambda work: as_a_submodule(work, "dvc.lock"),
    "a pipeline of no stages": lambda work: (work / "dvc.yaml").write_text("stages: {}\n"),
    "an empty pipeline": lambda work: (work / "dvc.yaml").write_text(""),
    "a pipeline that is a link": lambda work: moved_behind_a_link(work, "dvc.yaml"),
    "a pipeline that is a submodule": lambda work: as_a_submodule(work, "dvc.yaml"),
    "a pipeline that DVC is told to overlook": lambda work: (work / ".dvcignore").write_text("dvc.yaml\n"),
    "stages in a circle": stages_in_a_circle,
    "another pipeline that nobody can read": lambda work: another_that_nobody_can_read(work, "dvc.yaml"),
    "another file of DVC that nobody can read": lambda work: another_that_nobody_can_read(work, "x.dvc"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_pipeline_that_is_spoilt_past_recognition_is_refused(hub: World, way: str) -> None:
    """What `arcgit check` fails for does not get onto the branch, at its tip or below a commit that mends it."""
    WAYS[way](hub.work)
    commit(hub.work)
    found = {one["code"] for one in invoke(hub.work, "check", "--rev", "HEAD", code=1)["findings"]}
    refused(hub, "main", codes=sorted(found))
    git(hub.work, "revert", "--no-edit", "HEAD")
    invoke(hub.work, "check", "--rev", "HEAD", code=0)
    assert ": in commit " in refused(hub, "main", codes=sorted(found))


def test_values_that_a_pipeline_takes_from_another_file_are_a_part_of_it(hub: World) -> None:
    pipeline = yaml.safe_load((hub.work / "dvc.yaml").read_text())
    lock = yaml.safe_load((hub.work / "dvc.lock").read_text())
    pipeline["vars"], pipeline["stages"]["train"]["cmd"] = ["more.yaml"], "python src/train.py ${flag}"
    lock["stages"]["train"]["cmd"] = "python src/train.py one"
    (hub.work / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False))
    (hub.work / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False))
    (hub.work / "more.yaml").write_text("flag: one\n")
    commit(hub.work)
    taken(hub, "main")
    (hub.work / "more.yaml").write_text("flag: two\n")
    commit(hub.work)
    refused(hub, "main", codes=["lock-out-of-date"])
    git(hub.work, "revert", "--no-edit", "HEAD")
    assert ": in commit " in refused(hub, "main", codes=["lock-out-of-date"])


def test_a_fault_that_the_branch_had_before_is_held_against_nobody_who_changes_other_files_of_dvc(hub: World) -> None:
    git(hub.hub, "config", "arcgit.protectedBranch", "none")
    spoil(hub.work)
    (hub.work / "dvc.lock").write_text("")
    commit(hub.work)
    taken(hub, "main")
    git(hub.hub, "config", "arcgit.protectedBranch", "main")
    git(hub.hub, "config", "--add", "arcgit.protectedBranch", "release/*")
    (hub.work / "more.dvc").write_text("outs:\n- path: more\n  hash: md5\n  md5: " + "0" * 32 + "\n  size: 1\n")
    commit(hub.work)
    taken(hub, "main")
    taken(hub, "main:release/1")
