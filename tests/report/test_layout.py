"""Lines that fit: broken between words, cut in the middle, counted in columns and not in characters."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from arcgit.model.finding import error
from arcgit.report import audit_text, audit_words, listing, pages
from arcgit.report.audit import Entry
from arcgit.report.layout import CUT, broken, elided, padded, wrapped
from arcgit.rules.changes import Changes, FileChange
from arcgit.rules.values import compare_values
from tests.report.test_audit import entry, made, on_terminal, row

WIDE = "精度の高い🚀"
TEXTS = st.text(st.sampled_from("ab ,精度🚀é"), max_size=120)


@given(TEXTS, st.integers(4, 60))
def test_whatever_is_broken_fits_and_loses_nothing_but_blanks(text: str, room: int) -> None:
    lines = wrapped(text, room)
    assert all(cell_len(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(TEXTS, st.integers(24, 60), st.integers(0, 12))
def test_a_line_in_colours_keeps_them_where_it_is_broken(text: str, width: int, indent: int) -> None:
    line = Text.assemble("  ", (text, "bold"), ("end", "dim"))
    rows = list(broken(line, width, indent))
    assert all(found.cell_len <= width for found in rows)

    def characters(some: list[Text]) -> list[tuple[str, str]]:
        return [
            (char, "".join(str(span.style) for span in found.spans if span.start <= at < span.end))
            for found in some
            for at, char in enumerate(found.plain)
            if char != " "
        ]

    assert characters(rows) == characters([line])


@given(TEXTS, st.integers(5, 60))
def test_what_is_cut_in_the_middle_keeps_its_ends(text: str, room: int) -> None:
    shown = elided(text, room)
    assert cell_len(shown) <= room
    if shown != text:
        head, tail = shown.split(CUT)
        assert text.startswith(head)
        assert text.endswith(tail)


def test_columns_are_padded_by_what_a_terminal_shows() -> None:
    assert [cell_len(padded(text, 14)) for text in ("loss", WIDE, "é")] == [14, 14, 14]


def page(**more: Any) -> dict[str, Any]:
    """A record as `show` has it."""
    found = row() | {
        "artifacts": {},
        "lineage": {"stages": [{"name": "train", "cmd": "python " + "x" * 90, "deps": [], "outs": []}]},
    }
    return found | more


@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_of_a_page_is_longer_than_the_terminal(width: int) -> None:
    name = "a-name-of-an-artifact-that-is-rather-long-" + "x" * 20
    fact = {
        "path": "data/" + "deep/" * 30,
        "role": "environment",
        "size": 5,
        "files": 3,
        "sha256": "a" * 64,
        "split": "train",
    }
    long = {f"layer_{number}_{'of_the_encoder_' * 6}": "text " * 50 for number in range(20)}
    shown = pages.record_page(
        page(
            purpose="why " * 80, owner=WIDE * 20, params=long, metrics={**long, WIDE: 0.5}, artifacts={name: fact, "b": fact},
            amended={"owner": "w " * 100},
        ),
        width,
    )  # fmt: skip
    assert max(line.cell_len for line in shown.split()) <= width


@pytest.mark.parametrize(("width", "lines"), [(80, 2), (100, 1), (104, 1), (200, 1)])
def test_an_artifact_has_one_line_where_its_hash_can_be_short_enough(width: int, lines: int) -> None:
    fact = {"path": "data/train", "role": "dataset", "size": 5, "files": 3, "sha256": "a" * 64, "split": "train"}
    names = {"train": fact, "prepare-code": {**fact, "path": "requirements.txt", "role": "environment"}}
    shown = pages.record_page(page(artifacts=names, dvc={}), width).plain
    told = shown.partition("Artifacts\n")[2].partition("\n\n")[0].splitlines()
    assert len(told) == lines * len(names)
    assert all(len(line) <= width for line in told)
    assert len(re.findall(r"sha256 a{8,16}…  split train, 3 files, 5 B, git", shown)) == len(names)


def test_values_stand_in_one_column_whatever_their_names_are_written_in() -> None:
    shown = pages.record_page(page(metrics={"loss": 0.5, WIDE: 0.5, "auc 🚀": 0.5}, params={}), 80).plain
    ends = {cell_len(line.partition("0.5")[0]) for line in shown.splitlines() if line.endswith("0.5")}
    assert len(ends) == 1


def test_a_page_in_a_pipe_is_neither_broken_nor_cut() -> None:
    shown = pages.record_page(page(purpose="why " * 80, params={"x" * 200: 1})).plain
    assert "why " * 79 in shown
    assert "x" * 200 in shown


def changed(number: int, names: list[str]) -> Entry:
    """An experiment whose parameters all differ, and one metric."""
    params = compare_values({"params.yaml": dict.fromkeys(names, 1.5)}, {"params.yaml": dict.fromkeys(names, 2.5)})
    metrics = compare_values({"m.json": {"auc": 0.5}}, {"m.json": {"auc": 0.75}})
    found = Changes(f"exp/churn/run{number}/ba9876543210", (), params, metrics)
    return since(entry(number), found)


def since(one: Entry, found: Changes) -> Entry:
    """The same experiment with these changes alone."""
    return replace(one, base=found, previous=None)


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("number", [1, 2, 4])
def test_hundreds_of_parameters_do_not_push_the_metrics_out_of_the_first_lines(width: int, number: int) -> None:
    names = [f"layer_{place}_with_a_long_name_for_a_parameter_of_the_encoder_block_{'x' * 20}" for place in range(400)]
    report = made(*(changed(one, [*names, "lr"]) for one in range(number)))
    lines = on_terminal(report, width).splitlines()[: audit_text.HEAD_LINES]
    top = " ".join(" ".join(lines).split())
    assert "lr 1.5 → 2.5" in top, "what a person sets by hand has a short name"
    assert "auc 0.5 → 0.75 (+0.25)" in top
    assert re.search(r"and (395|398|399|400) more", top)
    rows = [line for line in lines if line.startswith("  metrics     auc")]
    assert number == 4 or len(rows) == number, "a row for each topic where there is room"
    assert all(cell_len(line) <= width for line in lines)


def test_a_doubt_about_metrics_is_told_as_one_also_in_short() -> None:
    found = Changes("exp/churn/run1/ba9876543210", (FileChange("changed", "model", "model", "m"),), (), ())
    report = made(*(since(replace(entry(one), label=f"churn/{one}"), found) for one in range(9)))
    assert "metrics the same, although the model changed; " in " ".join(on_terminal(report, 100).split())


def test_a_label_never_runs_into_what_it_says() -> None:
    fact = {"path": "src/prepare.py", "role": "code", "size": 1, "sha256": "a" * 64}
    names = ["code", "prepare-code", "a-name-of-an-artifact-that-is-longer-than-any-column"]
    remotes = {"git": CLOCK, "a-remote-with-a-long-name": CLOCK}
    found = since(entry(), Changes("exp/churn/run1/ba9876543210", (), (), ()))
    assert isinstance(found.record, dict)
    found.record["artifacts"] = dict.fromkeys(names, fact)
    report = made(found, survival={"days": 90, "day": "2026-05-06", "remotes": remotes})
    for width in (80, 100, 10_000):
        shown = on_terminal(report, width)
        for name in (*names, "proven in git", "proven in a-remote-with-a-long-name"):
            assert re.search(rf"^  {name}(  |$)", shown, re.MULTILINE), name


CLOCK = {
    key: {"records": 1, "objects": 1, "bytes": 1} for key in ("total", "proven", "never_proven", "failed_since")
} | {"by": ["ada"], "oldest_proof": None, "overdue": False}


@pytest.mark.parametrize("width", range(76, 104, 3))
def test_no_line_that_was_broken_begins_with_a_command_for_ci(width: int) -> None:
    """A runner reads a command behind blanks too, and a report in a file is laid out for a terminal."""
    text = "a ::error::forged " * 30
    for shown in (
        on_terminal(made(entry(1, text), findings=(error("object-missing", text, text, hint=text),)), width),
        pages.record_page(page(purpose=text, owner=text, amended={"owner": text}), width).plain,
    ):
        assert "error" in shown
        assert [line for line in shown.splitlines() if line.lstrip().startswith("::")] == []


@pytest.mark.parametrize("width", [80, 100])
def test_one_long_name_does_not_push_the_columns_of_all_others_out_of_the_terminal(width: int) -> None:
    """It stays whole, on a line of its own; in a pipe everything is on one line."""
    long = f"churn/{'x' * 60}/0123456789ab"
    rows = [
        listing.cells(tag=f"exp/{tag}", status="recorded", time="2026-05-06T00:00:00Z", commit="5" * 40, owner="Ada", metrics={"auc": 0.5})
        for tag in (long, "churn/wide/0123456789ab", "churn/deep/0123456789ab")
    ]  # fmt: skip
    shown = list(listing.usual(rows, width, lambda word, text: text))
    assert max(map(len, shown)) <= width
    assert shown[1] == long
    assert shown[2].split() == ["recorded", "2026-05-06", "auc=0.5"]
    assert [line.split()[0] for line in shown[3:]] == ["churn/wide/0123456789ab", "churn/deep/0123456789ab"]
    assert len({line.index("recorded") for line in shown[2:]}) == 1
    piped = list(listing.usual(rows, 10_000, lambda word, text: text))
    assert len(piped) == 4


def test_of_several_findings_about_one_thing_the_step_that_mends_is_told() -> None:
    """And not the one that explains, which is there where nothing better is."""
    found = [
        error("commit-mismatch", "exp/a", "it is elsewhere", hint="arcgit explain commit-mismatch"),
        error("tag-not-as-recorded", "exp/a", "it was moved", hint="git fetch it"),
    ]
    assert [one.hint for one in audit_words.together(found)] == ["git fetch it"]
