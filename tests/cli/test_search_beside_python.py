"""What a query finds is what plain Python finds in `arcgit list --json`, with the index, without it, and with a broken one.

The queries are made at random from what the records say; the Python beside them knows nothing of arcgit's own parser.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive.context import open_context
from arcgit.archive.row import Row
from arcgit.archive.search import Order, search
from arcgit.rules import fields, query
from bench.archive import make
from tests.world import invoke

RECORDS = 60
QUERIES = 300
COLUMNS = ("signer", "review", "artifacts.model.size", "size", "path", "sha256", "artifacts.*.role", "params.optimizer")
Document = dict[str, Any]
Test = Callable[[Document], bool]


@dataclass(frozen=True)
class Asked:
    """A query, and the same in Python."""

    text: str
    holds: Test


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("made") / "archive", RECORDS).work


@pytest.fixture(scope="module")
def documents(archive: Path) -> list[Document]:
    """All records as a program reads them."""
    rows: list[Document] = invoke(archive, "list", "--columns", ",".join(COLUMNS))["records"]
    assert len(rows) == RECORDS
    return rows


def values(document: Document, field: str) -> list[Any]:
    """What a record has of a field, read from its document alone."""
    if field in document["columns"]:
        return list(document["columns"][field])
    head, _, rest = field.partition(".")
    found = document[head] if not rest else document[head].get(rest)
    return [] if found is None else [found]


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def written(value: Any) -> str:
    """As a person would write it into a query."""
    text = value if isinstance(value, str) else json.dumps(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if not is_number(value) else text


def shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: bool(one == other),
    "!=": lambda one, other: bool(one != other),
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}
FIELDS = (
    "project", "experiment", "owner", "status", "purpose", "retention", "metrics.auc", "metrics.loss", "params.lr",
    "params.seed", "params.p0", "params.nowhere", "artifacts.model.size", "size", "path", "artifacts.*.role", "signer", "review",
)  # fmt: skip


def condition(chance: random.Random, documents: list[Document]) -> Asked:
    """One condition about a value that some record has, or one that is near to it."""
    field = chance.choice(FIELDS)
    known = [value for document in documents for value in values(document, field)]
    if not known or chance.random() < 0.1:
        return Asked(f"{field}=*", lambda document: bool(values(document, field)))
    wanted = chance.choice(known)
    if is_number(wanted) and chance.random() < 0.3:
        wanted = round(wanted * chance.choice((0.5, 1, 1.5)), 3)
    if chance.random() < 0.25:
        text = shown(wanted)
        start = chance.randrange(len(text) or 1)
        part = text[start : start + chance.randint(1, 5)]
        return Asked(
            f"{field}~{written(part)}",
            lambda document: any(part.lower() in shown(value).lower() for value in values(document, field)),
        )
    sign = chance.choice(list(ORDERS))

    def holds(document: Document) -> bool:
        return any(
            ORDERS[sign](value, wanted) if is_number(value) == is_number(wanted) else sign == "!="
            for value in values(document, field)
        )

    return Asked(f"{field}{chance.choice(('', ' '))}{sign}{chance.choice(('', ' '))}{written(wanted)}", holds)


def made(chance: random.Random, documents: list[Document], depth: int = 0) -> Asked:
    """A whole query: conditions joined, negated and in parentheses."""
    kind = chance.random()
    if depth > 3 or kind < 0.35:
        return condition(chance, documents)
    first = made(chance, documents, depth + 1)
    if kind < 0.5:
        return Asked(f"not ({first.text})", lambda document: not first.holds(document))
    second = made(chance, documents, depth + 1)
    if kind < 0.75:
        word = chance.choice((" and ", " "))
        return Asked(
            f"({first.text}){word}({second.text})", lambda document: first.holds(document) and second.holds(document)
        )
    return Asked(f"(({first.text}) or {second.text})", lambda document: first.holds(document) or second.holds(document))


def found(archive: Path, text: str, order: Order | None = None) -> list[str]:
    context = open_context(archive, state_dir=archive / "none", only_read=True)
    show: Callable[[Row], str] = lambda row: row.name.tag  # noqa: E731
    return search(context, query.parse(text), order=order, show=show).rows


def remove(archive: Path) -> None:
    (archive / ".git" / "arcgit" / "index.sqlite").unlink(missing_ok=True)


def queries(documents: list[Document], seed: int) -> Iterator[Asked]:
    chance = random.Random(seed)  # noqa: S311  no secret
    yield from (made(chance, documents) for _ in range(QUERIES))


def test_every_query_finds_what_plain_python_finds(archive: Path, documents: list[Document]) -> None:
    some = 0
    for asked in queries(documents, 1):
        expected = {document["tag"] for document in documents if asked.holds(document)}
        some += 0 < len(expected) < RECORDS
        assert set(found(archive, asked.text)) == expected, asked.text
    assert some > QUERIES / 4, "most of them tell records apart"


def test_the_index_changes_nothing(archive: Path, documents: list[Document]) -> None:
    """Not where it is gone, nor where it is garbage, and order and number are the same too."""
    for number, asked in enumerate(queries(documents, 2)):
        if number % 30:
            continue
        order = Order(fields.parse("metrics.auc"), descending=bool(number % 60))
        found(archive, "")
        kept = archive / ".git" / "arcgit" / "index.sqlite"
        assert kept.is_file()
        with_index = found(archive, asked.text, order)
        remove(archive)
        without = found(archive, asked.text, order)
        kept.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
        broken = found(archive, asked.text, order)
        assert with_index == without == broken, asked.text


@pytest.mark.parametrize("name", ["metrics.auc", "params.lr", "owner", "size", "time", "params.nowhere"])
def test_an_order_is_that_of_plain_python(archive: Path, documents: list[Document], name: str) -> None:
    """By the first value; records without one come last either way."""
    by_tag = {document["tag"]: document for document in documents}
    for descending in (False, True):
        tags = found(archive, "", Order(fields.parse(name), descending))
        firsts = [next(iter(values(by_tag[tag], name)), None) for tag in tags]
        there = [value for value in firsts if value is not None]
        assert firsts == [*sorted(there, reverse=descending), *[None] * (len(firsts) - len(there))]
        assert sorted(tags) == sorted(by_tag)
