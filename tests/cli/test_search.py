"""`arcgit search` and `list`: what they find, how they show it, and what they say to a bad query."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from arcgit.cli.app import run
from tests import zygote
from tests.cli.test_commands import cli as started
from tests.world import World, git, invoke

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "search.md").read_text()
EXAMPLES = re.findall(r"^\| `([^|]+)` \| ([a-z, ]+) \|$", PAGE.partition("## Examples")[2], re.MULTILINE)


def found(world: World, query: str, *options: str) -> list[str]:
    """The experiments of the records that a query finds."""
    return [row["experiment"] for row in world.arcgit("search", query, *options)["records"]]


def cli(cwd: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return zygote.command("arcgit", *arguments, cwd=cwd, **env)


def terminal(cwd: Path, columns: int, *arguments: str, **env: str) -> str:
    """What a person sees on a terminal of so many columns."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    settings = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    with subprocess.Popen(
        [sys.executable, "-m", "arcgit", *arguments],
        cwd=cwd, stdout=follower, stderr=follower, stdin=follower, env={**settings, "TERM": "xterm-256color", **env},
    ):  # fmt: skip
        os.close(follower)
        shown = b""
        try:
            while chunk := os.read(leader, 65536):
                shown += chunk
        except OSError:  # how Linux says that nobody writes there any more
            pass
    os.close(leader)
    return shown.decode().replace("\r\n", "\n")


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 22


@pytest.fixture(scope="module")
def archive(template: Path) -> Path:
    """The archive of the examples; nobody changes it."""
    return template / "work"


@pytest.mark.parametrize(("query", "finds"), EXAMPLES)
def test_an_example_of_the_page_finds(archive: Path, query: str, finds: str) -> None:
    rows = invoke(archive, "search", query)["records"]
    expected = set() if finds == "nothing" else set(finds.split(", "))
    assert {row["experiment"] for row in rows} == expected


def test_a_search_says_what_it_looked_at(world: World) -> None:
    document = world.arcgit("search", "signer=bob")
    assert list(document) == ["schema", "query", "scope", "unreadable", "records"]
    assert (document["schema"], document["query"]) == ("arcgit/search/v1", "signer=bob")
    tip = git(world.work, "rev-parse", "refs/notes/arcgit")
    assert document["scope"] == {
        "signatures": "not checked", "ledger_ref": "refs/notes/arcgit", "ledger_tip": tip,
        "records": 3, "matched": 1, "missing": 0,
    }  # fmt: skip
    assert document["records"] == [row for row in world.arcgit("list")["records"] if row["experiment"] == "deep"]


def test_the_list_says_which_records_of_the_ledger_are_not_here(world: World) -> None:
    git(world.work, "tag", "--delete", world.tag("wide"))
    document = world.arcgit("list")
    assert (document["scope"]["records"], document["scope"]["missing"]) == (2, 1)


def test_rows_are_sorted_by_any_field_and_those_without_it_come_last(world: World) -> None:
    newest = found(world, "project=churn")
    assert found(world, "project=churn", "--sort", "params.lr")[2] == "wide"
    assert found(world, "project=churn", "--sort", "-params.lr")[0] == "wide"
    assert found(world, "project=churn", "--sort", "-params.epochs")[0] == "deep"
    assert found(world, "project=churn", "--sort", "experiment") == ["baseline", "deep", "wide"]
    assert found(world, "project=churn", "--sort", "-experiment") == ["wide", "deep", "baseline"]
    assert found(world, "project=churn", "--sort", "params.nothing") == newest
    assert found(world, "project=churn", "--sort", "-artifacts.*.size", "--limit", "2") != []


def test_a_limit_is_kept_after_sorting(world: World) -> None:
    document = world.arcgit("list", "--sort", "-experiment", "--limit", "1")
    assert [row["experiment"] for row in document["records"]] == ["wide"]
    assert document["scope"]["matched"] == 3
    assert cli(world.work, "list", "--limit", "0").returncode == 2


def test_columns_are_shown_whole_and_in_their_order(world: World) -> None:
    done = cli(world.work, "search", "signer=bob", "--columns", "metrics.auc, commit,tag,artifacts.*.role,params.none")
    title, row = done.stdout.splitlines()
    assert title.split() == ["metrics.auc", "commit", "tag", "artifacts.*.role", "params.none"]
    commit = git(world.work, "rev-list", "-n1", world.tag("deep"))
    assert row.split(maxsplit=3)[:3] == ["0.91", commit, world.tag("deep")]
    assert "model" in row
    assert "dataset" in row


def test_columns_in_json_stand_beside_the_row(world: World) -> None:
    (row,) = world.arcgit("search", "signer=bob", "--columns", "signer,artifacts.*.split,params.none")["records"]
    columns = row["columns"]
    assert (columns["signer"], sorted(columns["artifacts.*.split"]), columns["params.none"]) == (
        ["bob"],
        ["test", "train"],
        [],
    )
    assert row["experiment"] == "deep"


