"""Snapshots of the repository, and the trace of what was asked of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from arcgit import hook
from arcgit.errors import RefusedError
from arcgit.git import memo, plumbing, snapshot
from arcgit.git.snapshot import Snapshot
from tests.hooks.staging import spoil
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


def with_all_kinds(world: World) -> str:
    """A tree with folders in folders, links, a submodule, something to run and names of every sort."""
    (world.work / "deep" / "er" / "st").mkdir(parents=True)
    for name in ("deep/a b", "deep/er/é", "deep/er/st/x", "deep.txt", "deep-1", "with\nbreak"):
        (world.work / name).write_text(name)
    (world.work / os.fsdecode(b"not-\xff-text")).write_text("x")
    (world.work / "link").symlink_to("deep")
    (world.work / "run").write_text("#!/bin/sh\n")
    (world.work / "run").chmod(0o755)
    git(world.work, "add", "--all")
    git(world.work, "update-index", "--add", "--cacheinfo", f"160000,{git(world.work, 'rev-parse', 'HEAD')},module")
    return git(world.work, "write-tree")


def one_by_one(world: World, tree: str) -> dict[str, snapshot.Entry]:
    objects = plumbing.read_objects(folder=str(world.work))
    with snapshot.of_tree(tree, folder=str(world.work), objects=objects) as found:
        assert found.read("arcgit.yaml") == (world.work / "arcgit.yaml").read_bytes()
        return dict(found.entries)


def test_folders_that_are_read_one_by_one_have_the_files_of_gits_own_list(world: World) -> None:
    tree = with_all_kinds(world)
    with snapshot.of_tree(tree, folder=str(world.work)) as found:
        assert one_by_one(world, tree) == dict(found.entries)
        assert len(found.entries) > 20


def test_a_folder_that_is_missing_is_no_empty_one(world: World) -> None:
    tree = with_all_kinds(world)
    inner = git(world.work, "rev-parse", f"{tree}:deep/er")
    world.loose(inner).unlink()
    with pytest.raises(plumbing.PlumbingError, match=f"its tree {inner} is missing"):
        one_by_one(world, tree)


@pytest.mark.parametrize("rows", [b"100644 a", b"100644 a\0" + b"x" * 19, b"100644a\0" + b"x" * 20, b"\0" * 30])
def test_a_folder_of_no_known_form_is_no_empty_one(world: World, rows: bytes) -> None:
    written = ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"]
    tree = subprocess.run(written, cwd=world.work, input=rows, capture_output=True, check=True).stdout.decode().strip()
    with pytest.raises(plumbing.PlumbingError, match="cannot list the tree"):
        one_by_one(world, tree)


def test_folders_that_stand_for_more_files_than_any_disk_holds_are_refused(world: World) -> None:
    tree = git(world.work, "write-tree")
    for _ in range(24):
        tree = git(world.work, "mktree", stdin=f"040000 tree {tree}\ta\n040000 tree {tree}\tb\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "MAX_LISTING_BYTES", 1 << 20)
        with pytest.raises(RefusedError):
            one_by_one(world, tree)


@pytest.mark.parametrize("small", [0, 1 << 30])
def test_the_hook_judges_alike_whichever_way_the_files_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr(memo, "SMALL_INDEX", small)
    monkeypatch.chdir(world.work)
    with_all_kinds(world)
    assert hook.main(["pre-commit"]) == 0
    spoil(world.work)
    git(world.work, "add", "arcgit.yaml")
    assert hook.main(["pre-commit"]) == 1
