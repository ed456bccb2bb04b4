"""The command line as people and programs meet it: exit codes, JSON, help, plain output."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from arcgit.cli.app import build, run
from tests.world import Person, World, git, invoke, sh


def cli(cwd: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """The installed program as a process of its own."""
    command = [sys.executable, "-m", "arcgit", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **env})


def commands() -> list[list[str]]:
    found = []

    def walk(command: Any, path: list[str]) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found.append(path)
            return
        for name, item in inner.items():
            walk(item, [*path, name])

    walk(typer.main.get_command(build()), [])
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example: arcgit " in shown
    assert "Usage: " in shown


def test_the_list_and_a_record_have_the_agreed_shape(world: World) -> None:
    listed = world.arcgit("list")
    assert listed["schema"] == "arcgit/list/v1"
    assert [row["experiment"] for row in listed["records"]] == ["deep", "wide", "baseline"] or len(
        listed["records"]
    ) == 3
    row = next(row for row in listed["records"] if row["experiment"] == "deep")
    assert {"tag", "project", "experiment", "run_id", "commit", "owner", "status", "params", "metrics"} <= row.keys()
    assert row["params"] == {"lr": 0.001, "epochs": 9}
    assert row["metrics"]["auc"] == 0.91
    shown = world.arcgit("show", "deep")["record"]
    assert shown["lineage"]["stages"][1]["name"] == "train"
    assert [event["type"] for event in shown["events"]] == ["recorded"]


def test_a_record_is_found_by_name_id_prefix_and_experiment(world: World) -> None:
    tag = world.tag("wide")
    run_id = tag.rpartition("/")[2]
    for wanted in (tag, f"refs/tags/{tag}", run_id, run_id[:6], "wide", "churn/wide", tag[:-4]):
        assert world.arcgit("show", wanted)["record"]["tag"] == tag
    assert world.arcgit("show", "exp/churn", code=2)["error"]["code"] == "record-ambiguous"


def test_the_log_tells_what_happened_in_order(world: World) -> None:
    events = world.arcgit("log")["events"]
    assert [event["type"] for event in events] == ["genesis", "policy", "recorded", "recorded", "recorded"]
    assert [event["actor"] for event in events] == ["ada", "ada", "ada", "ada", "bob"]
    assert [event["subject"]["refname"] for event in world.arcgit("log", "deep")["events"]] == [
        f"refs/tags/{world.tag('deep')}"
    ]


def test_pipes_and_no_color_get_plain_text(world: World) -> None:
    for env in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}):
        for command in (["list"], ["show", "deep"], ["log"], ["verify"]):
            done = cli(world.work, *command, **env)
            assert (done.returncode, done.stderr) == (0, "")
            assert "\x1b" not in done.stdout
            assert "\t" not in done.stdout


def test_errors_say_what_happened_and_what_to_type_next(world: World) -> None:
    done = cli(world.work, "show", "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no record `nothing`\n next: arcgit list\n"


def test_with_json_an_error_is_one_document_on_stdout(world: World) -> None:
    done = cli(world.work, "show", "nothing", "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "schema": "arcgit/error/v1",
        "error": {"code": "record-unknown", "message": "there is no record `nothing`", "hint": "arcgit list"},
    }


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["verify", "--level", "deep"], ["check", "--staged", "--worktree"], ["show"]]
)
def test_usage_errors_end_with_two(world: World, arguments: list[str]) -> None:
    done = cli(world.work, *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert " next: arcgit" in done.stderr


def test_a_reader_that_goes_away_is_no_crash(world: World) -> None:
    command = f"{sys.executable} -m arcgit log --json | head -c 1"
    done = subprocess.run(["bash", "-c", command], cwd=world.work, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_an_empty_folder_of_records_is_no_error(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    done = cli(tmp_path, "list")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no records here" in done.stderr


def test_an_unexpected_fault_ends_with_four_and_without_a_traceback(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("arcgit.archive.read.log", explode)
    assert run(["-C", str(world.work), "log"]) == 4
    shown = capsys.readouterr().err
    assert "RuntimeError: boom" in shown
    assert "Traceback" not in shown


def test_an_interrupt_ends_with_130(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("arcgit.archive.read.log", interrupt)
    assert run(["-C", str(world.work), "log"]) == 130


def test_the_version_is_printed_by_both_spellings(tmp_path: Path) -> None:
    assert cli(tmp_path, "--version").stdout.startswith("arcgit 0.")
    assert run(["-C", str(tmp_path), "--version"]) == 0


@pytest.mark.parametrize(
    "command",
    [
        ("init",),
        ("record",),
        ("policy", "diff"),
        ("policy", "sign"),
        ("policy", "adopt"),
        ("policy", "reset"),
        ("keys", "retire", "bob"),
        ("keys", "rotate", "bob", "-"),
        ("hooks", "install"),
    ],
)
def test_what_needs_a_work_tree_says_so_in_a_bare_repository_with_what_to_type(
    world: World, command: tuple[str, ...], bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(bob.public()))
    ada_in = ("user.signingKey", "gpg.format", "user.name", "user.email")
    for setting in ada_in:
        git(world.hub, "config", setting, git(world.work, "config", setting))
    told = world.arcgit(*command, cwd=world.hub, code=2)["error"]
    assert told["code"] == "bare-repository"
    if command != ("hooks", "install"):
        sh(world.root, "sh", "-c", told["hint"].partition(";")[0])
        assert (world.root / "CLONE" / ".arcgit").is_dir()
    assert not (world.hub / "hooks" / "pre-push").exists()
    assert not (world.hub / ".arcgit").exists()


def test_the_status_of_hooks_in_a_bare_repository_is_that_of_its_own(world: World) -> None:
    assert [row["name"] for row in world.arcgit("hooks", "status", cwd=world.hub, code=1)["hooks"]] == ["pre-receive"]
    world.arcgit("hooks", "install", "--server", "here", cwd=world.hub)
    world.arcgit("hooks", "status", cwd=world.hub)


def test_a_bare_repository_can_be_read_and_verified(world: World) -> None:
    """The hub itself, as a server or an auditor with a mirror has it."""
    assert invoke(world.hub, "verify")["scope"]["records_checked"] == 3
    assert len(invoke(world.hub, "list")["records"]) == 3
