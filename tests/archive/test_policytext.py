"""Changing a policy that a person wrote: in every style of YAML only what is meant changes."""

from __future__ import annotations

import difflib
from typing import Any

import pytest

from arcgit.archive.policy.policytext import PolicyText
from arcgit.model import yaml

BLOCK = """\
# ours
schema: arcgit/policy/v1
version: 3  # raised in May
people:
  # the founder
  ada:
    name: Ada
    roles:
    - admin
    - recorder  # since June
    keys:   # two
    - "A"
    - 'B'

  bob: {name: Bob, roles: [recorder], keys: ["C"]}  # leaves soon
# rules
required: []
"""
FLOW = "version: 3\npeople: {ada: {name: Ada, roles: [admin, recorder], keys: [A, B]}, bob: {name: Bob, roles: [recorder], keys: ['C']}}\n"
LAST = "version: 3\nrequired: []\npeople:\n    ada:\n        name: Ada\n        roles: [admin,\n            recorder]\n        keys:\n            - A\n            - B  # old\n    bob:\n        name: Bob\n        roles: [recorder]\n        keys:\n            - C"
STYLES = pytest.mark.parametrize("text", [BLOCK, FLOW, LAST], ids=["block", "flow", "last"])


def changed(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.rstrip("\n").splitlines(), after.rstrip("\n").splitlines())
    return [line for line in lines if line[0] in "+-"]


def loaded(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(text.encode()).value
    return found


@STYLES
def test_the_version_is_one_number(text: str) -> None:
    edit = PolicyText(text)
    edit.set_version(12)
    assert edit.text == text.replace("version: 3", "version: 12").rstrip("\n") + "\n"


@STYLES
def test_a_person_comes_after_the_others(text: str) -> None:
    edit = PolicyText(text)
    edit.add_person("carol", 'Carol: "C" #1', "c@example.org", ["admin", "auditor"])
    edit.change_list("carol", "keys", add=["D", "E"])
    people = loaded(edit.text)["people"]
    assert list(people) == ["ada", "bob", "carol"]
    assert people["carol"] == {
        "name": 'Carol: "C" #1',
        "email": "c@example.org",
        "roles": ["admin", "auditor"],
        "keys": ["D", "E"],
    }
    assert {name: people[name] for name in ("ada", "bob")} == loaded(text)["people"]
    if text != FLOW:
        assert {line[0] for line in changed(text, edit.text)} == {"+"}


@STYLES
@pytest.mark.parametrize("gone", [["A"], ["B"], ["A", "B"]])
@pytest.mark.parametrize("new", [[], ["D"]])
def test_keys_go_and_come(text: str, gone: list[str], new: list[str]) -> None:
    edit = PolicyText(text)
    edit.change_list("ada", "keys", add=new)
    edit.change_list("ada", "keys", remove=gone)
    edit.change_list("bob", "keys", remove=["C"], add=["F"])
    people = loaded(edit.text)["people"]
    assert people["ada"]["keys"] == [key for key in ["A", "B", *new] if key not in gone]
    assert people["bob"]["keys"] == ["F"]
    assert [line for line in text.splitlines() if "#" in line and "# old" not in line] == [
        line.replace(" []   # two", "   # two").replace('["F"]', '["C"]')
        for line in edit.text.splitlines()
        if "#" in line and "# old" not in line
    ]


@STYLES
def test_roles_are_taken_and_given(text: str) -> None:
    edit = PolicyText(text)
    edit.change_list("ada", "roles", remove=["admin", "recorder"])
    edit.change_list("bob", "roles", add=["reviewer"])
    people = loaded(edit.text)["people"]
    assert (people["ada"]["roles"], people["bob"]["roles"]) == ([], ["recorder", "reviewer"])


@STYLES
@pytest.mark.parametrize(
    "there", ["", "compromised: {}\n", 'compromised:\n  "X": {since: 1}\n', 'compromised: {"X": {since: 1}}\n']
)
def test_a_compromise_is_declared_and_said_anew(text: str, there: str) -> None:
    text = text.rstrip("\n") + "\n" + there
    edit = PolicyText(text)
    edit.add_compromised("SHA256:abc", 7, 'stolen: "laptop"')
    edit.add_compromised("SHA256:def", 8, "")
    edit.add_compromised("SHA256:abc", 5, "")
    found = loaded(edit.text)["compromised"]
    rest = {"X": {"since": 1}} if "X" in there else {}
    assert found == {**rest, "SHA256:abc": {"since": 5}, "SHA256:def": {"since": 8}}
    assert loaded(edit.text)["people"] == loaded(text)["people"]
