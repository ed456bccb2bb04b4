"""`arcgit log` as a person reads it: no word is cut on any terminal, a pipe has one event a line, filters as in git."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from arcgit.cli.app import run
from arcgit.report import eventlog
from tests import samples
from tests.rules.test_state import A, made, subject
from tests.world import Person, World

PLAIN = re.compile(r"\x1b\[[0-9;]*m")


def terminal(cwd: Path, columns: int, *arguments: str, **env: str) -> str:
    """What the real program shows on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with os.fdopen(ours, "rb", buffering=0) as screen:
        child = subprocess.Popen(
            [sys.executable, "-m", "arcgit", *arguments], cwd=cwd, stdin=subprocess.DEVNULL, stdout=theirs,
            stderr=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), **env},
        )  # fmt: skip
        os.close(theirs)
        said = b""
        try:
            while part := screen.read(65536):
                said += part
        except OSError:
            pass  # how Linux says that nobody writes to the terminal any more
        assert child.wait() == 0
    return said.decode().replace("\r\n", "\n")


@pytest.fixture
def told(world: World, bob: Person) -> World:
    """A world in which something happened."""
    world.arcgit("runs", "log", "--no-push", "-m", "Diverged after three epochs, the rate was ten times too high.")
    bob.sign_as(world.work)
    world.arcgit("review", "baseline", "--no-push", "--approve", "-m", "Metrics and splits checked.")
    world.arcgit("evaluate", "baseline", "--no-push", "--outcome", "reproduced", "--metric", "auc=0.905")
    return world


def words_of(events: list[dict[str, Any]]) -> list[str]:
    """What must be readable of each event, in order."""
    return [word for event in events for word in (str(event["seq"]), event["type"], event["actor"])]


@pytest.mark.parametrize("columns", [30, 60, 80, 100, 120, 200])
def test_no_word_and_no_id_is_cut_and_no_line_is_too_long(told: World, columns: int) -> None:
    lines = PLAIN.sub("", terminal(told.work, columns, "log")).splitlines()
    text = " ".join(" ".join(lines).split())
    for tag in (told.tag(name) for name in ("baseline", "wide", "deep")):
        _, project, experiment, run_id = tag.split("/")
        assert f"{project}/{experiment} {run_id}" in text
    assert "Diverged after three epochs, the rate was ten times too high." in text
    assert "approved: Metrics and splits checked." in text
    assert "reproduced, auc 0.905" in text
    assert "\u2026" not in text
    if columns >= 60:
        assert max(map(len, lines)) <= columns


def test_a_pipe_has_one_event_a_line_without_colours(told: World) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "arcgit", "log"], cwd=told.work, capture_output=True, text=True, check=True
    )
    head, *lines = done.stdout.splitlines()
    events = told.arcgit("log")["events"]
    assert head.split() == ["#", "CLAIMED", "(UTC)", "EVENT", "BY", "COMMIT", "WHAT"]
    assert [line.split()[0] for line in lines] == [str(event["seq"]) for event in events]
    for line, event in zip(lines, events, strict=True):
        assert f"{event['time']}  {event['type']}" in line
        assert event["oid"][:12] in line
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_a_terminal_has_colours_and_with_no_color_none(told: World) -> None:
    coloured = terminal(told.work, 100, "log")
    assert "\x1b[" in coloured
    plain = terminal(told.work, 100, "log", NO_COLOR="1")
    assert "\x1b[3" not in plain
    assert PLAIN.sub("", coloured) == PLAIN.sub("", plain)


def test_filters_choose_and_the_last_ones_are_the_newest(told: World) -> None:
    def seqs(*arguments: str) -> list[int]:
        return [event["seq"] for event in told.arcgit("log", *arguments)["events"]]

    whole = seqs()
    assert seqs("-n", "2") == whole[-2:]
    assert seqs("--max-count", "99") == whole
    assert seqs("--type", "run") == [6]
    assert seqs("--type", "run", "--type", "reviewed") == [6, 7]
    assert seqs("--actor", "bob", "-n", "2") == [7, 8]
    assert seqs("--actor", "nobody") == []
    year = told.arcgit("log")["events"][0]["time"][:4]
    assert seqs("--since", year, "--until", year) == whole
    assert seqs("--since", str(int(year) + 1)) == []
    assert seqs("--until", "2001-01-01T12:00") == []
    assert seqs("baseline", "--type", "recorded") == [3]


@pytest.mark.parametrize(
    "arguments",
    [["--since", "yesterday"], ["--until", ""], ["-n", "0"], ["--type", "blessed"], ["-n", "-3"]],
    ids=" ".join,
)
def test_a_filter_that_cannot_be_meant_is_a_usage_error(world: World, arguments: list[str]) -> None:
    assert world.arcgit("log", *arguments, code=2)["error"]["code"] == "usage"


def test_nothing_found_is_said_and_no_failure(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(world.work), "log", "--actor", "nobody"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "none of 5 events is like that\n")


def test_the_name_of_an_experiment_means_all_its_records_and_runs(told: World) -> None:
    told.arcgit("runs", "log", "--no-push", "--experiment", "baseline")
    kinds = [event["type"] for event in told.arcgit("log", "churn/baseline")["events"]]
    assert kinds == ["recorded", "reviewed", "evaluated", "run"]
    assert [event["type"] for event in told.arcgit("log", told.tag("baseline"))["events"]] == kinds[:3]
    assert told.arcgit("log", "exp/churn", code=2)["error"]["code"] == "record-ambiguous"


def as_json(kind: str, **data: Any) -> tuple[str, dict[str, Any]]:
    event = samples.event(kind, 7, data={**made(kind, A).data, **data}, subject=subject(A))
    return "c" * 40, event


TEXTS = st.text(max_size=200)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)


@given(comment=JSON, width=st.integers(20, 300))
def test_whatever_a_comment_is_it_is_shown_whole_inside_the_columns(comment: Any, width: int) -> None:
    lines = list(eventlog.render([as_json("reviewed", comment=comment)], width, lambda word, text: text))
    for line in lines:
        assert not set(line) & set("\x1b\n\r\x07\u202e")
        assert not line.lstrip().startswith("::")
        longest = max(map(cell_len, line.split(" ")))
        assert cell_len(line) <= max(width, longest + 45)
    if isinstance(comment, str) and comment.isascii() and comment.isalnum():
        assert comment in "".join(lines)


@pytest.mark.parametrize("kind", ["amended", "evaluated", "held", "retired", "policy", "verified", "run", "recorded"])
@pytest.mark.parametrize("odd", [None, 7, [], {}, "", [1], {"a": 1}, "x" * 3000])
def test_odd_data_that_no_rule_forbids_breaks_no_log(kind: str, odd: Any) -> None:
    data = dict.fromkeys(("comment", "storage", "approvals", "metrics", "records", "superseded_by", "to", "more"), odd)
    for width in (40, 80, 10_000):
        assert list(eventlog.render([as_json(kind, **data)], width, lambda word, text: text))
