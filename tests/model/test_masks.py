"""Masks are kept as in a dictionary."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from arcgit.model.masks import Masks

numbers = st.integers(0, 40) | st.integers(0, 2**60 - 1) | st.integers(0, 2**40 - 1).map(lambda one: one << 16)


@given(st.lists(st.tuples(numbers, st.integers(1, 15)), max_size=300), st.lists(numbers))
def test_each_number_has_the_mask_that_it_was_given_last(given_masks: list[tuple[int, int]], asked: list[int]) -> None:
    masks, expected = Masks(), dict[int, int]()
    for number, mask in given_masks:
        masks[number] = mask
        expected[number] = mask
        assert masks[number] == mask
    assert len(masks) == len(expected)
    for number in [*expected, *asked]:
        assert masks[number] == expected.get(number, 0)