def test_amended_fields_are_found(world: World) -> None:
    world.arcgit("amend", "wide", "--owner", "Data Team <data@example.org>", "--reason", "Ada has left.", "--no-push")
    assert found(world, "amended.owner~data") == ["wide"]
    assert found(world, "owner~data") == []


@pytest.mark.parametrize(
    ("query", "column", "said"),
    [
        ("proejct=churn", 1, "did you mean project?"),
        ("project=churn metrics=3", 15, "say which one, such as metrics.auc"),
        ("project=churn and (owner~ada", 19, "never closed"),
        ("owner~ada)", 10, "`)` without its `("),
        ("owner~", 7, "there is no value behind `~`"),
        ("time>tomorrow", 6, "a time is written like 2026"),
        ("artifacts.model.size>3 parsecs or", 34, "something missing"),
        ("artifacts.model.size>3XB", 22, "a size is a number of bytes"),
        ("artifacts.model.color=red", 1, "an artifact has no `color`"),
        ('owner="ada', 7, "never closed"),
        ("and owner=ada", 1, "`and` cannot stand here"),
        ("= 3", 1, "cannot stand here"),
        ("(" * 60 + "a" + ")" * 60, 52, "nested more than 50 deep"),
        ("not " * 60 + "a", 205, "nested more than 50 deep"),
        ("x" * 5000, 4097, "at most 4096 characters"),
    ],
)
def test_a_bad_query_is_pointed_at(archive: Path, query: str, column: int, said: str) -> None:
    done = cli(archive, "search", query)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"column {column}: " in done.stderr
    assert said in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == query
    assert lines[1] == " " * (column - 1) + "^"
    document = invoke(archive, "search", query, code=2)
    assert document["error"]["code"] == "query-invalid"
    assert f"column {column}: " in document["error"]["message"]


def test_the_caret_stands_under_the_place_behind_wide_and_hidden_characters(archive: Path) -> None:
    done = cli(archive, "search", "owner~東京\x1b x=")
    assert done.stderr.splitlines()[:2] == ["owner~東京\\x1b x=", " " * 15 + "^"] or "column" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("option", ["--sort", "--columns"])
def test_a_bad_field_behind_an_option_is_named(archive: Path, option: str) -> None:
    error = invoke(archive, "list", option, "metric.auc,ownr" if option == "--columns" else "ownr", code=2)["error"]
    assert (error["code"], option in error["message"], "owner" in error["message"]) == ("query-invalid", True, True)


def test_no_match_is_no_error_and_names_what_was_perhaps_meant(world: World) -> None:
    done = cli(world.work, "search", "params.epoch=3")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no record of 3 matches this query; no record has epoch, some have epochs\n"


def test_a_terminal_of_80_columns_keeps_every_line_and_every_name_whole(world: World) -> None:
    lines = terminal(world.work, 80, "list", NO_COLOR="1").splitlines()
    assert lines[0].split() == ["RECORD", "STATUS", "SEALED", "METRICS"]
    assert all(len(line) <= 80 for line in lines)
    for experiment in ("baseline", "wide", "deep"):
        name = world.tag(experiment).removeprefix("exp/")
        (line,) = [line for line in lines if line.startswith(name)]
        assert line.index("recorded") == lines[0].index("STATUS")
    assert lines[-1] == "signatures were not checked; arcgit verify does"


def test_a_terminal_of_200_columns_shows_commit_and_owner_too(world: World) -> None:
    lines = terminal(world.work, 200, "list", NO_COLOR="1").splitlines()
    assert lines[0].split() == ["RECORD", "STATUS", "SEALED", "COMMIT", "OWNER", "METRICS"]
    commit = git(world.work, "rev-list", "-n1", world.tag("deep"))
    assert commit[:10] in lines[1] + lines[2] + lines[3]
    assert all("Ada Lovelace <ada@example.org>  auc=0.91" in line for line in lines[1:4])


def test_only_titles_and_status_have_a_colour(world: World) -> None:
    shown = terminal(world.work, 100, "list")
    assert "\x1b[32mrecorded\x1b[0m" in shown
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == terminal(world.work, 100, "list", NO_COLOR="1")


def test_pipes_get_nothing_but_the_table(world: World) -> None:
    done = started(world.work, "search", "signer=bob")
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 2)
    assert "\x1b" not in done.stdout


def test_a_reader_of_ascii_gets_one_document(world: World) -> None:
    git(world.work, "config", "user.name", "Ada")
    done = started(world.work, "list", "--json", PYTHONIOENCODING="ascii")
    assert len(json.loads(done.stdout)["records"]) == 3


def test_help_explains_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "not even !=" in " ".join(shown.split())
    assert "project=churn metrics.auc>0.9 owner~ada" in shown
