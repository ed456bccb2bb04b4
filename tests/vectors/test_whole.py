"""Whole archives that any implementation can be held to: exactly this verdict, and exactly these findings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.vectors.cases import FOLDER
from tests.vectors.make.whole import SCHEMA, VECTORS
from tests.vectors.whole import VERDICTS, expected, judged, names
from tests.world import git

NAMES = names()
LEAST_SHARE = 0.7
FILES = {"archive.bundle", "expected.json", "pin.json", "store.tar.gz"}


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_archive_gets_its_verdict_and_its_findings(name: str, tmp_path: Path) -> None:
    case = expected(name)
    found = judged(FOLDER / name, tmp_path, case["command"][2:-1])
    assert found == {key: case[key] for key in found}


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_of_an_archive_says_what_a_stranger_needs(name: str) -> None:
    case = expected(name)
    assert {path.name for path in (FOLDER / name).iterdir()} <= FILES
    assert (case["schema"], case["name"], case["why"].endswith(".")) == (SCHEMA, name, True)
    assert (case["command"][:2], case["command"][-1]) == (["arcgit", "verify"], "--json")
    assert name.endswith("_fail") == (case["verdict"] != "pass")
    assert case["exit_code"] == VERDICTS[case["verdict"]]
    assert set(case["trust_root"]) == {"genesis", "founder"}


def test_most_of_the_archives_are_refused() -> None:
    assert sum(name.endswith("_fail") for name in NAMES) >= LEAST_SHARE * len(NAMES)


def test_every_family_of_attacks_has_archives_and_no_two_are_the_same() -> None:
    cases = [expected(name) for name in NAMES]
    families = {"tags", "records", "manifest", "keys", "ledger", "policy", "rollback", "data", "sound"}
    assert {case["family"] for case in cases} == families
    assert len({case["why"] for case in cases}) == len(cases)


def test_every_archive_can_be_made_again() -> None:
    assert {vector.name for vector in VECTORS} == set(NAMES)
    assert {vector.name: (vector.family, vector.why, vector.verdict) for vector in VECTORS} == {
        name: (case["family"], case["why"], case["verdict"]) for name in NAMES for case in [expected(name)]
    }


def test_the_sound_archive_and_the_spoiled_ones_are_of_one_make() -> None:
    """A spoiled archive differs from the sound one only in what is wrong with it, so nothing else can be what is found."""
    roots: dict[str, int] = {}
    for name in NAMES:
        roots[expected(name)["trust_root"]["genesis"]] = roots.get(expected(name)["trust_root"]["genesis"], 0) + 1
    assert len(roots) == 1
    assert roots[expected("untouched")["trust_root"]["genesis"]] == len(NAMES)


def test_the_page_beside_them_tells_how_they_are_put_in_place(tmp_path: Path) -> None:
    """The commands of the page, run as they stand, lead to what the page says."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)[0].splitlines()
    for line in [line.partition("#")[0].replace("VECTOR", str(FOLDER / "whole-data")) for line in lines[:4]]:
        git(tmp_path, "-c", f"alias.x=!{line}", "x") if line.startswith("tar") else git(tmp_path, *line.split()[1:])
    assert (tmp_path / "repo" / ".dvc" / "config").exists()
    assert list((tmp_path / "store").rglob("*"))
    assert set(re.findall(r"^\| `([a-z_]+(?:\.[a-z.]+)?)`", text, re.MULTILINE)) >= {*FILES, "command", "findings"}
