"""Arguments and options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from arcgit.cli import complete

TrustRoot = Annotated[
    str | None,
    typer.Option(metavar="KEY|OID", help="Fingerprint of the key, or genesis commit, that the archive began with."),
]
NoPush = Annotated[bool, typer.Option("--no-push", help="Write the event here only; `arcgit sync` pushes it later.")]
NonAtomic = Annotated[
    bool, typer.Option("--non-atomic", help="For servers that cannot push several refs as one: tags, then ledger.")
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
