"""What the numbers of a record mean, whichever way they are written."""

from __future__ import annotations

import itertools
import json
from typing import Any

import jsonschema
import msgspec
import pytest

from arcgit.model import canonical, record, recordform, tagmessage
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


_NAMES = ["a_b-c", "", "A", "a b", "a\nb", "m\u00f6del", "x" * 64, "model model"]
_DIGESTS = [
    "a1" * 16,
    "0" * 64,
    f"{'0' * 32}.dir",
    f"{'0' * 32}.dir\n",
    "0" * 31,
    "A" * 32,
    "A" * 64,
    "",
    "0" * 32 + " file",
]
_PATHS = ["a", "a/b.c", "a//b", "/a", "a/", "..", "a/..", "./a", ".a", "a b", "a\\b", "a\n", "a\x00", "\u00e4/b", ""]
_MAYBE = ["0" * 40, "0" * 64, "", "x"]
_FIELDS: dict[str, list[Any]] = {
    "name": _NAMES,
    "role": _NAMES,
    "path": _PATHS,
    "kind": ["file", "directory"],
    "size": [0, -1, 2**53 - 1, 2**53],
    "files": [None, 0, 1, -1, 2**53],
    "sha256": _DIGESTS,
    "md5": _DIGESTS,
    "project": _MAYBE,
    "version": _MAYBE,
    "versions": _MAYBE,
    "git": _MAYBE,
}
_FILE = dict.fromkeys(_FIELDS) | {
    "name": "model",
    "role": "model",
    "path": "model.bin",
    "kind": "file",
    "size": 1,
    "sha256": "0" * 64,
    "md5": "0" * 32,
}
_FOLDER = _FILE | {"kind": "directory", "files": 1, "md5": f"{'0' * 32}.dir"}


@pytest.mark.parametrize("base", [_FILE, _FOLDER], ids=["file", "directory"])
def test_no_artifact_is_plain_at_first_sight_and_has_a_fault(base: dict[str, Any]) -> None:
    plain = 0
    for one, other in itertools.combinations(_FIELDS, 2):
        for values in itertools.product(_FIELDS[one], _FIELDS[other]):
            fields = base | dict(zip((one, other), values, strict=True))
            ref = record.DvcRef(**{field: fields.pop(field) for field in ("md5", "project", "version", "versions")})
            name = fields.pop("name")
            fact = record.ArtifactFact(**fields, dvc=ref)
            if recordform._all_plain({name: fact}):
                plain += 1
                assert not recordform._artifact_fault(name, fact), (name, fact)
    assert plain


@pytest.mark.parametrize("artifact", [samples.folder("data/train"), samples.artifact("model.bin")])
def test_ordinary_artifacts_are_plain_at_first_sight(artifact: dict[str, Any]) -> None:
    assert recordform._all_plain(dict.fromkeys(("model", "other"), msgspec.convert(artifact, record.ArtifactFact)))


def test_a_path_that_reads_like_the_end_of_one_artifact_and_the_beginning_of_another_is_not_plain() -> None:
    path = f"a {'0' * 64} {'0' * 32} file\nother model b"
    fact = msgspec.convert(samples.artifact("model.bin") | {"path": path}, record.ArtifactFact)
    assert not recordform._all_plain({"model": fact})
    assert recordform._artifact_fault("model", fact) == "path"


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
