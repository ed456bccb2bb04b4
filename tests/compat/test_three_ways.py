"""Every released archive and every attack on it gets one verdict: in process, by stock tools, and by both at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compat.test_compat import CASES, EXPECTED, unpacked
from tests.libraries import without_libraries
from tests.world import invoke


def judged(repo: Path, root: str, *options: str) -> dict[str, Any]:
    document: dict[str, Any] = invoke(repo, "verify", "--trust-root", root, *options, code=None)
    return document


@pytest.mark.parametrize(("version", "name"), CASES)
def test_three_ways_of_checking_signatures_give_one_verdict(
    version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = unpacked(version, name, tmp_path, monkeypatch)
    case = EXPECTED[version]["cases"][name]
    root = EXPECTED[version]["archives"][case["archive"]]["genesis"]
    inside = judged(repo, root)
    both = judged(repo, root, "--cross-check", "all")
    with without_libraries():
        outside = judged(repo, root)
    assert inside["verdict"] == case["verdict"]
    assert (both["verdict"], both["findings"]) == (inside["verdict"], inside["findings"])
    assert (outside["verdict"], outside["findings"]) == (inside["verdict"], inside["findings"])
    if case["verdict"] == "pass":
        assert both["scope"]["cross_checked"] == both["scope"]["signatures"] > inside["scope"]["records_checked"]
        assert set(outside["scope"]["verifiers"].values()) <= {"gpgv", "ssh-keygen"}
        assert all(" " in name for name in inside["scope"]["verifiers"].values())


def test_an_interpreter_without_the_libraries_verifies_and_says_by_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing: a process in which neither library can be imported, and none of it is."""
    repo = unpacked("v1", "archive.bundle", tmp_path, monkeypatch)
    root = EXPECTED["v1"]["archives"]["archive.bundle"]["founder"]
    program = f"""
import sys
sys.modules["pysequoia"] = sys.modules["cryptography"] = None
from arcgit.cli.app import run
code = run(["-C", {str(repo)!r}, "verify", "--trust-root", {root!r}, *sys.argv[1:]])
assert not [name for name in sys.modules if name.startswith(("pysequoia.", "cryptography."))]
raise SystemExit(code)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["scope"]["verifiers"] == {"openpgp": "gpgv", "ssh": "ssh-keygen"}
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "signatures by gpgv and ssh-keygen" in shown
