"""What a commit is made of is what is judged, whichever way git makes it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.hooks.staging import commit, mend, remark, spoil
from tests.world import MANIFEST, World, git, sh


@pytest.mark.parametrize(
    "arguments",
    [
        ["-a"], ["arcgit.yaml"], ["--only", "arcgit.yaml"], ["--include", "arcgit.yaml"], ["-p"], ["-a", "--amend"],
        ["-a", "--allow-empty-message"], ["-a", "--no-status", "--author=B <b@example.org>"],
    ],
)  # fmt: skip
def test_every_way_to_commit_judges_what_it_commits(world: World, arguments: list[str]) -> None:
    spoil(world.work)
    assert commit(world.work, *arguments, stdin="y\n").returncode == 1
    mend(world.work)
    remark(world.work)
    done = commit(world.work, *arguments, stdin="y\n")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_hunk_that_is_not_picked_is_not_judged(world: World) -> None:
    spoil(world.work)
    remark(world.work, "requirements.txt")
    assert commit(world.work, "-p", stdin="n\ny\n").returncode == 0
    assert commit(world.work, "-p", stdin="y\n").returncode == 1


def test_amending_what_was_forced_in_is_judged_even_with_nothing_new(world: World) -> None:
    spoil(world.work)
    assert commit(world.work, "-a", "--no-verify").returncode == 0
    assert commit(world.work, "--amend").returncode == 1


def test_a_commit_beside_what_was_forced_in_is_judged_too(world: World) -> None:
    """Whoever commits next is told, not only who touched the manifest."""
    spoil(world.work)
    assert commit(world.work, "-a", "--no-verify").returncode == 0
    (world.work / "notes.txt").write_text("x\n")
    git(world.work, "add", "notes.txt")
    assert commit(world.work).returncode == 1


def test_a_file_that_is_only_intended_to_be_added_is_not_in_the_commit(world: World) -> None:
    """`git add -N` shows the path in the index; the commit does not get it."""
    git(world.work, "rm", "--quiet", "--cached", "requirements.txt")
    git(world.work, "add", "--intent-to-add", "requirements.txt")
    done = commit(world.work)
    assert done.returncode == 1
    assert "artifact-untracked" in done.stderr
    git(world.work, "add", "requirements.txt")
    (world.work / "new").mkdir()
    (world.work / "new" / "arcgit.yaml").write_text("schema: arcgit/manifest/v1\n")
    git(world.work, "add", "--intent-to-add", "new/arcgit.yaml")
    assert commit(world.work, "--allow-empty").returncode == 0


def test_a_deleted_manifest_is_no_experiment_any_more(world: World) -> None:
    git(world.work, "rm", "--quiet", "arcgit.yaml")
    assert commit(world.work).returncode == 0


@pytest.mark.parametrize("name", ["dvc.yaml", "dvc.lock", "params.yaml", "requirements.txt", "metrics.json"])
def test_a_file_that_the_experiment_needs_is_not_deleted_unnoticed(world: World, name: str) -> None:
    git(world.work, "rm", "--quiet", name)
    assert commit(world.work).returncode == 1


def test_a_renamed_folder_is_missed_where_the_manifest_names_it(world: World) -> None:
    git(world.work, "mv", "src", "code")
    done = commit(world.work)
    assert done.returncode == 1
    assert "src/train.py" in done.stderr


def test_a_link_in_the_place_of_the_manifest_is_not_followed(world: World) -> None:
    (world.work / "good.yaml").write_bytes((world.work / "arcgit.yaml").read_bytes())
    (world.work / "arcgit.yaml").unlink()
    (world.work / "arcgit.yaml").symlink_to("good.yaml")
    git(world.work, "add", "--all")
    assert commit(world.work).returncode == 1


def test_the_first_commit_of_a_repository_is_judged(world: World) -> None:
    shutil.rmtree(world.work / ".git" / "refs" / "heads")
    (world.work / ".git" / "refs" / "heads").mkdir()
    (world.work / ".git" / "packed-refs").unlink(missing_ok=True)
    spoil(world.work)
    git(world.work, "add", "--all")
    sh(world.work, "git", "rev-parse", "--verify", "--quiet", "HEAD", code=1)
    assert commit(world.work).returncode == 1
    mend(world.work)
    assert commit(world.work, "-a").returncode == 0


def test_another_folder_another_git_dir_and_dash_c_make_no_difference(world: World, tmp_path: Path) -> None:
    spoil(world.work)
    place = {"GIT_DIR": str(world.work / ".git"), "GIT_WORK_TREE": str(world.work)}
    assert commit(tmp_path, "-a", **place).returncode == 1
    assert commit(world.work / "src", "-a", GIT_DIR="../.git", GIT_WORK_TREE="..").returncode == 1
    for start in (["-C", str(world.work)], [f"--git-dir={world.work}/.git", f"--work-tree={world.work}"]):
        done = subprocess.run(
            ["git", *start, "commit", "-qam", "x"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, "owner-missing" in done.stderr) == (1, True)
    mend(world.work)
    remark(world.work)
    assert commit(tmp_path, "-a", **place).returncode == 0


def test_an_index_somewhere_else_is_the_one_that_is_judged(world: World, tmp_path: Path) -> None:
    other = str(tmp_path / "index")
    git(world.work, "read-tree", "HEAD", GIT_INDEX_FILE=other)
    spoil(world.work)
    git(world.work, "add", "arcgit.yaml", GIT_INDEX_FILE=other)
    assert commit(world.work, GIT_INDEX_FILE=other).returncode == 1
    assert commit(world.work, "--allow-empty").returncode == 0


def test_a_git_folder_that_lies_elsewhere(world: World) -> None:
    git(world.work, "init", "--quiet", f"--separate-git-dir={world.root}/apart")
    spoil(world.work)
    assert commit(world.work, "-a").returncode == 1
    mend(world.work)
    remark(world.work)
    assert commit(world.work, "-a").returncode == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.splitIndex", "true"), ("core.untrackedCache", "true"), ("index.version", "4"), ("feature.manyFiles", "true"),
        ("core.quotePath", "true"), ("core.fsmonitor", "true"), ("diff.ignoreSubmodules", "all"), ("diff.renames", "copies"),
    ],
)  # fmt: skip
def test_settings_of_the_index_and_of_diff_change_nothing(world: World, key: str, value: str) -> None:
    if key == "core.fsmonitor":
        value = str(world.root / "monitor")
        Path(value).write_text("#!/bin/sh\nexit 1\n")
        Path(value).chmod(0o755)
    git(world.work, "config", key, value)
    git(world.work, "update-index", "--refresh")
    remark(world.work)
    assert commit(world.work, "-a").returncode == 0
    spoil(world.work)
    assert commit(world.work, "-a").returncode == 1
    mend(world.work)
    remark(world.work)
    assert commit(world.work, "-a").returncode == 0


@pytest.mark.parametrize("mode", [["--cone", "--sparse-index"], ["--cone"], ["--no-cone"]])
def test_what_a_sparse_checkout_leaves_out_is_judged_all_the_same(world: World, mode: list[str]) -> None:
    other = world.work / "other"
    other.mkdir()
    (other / "arcgit.yaml").write_text("schema: arcgit/manifest/v1\n")
    world.commit("forced in")
    git(world.work, "sparse-checkout", "set", *mode, "src")
    assert not other.exists()
    remark(world.work, "src/train.py")
    done = commit(world.work, "-a")
    assert done.returncode == 1
    assert "other/arcgit.yaml" in done.stderr


@pytest.mark.parametrize(
    "name", [b"with space", b"with\nline", b"caf\xe9", b"-rf", b":(top)x", b"a*[b]", b"\xff\xfe\n "]
)
def test_a_manifest_in_a_folder_of_any_name_is_judged(world: World, name: bytes) -> None:
    folder = os.fsencode(world.work) + b"/" + name
    Path(os.fsdecode(folder)).mkdir()
    for good in (False, True):
        text = MANIFEST.format(experiment="odd") if good else "schema: arcgit/manifest/v1\n"
        Path(os.fsdecode(folder), "arcgit.yaml").write_text(text.partition("artifacts:")[0])
        git(world.work, "add", "--all")
        for _ in range(2):
            done = commit(world.work)
            assert done.returncode == 1
            assert "arcgit.yaml" in done.stderr
            assert "Traceback" not in done.stderr
    shutil.rmtree(folder)
    git(world.work, "add", "--all")
    assert commit(world.work, "--allow-empty").returncode == 0


def test_an_experiment_in_a_submodule_is_judged_there_and_not_by_the_superproject(world: World, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "super")
    superproject = tmp_path / "super"
    git(superproject, "submodule", "--quiet", "add", str(world.work), "sub")
    sub = superproject / "sub"
    world.arcgit("hooks", "install", cwd=sub)
    world.arcgit("hooks", "install", cwd=superproject)
    spoil(sub)
    assert commit(sub, "-a").returncode == 1
    assert commit(sub, "-a", "--no-verify").returncode == 0
    git(superproject, "add", "--all")
    assert commit(superproject).returncode == 0
    (superproject / "arcgit.yaml").write_text("schema: arcgit/manifest/v1\n")
    git(superproject, "add", "--all")
    assert commit(superproject).returncode == 1


def test_a_blob_that_is_too_large_is_not_taken_for_the_next_one(world: World) -> None:
    """The unread rest of it would be read as the answer about another file."""
    good = (world.work / "arcgit.yaml").read_bytes()
    oid = git(world.work, "rev-parse", "HEAD:arcgit.yaml")
    spoil(world.work)
    forged = f"{oid} blob {len(good)}\n".encode() + good + b"\n"
    (world.work / "a").mkdir()
    (world.work / "a" / "dvc.yaml").write_bytes(forged * (65 * 1024 * 1024 // len(forged) + 1))
    git(world.work, "add", "--all")
    done = commit(world.work)
    assert done.returncode == 1
    assert "owner-missing" in done.stderr
    assert "a/dvc.yaml" in done.stderr


@pytest.mark.parametrize("split", ["true", "false"])
def test_a_lock_that_another_program_holds_on_the_index_is_no_obstacle(world: World, split: str) -> None:
    """Editors ask git for the status all the time; git takes the lock for it, and wants it to make a tree."""
    git(world.work, "config", "core.splitIndex", split)
    hook = world.work / ".git" / "hooks" / "pre-commit"
    for change, code in ((spoil, 1), (mend, 0)):
        change(world.work)
        remark(world.work)
        git(world.work, "add", "--all")
        (world.work / ".git" / "index.lock").touch()
        done = subprocess.run([hook], cwd=world.work, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        (world.work / ".git" / "index.lock").unlink()
    assert not list((world.work / ".git").glob("arcgit-index*"))


def test_a_conflict_that_is_open_is_no_pass(world: World) -> None:
    git(world.work, "update-index", "--index-info", stdin=f"100644 {'0' * 39}1 1\tparams.yaml\n0 {'0' * 40}\tx\n")
    hook = world.work / ".git" / "hooks" / "pre-commit"
    done = subprocess.run([hook], cwd=world.work, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "next: git status" in done.stderr
    assert done.stderr.count("\n") == 2
