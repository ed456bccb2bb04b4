"""The YAML guard: agrees with DVC's own reader, and refuses what is unsafe before anything is built from it."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pytest
import yaml as pyyaml
from dvc.utils.serialize import parse_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from arcgit.model import yaml

SCALARS = [
    "1e-3",
    "1e3",
    "1E3",
    "1.e3",
    "NO",
    "yes",
    "on",
    "off",
    "y",
    "n",
    "Yes",
    "TRUE",
    "true",
    "True",
    "false",
    "null",
    "Null",
    "~",
    "0755",
    "0o755",
    "0x1F",
    "0X1F",
    "1_000",
    "1.5_0",
    "12:30:45",
    "1:30",
    ".nan",
    ".NaN",
    ".inf",
    "-.inf",
    "+.inf",
    ".5",
    "5.",
    "1.10",
    "+1",
    "-0",
    "-0.0",
    "0b11",
    "1.",
    "1e10",
    "0.1e5",
    "-1e-3",
    "1e+3",
    "123456789012345678901234567890",
    "08",
    "09",
    "089",
    "00000000000000000000000000000012",
    "1__0",
    "_1",
    "0_",
    "0o8",
    "0xG",
    "2026-05-01",
    "2026-5-1",
    "2026-05-01T10:00:00",
    "0.1.2",
    "1-2",
    "a:b",
    "1,000",
    "NaN",
    "inf",
]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize("scalar", SCALARS)
def test_scalars_are_read_as_dvc_reads_them(scalar: str) -> None:
    assert same(yaml.load(f"a: {scalar}\n".encode()).value["a"], parse_yaml(f"a: {scalar}\n", "x")["a"])


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="ascii"), max_size=12).filter(
        lambda text: not text.startswith((":", "?")) and ":?" not in text
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text("abcxyz", min_size=1), values, max_size=4))
def test_documents_are_read_as_dvc_reads_them(value: dict[str, Any]) -> None:
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(value, stream)
    try:
        found = yaml.load(stream.getvalue().encode()).value
    except yaml.YamlError as fault:
        if "character" not in fault.reason:
            raise  # only control characters may be refused
        return
    assert found == (parse_yaml(stream.getvalue(), "x") or None) or found == parse_yaml(stream.getvalue(), "x")


@pytest.mark.parametrize("document", [b"{a: :0}\n", b"[:a]\n", b"a: {b: :}\n", b"a: {b: ?I}\n", b"{a: 0:?}\n"])
def test_a_text_with_an_odd_colon_inside_braces_is_not_read_as_something_else(document: bytes) -> None:
    """YAML 1.2 allows it unquoted and libyaml does not know it: one of both, as DVC reads it or not at all."""
    try:
        found = yaml.load(document).value
    except yaml.YamlError:
        return
    assert found == parse_yaml(document.decode(), "x")


def bomb(levels: int) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


def merge_bomb(levels: int) -> bytes:
    lines = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("aliases", [False, True])
@pytest.mark.parametrize(
    "data",
    [
        b"a: 1\na: 2\n", b"a: {b: 1, b: 2}\n", b"a: !!python/object/apply:os.system [id]\n", b"a: !!str 1\n", b"a: !x 1\n",
        b"a: 1\n---\nb: 2\n", b"\xff\xfea\x00", b"\xef\xbb\xbfa: 1\n", b"a: \xff\n", b"a: \x00\n", b"a: \x85\x1b\n", b"\ta: 1\n",
        b"a: [1, 2\n", b"? [1]\n: 2\n", b"? {a: 1}\n: 2\n", b"[" * 50 + b"]" * 50, b"[" * 100_000, b"a: &a [*a]\n", b"a: *b\n",
        bomb(9), merge_bomb(24), b"x" * 2000,
    ],
)  # fmt: skip
def test_unsafe_documents_are_refused(data: bytes, aliases: bool) -> None:  # noqa: FBT001
    with pytest.raises(yaml.YamlError):
        yaml.load(data, aliases=aliases, max_bytes=1500 if data == b"x" * 2000 else 1_000_000)


@pytest.mark.parametrize(
    "data", [b"a: &x 1\nb: *x\n", b"a: &x {b: 1}\nc: {<<: *x}\n", b"a: &x 1\n", b"a: {<<: {b: 1}}\n"]
)
def test_aliases_and_merges_are_read_only_where_they_are_asked_for(data: bytes) -> None:
    with pytest.raises(yaml.YamlError):
        yaml.load(data)
    assert yaml.load(data, aliases=True).value == parse_yaml(data.decode(), "x")


@pytest.mark.parametrize("data", [b"a: {<<: {b: 1}}\n", b"<<: {b: 1}\n", b"a: {<<: [{b: 1}, {c: 2}], b: 3}\n"])
def test_a_merge_of_what_stands_there_is_a_merge_too(data: bytes) -> None:
    with pytest.raises(yaml.YamlError, match="merge keys are not allowed"):
        yaml.load(data)
    assert yaml.load(data, aliases=True).value == parse_yaml(data.decode(), "x")


def test_a_quoted_merge_key_is_a_key() -> None:
    assert yaml.load(b'"<<": {b: 1}\n').value == {"<<": {"b": 1}}


def test_every_key_and_item_has_its_line() -> None:
    lines = yaml.load(b"a:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n").lines
    assert (lines["a",], lines["a", "b"], lines["a", "c", 1], lines["a", "c", 1, "d"]) == (1, 2, 5, 5)


@given(st.binary(max_size=300))
def test_hostile_bytes_never_crash(data: bytes) -> None:
    for read in (yaml.load, yaml.load_json):
        try:
            read(data)
        except yaml.YamlError:
            continue


@pytest.mark.parametrize("data", [b'{"a":1,"a":2}', b"[" * 100_000, b"[" * 60 + b"]" * 60, b"\xff", b"", b'{"a":1}x'])
def test_unsafe_json_is_refused(data: bytes) -> None:
    with pytest.raises(yaml.YamlError):
        yaml.load_json(data)


def slowly(data: bytes) -> Any:
    """What Python's own reader makes of JSON, keeping repeated keys apart from others."""
    return json.loads(
        data, object_pairs_hook=lambda pairs: {"twice": 1} if len(dict(pairs)) < len(pairs) else dict(pairs)
    )


