"""`list` and `search`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
import typer

from arcgit.archive.row import Row
from arcgit.archive.search import Found, Order, names_seen
from arcgit.archive.search import search as run_search
from arcgit.cli import complete, output
from arcgit.cli.app import opened
from arcgit.cli.options import Json
from arcgit.errors import UsageError
from arcgit.model.text import count, escape
from arcgit.report import listing
from arcgit.report.listing import Joined
from arcgit.rules import fields, query
from arcgit.rules.fields import Field
from arcgit.rules.query import Query, QueryError
from arcgit.spool import Spool

LANGUAGE = """\
Find records by any of their fields.

\b
  project=churn metrics.auc>0.9 owner~ada    all of these
  status=held or (time>=2026-01 and not signer=bob)
  artifacts.train.size>1GiB                  a part of one artifact
  artifacts.*.sha256=9f86d081                of any artifact; hashes by a prefix
  params.optimizer=*                         the record has it
  "call-centre"                              in its tag, purpose or owner

Operators are = != > >= < <= and ~ (contains, in any case). A field that a record does not have meets no condition, not
even !=; `not params.lr=0.1` also finds records without it. Put the query in quotes: > and ( mean something to a shell.

\b
Fields: tag project experiment run_id commit owner status time purpose retention signer review evaluated superseded_by
params.NAME metrics.NAME artifacts.NAME.{role,path,kind,size,files,sha256,md5,version,split} environment.NAME
amended.{owner,purpose,retention}
"""

Sort = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD", help="Sort by a field; -FIELD from high to low.", autocompletion=complete.query_fields
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Show at most so many.", show_default=False)]
Columns = Annotated[
    str | None,
    typer.Option(metavar="A,B,C", help="Show these fields, whole.", autocompletion=complete.column_fields),
]


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.command("list", epilog="Example: arcgit list --sort -metrics.auc --columns tag,metrics.auc,params.lr")(list_)
    app.command(epilog="Example: arcgit search 'project=churn metrics.auc>0.9 owner~ada'", help=LANGUAGE)(search)


def list_(
    context: typer.Context, sort: Sort = None, limit: Limit = None, columns: Columns = None, json: Json = False
) -> None:
    """List every record, newest first."""
    _run(context, None, sort=sort, limit=limit, columns=columns, json=json)


def search(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUERY", help="See above.", autocompletion=complete.query)],
    sort: Sort = None,
    limit: Limit = None,
    columns: Columns = None,
    json: Json = False,
) -> None:
    _run(context, " ".join(words), sort=sort, limit=limit, columns=columns, json=json)


def _run(
    context: typer.Context, text: str | None, *, sort: str | None, limit: int | None, columns: str | None, json: bool
) -> None:
    asked = parsed(text, json=json) if text is not None else None
    order = Order(_field("--sort", sort.removeprefix("-")), sort.startswith("-")) if sort else None
    shown = [_field("--columns", name) for name in columns.split(",")] if columns else []
    where = opened(context, only_read=True)
    if json:
        documents = Spool()
        _emit(run_search(where, asked, order=order, limit=limit, show=_document_in(documents, shown)), documents, text)
    else:
        found = run_search(where, asked, order=order, limit=limit, show=_cells_of(shown))
        _print(found, shown)
        _remark(context, found, asked)


def parsed(text: str, *, json: bool) -> Query:
    try:
        return query.parse(text)
    except QueryError as fault:
        if not json:
            before = output.width_of(escape(text[: fault.column - 1]))
            output.note(f"{escape(text)}\n{' ' * before}^")
        hint = "arcgit search --help"
        raise UsageError("query-invalid", f"column {fault.column}: {fault.message}", hint) from fault


def _field(option: str, name: str) -> Field:
    try:
        return fields.parse(name.strip())
    except fields.FieldError as fault:
        raise UsageError("query-invalid", f"{option}: {fault}", "arcgit search --help") from fault


def _document_in(documents: Spool, shown: list[Field]) -> Callable[[Row], int]:
    """Puts the document of a row aside; of the row itself only the place stays."""

    def document(row: Row) -> int:
        value = row.to_dict()
        if shown:
            value["columns"] = {field.written.strip(): row.values(field) for field in shown}
        documents.append(msgspec.json.encode(value))
        return len(documents) - 1

    return document


def _cells_of(shown: list[Field]) -> Callable[[Row], str]:
    if not shown:
        return _usual_cells
    return lambda row: Joined.join(listing.chosen([row.values(field) for field in shown]))


def _usual_cells(row: Row) -> str:
    sealed = row.summary
    cells = listing.cells(
        tag=row.name.tag,
        status=row.status,
        time=sealed.time,
        commit=sealed.commit,
        owner=sealed.owner,
        metrics=row.metrics,
    )
    return Joined.join(cells)


def _emit(found: Found[int], documents: Spool, text: str | None) -> None:
    skipped = [{"tag": tag, "reason": reason} for tag, reason in found.unreadable]
    head = {"schema": "arcgit/list/v1"} if text is None else {"schema": "arcgit/search/v1", "query": text}
    output.emit_many(
        {**head, "scope": found.scope(), "unreadable": skipped}, "records", (documents[place] for place in found.rows)
    )


def _print(found: Found[str], shown: list[Field]) -> None:
    paint = output.painter()
    if shown and found.rows:
        titles = [escape(field.written.strip()) for field in shown]
        places = [place for place, field in enumerate(shown) if field.head == "status"]
        output.lines(listing.table(titles, Joined(found.rows), paint, status=places[0] if places else -1))
    else:
        output.lines(listing.usual(Joined(found.rows), output.console().width, paint))


def _remark(context: typer.Context, found: Found[str], asked: Query | None) -> None:
    if not found.records and not found.unreadable:
        output.note("no records here; arcgit record seals one, arcgit sync fetches them")
    elif asked is not None and not found.matched:
        output.note(f"no record of {found.records} matches this query{_spelled(context, asked)}")
    elif len(found.rows) < found.matched:
        output.aside(f"{len(found.rows)} of {count(found.matched, 'record')}")
    if found.unreadable:
        output.note(f"{count(len(found.unreadable), 'tag')} could not be read as a record; see: arcgit verify")
    if found.missing:
        output.note(f"{count(found.missing, 'record')} of the ledger: the tag is not here; see: arcgit verify")
    output.aside("signatures were not checked; arcgit verify does")


def _spelled(context: typer.Context, asked: Query) -> str:
    """Names of params and metrics that are near to one that no record has."""
    for field in asked.fields:
        if field.head in {"params", "metrics"}:
            known = names_seen(opened(context, only_read=True), field.head)
            if field.rest not in known and (near := fields.near(field.rest, known)):
                return f"; no record has {escape(field.rest)}, some have {', '.join(map(escape, near))}"
    return ""
