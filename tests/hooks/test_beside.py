"""Beside pre-commit and DVC: whoever is installed first, both work, each runs once, and each goes without the other's harm."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.hooks.staging import BIN, commit, counted, remark, spoil
from tests.hooks.test_install import FOREIGN, contents, hook_folder, outcomes, put, ran, told
from tests.world import World, dvc, git, sh

LOCAL = {
    "repos": [
        {
            "repo": "local",
            "hooks": [
                {
                    "id": "mark", "name": "mark", "language": "system", "always_run": True, "pass_filenames": False,
                    "entry": "sh -c 'echo framework >> .git/ran'",
                }
            ],
        }
    ]
}  # fmt: skip


def pre_commit(work: Path, *arguments: str, code: int = 0) -> str:
    return sh(work, str(BIN / "pre-commit"), *arguments, code=code, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def work(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work tree without arcgit's hooks and with a pre-commit configuration that leaves a mark."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    world.arcgit("hooks", "uninstall")
    (world.work / ".pre-commit-config.yaml").write_text(yaml.safe_dump(LOCAL))
    world.commit("configuration")
    return world.work


def works(work: Path, tmp_path: Path, *, others: int = 1) -> None:
    """Both are run, each once, and arcgit's refusal ends the commit."""
    (work / ".git" / "ran").unlink(missing_ok=True)
    (work / ".git" / "arcgit" / "passed").unlink(missing_ok=True)
    counter = counted(work, tmp_path)
    for hook in (work / ".git" / "hooks").glob("pre-commit.legacy"):
        text = hook.read_text().splitlines()
        hook.write_text(
            "\n".join(f"python='{tmp_path}/python'" if "python=" in line[:7] else line for line in text) + "\n"
        )
    remark(work)
    assert commit(work, "-a").returncode == 0
    assert ran(work) == others
    assert int(counter) == 1
    spoil(work)
    done = commit(work, "-a")
    assert (done.returncode, done.stderr.count("owner-missing") + done.stdout.count("owner-missing")) == (1, 1)
    git(work, "reset", "--quiet", "--hard")


def test_pre_commit_and_arcgit_come_to_the_same_in_either_order(world: World, work: Path, tmp_path: Path) -> None:
    pre_commit(work, "install")
    world.arcgit("hooks", "install")
    one = contents(hook_folder(work))
    world.arcgit("hooks", "uninstall")
    pre_commit(work, "uninstall")
    world.arcgit("hooks", "install")
    pre_commit(work, "install")
    assert contents(hook_folder(work)) == one
    assert outcomes(world, "status") == ["active"] * 3
    for _ in range(2):
        assert outcomes(world, "install") == ["unchanged"] * 3
        pre_commit(work, "install")
        assert contents(hook_folder(work)) == one
    works(work, tmp_path)


def test_arcgit_leaves_pre_commit_as_it_found_it(world: World, work: Path) -> None:
    pre_commit(work, "install")
    before = contents(hook_folder(work))
    world.arcgit("hooks", "install")
    pre_commit(work, "install")
    world.arcgit("hooks", "uninstall")
    assert contents(hook_folder(work)) == before


def test_pre_commit_leaves_arcgit_as_it_found_it(world: World, work: Path) -> None:
    world.arcgit("hooks", "install")
    before = contents(hook_folder(work))
    pre_commit(work, "install")
    pre_commit(work, "uninstall")
    assert contents(hook_folder(work)) == before


@pytest.mark.parametrize("first", ["pre-commit", "arcgit"])
def test_a_third_hook_is_run_by_whoever_met_it_and_lost_by_nobody(
    world: World, work: Path, tmp_path: Path, first: str
) -> None:
    """pre-commit moves what it finds over an older `pre-commit.legacy`: it must never find us where that would happen."""
    put(hook_folder(work) / "pre-commit", FOREIGN["shell"])
    before = contents(hook_folder(work))
    if first == "pre-commit":
        pre_commit(work, "install")
        before = contents(hook_folder(work))
        world.arcgit("hooks", "install")
    else:
        world.arcgit("hooks", "install")
        pre_commit(work, "install")
    pre_commit(work, "install")
    world.arcgit("hooks", "install")
    kept = contents(hook_folder(work))
    assert kept["pre-commit.before-arcgit"][1] == FOREIGN["shell"]
    works(work, tmp_path, others=2)
    for name, (_, data) in kept.items():
        (hook_folder(work) / name).write_bytes(data)
    world.arcgit("hooks", "uninstall")
    after = contents(hook_folder(work))
    assert after["pre-commit.legacy"][1] == FOREIGN["shell"]
    if first == "pre-commit":
        assert after == before


def test_pre_commit_that_was_told_to_overwrite_keeps_what_arcgit_had_put_aside(world: World, work: Path) -> None:
    put(hook_folder(work) / "pre-commit", FOREIGN["shell"])
    world.arcgit("hooks", "install")
    pre_commit(work, "install", "--overwrite")
    assert told(world, "status", code=1)[0]["outcome"] == "inactive"
    state = told(world, "uninstall", code=1)[0]
    aside = hook_folder(work) / "pre-commit.before-arcgit"
    assert (state["outcome"], aside.read_bytes()) == ("kept", FOREIGN["shell"])
    assert str(aside) in state["hint"]


def test_dvc_first_then_arcgit(world: World, work: Path, tmp_path: Path) -> None:
    dvc(work, "install")
    before = contents(hook_folder(work))
    world.arcgit("hooks", "install")
    assert contents(hook_folder(work))["pre-push.before-arcgit"] == before["pre-push"]
    fake = tmp_path / "bin" / "dvc"
    put(fake, b'#!/bin/sh\necho "dvc $*" >> .git/ran\n')
    remark(work)
    done = subprocess.run(
        ["git", "commit", "-qam", "x"], cwd=work, check=False, capture_output=True, text=True,
        env={**os.environ, "PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (work / ".git" / "ran").read_text() == "dvc git-hook pre-commit\n"
    assert commit(work, "--allow-empty").returncode == 0
    world.arcgit("hooks", "uninstall")
    assert contents(hook_folder(work)) == before


def test_arcgit_first_then_dvc(world: World, work: Path, tmp_path: Path) -> None:
    """DVC refuses where a hook is; nothing is lost by that, and three commands bring both."""
    world.arcgit("hooks", "install")
    before = contents(hook_folder(work))
    sh(work, str(BIN / "dvc"), "install", code=1)
    assert contents(hook_folder(work)) == before
    spoil(work)
    assert commit(work, "-a").returncode == 1
    git(work, "checkout", "--quiet", "--", ".")
    world.arcgit("hooks", "uninstall")
    dvc(work, "install")
    world.arcgit("hooks", "install")
    assert b"dvc git-hook" in contents(hook_folder(work))["pre-commit.before-arcgit"][1]
    works(work, tmp_path, others=0)


def test_dvc_by_way_of_pre_commit(world: World, work: Path, tmp_path: Path) -> None:
    world.arcgit("hooks", "install")
    before = contents(hook_folder(work))
    dvc(work, "install", "--use-pre-commit-tool")
    assert contents(hook_folder(work)) == before
    config = yaml.safe_load((work / ".pre-commit-config.yaml").read_text())
    assert [hook["id"] for repo in config["repos"] for hook in repo["hooks"] if "dvc" in repo["repo"]]
    git(work, "checkout", "--quiet", "--", ".")
    pre_commit(work, "install", "-t", "pre-push", "-t", "post-checkout", "-t", "pre-commit")
    works(work, tmp_path)
