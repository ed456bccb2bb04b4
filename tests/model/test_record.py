"""What the numbers of a record mean, whichever way they are written."""

from __future__ import annotations

import pytest

from arcgit.model import canonical, record, tagmessage
from arcgit.model.names import RecordName
from tests import samples


def sealed(value: object) -> record.Record:
    return record.parse(canonical.dumps(value))


@pytest.mark.parametrize("number", [1e17, 1.2345678901234568e20, float(2**53), -1e20])
def test_a_large_number_is_the_double_that_was_sealed(number: float) -> None:
    """JSON writes such a double like an integer; it must match the rev again, and be shown as what it is."""
    found = sealed(samples.statement(inside={"metrics": {"metrics.json": {"flops": number}}}))
    assert found.content.metrics == {"metrics.json": {"flops": number}}
    assert isinstance(found.content.metrics["metrics.json"]["flops"], float)
    shown = tagmessage.readable(found, RecordName("churn", "baseline", "0" * 12))
    assert f"metrics: flops={canonical.dumps(number).decode()}\n" in shown


def test_an_integer_beyond_doubles_is_a_text() -> None:
    found = sealed(samples.statement(inside={"metrics": {"metrics.json": {"flops": 10**17}}}))
    assert found.content.metrics == {"metrics.json": {"flops": "100000000000000000"}}


@pytest.mark.parametrize("number", [1e20, float(2**53), -1, 1.5])
@pytest.mark.parametrize("field", ["size", "files"])
def test_a_size_is_an_integer_that_every_reader_holds_exactly(field: str, number: float) -> None:
    artifacts = {"train": {**samples.folder("data/train"), field: number}}
    with pytest.raises(record.RecordError, match=r"size|int"):
        sealed(samples.statement(artifacts))


@pytest.mark.parametrize("values", [0.91, "auc", [0.91], None])
@pytest.mark.parametrize("field", ["params", "metrics"])
def test_what_a_file_says_is_a_mapping(field: str, values: object) -> None:
    """No writer seals anything else, and a value without a key has no place in the readable part."""
    with pytest.raises(record.RecordError, match="object"):
        sealed(samples.statement(inside={field: {"metrics.json": values}}))
