"""Evaluations beside the sealed metrics, and records that others took the place of."""

from __future__ import annotations

from typing import Any

import pytest

from arcgit.archive.events.evaluate import parsed
from arcgit.cli.app import run
from arcgit.errors import UsageError
from tests.world import Person, World, git, invoke


def shown(world: World, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["-C", str(world.work), *arguments]) == 0
    return capsys.readouterr().out


def test_what_was_measured_again_stands_beside_what_was_sealed(
    world: World, bob: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    bob.sign_as(world.work)
    tag = world.tag("baseline")
    done = world.arcgit(
        "evaluate", tag, "--outcome", "reproduced", "--metric", "auc=0.905", "--metric", "f1=.7", "--metric", "rows=80",
        "-m", "On the new machine.",
    )  # fmt: skip
    assert (done["tag"], done["by_recorder"]) == (tag, False)
    event = world.arcgit("show", tag)["record"]["events"][-1]
    assert (event["type"], event["actor"]) == ("evaluated", "bob")
    assert event["data"] == {
        "comment": "On the new machine.",
        "metrics": {"auc": 0.905, "f1": 0.7, "rows": 80},
        "outcome": "reproduced",
    }
    page = " ".join(shown(world, capsys, "show", tag).split())
    assert "auc 0.91 bob measured 0.905 (-0.005)" in page
    assert "f1 not sealed bob measured 0.7" in page
    assert "rows 80 bob measured 80 (the same)" in page
    for form in ("text", "md"):
        report = " ".join(shown(world, capsys, "audit-report", "--format", form).split())
        assert "reproduced by bob: auc 0.905 (sealed 0.91, -0.005), f1 0.7 (not sealed)" in report
    clone = world.clone()
    world.arcgit("sync", cwd=clone)
    assert world.verify(cwd=clone, code=0) == []
    found = world.arcgit("search", "evaluated=reproduced", cwd=clone)["records"]
    assert [row["tag"] for row in found] == [tag]


def test_that_the_recorder_evaluated_their_own_record_is_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert world.arcgit("evaluate", "baseline", "--outcome", "fine")["by_recorder"] is True
    assert "fine by ada, who recorded it" in shown(world, capsys, "audit-report")


def test_an_evaluation_without_the_role_is_refused(world: World, bob: Person, mallory: Person) -> None:
    policy = world.work / ".arcgit" / "policy.yaml"
    text = policy.read_text().replace("roles: [recorder, reviewer]", "roles: [custodian]")
    policy.write_text(text.replace("version: 1", "version: 2"))
    world.arcgit("policy", "adopt")
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    for person, code in ((bob, "signer-role"), (mallory, "signer-unknown")):
        person.sign_as(world.work)
        assert world.arcgit("evaluate", "baseline", "--outcome", "fine", code=1)["error"]["code"] == code
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], {}),
        (["auc=0.91", "n=3", "x=-1e-3"], {"auc": 0.91, "n": 3, "x": -0.001}),
        (["loss=nan", "a=inf", "b=-Infinity"], {"loss": "NaN", "a": "Infinity", "b": "-Infinity"}),
        (["big=9007199254740993"], {"big": 9007199254740992.0}),
        ([" val.auc = 1 "], {"val.auc": 1}),
    ],
)
def test_metrics_are_numbers_by_name(texts: list[str], expected: dict[str, Any]) -> None:
    assert parsed(texts) == expected


@pytest.mark.parametrize(
    "texts", [["auc"], ["auc="], ["=1"], ["auc=high"], ["auc=1=2"], ["auc=1", "auc=1"], ["auc=0x10"], ["a=1"] * 2]
)
def test_what_is_no_metric_is_refused(texts: list[str]) -> None:
    with pytest.raises(UsageError):
        parsed(texts)


