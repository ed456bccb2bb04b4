"""docs/ledger.md: its commands are run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.pages import DOCS, commands, typed
from tests.world import Person, World

PAGE = (DOCS / "ledger.md").read_text(encoding="utf-8")
COMMANDS = commands(PAGE)


def told(cwd: Path, line: str) -> str:
    done = typed(cwd, line)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_page_says_what_the_commands_do(world: World, ada: Person, bob: Person) -> None:
    assert len(COMMANDS) == 12
    said = {}
    for line in COMMANDS:
        if "--give-up" in line:
            refused = typed(world.work, line)
            assert (refused.returncode, "nothing by `bob` waits" in refused.stderr) == (1, True)
            continue
        (bob if line.startswith(("arcgit review", "arcgit evaluate")) else ada).sign_as(world.work)
        said[line] = told(world.work, line)
    assert "churn/baseline  2 runs, 1 sealed: 1 succeeded and was not sealed" in said["arcgit runs list"]
    assert "churn/deep      2 runs, 1 sealed: 1 failed" in said["arcgit runs list"]
    notes = said["git log --notes=arcgit"]
    for kind, who in (("run", "ada"), ("reviewed", "bob"), ("evaluated", "bob"), ("retired", "ada")):
        assert re.search(rf"#\d+ \S+ {kind} .*by {who}", notes), kind
    shown = told(world.work, "arcgit show baseline")
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
    told(world.work, f"CI_JOB_URL=https://ci.example.org/7; false || {line[1]}")
    assert world.arcgit("log", "-n", "1")["events"][0]["data"]["comment"] == "https://ci.example.org/7"
