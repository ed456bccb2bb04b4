"""What the commit hook costs on a pipeline of ten stages: with news of an experiment, without, and through pre-commit."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench.child import spent
from bench.place import BARE, DVC, PYTHON, Pair, Place, run
from bench.project import pipeline

HOOK = ".git/hooks/pre-commit"
ANEW = ("sh", "-c", f'rm -f .git/arcgit/passed; exec "{HOOK}"')
"""The hook without its memory of what it let pass before."""


def check(place: Place) -> Pair:
    work = _clean(place)
    return Pair(lambda: spent(ANEW, work), lambda: spent([PYTHON, "-c", "import yaml"], work))


def check_beside_dvc(place: Place) -> Pair:
    work = _clean(place)
    return Pair(lambda: spent(ANEW, work), lambda: spent([*DVC, "status"], work))


def idle(place: Place) -> Pair:
    work = _with_notes(place)
    return Pair(lambda: spent([HOOK], work), lambda: spent(BARE, work))


def through_pre_commit(place: Place) -> Pair:
    return _through_pre_commit(place, "python", f"{PYTHON} -c pass")


def through_pre_commit_true(place: Place) -> Pair:
    return _through_pre_commit(place, "true", "true")


def _clean(place: Place) -> Path:
    work = pipeline(place)
    run(work, "git", "reset", "--quiet")
    (work / "notes.txt").unlink(missing_ok=True)
    return work


def _with_notes(place: Place) -> Path:
    """Something staged that no experiment names, and a hook that has seen the rest before."""
    work = pipeline(place)
    (work / "notes.txt").write_text("Nothing of an experiment.\n")
    run(work, "git", "add", "notes.txt")
    for _ in range(2):
        run(work, HOOK)
    return work


def _through_pre_commit(place: Place, name: str, idle: str) -> Pair:
    work = _with_notes(place)
    os.environ["PRE_COMMIT_HOME"] = str(place.folder / "pre-commit")
    ours = _framework(place, "arcgit", f"{PYTHON} -I -m arcgit.hook pre-commit")
    theirs = _framework(place, name, idle)
    for command in (ours, ours, theirs):
        run(work, *command)
    return Pair(lambda: spent(ours, work), lambda: spent(theirs, work))


def _framework(place: Place, name: str, entry: str) -> list[str]:
    """The command that runs one hook through pre-commit."""
    hook = {"id": name, "name": name, "entry": entry, "language": "system", "always_run": True, "pass_filenames": False}
    path = place.folder / f"{name}.yaml"
    path.write_text(json.dumps({"repos": [{"repo": "local", "hooks": [hook]}]}))
    return [PYTHON, "-m", "pre_commit", "run", "--config", str(path)]
