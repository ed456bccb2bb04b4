"""`arcgit explain`: every code, on a page that fits a terminal of 80 columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import catalogue
from arcgit.cli.app import run

KNOWN = catalogue.load()


@pytest.mark.parametrize("code", KNOWN)
def test_a_page_fits_eighty_columns(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", code]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{code}  ")
    for title in ("What it means", "Why it matters", "How to fix it"):
        assert f"\n{title}\n" in shown
    # A command stays in one piece: it is there to be copied.
    assert [line for line in shown.splitlines() if len(line) > 80 and " " in line.strip(" `.,")] == []


def test_without_a_code_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {code} " in shown for code in KNOWN)
    assert max(map(len, shown.splitlines())) <= 90


@pytest.mark.parametrize("arguments", [[], ["split-overlap"]])
def test_the_json_has_every_field(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", *arguments, "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["schema"] == "arcgit/explain/v1"
    assert [row["code"] for row in document["codes"]] == (arguments or list(KNOWN))
    for row in document["codes"]:
        assert set(row) == {
            "code", "title", "means", "matters", "fix", "by", "severity", "exit", "waivable", "planned",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("split-overlp", "split-overlap"),
        ("owner", "owner-missing"),
        ("Split_Overlap", "split-overlap"),
        ("secrets", "secret-found"),
    ],
)
def test_an_unknown_code_names_the_nearest_ones(asked: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", asked, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "code-unknown"
    assert meant in error["message"]


@pytest.mark.parametrize("asked", ["qqqqqqqq", "", "\x1b[31m", "../x", "a" * 10_000])
def test_a_hostile_code_is_an_answer_too(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", asked]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_explain_needs_no_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["explain", "secret-found"]) == 0
    assert "may be waived" in capsys.readouterr().out
