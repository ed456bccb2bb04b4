"""Pushes of several commits to a protected branch: every state that the branch would have had must be whole."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.hooks.pushing import guarded, own_copy, push, refused, taken
from tests.hooks.staging import OWNER, mend, remark, spoil
from tests.world import World, git


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive with the server's hook in its hub; made once."""
    root = tmp_path_factory.mktemp("lines")
    with guarded(template, root) as world:
        return world.root


@pytest.fixture
def hub(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return own_copy(prepared, tmp_path, monkeypatch)


def commit(work: Path, message: str = "x") -> str:
    git(work, "commit", "--quiet", "--no-verify", "--allow-empty", "-am", message)
    return git(work, "rev-parse", "HEAD")


def spoiled_and_mended(work: Path) -> str:
    """Two commits; returns the first, which lacks an owner."""
    spoil(work)
    first = commit(work, "without an owner")
    mend(work)
    remark(work)
    commit(work, "with one")
    return first


def test_an_incomplete_commit_below_a_whole_one_is_refused_by_name_and_squashing_is_the_way_on(hub: World) -> None:
    base = git(hub.work, "rev-parse", "HEAD")
    first = spoiled_and_mended(hub.work)
    said = refused(hub, "main", codes=["owner-missing"])
    assert f"in commit {first[:12]}: " in said
    assert f"git rebase -i {first[:12]}~1" in said
    taken(hub, "main:feature")
    git(hub.work, "reset", "--quiet", "--soft", base)
    commit(hub.work, "squashed")
    taken(hub, "main")


def test_both_the_tip_and_what_lies_below_are_told(hub: World) -> None:
    first = spoiled_and_mended(hub.work)
    text = (hub.work / "arcgit.yaml").read_text()
    (hub.work / "arcgit.yaml").write_text(re.sub("purpose: .*\n", "", text))
    commit(hub.work)
    said = refused(hub, "main", codes=["owner-missing"])
    assert said.count(": error: ") == 2
    assert said.count(f"in commit {first[:12]}") == 1


@pytest.mark.parametrize("name", ["requirements.txt", "params.yaml", "dvc.lock"])
def test_a_file_that_an_experiment_needs_is_not_even_gone_for_one_commit(hub: World, name: str) -> None:
    kept = (hub.work / name).read_text()
    git(hub.work, "rm", "--quiet", name)
    first = commit(hub.work, "gone")
    (hub.work / name).write_text(kept)
    git(hub.work, "add", name)
    commit(hub.work, "and back")
    assert f"in commit {first[:12]}: " in refused(hub, "main")


def test_a_manifest_that_is_only_there_in_between_is_judged(hub: World) -> None:
    folder = hub.work / "other"
    folder.mkdir()
    text = (hub.work / "arcgit.yaml").read_text().replace(OWNER, "").replace("experiment: ", "experiment: x")
    (folder / "arcgit.yaml").write_text(text)
    git(hub.work, "add", "other")
    first = commit(hub.work)
    git(hub.work, "rm", "-r", "--quiet", "other")
    commit(hub.work)
    assert f"in commit {first[:12]}: " in refused(hub, "main", codes=["owner-missing"])


def test_a_merge_is_judged_by_its_result_and_not_by_what_it_brings(hub: World) -> None:
    git(hub.work, "switch", "--quiet", "-c", "feature")
    spoiled_and_mended(hub.work)
    git(hub.work, "switch", "--quiet", "main")
    git(hub.work, "merge", "--quiet", "--no-ff", "--no-verify", "-m", "merged", "feature")
    taken(hub, "main")


def test_a_merge_that_is_fast_forwarded_is_a_line_of_commits_like_any_other(hub: World) -> None:
    git(hub.work, "switch", "--quiet", "-c", "feature")
    first = spoiled_and_mended(hub.work)
    git(hub.work, "switch", "--quiet", "main")
    git(hub.work, "merge", "--quiet", "--ff-only", "feature")
    assert f"in commit {first[:12]}: " in refused(hub, "main")


def test_a_merge_whose_result_is_incomplete_is_refused_although_a_commit_on_it_mends_it(hub: World) -> None:
    git(hub.work, "switch", "--quiet", "-c", "feature")
    spoil(hub.work)
    commit(hub.work)
    git(hub.work, "switch", "--quiet", "main")
    git(hub.work, "merge", "--quiet", "--no-ff", "--no-verify", "-m", "merged", "feature")
    merge = git(hub.work, "rev-parse", "HEAD")
    mend(hub.work)
    commit(hub.work)
    assert f"in commit {merge[:12]}: " in refused(hub, "main", codes=["owner-missing"])


def test_commits_that_touch_no_experiment_are_not_judged(hub: World) -> None:
    """An incomplete manifest from before the branch was protected is not held against those who change something else."""
    git(hub.hub, "config", "arcgit.protectedBranch", "none")
    spoil(hub.work)
    commit(hub.work)
    taken(hub, "main")
    git(hub.hub, "config", "arcgit.protectedBranch", "main")
    for n in range(3):
        (hub.work / "notes.txt").write_text(f"{n}\n")
        git(hub.work, "add", "notes.txt")
        commit(hub.work)
    taken(hub, "main")
    mend(hub.work)
    commit(hub.work)
    taken(hub, "main")


def test_a_repository_that_moves_house_brings_its_past_along(hub: World) -> None:
    """With no branch to compare, what counts is what there will be; from then on every commit counts."""
    git(hub.work, "push", "--quiet", "--no-verify", "origin", "main:keep", ":main", code=1)
    hooks = (hub.hub / "hooks" / "pre-receive").read_bytes()
    git(hub.root, "init", "--quiet", "--bare", "house.git")
    (hub.root / "house.git" / "hooks" / "pre-receive").write_bytes(hooks)
    (hub.root / "house.git" / "hooks" / "pre-receive").chmod(0o755)
    spoiled_and_mended(hub.work)
    assert push(hub.work, "main", to="../house.git").returncode == 0
    first = spoiled_and_mended(hub.work)
    assert f"in commit {first[:12]}: " in push(hub.work, "main", to="../house.git").stderr


def test_a_new_protected_branch_is_compared_with_those_there_are(hub: World) -> None:
    git(hub.hub, "config", "--add", "arcgit.protectedBranch", "main")
    git(hub.hub, "config", "--add", "arcgit.protectedBranch", "release/*")
    first = spoiled_and_mended(hub.work)
    assert f"in commit {first[:12]}: " in refused(hub, "main:release/1")
    taken(hub, "main~2:refs/heads/release/1")


def remarks(work: Path, count: int, name: str) -> None:
    """So many commits on main, each with another remark in a file."""
    text = (work / name).read_text()
    lines = []
    for n in range(count):
        data = f"{text}# {n}\n"
        start = "from refs/heads/main^0\n" if n == 0 else ""
        lines.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> 1767225600 +0000\ndata 1\nx\n{start}"
            f"M 100644 inline {name}\ndata {len(data.encode())}\n{data}\n"
        )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=work, input="".join(lines).encode(), check=True)
    git(work, "reset", "--quiet", "--hard", "main")


