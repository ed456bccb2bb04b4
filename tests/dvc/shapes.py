"""Repositories of every shape, from files that real DVC wrote: `fixtures/make.sh` says with which commands."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from arcgit.archive import check
from arcgit.archive.workspace import Workspace
from arcgit.git import snapshot
from arcgit.model.finding import Finding
from arcgit.rules.completeness import Demands
from tests.world import git, invoke

FIXTURES = Path(__file__).parent / "fixtures"
SHAPES = sorted(path.name for path in FIXTURES.iterdir() if path.is_dir())


def take(shape: str, target: Path) -> Path:
    """A git repository of that shape with everything staged; its data is not there."""
    shutil.copytree(FIXTURES / shape, target)
    git(target, "init", "--quiet")
    stage(target)
    return target


def stage(repo: Path) -> None:
    git(repo, "add", "--all")


def edit(path: Path, old: str, new: str) -> None:
    """Replace text that must be there."""
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


def draft(repo: Path, folder: str = "") -> dict[str, Any]:
    """Draft a manifest, fill in what is left to a person, stage it; returns what the draft says."""
    made = invoke(repo / folder, "draft")
    assert made["open"] == ["purpose"]
    manifest = repo / folder / "arcgit.yaml"
    edit(manifest, 'purpose: ""', "purpose: To see whether it is read.")
    stage(repo)
    found: dict[str, Any] = yaml.safe_load(manifest.read_text())
    return found


TODAY = date(2026, 11, 24)


def roles(manifest: dict[str, Any]) -> dict[str, str]:
    """Paths with their roles, and the split where there is one."""
    rows = manifest["artifacts"].values()
    return {row["path"]: " ".join(filter(None, (row["role"], row.get("split")))) for row in rows}


def judge(repo: Path) -> list[Finding]:
    """What the completeness gate finds in what is staged."""
    with snapshot.of_index(repo) as staged:
        return check.check(staged, root=str(repo), demands=Demands(), source="built-in rules", today=TODAY).findings


def workspace(repo: Path) -> Workspace:
    with snapshot.of_index(repo) as staged:
        return Workspace(staged)
