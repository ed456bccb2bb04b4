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
    assert not (paths._PLAIN.fullmatch(path) and slow)


@pytest.mark.parametrize("path", ["data/000001.bin", "model.pkl", "a/b/c.tar.gz", "console/comrade"])
def test_plain_paths_take_the_quick_way(path: str) -> None:
    assert paths._PLAIN.fullmatch(path)


names = st.lists(st.sampled_from(["a", "A", "b", "ab", "é", "É", "e\u0301", "ß", "ss"]), min_size=1, max_size=4)


@given(st.lists(names.map("/".join), max_size=12), st.booleans())
def test_twins_are_those_that_a_look_at_all_paths_at_once_finds(found: list[str], ordered: bool) -> None:  # noqa: FBT001
    listed = sorted(found, key=str.encode) if ordered else found
    assert paths.twins(listed) == paths.twins(iter(listed)) == paths._twins(listed)


def test_paths_of_many_folders_that_are_no_twins_are_kept_apart_by_what_they_hash_to() -> None:
    hashes = paths.Hashes()
    for number in range(1000):
        hashes.note(f"{number}")
    assert not hashes.twice()
    hashes.note("7")
    assert hashes.twice() == {hash("7")}
