"""The query language: what a condition means, and that no text makes its reader stumble."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arcgit.rules import fields, query
from arcgit.rules.fields import Field
from arcgit.rules.query import QueryError

RECORD: dict[str, list[Any]] = {
    "tag": ["exp/churn/deep/0123456789ab"], "project": ["churn"], "run_id": ["0123456789ab"], "owner": ["Ada Lovelace"],
    "purpose": ["Baseline before the call-centre features."], "time": ["2026-01-31T12:30:45Z"], "commit": ["f80a" * 10],
    "status": ["held"], "params.lr": [0.001], "params.epochs": [3], "params.on": [True], "params.name": ["0.001"],
    "params.list": [[1, 2]], "params.gone": [None], "params.a b": ["x"], "params.and": [1], "metrics.loss": ["NaN"],
    "metrics.big": [2**60], "artifacts.*.size": [10, 2 * 2**30], "artifacts.*.sha256": ["abcd" * 16, "ef01" * 16],
    "artifacts.x.files": [3],
}  # fmt: skip


def outcome(text: str) -> bool | QueryError:
    """Whether the record is found, or why that cannot be told."""
    try:
        return query.parse(text).matches(look)
    except QueryError as fault:
        return fault


WORDS = st.sampled_from(
    [*"()=<>~!*.'\"\\ ", ">=", "!=", "and", "or", "not", *fields.names(), "params.lr", "metrics.loss", "size", "1e3", "0.1GiB", "2026-01", "x", "東"]
)  # fmt: skip


def look(field: Field) -> list[Any]:
    return RECORD.get(f"{field.head}.{field.rest}" if field.rest else field.head, [])


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "project=churn", "project = churn", "project!=other", "owner~lovelace", "owner~LOVE", "lovelace", '"ada love"',
        "'call-centre'", "project=churn owner~ada", "project=churn and owner~ada", "project=x or owner~ada",
        "not project=x", "not not project=churn", "(project=churn)", "((project=x or project=churn))",
        "project=churn or project=x project=y", "not project=x project=churn", "params.lr=0.001", "params.lr=1e-3",
        "params.lr=.0010", "params.lr<1", "params.lr>=0.001", "params.lr<=+0.001", "params.epochs=3.0", "params.epochs!=4",
        "params.on=true", "params.name=0.001", "params.name!=1e-3", "params.list=[1,2]", "params.list~2", "params.gone=null",
        'params."a b"=x', "params.and=1", "metrics.loss=NaN", "metrics.big>1e18", "metrics.big=1152921504606846976",
        "size>1GiB", "size>2GB", "artifacts.*.size=2GiB", "size=10B", "size<1kB", "size>=10", "artifacts.x.files=3",
        "sha256=ABCD", "sha256=ef01ef01", "commit=f80af80", "commit!=0000", "id=0123", "run_id~789", "time=2026", "time>=2026-01",
        "time<=2026-01", "time<=2026-01-31T12", "time=2026-01-31", "date>2025-12-31", "time!=2025", "time=2026-01-31T12:30:45Z",
        "params.lr=*", "not params.dropout=*", "not params.dropout=0.5", "purpose~'features.'", r'purpose~"call\-centre"',
        "status=held and (params.lr=1 or params.epochs=3) and not owner~bob", "project>=churn", "project<d", '"and" or status=held', '"churn" or x',
    ],
)  # fmt: skip
def test_the_record_is_found_by(text: str) -> None:
    assert query.parse(text).matches(look) is True


@pytest.mark.parametrize(
    "text",
    [
        "project=Churn", "project!=churn", "project=chur", "owner=lovelace", "params.lr!=0.001", "params.lr>0.001", "params.lr=x",
        "params.lr>x", "params.lr<x", "params.on=1", "params.on>0", "params.dropout=0.5", "params.dropout!=0.5", "params.dropout~0",
        "params.dropout<1", "params.dropout=*", "params.name=1e-3", "params.lr='*'", "metrics.loss>0.5 metrics.loss<0.5", "size>3GiB", "sha256=0000", "sha256=abc",
        "commit=f80b", "time<2026-01", "time>2026-01", "time>2026-01-31T12:30", "time=2025", "project=churn project=x",
        "project=churn and not owner~ada", "not (project=x or owner~ada)", "amended.owner=*", "lovelace bob", "metrics.big>1e400",
        f"params.epochs={'9' * 500}",
    ],
)  # fmt: skip
def test_the_record_is_not_found_by(text: str) -> None:
    assert query.parse(text).matches(look) is False


@given(st.lists(WORDS, max_size=40).map("".join) | st.lists(WORDS, max_size=40).map(" ".join) | st.text(max_size=200))
def test_any_text_is_a_query_or_an_error_with_a_place_in_it(text: str) -> None:
    found = outcome(text)
    assert isinstance(found, bool) or (1 <= found.column <= len(text) + 1 and found.message)


@given(
    st.dictionaries(
        st.sampled_from(["params.x", "time", "commit", "artifacts.*.size", "owner"]),
        st.lists(
            st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
            max_size=3,
        ),
    ),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "~"]),
    st.sampled_from(["1", "x", "2026", "1e3", "''", "1KiB", "*", "abcd", "9999999999999999999999"]),
)  # fmt: skip
def test_any_value_can_be_compared_with_any_other(record: dict[str, list[Any]], sign: str, value: str) -> None:
    for name in ("params.x", "time", "commit", "artifacts.*.size", "owner"):
        try:
            asked = query.parse(f"{name}{sign}{value}")
        except QueryError:
            continue
        found = asked.matches(lambda field: record.get(f"{field.head}.{field.rest}" if field.rest else field.head, []))
        assert isinstance(found, bool)
        assert found is False or record.get(name)


@given(st.text(alphabet="abd=~>()'\" not", max_size=60))
def test_what_is_in_quotes_is_only_text(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    asked = query.parse(f"params.x={quoted}")
    assert asked.matches(lambda field: [text]) is True
    assert asked.matches(lambda field: [text + "!"]) is False


def test_deep_and_long_queries_are_refused_before_they_are_read() -> None:
    for text in ("(" * 4000, "not " * 1000 + "x", "x" * 4097, "a=1 or " * 585 + "a=1"):
        with pytest.raises(QueryError):
            query.parse(text)
    assert query.parse("(" * 50 + "ada" + ")" * 50).matches(look) is True
    assert query.parse("not " * 50 + "ada").matches(look) is True
