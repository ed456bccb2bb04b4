"""No claim of SECURITY.md is without a test that holds it, and no test that it names is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (?!claim |---)(.+?) \| (.*) \|$", re.MULTILINE)
LINK = re.compile(r"\[`([^`:]+)::([^`]+)`\]\(([^)]+)\)")
CLAIMS = dict(ROW.findall(TEXT.partition("## What it does not claim")[0]))


def named(claim: str) -> list[str]:
    """The tests beside a claim, as pytest names them."""
    return [f"{path}::{test}" for _, test, path in LINK.findall(CLAIMS[claim])]


@pytest.fixture(scope="module")
def collected(request: pytest.FixtureRequest) -> frozenset[str]:
    """Every test that pytest finds in the files that are linked, without its parameters.

    A run of all tests has found them already; another one asks a pytest of its own.
    """
    linked = {test for claim in CLAIMS for test in named(claim)}
    found = frozenset(item.nodeid.partition("[")[0] for item in request.session.items)
    if linked <= found:
        return found
    files = sorted({test.partition("::")[0] for test in linked})
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        *files,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return frozenset(line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line)


def test_there_are_claims() -> None:
    assert len(CLAIMS) > 20


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_has_a_test_that_holds_it(claim: str, collected: frozenset[str]) -> None:
    tests = named(claim)
    assert tests, "no claim without a test"
    assert CLAIMS[claim].count("[`") == len(tests), "what is linked is a test, not a file"
    assert [test for test in tests if test not in collected] == []


def test_a_link_leads_to_the_file_that_it_names() -> None:
    for name, _, path in LINK.findall(TEXT):
        assert (ROOT / path).is_file()
        assert Path(path).name == name


def test_every_family_of_attacks_holds_a_claim() -> None:
    files = {test.partition("::")[0] for claim in CLAIMS for test in named(claim)}
    families = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert families - files == set()


def test_every_longer_run_that_is_named_is_a_target_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", TEXT)) <= targets


def test_no_file_of_tests_is_claimed_twice_under_two_names() -> None:
    for claim in CLAIMS:
        assert len(set(named(claim))) == len(named(claim)), claim


def test_the_page_of_the_attacks_names_every_file_of_them() -> None:
    folder = ROOT / "tests" / "attacks"
    named_there = set(re.findall(r"`(test_[a-z_]+\.py)`", (folder / "README.md").read_text(encoding="utf-8")))
    assert {path.name for path in folder.glob("test_*.py")} - named_there == set()
