"""The comparison on a terminal and in a pipe: readable at every width, and nothing in it but text."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from arcgit.model.record import Record
from arcgit.report.comparison import MAX_NAMES, comparison_table, verdict_text
from tests import samples
from tests.report.test_lineage import HOSTILE
from tests.rules.test_comparison import compared, listing, sealed


def side(found: Record, **changes: Any) -> dict[str, Any]:
    """What a record has of `arcgit/diff/v1`."""
    tag = f"exp/churn/baseline/{found.predicate.run_id}"
    return {"tag": tag, "project": "churn", "experiment": "baseline", "status": "recorded", "amended": {}, **changes}


def shown(before: Record, after: Record, *, width: int = 80, lists: Any = None, amended: Any = None) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, highlight=False, emoji=False, soft_wrap=True)
    found = compared(before, after, lists)
    console.print(comparison_table(side(before), side(after, amended=amended or {}), found), verdict_text(found))
    return out.getvalue()


def hostile(name: str) -> Record:
    stage = {**samples.LINEAGE["stages"][0], "name": name, "cmd": name, "file": name, "params": {name: {name: name}}}
    stage["deps"] = [{"path": name, "md5": name, "size": -1}]
    origin = {"url": name, "rev_lock": name}
    lineage = {"sources": [{"path": name, "md5": name, "origin": origin}], "stages": [stage]}
    values = {name: {name: name, "x": name}}
    artifacts = {**samples.ARTIFACTS, "train": samples.folder("data/train", split=name, version=name, sha256="9" * 64)}
    inside = {"lineage": lineage, "params": values, "metrics": values}
    said = {"owner": name, "purpose": name, "retention": name, "environment": {name: name}}
    return sealed(artifacts, inside, **said)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
@pytest.mark.parametrize("width", [80, 10_000])
def test_hostile_text_is_never_more_than_text(name: str, width: int) -> None:
    lists = {"d" * 64: listing(("a", "1")), "9" * 64: listing((name, "1"), ("b", "2"))}
    text = shown(sealed(), hostile(name), width=width, lists=lists, amended={"owner": name})
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    if width > 80:
        assert not re.search(r"^\s*::", text, re.MULTILINE)
    assert width > 80 or max(map(cell_len, text.splitlines())) <= 80


@pytest.mark.parametrize("width", [80, 120, 200])
def test_values_stay_beside_each_other_at_every_width(width: int) -> None:
    text = shown(sealed(), sealed(inside={"metrics": {"metrics.json": {"auc": 0.934}}}), width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert re.search(r"~ +auc +0\.91 +0\.934 +\+0\.024 \(\+2\.637%\)", text)


def test_long_lists_of_files_are_cut_and_counted() -> None:
    after = {**samples.ARTIFACTS, "train": samples.folder("data/train", split="train", sha256="9" * 64)}
    many = [(f"{number:03}.csv", "2") for number in range(200)]
    text = shown(sealed(), sealed(after), lists={"d" * 64: listing(), "9" * 64: listing(*many)})
    assert text.count(".csv") == MAX_NAMES
    assert "200 added" in text
    assert "and 195 more added" in text


def test_what_is_the_same_is_a_number_and_identical_is_said() -> None:
    text = shown(sealed(), sealed())
    assert "Identical" in text
    assert "auc" not in text
    assert "The same content" in shown(sealed(), sealed(owner="Eve <eve@example.org>"))


def test_content_that_differs_only_in_order_is_not_called_the_same() -> None:
    two = [{"path": "a"}, {"path": "b"}]
    one, other = ({"sources": items, "stages": []} for items in (two, two[::-1]))
    text = shown(sealed(inside={"lineage": one}), sealed(inside={"lineage": other}))
    assert "Differs: only in how the content is written" in text


def test_a_key_of_two_files_is_shown_with_its_file() -> None:
    before, after = ({"params": {"a.yaml": {"lr": 1}, "b.yaml": {"lr": number}}} for number in (1, 2))
    assert re.search(r"~ +b\.yaml:lr +1 +2", shown(sealed(inside=before), sealed(inside=after)))


def test_what_was_said_anew_since_is_shown() -> None:
    text = shown(sealed(), sealed(), amended={"owner": "Eve <eve@example.org>"})
    assert re.search(r"~ +owner, amended +Eve", text)
