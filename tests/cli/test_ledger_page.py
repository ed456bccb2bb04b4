"""docs/ledger.md: its commands are run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.world import Person, World

PAGE = (Path(__file__).parent.parent.parent / "docs" / "ledger.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)


def typed(cwd: Path, line: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_says_what_the_commands_do(world: World, ada: Person, bob: Person) -> None:
    assert len(COMMANDS) == 10
    told = {}
    for line in COMMANDS:
        (bob if line.startswith(("arcgit review", "arcgit evaluate")) else ada).sign_as(world.work)
        told[line] = typed(world.work, line)
    assert "churn/baseline  2 runs, 1 sealed: 1 succeeded and was not sealed" in told["arcgit runs list"]
    assert "churn/deep      2 runs, 1 sealed: 1 failed" in told["arcgit runs list"]
    notes = told["git log --notes=arcgit"]
    for kind, who in (("run", "ada"), ("reviewed", "bob"), ("evaluated", "bob"), ("retired", "ada")):
        assert re.search(rf"#\d+ \S+ {kind} .*by {who}", notes), kind
    shown = typed(world.work, "arcgit show baseline")
    for words in (
        "approved by bob",
        "bob measured 0.905 (-0.005)",
        "superseded  by exp/churn/wide/",
        "2 runs, 1 sealed",
    ):
        assert words in shown
    assert [row["experiment"] for row in world.arcgit("search", "superseded_by=*")["records"]] == ["baseline"]
    assert world.verify(code=0) == []


def test_a_training_that_ends_badly_is_logged_by_its_job(world: World) -> None:
    line = re.search(r"`dvc repro \|\| (arcgit runs log .*?)`", PAGE)
    assert line
    typed(world.work, f"CI_JOB_URL=https://ci.example.org/7; false || {line[1]}")
    assert world.arcgit("log", "-n", "1")["events"][0]["data"]["comment"] == "https://ci.example.org/7"
