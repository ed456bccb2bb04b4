"""Values laid one behind the other are found as in a dictionary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arcgit.model.laid import Laid

names = st.binary(max_size=4)


@given(st.dictionaries(names, st.binary(max_size=5)), st.lists(names, max_size=30))
def test_it_is_what_a_dictionary_is(values: dict[bytes, bytes], asked: list[bytes]) -> None:
    laid = Laid(values.items())
    assert list(laid.items()) == list(values.items())
    assert len(laid) == len(values)
    for name in [*asked, *values, *sorted(values), *sorted(values, reverse=True)]:
        assert laid.get(name) == values.get(name)
        assert (name in laid) == (name in values)


def test_what_is_not_there_is_a_key_error_and_what_is_no_name_is_not_there() -> None:
    laid = Laid([(b"b", b"1")])
    for name in (b"", b"a", b"c"):
        with pytest.raises(KeyError):
            laid[name]
    other: object = "b"
    assert other not in laid