def test_an_outcome_that_is_blank_is_refused(world: World) -> None:
    assert world.arcgit("evaluate", "baseline", "--outcome", " ", code=2)["error"]["code"] == "usage"
    assert world.arcgit("evaluate", "baseline", code=2)["error"]["code"] == "usage"


def test_the_record_in_its_place_is_told_from_both_sides(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    one, two, three = (world.tag(name) for name in ("baseline", "wide", "deep"))
    done = world.arcgit("retire", one, "--superseded-by", "wide", "-m", "Better features.")
    assert done["superseded_by"] == two
    world.arcgit("retire", two, "--superseded-by", three, "-m", "Better still.")
    assert world.arcgit("show", one)["record"]["superseded_by"] == [two, three]
    assert world.arcgit("show", two)["record"]["supersedes"] == [one]
    assert f"by {two}, and that by {three}" in shown(world, capsys, "show", one)
    assert f"supersedes  {two}" in shown(world, capsys, "show", three)
    found = world.arcgit("search", f"superseded_by={two}")["records"]
    assert [(row["tag"], row["status"]) for row in found] == [(one, "retired")]
    for form in ("text", "md"):
        report = shown(world, capsys, "audit-report", "--format", form).replace("`", "").lower()
        assert f"superseded by {two.removeprefix('exp/')}" in report
    assert world.verify(code=0) == []


@pytest.mark.parametrize(
    ("successor", "code", "word"),
    [("baseline", 1, "ledger-state"), ("nothing", 2, "record-unknown"), ("exp/churn", 2, "record-ambiguous")],
)
def test_no_record_takes_its_own_place_or_one_that_nobody_knows(
    world: World, successor: str, code: int, word: str
) -> None:
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    asked = ["retire", "baseline", "--superseded-by", successor, "-m", "x"]
    assert world.arcgit(*asked, code=code)["error"]["code"] == word
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


def test_a_circle_of_successors_cannot_be_written(world: World) -> None:
    world.arcgit("retire", "baseline", "--superseded-by", "wide", "-m", "x")
    error = world.arcgit("retire", "wide", "--superseded-by", "baseline", "-m", "x", code=1)["error"]
    assert error["code"] == "ledger-state"
    assert "was retired before" in error["message"]
    assert "arcgit log" in error["hint"]


def test_a_retirement_says_why(world: World) -> None:
    assert world.arcgit("retire", "baseline", "-m", " ", code=2)["error"]["code"] == "usage"


def test_a_successor_that_ended_meanwhile_elsewhere_is_judged_anew_when_ledgers_meet(world: World, ada: Person) -> None:
    clone = world.clone()
    ada.sign_as(clone)
    world.arcgit("sync", cwd=clone)
    world.arcgit("retire", "baseline", "--superseded-by", "wide", "-m", "Better.", "--no-push")
    world.arcgit("retire", "wide", "-m", "Broken.", cwd=clone)
    invoke(world.work, "sync", code=None)
    assert "ledger-state" not in world.verify(cwd=clone, code=0)
    assert world.arcgit("show", "baseline", cwd=clone)["record"]["superseded_by"] == []


def test_runs_and_evaluations_of_two_clones_are_all_kept(world: World, ada: Person, bob: Person) -> None:
    clone = world.clone()
    bob.sign_as(clone)
    world.arcgit("sync", cwd=clone)
    world.arcgit("runs", "log", "--no-push", "-m", "one")
    world.arcgit("evaluate", "wide", "--outcome", "fine", "--no-push")
    world.arcgit("runs", "log", "-m", "two", cwd=clone)
    world.arcgit("sync")
    world.arcgit("sync", cwd=clone)
    for folder in (world.work, clone):
        said = [event["data"].get("comment") for event in world.arcgit("log", "--type", "run", cwd=folder)["events"]]
        assert sorted(said) == ["one", "two"]
        assert world.arcgit("search", "evaluated=fine", cwd=folder)["records"][0]["experiment"] == "wide"
        assert world.verify(cwd=folder, code=0) == []
