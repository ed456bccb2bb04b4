"""Completion by the shell: real bash with the script that arcgit prints, and never a word that is not asked for."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world import World, git

BASH = """
eval "$SCRIPT"
COMP_WORDS=("$@")
COMP_CWORD=$(( $# - 1 ))
_arcgit_completion arcgit
printf '%s\\n' "${COMPREPLY[@]}"
"""


PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@functools.cache
def script() -> str:
    """What arcgit prints for bash, which is the same each time. It looks for the shell that has started it."""
    command = ["bash", "-c", 'said="$(arcgit --show-completion bash)" && printf %s "$said"']
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PATH": PATH}).stdout


def lines(cwd: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words, line by line: values may have spaces in them."""
    done = subprocess.run(
        ["bash", "-c", BASH, "bash", *words],
        cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "PATH": PATH, "SCRIPT": script()},
    )  # fmt: skip
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


def completed(cwd: Path, *words: str) -> list[str]:
    """The same, of words without spaces."""
    return [word for line in lines(cwd, *words) for word in line.split()]


@pytest.mark.parametrize("command", [["show"], ["log"], ["verify"], ["amend"]], ids=" ".join)
def test_records_are_offered_by_run_id(world: World, command: list[str]) -> None:
    ids = {world.tag(name).rpartition("/")[2] for name in ("baseline", "wide", "deep")}
    assert set(completed(world.work, "arcgit", *command, "")) == ids
    run_id = min(ids)
    assert completed(world.work, "arcgit", *command, run_id[:5]) == [run_id]


def test_records_are_offered_by_tag_and_experiment_once_these_are_begun(world: World) -> None:
    assert completed(world.work, "arcgit", "show", "exp/churn/w") == [world.tag("wide")]
    assert completed(world.work, "arcgit", "show", "churn/d") == ["churn/deep"]


def test_another_folder_is_looked_at_where_one_is_named(world: World, tmp_path: Path) -> None:
    assert completed(tmp_path, "arcgit", "-C", str(world.work), "show", "churn/d") == ["churn/deep"]


def test_fields_are_offered_in_queries_sorting_and_columns(world: World) -> None:
    assert completed(world.work, "arcgit", "search", "proj") == ["project"]
    assert completed(world.work, "arcgit", "search", "project=churn", "(metr") == ["(metrics."]
    assert completed(world.work, "arcgit", "search", "metrics.a") == ["metrics.auc"]
    assert completed(world.work, "arcgit", "list", "--sort", "params.") == ["params.epochs", "params.lr"]
    assert completed(world.work, "arcgit", "list", "--columns", "tag,metrics.r") == ["tag,metrics.rows"]


def test_commands_are_offered(tmp_path: Path) -> None:
    assert completed(tmp_path, "arcgit", "se") == ["search"]
    assert "list" in completed(tmp_path, "arcgit", "")


def test_nothing_is_offered_and_nothing_said_where_nothing_can_be_read(world: World, tmp_path: Path) -> None:
    assert completed(tmp_path, "arcgit", "show", "") == []
    assert completed(tmp_path, "arcgit", "search", "params.") == []
    (world.work / ".git" / "HEAD").write_text("broken")
    assert completed(world.work, "arcgit", "show", "") == []
    assert completed(world.work, "arcgit", "list", "--sort", "metrics.") == []


def test_a_name_of_somebody_else_is_not_offered(world: World) -> None:
    git(world.work, "update-ref", "refs/tags/exp/$(x)/y", "HEAD")
    git(world.work, "update-ref", "refs/tags/exp/churn/wide/zzz", "HEAD")
    assert set(completed(world.work, "arcgit", "show", "exp/")) == {world.tag(n) for n in ("baseline", "wide", "deep")}


def test_values_are_offered_behind_a_field(world: World) -> None:
    for asked, expected in (
        ("status=re", ["status=recorded", "status=retired"]),
        ("review=", ["review=approved", "review=open", "review=rejected"]),
        ("project=", ["project=churn"]),
        ("experiment=w", ["experiment=wide"]),
        ("experiment!=w", ["experiment!=wide"]),
        ("(experiment=w", ["(experiment=wide"]),
        ("signer=", ["signer=ada", "signer=bob"]),
        ("retention=", ["retention=standard"]),
        ("params.epochs=", ["params.epochs=3", "params.epochs=9"]),
        ("owner=", ['owner="Ada Lovelace <ada@example.org>"']),
        ('owner="Ada L', ['owner="Ada Lovelace <ada@example.org>"']),
        ("project=churn experiment=d", ["project=churn experiment=deep"]),
        ("artifacts.*.role=m", ["artifacts.*.role=metrics", "artifacts.*.role=model"]),
        ("nothing=", []),
        ("params=", []),
    ):
        assert lines(world.work, "arcgit", "search", f"'{asked}") == expected, asked


def test_values_are_offered_alone_where_bash_takes_the_sign_for_the_end_of_a_word(world: World) -> None:
    """As readline splits an unquoted `status=re`; what is offered then is quoted for the shell."""
    assert lines(world.work, "arcgit", "search", "status", "=") == [
        "altered", "held", "malformed", "purged", "recorded", "retired", "tainted", "unrecorded", "unsynced",
    ]  # fmt: skip
    assert lines(world.work, "arcgit", "search", "status", "=", "re") == ["recorded", "retired"]
    assert lines(world.work, "arcgit", "search", "project", "=", "churn", "experiment", "=", "d") == ["deep"]
    assert lines(world.work, "arcgit", "search", "owner", "=", "") == ["'\"Ada Lovelace <ada@example.org>\"'"]


def test_what_is_offered_for_the_shell_is_what_the_query_takes(world: World) -> None:
    (value,) = lines(world.work, "arcgit", "search", "owner", "=", "")
    done = subprocess.run(
        ["bash", "-c", f"python -m arcgit search owner={value} --json"],
        cwd=world.work, capture_output=True, text=True, check=True,
        env={**os.environ, "PATH": PATH},
    )  # fmt: skip
    assert done.stdout.count('"tag":') == 3


def test_events_people_and_experiments_are_offered(world: World) -> None:
    assert completed(world.work, "arcgit", "log", "--type", "re") == [
        "recorded", "released", "replicated", "restored", "retired", "reviewed",
    ]  # fmt: skip
    assert completed(world.work, "arcgit", "log", "--actor", "") == ["ada", "bob"]
    assert completed(world.work, "arcgit", "runs", "list", "") == ["churn/baseline", "churn/deep", "churn/wide"]
    ids = completed(world.work, "arcgit", "retire", "baseline", "--superseded-by", "")
    assert world.tag("wide").rpartition("/")[2] in ids
