"""The published vectors: what another implementation must read, write and refuse.

Files under `tests/vectors/` are only ever added to. How a case of each file is read stands in `tests/vectors/read.py and read_signed.py`.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vectors.cases import FOLDER, document, is_refusal
from tests.vectors.make.__main__ import PLAIN
from tests.vectors.make.cases import written
from tests.vectors.read import CHECKS

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
FILES = {name: document(name) for name in NAMES}
CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}".encode("ascii", "backslashreplace").decode())
    for name in NAMES
    for case in FILES[name]["cases"]
]
LEAST_SHARE = 0.7


@pytest.mark.parametrize(("name", "case"), CASES)
def test_every_case_is_read_as_it_says(name: str, case: dict[str, Any]) -> None:
    CHECKS[name](FILES[name], case)


def test_every_file_is_read() -> None:
    assert sorted(CHECKS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_most_of_the_cases_are_refusals(name: str) -> None:
    """Two implementations seldom differ in what they accept; they differ in what else they accept."""
    cases = FILES[name]["cases"]
    assert sum(map(is_refusal, cases)) >= LEAST_SHARE * len(cases)


def test_most_of_all_cases_are_things_to_refuse_and_not_only_wrong_results() -> None:
    """Those that claim a wrong result (`holds`, `matches`) are left out of the count."""
    cases = [case for name in NAMES for case in FILES[name]["cases"]]
    refused = [case for case in cases if "error" in case or case.get("codes") or case.get("status", "good") != "good"]
    assert len(refused) >= LEAST_SHARE * len(cases)


@pytest.mark.parametrize("name", NAMES)
def test_every_case_has_a_name_of_its_own_and_a_reason(name: str) -> None:
    cases = FILES[name]["cases"]
    assert FILES[name]["about"].endswith(".")
    assert len({case["name"] for case in cases}) == len(cases)
    assert [case["name"] for case in cases if not case["why"].strip().endswith(".")] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_two_cases_are_the_same(name: str) -> None:
    said = ("name", "why", "fault")
    bodies = [json.dumps({key: case[key] for key in case if key not in said}) for case in FILES[name]["cases"]]
    assert len(set(bodies)) == len(bodies)


@pytest.mark.parametrize("name", PLAIN)
def test_what_needs_no_key_is_made_again_as_it_stands(name: str) -> None:
    """So that whoever adds a case changes no other."""
    assert written(PLAIN[name]()) == (FOLDER / f"{name}.json").read_text()
