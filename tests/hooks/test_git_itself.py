"""For which commits git runs the hooks, and for which it does not: what docs/hooks.md says, held to stock git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.hooks.staging import commit, mend, remark, spoil
from tests.world import World, git


def run(work: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments], cwd=work, capture_output=True, text=True, check=False,
        env={**os.environ, "GIT_EDITOR": "true", **env},
    )  # fmt: skip


@pytest.fixture
def sides(world: World) -> Path:
    """A branch `side` whose only commit spoils the manifest, and a main that went on elsewhere."""
    work = world.work
    git(work, "checkout", "--quiet", "-b", "side")
    spoil(work)
    git(work, "commit", "--quiet", "--no-verify", "-am", "spoilt")
    git(work, "checkout", "--quiet", "main")
    remark(work, "requirements.txt")
    git(work, "commit", "--quiet", "-am", "elsewhere")
    return work


def test_a_merge_without_conflict_is_judged(sides: Path) -> None:
    done = run(sides, "merge", "--no-edit", "side")
    assert done.returncode != 0
    assert "owner-missing" in done.stderr
    mend(sides)
    git(sides, "add", "--all")
    assert commit(sides).returncode == 0


def test_two_sides_that_are_good_alone_are_judged_together(world: World) -> None:
    """One side drops the experiment and with it a file that the other side's experiment needs."""
    work = world.work
    git(work, "checkout", "--quiet", "-b", "side")
    git(work, "rm", "--quiet", "arcgit.yaml", "requirements.txt")
    assert commit(work).returncode == 0
    git(work, "checkout", "--quiet", "-b", "other", "main")
    remark(work)
    assert commit(work, "-a").returncode == 0
    git(work, "merge", "--no-commit", "-Xours", "side", code=1)
    git(work, "checkout", "other", "--", "arcgit.yaml")
    assert "requirements.txt" in run(work, "merge", "--continue").stderr


def test_a_merge_with_a_conflict_is_judged_when_it_is_committed(sides: Path) -> None:
    remark(sides)
    git(sides, "commit", "--quiet", "-am", "conflict")
    path = sides / "arcgit.yaml"
    path.write_text(path.read_text().replace("purpose: Baseline", "purpose: Other baseline"))
    git(sides, "commit", "--quiet", "-am", "more")
    git(sides, "checkout", "--quiet", "side")
    path.write_text(path.read_text().replace("purpose: Baseline", "purpose: Third baseline"))
    git(sides, "commit", "--quiet", "--no-verify", "-am", "conflict")
    assert run(sides, "merge", "main").returncode == 1
    git(sides, "checkout", "--quiet", "--ours", "arcgit.yaml")
    git(sides, "add", "arcgit.yaml")
    assert commit(sides).returncode == 1
    assert run(sides, "merge", "--continue").returncode == 1
    git(sides, "checkout", "--quiet", "main", "--", "arcgit.yaml")
    assert run(sides, "merge", "--continue").returncode == 0


def test_a_fast_forward_makes_no_commit_and_runs_no_hook(sides: Path) -> None:
    git(sides, "checkout", "--quiet", "-B", "behind", "side~1")
    assert run(sides, "merge", "--ff-only", "side").returncode == 0


@pytest.mark.parametrize(
    "command", [["cherry-pick", "side"], ["rebase", "main", "side"], ["merge", "--no-verify", "side"]]
)
def test_git_runs_no_hook_for_these_and_the_next_commit_tells(sides: Path, command: list[str]) -> None:
    assert run(sides, *command).returncode == 0
    assert commit(sides, "--allow-empty").returncode == 1


def test_git_runs_no_hook_for_a_revert(sides: Path) -> None:
    git(sides, "checkout", "--quiet", "side")
    mend(sides)
    assert commit(sides, "-a").returncode == 0
    assert run(sides, "revert", "--no-edit", "HEAD").returncode == 0
    assert commit(sides, "--allow-empty").returncode == 1


def test_git_runs_no_hook_for_am(sides: Path, tmp_path: Path) -> None:
    (tmp_path / "patch").write_text(git(sides, "format-patch", "-1", "--stdout", "side") + "\n")
    assert run(sides, "am", "--quiet", str(tmp_path / "patch")).returncode == 0
    assert commit(sides, "--allow-empty").returncode == 1


def test_a_reworded_commit_of_a_rebase_is_judged(sides: Path) -> None:
    git(sides, "checkout", "--quiet", "side")
    done = run(sides, "rebase", "--interactive", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i s/^pick/reword/")
    assert "owner-missing" in done.stderr


def test_a_stopped_cherry_pick_is_judged_when_it_goes_on_and_a_stopped_rebase_is_not(sides: Path) -> None:
    path = sides / "arcgit.yaml"
    path.write_text(path.read_text().replace("retention: standard", "retention: short"))
    git(sides, "commit", "--quiet", "-am", "conflict")
    assert run(sides, "cherry-pick", "side").returncode == 1
    git(sides, "checkout", "--quiet", "--theirs", "arcgit.yaml")
    git(sides, "add", "arcgit.yaml")
    assert "owner-missing" in run(sides, "cherry-pick", "--continue").stderr
    git(sides, "cherry-pick", "--abort")
    assert run(sides, "rebase", "main", "side").returncode == 1
    git(sides, "checkout", "--quiet", "--theirs", "arcgit.yaml")
    git(sides, "add", "arcgit.yaml")
    assert run(sides, "rebase", "--continue").returncode == 0
    assert commit(sides, "--allow-empty").returncode == 1
