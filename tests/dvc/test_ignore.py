"""The rules of `.dvcignore` are matched as DVC matches them, and in bounded time whatever somebody wrote there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from arcgit.dvc.ignore import MAX_ANY_FOLDERS, Ignore

NAMES = st.text("ab", min_size=1, max_size=6)
GLOBS = st.text("ab*?", min_size=1, max_size=10).filter(lambda text: "**" not in text)


@given(st.lists(GLOBS, min_size=1, max_size=3), st.lists(NAMES, min_size=1, max_size=4))
def test_a_rule_hides_what_the_matcher_of_dvc_hides(globs: list[str], names: list[str]) -> None:
    rule, path = "/".join(globs), "/".join(names)
    folders = ["/".join(names[:count]) + "/" for count in range(1, len(names))]
    matcher = GitIgnoreSpec.from_lines([rule])
    assert Ignore({"": [rule]}).hides(path) == any(matcher.match_file(part) for part in [*folders, path])


@pytest.mark.parametrize(
    "rule",
    ["*a" * 60 + "*b", "*" * 100 + ",/", "**/a/" * 60 + "b", "*?" * 60 + "b", r"*\(" * 60 + "b", "*[a-c]" * 60 + "x"],
)
def test_no_rule_is_matched_for_ever(rule: str) -> None:
    """Each would take longer than anybody lives, were every way of sharing a name among the stars tried out."""
    assert not Ignore({"": [rule]}).hides("/".join(["a" * 250, *["a"] * 200, "(" * 250]))


@pytest.mark.parametrize("rule", ["data\\", "a[", "\\"])
def test_a_line_that_is_no_pattern_hides_nothing_and_stops_nobody(rule: str) -> None:
    assert Ignore({"": [rule, "*.tmp"]}).hides("x.tmp")
    assert not Ignore({"": [rule, "*.tmp"]}).hides("data")


def test_a_rule_of_too_many_folders_hides_nothing() -> None:
    rule = "/".join(["**", "a"] * (MAX_ANY_FOLDERS + 1))
    assert not Ignore({"": [rule]}).hides("a/a/a/a/a")
    assert Ignore({"": ["/".join(["**", "a"] * MAX_ANY_FOLDERS)]}).hides("a/a/a/a")
