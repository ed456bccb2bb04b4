"""What tests of pushes do: a bare repository with only the server's hooks, and pushes by stock git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hooks.staging import BIN
from tests.world import World, copy_world, git

Done = subprocess.CompletedProcess[str]


def push(work: Path, *arguments: str, to: str = "origin", **env: str) -> Done:
    """`git push` with nothing of the client's own in the way."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["git", "push", "--no-verify", to, *arguments],
        cwd=work, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path, **env},
    )  # fmt: skip


def refs(repo: Path) -> dict[str, str]:
    """Every ref of a repository."""
    rows = git(repo, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(row.split(" ") for row in rows)


def refused(world: World, *arguments: str, codes: Sequence[str] = (), work: Path | None = None, **env: str) -> str:
    """Push, expect that nothing at all is taken and that every code is named; returns what was said."""
    before = refs(world.hub)
    done = push(work or world.work, *arguments, **env)
    assert done.returncode != 0, done.stderr
    assert refs(world.hub) == before
    for code in codes:
        assert f": {code}: " in done.stderr, done.stderr
    assert "arcgit: nothing was taken" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not list((world.hub / "objects").glob("incoming-*"))
    assert not list((world.hub / "objects").glob("tmp_objdir*"))
    return done.stderr


def taken(world: World, *arguments: str, work: Path | None = None, **env: str) -> str:
    """Push, and expect that it is taken."""
    done = push(work or world.work, *arguments, **env)
    assert done.returncode == 0, done.stderr
    return done.stderr


@contextmanager
def guarded(template: Path, root: Path) -> Iterator[World]:
    """A copy of the archive with the server's hook in its hub and main pushed; while it lasts, the pin is its own."""
    with pytest.MonkeyPatch.context() as patch:
        world = copy_world(template, root / "world", root / "state")
        patch.setenv("XDG_STATE_HOME", str(world.state))
        world.arcgit("hooks", "install", "--server", str(world.hub))
        git(world.work, "push", "--quiet", "--no-verify", "origin", "main")
        yield world


def own_copy(prepared: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of such an archive for one test, with its pin."""
    made = copy_world(prepared, folder / "world", folder / "state")
    monkeypatch.setenv("XDG_STATE_HOME", str(made.state))
    return made
