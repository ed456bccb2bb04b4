"""The quick answer for plain paths is the one that the rules give."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arcgit.model import paths

PARTS = [
    "a",
    "b-1",
    "c_2.csv",
    "con",
    "CON.txt",
    "console",
    "nul",
    "com1",
    "com10",
    "lpt9.x",
    ".git",
    "git~1",
    ".",
    "..",
    "",
]
PARTS += ["a.", "a..b", ".a", "a ", "x:y", "é", "prn.", "aux-1", "a\n", "con\n"]


@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=6), max_size=4).map("/".join))
@example("con/x")
@example("x/nul")
@example("x/con.")
def test_a_path_is_judged_alike_by_the_quick_look_and_by_the_rules(path: str) -> None:
    slow = paths._reason(path)
    assert paths.unsafe_reason(path) == slow
    assert not (paths._PLAINLY_SAFE.fullmatch(path) and slow)


@pytest.mark.parametrize("path", ["data/000001.bin", "model.pkl", "a/b/c.tar.gz", "console/comrade"])
def test_plain_paths_take_the_quick_way(path: str) -> None:
    assert paths._PLAINLY_SAFE.fullmatch(path)
