"""The vectors that are whole archives: a folder each, with what a verifier is given and what it must say.

README.md beside this file tells how anybody uses them. Here they are put in place and judged, for the test and for the
maker.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.cases import FOLDER
from tests.world import git, invoke

EXPECTED = "expected.json"
VERDICTS = {"pass": 0, "fail": 1, "cannot-verify": 3}


def names() -> list[str]:
    """The names of all vectors that are whole archives."""
    return sorted(path.parent.name for path in FOLDER.glob(f"*/{EXPECTED}"))


def expected(name: str) -> dict[str, Any]:
    """What must be said of one of them."""
    found: dict[str, Any] = json.loads((FOLDER / name / EXPECTED).read_text(encoding="utf-8"))
    return found


def unpack(vector: Path, scratch: Path) -> Path:
    """Put a vector in place as README.md says, and return the clone."""
    repo = scratch / "repo"
    git(scratch, "clone", "--quiet", "--mirror", str(vector / "archive.bundle"), "repo/.git")
    git(repo, "config", "core.bare", "false")
    git(repo, "--no-replace-objects", "reset", "--quiet", "--hard", "main")
    if (vector / "store.tar.gz").exists():
        with tarfile.open(vector / "store.tar.gz") as store:
            store.extractall(scratch, filter="data")
    if (vector / "pin.json").exists():
        pins = scratch / "state" / "arcgit" / "pins"
        pins.mkdir(parents=True)
        archive = json.loads((vector / "pin.json").read_text())["archive"]
        shutil.copy(vector / "pin.json", pins / f"{archive}.json")
    return repo


def judged(vector: Path, scratch: Path, options: list[str]) -> dict[str, Any]:
    """What `arcgit verify` says of a vector: verdict, exit code and findings."""
    repo = unpack(vector, scratch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(scratch / "state"))
        document = invoke(repo, "verify", *options, code=None)
    found = [{key: row[key] for key in ("code", "severity", "subject")} for row in document["findings"]]
    return {
        "verdict": document["verdict"],
        "exit_code": VERDICTS[document["verdict"]],
        "findings": sorted(found, key=lambda row: (row["code"], row["subject"])),
    }
