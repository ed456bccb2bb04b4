"""Runs that failed or were never sealed: one signed event each, and "7 runs, 1 sealed" wherever an experiment is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from arcgit.cli.app import run
from arcgit.model.event import Event, Subject
from arcgit.model.names import RecordName
from arcgit.report import audit_text
from arcgit.rules.runs import count_runs
from arcgit.rules.state import RecordState
from tests.world import Person, World, git, next_experiment


def shown(world: World, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["-C", str(world.work), *arguments]) == 0
    return capsys.readouterr().out


def test_seven_runs_of_which_one_was_sealed_are_said_everywhere(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    next_experiment(world.work, "grid", "lr: 7\nepochs: 3\n")
    for number in range(5):
        world.arcgit("runs", "log", "--no-push", "-m", f"Attempt {number} diverged.")
    world.arcgit("runs", "log", "--no-push", "--outcome", "succeeded", "--rev", "HEAD~1", "--experiment", "grid")
    logged = world.arcgit("runs", "log", "--no-push", "--outcome", "succeeded")
    assert logged["runs"] == {"runs": 7, "sealed": 0, "failed": 5, "logged": 7}
    tag = world.arcgit("record")["tag"]
    counts = {"runs": 7, "sealed": 1, "failed": 5, "logged": 7}
    words = "7 runs, 1 sealed: 5 failed, 1 succeeded and was not sealed"
    assert words in shown(world, capsys, "show", tag)
    assert words in shown(world, capsys, "runs", "list")
    for base in ([], ["--base", "HEAD~1"]):
        assert words in shown(world, capsys, "audit-report", *base)
        assert words in shown(world, capsys, "audit-report", *base, "--format", "md")
        report = world.arcgit("audit-report", *base)
        entry = next(entry for entry in report["experiments"] if entry["experiment"] == "churn/grid")
        assert entry["runs"] == counts
    assert world.arcgit("show", tag)["record"]["runs"] == counts
    assert shown(world, capsys, "log", "grid").count("Attempt") == 5
    assert world.verify(code=0) == []


def test_runs_of_an_experiment_that_was_never_sealed_are_told_beside_its_manifest(world: World) -> None:
    next_experiment(world.work, "grid", "lr: 7\nepochs: 3\n")
    world.arcgit("runs", "log", "-m", "Diverged.")
    report = world.arcgit("audit-report", "--base", "HEAD~1", code=1)
    assert [(entry["state"], entry["runs"]["failed"]) for entry in report["experiments"]] == [("not recorded", 1)]


def test_a_run_is_one_signed_event_and_no_data(world: World) -> None:
    before = {path for path in world.store.rglob("*") if path.is_file()}
    tags = git(world.work, "for-each-ref", "refs/tags", "refs/arcgit")
    world.arcgit("runs", "log", "-m", "Diverged.")
    last = world.arcgit("log")["events"][-1]
    assert (last["type"], last["actor"], last["subject"]) == ("run", "ada", None)
    assert last["data"] == {
        "comment": "Diverged.",
        "commit": git(world.work, "rev-parse", "HEAD"),
        "experiment": "deep",
        "outcome": "failed",
        "project": "churn",
    }
    assert {path for path in world.store.rglob("*") if path.is_file()} == before
    assert git(world.work, "for-each-ref", "refs/tags", "refs/arcgit") == tags
    clone = world.clone()
    world.arcgit("sync", cwd=clone)
    assert world.arcgit("runs", "list", "deep", cwd=clone)["experiments"][0]["failed"] == 1
    assert world.verify(cwd=clone, code=0) == []


def test_a_run_without_the_role_is_refused_and_nothing_is_written(world: World, bob: Person) -> None:
    policy = world.work / ".arcgit" / "policy.yaml"
    text = policy.read_text().replace("roles: [recorder, reviewer]", "roles: [reviewer]")
    policy.write_text(text.replace("version: 1", "version: 2"))
    world.arcgit("policy", "adopt")
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    bob.sign_as(world.work)
    assert world.arcgit("runs", "log", code=1)["error"]["code"] == "signer-role"
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


def test_a_run_of_a_stranger_is_refused(world: World, mallory: Person) -> None:
    mallory.sign_as(world.work)
    assert world.arcgit("runs", "log", code=1)["error"]["code"] == "signer-unknown"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--rev", "nowhere"], 3, "rev-unknown"),
        (["--experiment", "No Name"], 2, "usage"),
        (["--experiment", "a/b/c"], 2, "usage"),
        (["--experiment", ""], 2, "usage"),
        (["--manifest", "elsewhere.yaml"], 2, "manifest-missing"),
        (["--outcome", "ok"], 2, "usage"),
    ],
)
def test_what_cannot_be_meant_says_so_and_writes_nothing(
    world: World, arguments: list[str], code: int, word: str
) -> None:
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    assert world.arcgit("runs", "log", *arguments, code=code)["error"]["code"] == word
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


def test_a_run_before_there_is_a_manifest_names_its_experiment(world: World) -> None:
    git(world.work, "rm", "--quiet", "arcgit.yaml")
    world.commit("no manifest")
    assert world.arcgit("runs", "log", code=2)["error"]["code"] == "manifest-missing"
    done = world.arcgit("runs", "log", "--experiment", "first-try")
    assert (done["project"], done["experiment"]) == ("churn", "first-try")
    done = world.arcgit("runs", "log", "--experiment", "cells/first-try")
    assert (done["project"], done["experiment"]) == ("cells", "first-try")
    rows = world.arcgit("runs", "list", "first-try")["experiments"]
    assert [(row["project"], row["runs"], row["sealed"]) for row in rows] == [("cells", 1, 0), ("churn", 1, 0)]


def test_a_manifest_that_cannot_be_read_is_named(world: World) -> None:
    (world.work / "arcgit.yaml").write_text("- no mapping\n")
    world.commit("broken")
    assert world.arcgit("runs", "log", code=1)["error"]["code"] == "manifest-invalid"


def test_an_experiment_that_the_ledger_does_not_know_is_said(world: World) -> None:
    assert world.arcgit("runs", "list", "nothing", code=2)["error"]["code"] == "experiment-unknown"


def test_a_comment_of_somebody_hostile_is_never_markup_or_a_command(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;x\x07\u202e\n::error::forged <script> | `tick`"
    world.arcgit("runs", "log", "-m", evil)
    world.arcgit("evaluate", "deep", "--outcome", evil, "--metric", f"{evil.partition(' ')[0].strip()}=1", "-m", evil)
    for arguments in (
        ["log"],
        ["show", "deep"],
        ["runs", "list", "deep"],
        ["audit-report"],
        ["audit-report", "--format", "md"],
    ):
        text = shown(world, capsys, *arguments)
        assert "forged" in text
        assert not set(text) & set("\x1b\x07\u202e")
        assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]


def state(seq: int, commit: str, run_id: str = "a" * 12, number: int = 1) -> RecordState:
    return RecordState(RecordName("churn", "grid", run_id, number), None, commit, "ada", None, seq)  # type: ignore[arg-type]


def ran(seq: int, outcome: str, commit: str, about: str = "", **data: Any) -> Event:
    subject = Subject(refname=about, oid="4" * 40, sha256="5" * 64) if about else None
    said = {"commit": commit, "outcome": outcome, **data}
    return Event(
        schema="arcgit/event/v1", archive="", seq=seq, type="run", actor="ada", time="", previous=None, subject=subject,
        data=said if about else {"project": "churn", "experiment": "grid", **said},
    )  # fmt: skip


X, Y = "1" * 40, "2" * 40


@pytest.mark.parametrize(
    ("label", "records", "runs", "counts"),
    [
        ("nothing was logged", [state(3, X)], [], (1, 1, 0, 0)),
        ("a failure is never the sealed run", [state(3, X)], [ran(2, "failed", X)], (2, 1, 1, 1)),
        ("a success that was sealed then", [state(3, X)], [ran(2, "succeeded", X)], (1, 1, 0, 1)),
        ("a success after the sealing", [state(3, X)], [ran(4, "succeeded", X)], (2, 1, 0, 1)),
        ("a success of another commit", [state(3, X)], [ran(2, "succeeded", Y)], (2, 1, 0, 1)),
        ("one sealed run is met once", [state(5, X)], [ran(2, "succeeded", X), ran(3, "succeeded", X)], (2, 1, 0, 2)),
        (
            "two sealed runs of one commit",
            [state(5, X), state(6, X, "b" * 12)],
            [ran(2, "succeeded", X), ran(3, "succeeded", X)],
            (2, 2, 0, 2),
        ),
        ("the same content sealed again is one run", [state(3, X), state(9, Y, number=2)], [], (1, 1, 0, 0)),
        (
            "a subject names the sealed run",
            [state(3, X)],
            [ran(4, "succeeded", Y, f"refs/tags/exp/churn/grid/{'a' * 12}")],
            (1, 1, 0, 1),
        ),
        ("nothing but failures", [], [ran(3, "failed", X), ran(4, "failed", X)], (2, 0, 2, 2)),
    ],
)
def test_a_run_is_counted_once(
    label: str, records: list[RecordState], runs: list[Event], counts: tuple[int, int, int, int]
) -> None:
    found = count_runs(records, runs)["churn", "grid"]
    assert (found.runs, found.sealed, found.failed, found.logged) == counts, label
    assert found.unsealed >= 0


def test_runs_of_no_experiment_are_in_no_count() -> None:
    event = ran(3, "failed", X)
    assert (
        count_runs(
            [],
            [
                Event(
                    **{
                        **{name: getattr(event, name) for name in event.__struct_fields__},
                        "data": {"commit": X, "outcome": "failed"},
                    }
                )
            ],
        )
        == {}
    )


def test_counts_do_not_crowd_out_the_first_lines_of_the_report(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.arcgit("runs", "log", "--no-push")
    lines = shown(world, capsys, "audit-report").splitlines()[: audit_text.HEAD_LINES]
    assert any("2 runs, 1 sealed" in line for line in lines)
    assert json.dumps(world.arcgit("audit-report")["experiments"]).count('"runs"') >= 3
