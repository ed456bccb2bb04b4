"""Canonical JSON against RFC 8785's own examples, and the laws of reading and writing it."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from arcgit.model import canonical

# RFC 8785, appendix B: IEEE 754 bits in hex and the text they must have.
NUMBERS = """
0000000000000000 0
8000000000000000 0
0000000000000001 5e-324
8000000000000001 -5e-324
7fefffffffffffff 1.7976931348623157e+308
ffefffffffffffff -1.7976931348623157e+308
4340000000000000 9007199254740992
c340000000000000 -9007199254740992
4430000000000000 295147905179352830000
44b52d02c7e14af5 9.999999999999997e+22
44b52d02c7e14af6 1e+23
44b52d02c7e14af7 1.0000000000000001e+23
444b1ae4d6e2ef4e 999999999999999700000
444b1ae4d6e2ef4f 999999999999999900000
444b1ae4d6e2ef50 1e+21
3eb0c6f7a0b5ed8c 9.999999999999997e-7
3eb0c6f7a0b5ed8d 0.000001
41b3de4355555553 333333333.3333332
41b3de4355555554 333333333.33333325
41b3de4355555555 333333333.3333333
41b3de4355555556 333333333.3333334
41b3de4355555557 333333333.33333343
becbf647612f3696 -0.0000033333333333333333
43143ff3c1cb0959 1424953923781206.2
"""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("line", NUMBERS.split("\n")[1:-1])
def test_numbers_are_written_as_the_rfc_lists_them(line: str) -> None:
    bits, text = line.split()
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert canonical.dumps(number).decode() == text


@given(json_values)
def test_what_is_written_is_read_back_as_it_is(value: Any) -> None:
    data = canonical.dumps(value)
    read = canonical.parse(data)
    assert canonical.dumps(read) == data


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":1e0}',
        b'{"a":01}',
        b'{"a":-0}',
        b'{"a":"\\u0041"}',
        b'{"a":1}\n',
        b"\xef\xbb\xbf{}",
        b"{}{}",
        b'{"a":NaN}',
        b'{"\xff":1}',
        b"[" * 100_000,
        b"",
    ],
)
def test_every_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(canonical.CanonicalError):
        canonical.parse(data)


def test_numbers_that_json_cannot_hold_become_strings() -> None:
    value = {"a": float("nan"), "b": float("inf"), "c": float("-inf"), "d": 2**53, "e": 2**53 - 1}
    expected = b'{"a":"NaN","b":"Infinity","c":"-Infinity","d":"9007199254740992","e":9007199254740991}'
    assert canonical.dumps(value) == expected


@pytest.mark.parametrize("value", [{1: 2}, {"a": b"bytes"}, {"a": {1, 2}}, "\ud800", {"\udc00": 1}])
def test_what_is_no_json_value_is_refused(value: Any) -> None:
    with pytest.raises(canonical.CanonicalError):
        canonical.dumps(value)


@given(st.text())
def test_text_alone_is_written_as_the_rfc8785_library_writes_it(value: str) -> None:
    try:
        expected = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError):
        with pytest.raises(canonical.CanonicalError):
            canonical.dumps(value)
    else:
        assert canonical.dumps(value) == expected


@pytest.mark.parametrize("code", range(0x100))
def test_every_character_of_latin_1_is_written_as_the_rfc8785_library_writes_it(code: int) -> None:
    assert canonical.dumps(chr(code)) == rfc8785.dumps(chr(code))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_written_as_the_rfc8785_library_writes_it(value: float) -> None:
    assert canonical.dumps(value) == rfc8785.dumps(value)


@given(json_values.filter(lambda value: isinstance(value, dict)))
def test_what_another_writer_made_is_read_only_where_it_is_what_the_rfc8785_library_writes(value: Any) -> None:
    data = msgspec.json.encode(value, order="sorted")
    try:
        expected = rfc8785.dumps(canonical._doubles(msgspec.json.decode(data)))
    except (rfc8785.CanonicalizationError, OverflowError):
        expected = b""
    if data == expected:
        assert canonical.dumps(canonical.parse(data)) == data
    else:
        with pytest.raises(canonical.CanonicalError):
            canonical.parse(data)


@pytest.mark.parametrize("number", [b"1.0", b"1e5", b"-0", b"1E400", b"99999999999999999999", b"-0.0", b"0.10"])
@pytest.mark.parametrize("text", [b"a", b"a\\\\", b'a\\"', b":", b"\xc3\xa9"])
def test_a_number_in_another_spelling_is_refused_whatever_text_stands_beside_it(number: bytes, text: bytes) -> None:
    for data in (b'{"%s":[%s,"%s"]}' % (text, number, text), b'{"%s":"%s","z":%s}' % (text, text, number)):
        with pytest.raises(canonical.CanonicalError):
            canonical.parse(data)