TEXTS = st.sampled_from(["a", "b", "a:", ":", "::b", "é", "\\", '"', "\n", ""])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(TEXTS, inner), max_size=3).map(tuple),
        max_leaves=10,
    ),
    st.sampled_from(["", "\\u003a"]),
)
@example(((("a", 1), ("a", ":"))), "")
@example(((("a", 1), ("a", ""))), "\\u003a")
def test_json_is_read_as_python_reads_it_and_never_with_a_key_twice(value: Any, more: str) -> None:
    def written(part: Any) -> str:
        if isinstance(part, tuple):
            return "{" + ", ".join(f"{json.dumps(key)}: {written(item)}" for key, item in part) + "}"
        if isinstance(part, list):
            return "[" + ",".join(map(written, part)) + "]"
        return json.dumps(part, ensure_ascii=False)

    data = f'[{written(value)}, "{more}"]'.encode()
    found = slowly(data)
    if '"twice"' in json.dumps(found):
        with pytest.raises(yaml.YamlError, match="is there twice"):
            yaml.load_json(data)
    else:
        assert repr(yaml.load_json(data)) == repr(found)


PIECES = """a|b|: |:|- |[|]|{|}|, |&x |*x|<<|<<: |1|0x1f|1e3|2026-01-02|2026-13-45|2026-01-02T03:04:05Z|true|null|~|'|"|>|? |#|é|..."""


@settings(max_examples=400)
@given(st.lists(st.sampled_from([*PIECES.split("|"), "\n", "\n  ", "\n    ", "|\n  "]), max_size=12).map("".join))
@example("<<: {a: 1}")
@example("a: &x {b: 1}\nc: {<<: *x, b: 2}")
@example("1: a\n0x1: b")
@example("- <<")
def test_what_the_guard_puts_together_is_what_libyaml_would_make_of_it(text: str) -> None:
    try:
        found = yaml.load(text.encode(), aliases=True).value
    except yaml.YamlError:
        return
    assert repr(found) == repr(pyyaml.load(text, Loader=yaml._Loader))  # noqa: S506  what the guard has let pass


def test_dates_and_keys_become_text() -> None:
    value = yaml.load(b"when: 2026-05-01\n2: two\ntrue: yes\n").value
    assert yaml.to_json_value(value) == {"when": "2026-05-01", "2": "two", "true": "yes"}
    with pytest.raises(yaml.YamlError):
        yaml.to_json_value({1: "a", "1": "b"})
