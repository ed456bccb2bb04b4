"""The commit hook, installed and run by real git."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.hooks.staging import commit, counted, remark, spoil
from tests.world import World, git


def test_an_incomplete_manifest_is_refused_and_the_gap_is_named(world: World) -> None:
    spoil(world.work)
    done = commit(world.work, "-a")
    assert done.returncode == 1
    assert "owner-missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_complete_manifest_is_committed_without_a_word(world: World) -> None:
    remark(world.work)
    done = commit(world.work, "-a")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_staged_is_judged_not_what_lies_on_disk(world: World) -> None:
    good = (world.work / "arcgit.yaml").read_text()
    spoil(world.work)
    git(world.work, "add", "arcgit.yaml")
    (world.work / "arcgit.yaml").write_text(good)
    assert commit(world.work).returncode == 1
    git(world.work, "add", "arcgit.yaml")
    spoil(world.work)
    assert commit(world.work, "--allow-empty").returncode == 0


def test_a_partial_commit_is_judged_by_its_own_index(world: World) -> None:
    """`git commit PATH` builds another index than the one that is staged."""
    spoil(world.work)
    (world.work / "notes.txt").write_text("x\n")
    git(world.work, "add", "notes.txt")
    assert commit(world.work, "notes.txt").returncode == 0
    assert commit(world.work, "arcgit.yaml").returncode == 1


def test_a_commit_from_a_subfolder_and_from_a_linked_worktree_is_judged(world: World) -> None:
    spoil(world.work)
    assert commit(world.work / "src", "-a").returncode == 1
    git(world.work, "checkout", "--quiet", "--", ".")
    git(world.work, "worktree", "add", "--quiet", "../linked")
    spoil(world.root / "linked")
    assert commit(world.root / "linked", "-a").returncode == 1


def test_files_of_the_repository_are_not_imported_in_the_place_of_arcgits(world: World) -> None:
    marker = world.root / "marker"
    for name in ("yaml.py", "arcgit.py", "json.py", "sitecustomize.py", "msgspec.py"):
        (world.work / name).write_text(f"open({str(marker)!r}, 'w')\nraise SystemExit(0)\n")
    spoil(world.work)
    assert commit(world.work, "-a", PYTHONPATH=str(world.work)).returncode == 1
    assert not marker.exists()


def test_a_hook_whose_interpreter_is_gone_fails_closed_with_one_line(world: World) -> None:
    hook = world.work / ".git" / "hooks" / "pre-commit"
    lines = hook.read_text().splitlines()
    hook.write_text(
        "\n".join("python=/nowhere/python" if line.startswith("python=") else line for line in lines) + "\n"
    )
    remark(world.work)
    done = commit(world.work, "-a")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "arcgit hooks install" in done.stderr


@pytest.mark.parametrize(
    "code",
    [
        'exec "$real" -I -S -c "$4" "" pre-commit',  # no site-packages: arcgit was uninstalled, or the environment is broken
        "exit 0", "exit 1", "kill -SEGV $$", "exit 127",
        "exec \"$real\" -I -c 'raise SystemExit(0)'",
    ],
)  # fmt: skip
def test_a_python_that_cannot_run_arcgit_fails_closed_with_one_line(world: World, tmp_path: Path, code: str) -> None:
    """Whatever it ends with: success of something else is no pass."""
    counted(world.work, tmp_path, code)
    remark(world.work)
    done = commit(world.work, "-a")
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if "Segmentation" not in line]) == 1
    assert done.stderr.count("Install arcgit again, then run: arcgit hooks install") == 1


def test_a_part_of_arcgit_that_is_missing_is_named_with_the_command_that_brings_it(
    world: World, tmp_path: Path
) -> None:
    code = 'shift 3; c=$1; shift; exec "$real" -I -c "import sys; sys.modules[\'yaml\'] = None; $c" "$@"'
    counted(world.work, tmp_path, code)
    remark(world.work)
    done = commit(world.work, "-a")
    assert done.returncode == 1
    assert "next: " in done.stderr
    assert "pip install --force-reinstall arcgit" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_in_arcgit_itself_is_no_pass(world: World, tmp_path: Path) -> None:
    fault = "import arcgit.archive.check as k; k.check = None"
    counted(world.work, tmp_path, f'shift 3; c=$1; shift; exec "$real" -I -c "{fault}; $c" "$@"')
    remark(world.work)
    done = commit(world.work, "-a")
    assert done.returncode == 1
    assert "TypeError" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [[], ["post-commit"], ["--help"], ["pre-commit.legacy"]])
def test_a_hook_that_does_not_exist_is_a_usage_error(world: World, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "arcgit.hook", *arguments],
        cwd=world.work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "next: arcgit hooks run pre-commit" in done.stderr


def test_hooks_run_judges_what_is_staged_for_hooks_that_others_manage(world: World) -> None:
    arcgit = [sys.executable, "-m", "arcgit"]
    for start in (["hooks", "run", "pre-commit"], ["-C", str(world.work), "hooks", "run", "pre-merge-commit"]):
        assert subprocess.run([*arcgit, *start], cwd=world.work, check=False).returncode == 0
        spoil(world.work)
        git(world.work, "add", "--all")
        done = subprocess.run([*arcgit, *start], cwd=world.work, check=False, capture_output=True, text=True)
        assert (done.returncode, "owner-missing" in done.stderr) == (1, True)
        git(world.work, "reset", "--quiet", "--hard")


def test_outside_a_repository_the_hook_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "arcgit", "hooks", "run", "pre-commit"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "not a git repository" in done.stderr


def test_a_hostile_manifest_is_refused_quickly_and_in_words(world: World) -> None:
    (world.work / "arcgit.yaml").write_text("[" * 100_000)
    done = commit(world.work, "-a")
    assert done.returncode == 1
    assert "yaml-unsafe" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("size", [2_000_000])
def test_a_manifest_that_is_too_large_is_not_parsed(world: World, size: int) -> None:
    (world.work / "arcgit.yaml").write_text("#" * size)
    done = commit(world.work, "-a")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_hook_follows_the_policy_on_the_ledger(world: World) -> None:
    """The proposal in the tree changes nothing until it is adopted."""
    policy = world.work / ".arcgit" / "policy.yaml"
    policy.write_text(policy.read_text().replace("required: [owner, purpose, retention]", "required: []"))
    spoil(world.work)
    assert commit(world.work, "-a").returncode == 1
