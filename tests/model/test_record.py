"""What the numbers of a record mean, whichever way they are written."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from arcgit.model import canonical, record, tagmessage
from arcgit.model.names import RecordName
from arcgit.resources import resource
from tests import samples
from tests.vectors.cases import document


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


BEYOND_A_SCHEMA = {
    "a byte more than 1 MiB", "a day that there is not", "a key twice", "a newline at the end", "a parameter changed afterwards",
    "a space after a colon", "a subject that is no artifact", "a subject with another digest", "a subject with another md5", "a waiver that ends on no day",
    "an artifact less in the content", "an escape that is not needed", "an md5 of what git keeps", "another digest in the content",
    "another run id", "keys out of order", "the content's artifacts out of order", "two artifacts with one path",
}  # fmt: skip
"""Which values must agree, and how they are spelled, is not what a schema says."""


def test_the_published_schema_says_what_the_code_says() -> None:
    schema: dict[str, Any] = json.loads(resource("templates/schemas/record-v1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    accepted, read = set(), set()
    for case in document("record")["cases"]:
        try:
            valid = judge.is_valid(json.loads(case["record"]))
        except ValueError:
            continue
        accepted |= {case["name"]} if valid else set()
        read |= set() if "error" in case else {case["name"]}
    assert accepted - read == BEYOND_A_SCHEMA
    assert read <= accepted
