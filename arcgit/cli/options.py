"""Arguments and options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from arcgit.cli import complete

TrustRoot = Annotated[
    str | None,
    typer.Option(metavar="KEY|OID", help="Fingerprint of the key, or genesis commit, that the archive began with."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Record = Annotated[
    str,
    typer.Argument(
        metavar="RECORD",
        help="A tag name, a run id, or a unique prefix of one.",
        autocompletion=complete.records,
    ),
]
