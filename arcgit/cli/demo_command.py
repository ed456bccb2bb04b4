"""`demo`: the whole story on a throw-away project."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
