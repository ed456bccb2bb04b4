"""Snapshots of the repository, and the trace of what was asked of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from arcgit.git import snapshot
from arcgit.git.snapshot import Snapshot
from tests.world import World, git

QUESTIONS: dict[str, tuple[Callable[[Snapshot], object], list[str]]] = {
    "file": (lambda s: s.is_file("a b"), [":(top,literal)a b"]),
    "there": (lambda s: "src/x" in s, [":(top,literal)src/x"]),
    "bytes": (lambda s: s.read("params.yaml"), [":(top,literal)params.yaml"]),
    "below": (lambda s: s.below("src"), [":(top,literal)src"]),
    "tree": (lambda s: s.tree_oid("src"), [":(top,literal)src"]),
    "root": (lambda s: s.below(""), [":/"]),
    "names": (lambda s: s.named("*.dvc", "dvc.yaml"), [":(top,glob)**/*.dvc", ":(top,glob)**/dvc.yaml"]),
    "entry": (lambda s: s.entries["dvc.lock"], [":(top,literal)dvc.lock"]),
    "missing": (lambda s: s.entries.get("no"), [":(top,literal)no"]),
    "all": (lambda s: list(s.entries), [":/"]),
    "items": (lambda s: dict(s.entries.items()), [":/"]),
    "count": (lambda s: len(s.entries), [":/"]),
    "nothing": (lambda s: s.label, []),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_covered_by_the_pathspecs_of_the_trace(world: World, question: str) -> None:
    ask, expected = QUESTIONS[question]
    with snapshot.of_index(world.work) as staged:
        ask(staged)
        assert staged.trace.pathspecs() == expected


def test_the_oid_of_a_folder_is_the_one_that_git_gives(world: World) -> None:
    with snapshot.of_index(world.work) as staged:
        assert staged.tree_oid("src") == git(world.work, "rev-parse", "HEAD:src")
        assert staged.tree_oid("") == git(world.work, "rev-parse", "HEAD^{tree}")


def files(found: Snapshot) -> list[str]:
    return sorted(found.entries)


def test_the_index_is_read_as_the_commit_would_have_it(world: World) -> None:
    (world.work / "later.txt").write_text("x\n")
    (world.work / "now.txt").write_text("")
    git(world.work, "add", "now.txt")
    git(world.work, "add", "--intent-to-add", "later.txt")
    with snapshot.of_index(world.work) as staged:
        assert "now.txt" in files(staged)
        assert "later.txt" not in files(staged)


def test_with_a_conflict_that_is_open_the_rest_of_the_index_is_read(world: World) -> None:
    oid = git(world.work, "rev-parse", "HEAD:params.yaml")
    git(world.work, "update-index", "--index-info", stdin=f"0 {'0' * 40}\tparams.yaml\n100644 {oid} 2\tparams.yaml\n")
    with snapshot.of_index(world.work) as staged:
        assert "params.yaml" not in files(staged)
        assert "arcgit.yaml" in files(staged)


def test_a_tree_that_stands_for_more_files_than_any_disk_holds_is_refused(world: World) -> None:
    """Eight levels of ten times the same folder are a hundred million files."""
    blob = git(world.work, "hash-object", "-w", "--stdin", stdin="x")
    tree = git(world.work, "mktree", stdin="".join(f"100644 blob {blob}\tf{n}\n" for n in range(10)))
    for _ in range(8):
        tree = git(world.work, "mktree", stdin="".join(f"040000 tree {tree}\td{n}\n" for n in range(10)))
    commit = git(world.work, "commit-tree", "-m", "bomb", tree)
    assert world.arcgit("check", "--rev", commit, code=1)["error"]["code"] == "file-too-large"
