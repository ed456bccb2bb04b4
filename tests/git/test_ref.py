"""What one ref names is what git says of it, whichever way it is stored."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from arcgit.git.repository import Repository

NAME = "refs/notes/arcgit"
MISSING = "12" * 20
Arrange = Callable[[Path, str], None]


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def _loose(folder: Path, oid: str) -> None:
    _git(folder, "update-ref", NAME, oid)


def _packed(folder: Path, oid: str) -> None:
    _loose(folder, oid)
    _git(folder, "pack-refs", "--all")
    assert not (folder / ".git" / NAME).exists()


def _packed_and_newer(folder: Path, oid: str) -> None:
    _packed(folder, _git(folder, "rev-parse", f"{oid}^"))
    _loose(folder, oid)


def _symbolic(folder: Path, oid: str) -> None:
    _git(folder, "update-ref", "refs/heads/other", oid)
    _git(folder, "symbolic-ref", NAME, "refs/heads/other")


def _dangling(folder: Path, _oid: str) -> None:
    _git(folder, "symbolic-ref", NAME, "refs/heads/nowhere")


def _in_a_circle(folder: Path, _oid: str) -> None:
    _write(folder, f"ref: {NAME}\n")


def _of_nothing(folder: Path, _oid: str) -> None:
    _write(folder, f"{MISSING}\n")


def _garbage(folder: Path, _oid: str) -> None:
    _write(folder, "no oid at all\n")


def _empty(folder: Path, _oid: str) -> None:
    _write(folder, "")


def _folder(folder: Path, oid: str) -> None:
    _git(folder, "update-ref", f"{NAME}/below", oid)


def _of_a_like_name(folder: Path, oid: str) -> None:
    """`git rev-parse` takes each of these for the name in question."""
    _git(folder, "update-ref", f"refs/heads/{NAME}", oid)
    _git(folder, "update-ref", f"refs/tags/{NAME}", oid)


def _absent(_folder: Path, _oid: str) -> None:
    pass


def _write(folder: Path, text: str) -> None:
    path = folder / ".git" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


THERE = [_loose, _packed, _packed_and_newer, _symbolic]
NOT_THERE = [_absent, _dangling, _in_a_circle, _of_nothing, _garbage, _empty, _folder, _of_a_like_name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "--quiet")
    for message in ("one", "two"):
        person = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        _git(tmp_path, *person, "commit", "--quiet", "--allow-empty", "-m", message)
    return tmp_path


@pytest.mark.parametrize("arrange", [*THERE, *NOT_THERE])
def test_one_ref_is_what_git_says(folder: Path, arrange: Arrange) -> None:
    """`arrange` comes after the repository was opened: another process may write at any time."""
    head = _git(folder, "rev-parse", "HEAD")
    repository = Repository(folder)
    assert repository.ref(NAME) is None
    arrange(folder, head)
    command = ["git", "show-ref", "--verify", "--hash", NAME]
    said = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True).stdout.strip()
    assert repository.ref(NAME) == (said or None) == (head if arrange in THERE else None)


@pytest.mark.parametrize(
    "name", ["", "arcgit", "refs/notes/../notes/arcgit", "refs//notes/arcgit", "refs/notes/a\nb", "-h"]
)
def test_what_is_no_full_refname_names_nothing(folder: Path, name: str) -> None:
    _loose(folder, "HEAD")
    assert Repository(folder).ref(name) is None


def test_a_ref_that_was_deleted_is_gone(folder: Path) -> None:
    _packed(folder, "HEAD")
    repository = Repository(folder)
    assert repository.ref(NAME) is not None
    _git(folder, "update-ref", "-d", NAME)
    assert repository.ref(NAME) is None


def test_refs_are_those_of_the_whole_repository_in_each_of_its_work_trees(folder: Path, tmp_path: Path) -> None:
    _loose(folder, "HEAD")
    _git(folder, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    assert Repository(tmp_path / "linked").ref(NAME) == Repository(folder).ref(NAME) is not None
