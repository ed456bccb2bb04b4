"""Keys with numbers: held to a dictionary that keeps every key as a value."""

from __future__ import annotations

from itertools import chain
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from arcgit.archive import numbered
from arcgit.archive.numbered import Numbered

keys = st.integers(0, 300).map(lambda number: number.to_bytes(4, "big"))


@given(st.lists(st.one_of(keys, st.none()), max_size=400), st.integers(0, 500))
def test_a_key_has_the_number_it_got_when_it_first_came(coming: list[bytes | None], room: int) -> None:
    ours, plain, number = Numbered(4), dict[bytes, int](), 0
    for place, key in enumerate(coming):
        if place == len(coming) // 2:
            ours.make_room(room)
        if key is None:
            assert ours.skip() == number
        else:
            assert (key in ours) == (key in plain)
            assert ours.add(key) == plain.setdefault(key, number)
        number += key is None or plain[key] == number
        assert len(ours) == number
    assert [ours.find(key) for key in plain] == list(plain.values())
    assert [ours.key(found) for found in plain.values()] == list(plain)
    assert ours.find(b"none") == -1


@given(st.lists(keys, max_size=300), st.lists(keys, max_size=300), st.integers(1, 20))
def test_very_many_keys_have_the_numbers_that_each_alone_would_have(
    before: list[bytes], coming: list[bytes], at_once: int
) -> None:
    ours, one_by_one = Numbered(4), Numbered(4)
    for key in before:
        assert ours.add(key) == one_by_one.add(key)
    with mock.patch.object(numbered, "AT_ONCE", at_once):
        given_to = list(chain.from_iterable(ours.add_all(coming, len(coming))))
    assert given_to == [one_by_one.add(key) for key in coming]
    assert len(ours) == len(one_by_one)
    assert all(ours.find(key) == one_by_one.find(key) for key in (*before, *coming, b"none"))


def test_something_without_a_key_is_not_found_by_zeros() -> None:
    ours = Numbered(4)
    ours.skip()
    assert bytes(4) not in ours
    assert ours.add(bytes(4)) == 1


def test_a_key_costs_few_bytes_beside_its_own() -> None:
    ours, number = Numbered(32), 10_000
    for place in range(number):
        ours.add(place.to_bytes(32, "big"))
    assert len(ours._slots) * ours._slots.itemsize <= 16 * number
    ours = Numbered(32)
    for _ in ours.add_all((place.to_bytes(32, "big") for place in range(number)), number):
        pass
    assert len(ours._slots) * ours._slots.itemsize <= 9 * number
