"""The README's commands are run as they stand there, in a repository of the kind that it asks for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from arcgit.cli.app import run
from tests.pages import commands, typed
from tests.world import PIPELINE, PREPARE, TRAIN, Person, dvc, git

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAKE = {"make demo", "make test"}


def tour() -> list[str]:
    return [line for line in commands(README) if line not in MAKE]


def test_the_tour_works_as_written(tmp_path: Path, ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    git(tmp_path, "init", "--quiet", "work")
    here = tmp_path / "work"
    git(here, "remote", "add", "origin", "../hub.git")
    ada.sign_as(here)
    dvc(here, "init", "--quiet")
    dvc(here, "remote", "add", "--quiet", "--default", "storage", "../store")
    for name, text in {
        "data/raw.csv": "\n".join(map(str, range(100))), "src/prepare.py": PREPARE, "src/train.py": TRAIN,
        "dvc.yaml": PIPELINE, "params.yaml": "lr: 1e-3\nepochs: 3\n", "requirements.txt": "pyyaml\n",
    }.items():  # fmt: skip
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text(text)
    dvc(here, "add", "--quiet", "data/raw.csv")
    dvc(here, "repro", "--quiet")
    lines = tour()
    assert len(lines) == 17
    for written in lines:
        line = written
        if line.startswith("arcgit sync"):
            founder = json.loads(next((tmp_path / "state" / "arcgit" / "pins").glob("*.json")).read_text())["founder"]
            git(tmp_path, "clone", "--quiet", "hub.git", "clone")
            here = tmp_path / "clone"
            monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "auditor"))
            line = line.replace("FINGERPRINT", founder)
        if line.startswith("git commit"):
            refused = typed(here, line)
            assert refused.returncode == 1
            assert "purpose-missing" in refused.stderr
            manifest = here / "arcgit.yaml"
            manifest.write_text(manifest.read_text().replace('purpose: ""', "purpose: The tour."))
            typed(here, "git add arcgit.yaml")
        if line == "arcgit policy diff":
            proposed = here / ".arcgit" / "policy.yaml"
            proposed.write_text(proposed.read_text().replace("version: 1\n", "version: 2\n").replace("P1Y", "P2Y"))
        done = typed(here, line)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_every_command_of_the_table_exists(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    table = README.partition("## Commands")[2].partition("## Exit codes")[0]
    named = set(re.findall(r"`(?:arcgit )?([a-z]+)(?: [a-z]+)?`", table))
    named &= {
        "init",
        "draft",
        "check",
        "record",
        "sync",
        "verify",
        "list",
        "show",
        "log",
        "hooks",
        "demo",
        "policy",
        "amend",
    }
    assert len(named) == 13
    assert all(re.search(rf"\b{name}\b", shown) for name in named)


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_test_that_security_names_exists() -> None:
    for name in re.findall(r"`(tests/[^`]+)`", (ROOT / "SECURITY.md").read_text()):
        assert (ROOT / name).is_file(), name


def test_the_demo_runs_for_real_and_leaves_nothing() -> None:
    # Short, as the home that the demo makes in it has the socket of GnuPG's agent.
    with tempfile.TemporaryDirectory(prefix="ag") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "arcgit", "demo"], cwd=folder, capture_output=True, text=True, check=False,
            env={**os.environ, "TMPDIR": folder},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "PASS  1 record" in done.stdout
        assert "object-corrupt" in done.stdout
        assert "owner-missing" in done.stdout
        assert list(Path(folder).iterdir()) == []
