"""An experiment with a file that another repository has: `dvc import`, recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.world import MANIFEST, World, dvc, git


def recorded_import(world: World) -> tuple[Path, str]:
    """The other repository, whose remote is `elsewhere` beside it, and the record's tag; no cache has the file."""
    other = world.root / "other"
    git(world.root, "init", "--quiet", "other")
    dvc(other, "init", "--quiet")
    dvc(other, "remote", "add", "--quiet", "--default", "elsewhere", "../elsewhere")
    (other / "words.txt").write_text("imported words")
    dvc(other, "add", "--quiet", "words.txt")
    dvc(other, "push", "--quiet")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "-m", "words")
    dvc(world.work, "import", "--quiet", str(other), "words.txt")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(MANIFEST.format(experiment="imported") + "  words: {role: other, path: words.txt}\n")
    world.commit("import")
    tag: str = world.arcgit("record")["tag"]
    shutil.rmtree(world.work / ".dvc" / "cache")
    return other, tag
