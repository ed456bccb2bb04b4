"""`explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from arcgit.archive import catalogue
from arcgit.cli import output
from arcgit.cli.options import Json
from arcgit.errors import UsageError
from arcgit.model.catalogue import nearest, to_dict
from arcgit.report import catalogue as pages


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: arcgit explain split-overlap")(explain)


def explain(
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="A finding or error code; default: all.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="All of them, as a Markdown page.")] = False,
    json: Json = False,
) -> None:
    """Explain a finding or error code: what it means, why it matters, how to fix it."""
    known = catalogue.load()
    if code is not None and code not in known:
        near = nearest(code, known)
        hint = f"arcgit explain {near[0]}" if near else "arcgit explain"
        meant = f"; did you mean {', '.join(near)}?" if near else ""
        raise UsageError("code-unknown", f"there is no code `{code}`{meant}", hint)
    chosen = {code: known[code]} if code is not None else known
    if json:
        output.emit({"schema": "arcgit/explain/v1", "codes": [to_dict(name, entry) for name, entry in chosen.items()]})
    elif markdown:
        output.say(pages.markdown(catalogue.by_area()).rstrip("\n"))
    elif code is not None:
        output.say(pages.page(code, known[code]))
    else:
        output.say(pages.listing(catalogue.by_area()))
