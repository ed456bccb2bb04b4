"""The hooks for the pre-commit framework, run by the real program from a real tag of this repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from arcgit.git import memo
from tests.hooks.staging import BIN, commit, mend, remark, spoil
from tests.world import World, git

ROOT = Path(__file__).parent.parent.parent
SHIPPED = (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE", "arcgit", "hooks", "templates")
TAG = "v1.0.0"
PATH = f"{BIN}{os.pathsep}{os.environ['PATH']}"
Done = subprocess.CompletedProcess[str]


def run(work: Path, *arguments: str, **env: str) -> Done:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [str(BIN / "pre-commit"), *arguments], cwd=work, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": path, **env},
    )  # fmt: skip


def config(repo: Path, hook: str) -> str:
    return yaml.safe_dump({"repos": [{"repo": str(repo), "rev": TAG, "hooks": [{"id": hook}]}]})


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository with a release tag, and pre-commit's environment for it: one for all processes of the run."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    repo = shared / "published"
    with FileLock(shared / "published.lock"):
        if not repo.exists():
            for name in SHIPPED:
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, repo / name, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    repo.mkdir(exist_ok=True)
                    shutil.copy(ROOT / name, repo / name)
            git(repo, "init", "--quiet")
            git(repo, "add", "--all")
            git(repo, "commit", "--quiet", "-m", "Release")
            git(repo, "tag", TAG)
            (repo / "config.yaml").write_text(config(repo, "arcgit-check"))
            done = run(repo, "install-hooks", "-c", "config.yaml", PRE_COMMIT_HOME=str(shared / "environments"))
            assert done.returncode == 0, done.stdout + done.stderr
    return repo


@pytest.fixture(params=["arcgit-check", "arcgit-check-system"])
def work(world: World, published: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A work tree with one of our hooks in its configuration and pre-commit installed, without arcgit's own hooks."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(published.parent / "environments"))
    world.arcgit("hooks", "uninstall")
    (world.work / ".pre-commit-config.yaml").write_text(config(published, request.param))
    world.commit("configuration")
    assert run(world.work, "install", "-t", "pre-commit", "-t", "pre-merge-commit").returncode == 0
    return world.work


def test_an_incomplete_manifest_is_refused_in_words_that_read_well(work: Path) -> None:
    remark(work)
    assert commit(work, "-a").returncode == 0
    spoil(work)
    done = commit(work, "-a")
    assert done.returncode == 1
    shown = done.stderr + done.stdout
    assert "error     owner-missing  arcgit.yaml" in shown
    assert "next     add to arcgit.yaml: owner: " in shown
    assert "FAIL  1 error; nothing was committed" in shown
    assert "\x1b" not in shown.partition("owner-missing")[2]
    assert "Traceback" not in shown


def test_what_is_staged_is_judged_although_pre_commit_puts_the_rest_away(work: Path) -> None:
    good = (work / "arcgit.yaml").read_text()
    spoil(work)
    git(work, "add", "arcgit.yaml")
    (work / "arcgit.yaml").write_text(good + "# not staged\n")
    done = commit(work)
    assert (done.returncode, "Stashing unstaged files" in done.stderr) == (1, True)
    assert (work / "arcgit.yaml").read_text() == good + "# not staged\n"
    git(work, "checkout", "--quiet", "HEAD", "--", ".")
    remark(work, "requirements.txt")
    git(work, "add", "--all")
    spoil(work)
    assert commit(work).returncode == 0
    assert "ada@" not in (work / "arcgit.yaml").read_text()


def test_a_partial_commit_is_judged_by_its_own_index(work: Path) -> None:
    spoil(work)
    git(work, "add", "--all")
    remark(work, "requirements.txt")
    assert commit(work, "requirements.txt").returncode == 0
    assert commit(work, "arcgit.yaml").returncode == 1


def test_a_merge_is_judged(work: Path) -> None:
    git(work, "checkout", "--quiet", "-b", "side")
    spoil(work)
    git(work, "commit", "--quiet", "--no-verify", "-am", "spoilt")
    git(work, "checkout", "--quiet", "main")
    remark(work, "requirements.txt")
    git(work, "commit", "--quiet", "--no-verify", "-am", "elsewhere")
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    git(work, "merge", "--no-edit", "side", code=1, PATH=path)


def test_all_files_means_the_index_and_nothing_is_judged_twice(work: Path) -> None:
    assert run(work, "run", "--all-files").returncode == 0
    assert (work / ".git" / memo.NAME).exists()
    spoil(work)
    assert run(work, "run", "--all-files").returncode == 0
    git(work, "add", "--all")
    done = run(work, "run", "--all-files")
    assert (done.returncode, "owner-missing" in done.stdout) == (1, True)
    mend(work)
    git(work, "add", "--all")
    assert run(work, "run", "--hook-stage", "manual", "--all-files").returncode == 0


def test_in_ci_a_fresh_clone_without_the_ledger_is_judged(work: Path, world: World) -> None:
    spoil(work)
    git(work, "commit", "--quiet", "--no-verify", "-am", "forced in")
    git(work, "push", "--quiet", "origin", "main")
    clone = world.clone("ci", "--no-tags", "--depth=1", "--single-branch")
    done = run(clone, "run", "--all-files", "--show-diff-on-failure", CI="true")
    assert (done.returncode, "owner-missing" in done.stdout) == (1, True)
    mend(clone)
    git(clone, "add", "--all")
    assert run(clone, "run", "--all-files").returncode == 0


def test_the_hooks_can_be_tried_from_a_folder(world: World, published: Path, tmp_path: Path) -> None:
    arguments = ("try-repo", str(published), "arcgit-check-system", "--all-files")
    home = {"PRE_COMMIT_HOME": str(tmp_path / "fresh")}
    assert run(world.work, *arguments, **home).returncode == 0
    spoil(world.work)
    git(world.work, "add", "--all")
    done = run(world.work, *arguments, **home)
    assert (done.returncode, "owner-missing" in done.stdout) == (1, True)


def test_without_arcgit_on_the_path_the_system_hook_fails(world: World, published: Path, tmp_path: Path) -> None:
    bare = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "arcgit").exists()
    )
    (world.work / ".pre-commit-config.yaml").write_text(config(published, "arcgit-check-system"))
    done = run(world.work, "run", "--all-files", PATH=bare, PRE_COMMIT_HOME=str(tmp_path / "fresh"))
    assert (done.returncode, "Executable `arcgit` not found" in done.stdout) == (1, True), done.stdout + done.stderr


@pytest.mark.parametrize("hook", ["arcgit-push", "arcgit-push-system"])
def test_a_push_is_judged_as_far_as_pre_commit_tells_of_it(
    world: World, published: Path, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    """Of the first ref of a push that brings commits; the native hook is told of all of them."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(published.parent / "environments"))
    world.arcgit("hooks", "uninstall")
    (world.work / ".pre-commit-config.yaml").write_text(config(published, hook))
    world.commit("configuration")
    assert run(world.work, "install", "-t", "pre-push").returncode == 0
    git(world.work, "push", "--quiet", "origin", "main", PATH=PATH)
    spoil(world.work)
    git(world.work, "commit", "--quiet", "--no-verify", "-am", "spoilt")
    for arguments in (["main"], ["main:refs/heads/new"], ["--no-thin", "main"]):
        done = subprocess.run(
            ["git", "push", "origin", *arguments], cwd=world.work, capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": PATH},
        )  # fmt: skip
        assert done.returncode != 0, arguments
        assert "owner-missing" in done.stdout + done.stderr
    mend(world.work)
    git(world.work, "commit", "--quiet", "--no-verify", "-am", "mended")
    git(world.work, "push", "--quiet", "origin", "main", PATH=PATH)
    # What it cannot see: pre-commit starts no hook for a deletion.
    git(world.work, "push", "--quiet", "origin", f":refs/tags/{world.tag()}", PATH=PATH)
    assert run(world.work, "run", "--hook-stage", "pre-push", "--all-files").returncode == 0
