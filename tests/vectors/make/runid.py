"""run-id.json: the name of a run, and the names that mistaken readers give it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any

from arcgit.model import canonical, record
from tests import samples
from tests.vectors.make.cases import Case, good, wrong

MODEL = {"path": "m.bin", "role": "model", "sha256": "a" * 64}
DATA = {"path": "data", "role": "dataset", "sha256": "b" * 64}


def given(*artifacts: dict[str, str], **changes: str) -> str:
    """What a writer starts from, as JSON text; `changes` are JSON texts too."""
    fields = {"artifacts": json.dumps(artifacts or (MODEL,)), "experiment": '"e"', "project": '"p"'}
    fields |= {"lineage": "{}", "metrics": "{}", "params": "{}", **changes}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


def params(text: str) -> str:
    """What a writer starts from, with one params file."""
    return given(params='{"params.yaml": ' + text + "}")


INPUTS = (
    ("the least", "One artifact and nothing else.", given()),
    ("a parameter", "Parameters are by file.", params('{"lr": 0.001}')),
    ("the same number written otherwise", "The number counts, not its spelling.", params('{"lr": 1E-3}')),
    ("a text of digits", "A text and a number differ.", params('{"n": "1"}')),
    ("one point nought", "1.0 and 1 are one number in JSON.", params('{"n": 1.0}')),
    ("not a number", "NaN is the text, so both share a run id.", params('{"n": NaN}')),
    ("a large integer", "It becomes the text of its digits.", params('{"n": 9007199254740993}')),
    ("a large double", "It stays a number.", params('{"n": 1e20}')),
    ("another role", "The role counts.", given({**MODEL, "role": "other"})),
    ("unicode stays as it is", "Nothing is normalised: this is e with a combining accent.", params('{"nom": "e\u0301"}')),
    ("two artifacts in any order", "Artifacts are sorted by path, then role, then sha256.", given(MODEL, DATA)),
    ("a lineage by its digest", "The reference takes part, not what it names.", given(lineage=json.dumps({"sha256": "c" * 64}))),
)  # fmt: skip


def content_of(text: str) -> bytes:
    """The canonical content of an input."""
    value = json.loads(text)
    facts = [record.ArtifactFact(kind="file", size=0, **row) for row in value.pop("artifacts")]
    return record.content_bytes(artifacts=facts, **value)


def document() -> Case:
    """The file."""
    cases = []
    for name, why, text in INPUTS:
        content = content_of(text)
        cases.append(good(name, why, input=text, content=content.decode(), run_id=record.run_id(content)))
    about = "input: what a writer is given (as in canonical.json); content: its canonical bytes; run_id: its name."
    return {"about": about, "cases": cases + list(_mistakes()) + list(_confusions())}


def _mistakes() -> list[Case]:
    """Digests over other bytes, by other algorithms, or other parts of the digest."""
    plain, accent = content_of(INPUTS[1][2]), content_of(INPUTS[9][2])
    two = content_of(INPUTS[10][2])
    digest = hashlib.sha256(plain).hexdigest()
    value = json.loads(plain)
    whole = canonical.dumps(samples.statement(inside=value))
    rows = {
        "the last digits": ("The first 12 digits count.", plain, digest[-12:]),
        "in capitals": ("Digits are small.", plain, digest[:12].upper()),
        "seven digits": ("There are 12, not as many as git shows.", plain, digest[:7]),
        "sixteen digits": ("There are 12.", plain, digest[:16]),
        "MD5": ("The digest is sha256.", plain, hashlib.md5(plain, usedforsecurity=False).hexdigest()[:12]),
        "SHA-1": ("The digest is sha256.", plain, hashlib.sha1(plain, usedforsecurity=False).hexdigest()[:12]),
        "SHA-512": ("The digest is sha256.", plain, hashlib.sha512(plain).hexdigest()[:12]),
        "a git blob": ("Nothing is put before the bytes.", plain, _first(b"blob %d\0" % len(plain) + plain)),
        "with a newline": ("Nothing is put behind the bytes.", plain, _first(plain + b"\n")),
        "with white space": ("The canonical bytes count.", plain, _first(json.dumps(value).encode())),
        "in UTF-16": ("The bytes are UTF-8.", plain, _first(plain.decode().encode("utf-16-le"))),
        "of the whole record": ("Only the content counts.", plain, _first(whole)),
        "of the predicate": ("Only the content counts.", plain, _first(canonical.dumps(json.loads(whole)["predicate"]))),
        "with the commit": ("The commit stays out.", plain, _with(plain, commit=samples.COMMIT)),
        "with the owner": ("The owner stays out.", plain, _with(plain, owner="Ada")),
        "with the time": ("The time stays out.", plain, _with(plain, time=samples.TIME)),
        "without the lineage": ("The lineage takes part.", plain, _without(plain, "lineage")),
        "without the metrics": ("Empty metrics take part.", plain, _without(plain, "metrics")),
        "parameters without their file": ("Parameters are by file.", plain, _with(plain, params={"lr": 0.001})),
        "an accent put together": ("Nothing is normalised.", accent, _first(_normal(accent))),
        "an accent escaped": ("Text is not escaped.", accent, _first(json.dumps(json.loads(accent), separators=(",", ":")).encode())),
        "artifacts as they came": ("Artifacts are sorted.", two, _with(two, artifacts=[MODEL, DATA])),
    }  # fmt: skip
    return [
        wrong(name, why, content=content.decode(), run_id=claim, right=record.run_id(content))
        for name, (why, content, claim) in rows.items()
    ]


def _confusions() -> list[Case]:
    """Two contents that a careless reader takes for one."""
    by_name = {name: record.run_id(content_of(text)) for name, _, text in INPUTS}
    pairs = (
        ("a text of digits", "one point nought", "A text is no number."),
        ("another role", "the least", "The role counts."),
        ("a large integer", "a large double", "An integer beyond 2^53 is a text, a double of that size is a number."),
        ("two artifacts in any order", "the least", "Every artifact counts."),
        ("a lineage by its digest", "the least", "The reference takes part."),
        ("a parameter", "the least", "Parameters take part."),
    )
    texts = {name: text for name, _, text in INPUTS}
    return [
        wrong(
            f"{name}, taken for another content",
            why,
            content=content_of(texts[name]).decode(),
            run_id=by_name[other],
            right=by_name[name],
        )
        for name, other, why in pairs
    ]


def _first(data: bytes) -> str:
    return canonical.sha256(data)[:12]


def _with(content: bytes, **changes: Any) -> str:
    return _first(canonical.dumps({**json.loads(content), **changes}))


def _without(content: bytes, field: str) -> str:
    value = json.loads(content)
    del value[field]
    return _first(canonical.dumps(value))


def _normal(content: bytes) -> bytes:
    return unicodedata.normalize("NFC", content.decode()).encode()