def test_more_commits_than_can_be_judged_are_no_pass_and_have_a_way_in(hub: World) -> None:
    remarks(hub.work, 105, "arcgit.yaml")
    said = refused(hub, "main", codes=["push-too-long"])
    part = re.search(r"git push REMOTE (\S+), then", said)
    assert part is not None
    taken(hub, part[1])
    taken(hub, "main")


def test_any_number_of_commits_that_touch_no_experiment_is_taken(hub: World) -> None:
    (hub.work / "notes.txt").write_text("x\n")
    git(hub.work, "add", "notes.txt")
    commit(hub.work)
    remarks(hub.work, 400, "notes.txt")
    taken(hub, "main")


def test_a_file_with_an_odd_name_is_not_taken_for_a_commit(hub: World) -> None:
    """What git lists of a commit are names that anybody can choose."""
    spoil(hub.work)
    for name in (f":{'0' * 40}", git(hub.work, "rev-parse", "HEAD"), "a\nb", ":100644 100644"):
        (hub.work / name).write_text("x\n")
    git(hub.work, "add", "--all")
    first = commit(hub.work)
    mend(hub.work)
    commit(hub.work)
    assert f"in commit {first[:12]}: " in refused(hub, "main", codes=["owner-missing"])


def test_the_last_protected_branch_is_not_deleted_so_that_its_commits_are_new_to_nobody(hub: World) -> None:
    """Else whoever deletes it and pushes it again brings any commit in: the server would see a repository that moves house."""
    git(hub.hub, "symbolic-ref", "HEAD", "refs/heads/trunk")
    git(hub.hub, "config", "arcgit.protectedBranch", "main")
    git(hub.hub, "config", "--add", "arcgit.protectedBranch", "release/*")
    taken(hub, "main:topic")
    refused(hub, ":main", codes=["branch-protected"])
    refused(hub, ":main", ":topic", codes=["branch-protected"])
    taken(hub, ":topic")
    first = spoiled_and_mended(hub.work)
    assert f"in commit {first[:12]}" in refused(hub, ":main", "main:refs/heads/release/1", codes=["owner-missing"])
    taken(hub, ":main", "main~2:refs/heads/release/1")
    refused(hub, "main", codes=["owner-missing"])
    refused(hub, ":release/1", codes=["branch-protected"])
