"""Files that ship with arcgit: `hooks/` and `templates/`, from a wheel or from a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """The path of a shipped file such as `hooks/pre-commit`. Raises FileNotFoundError."""
    for folder in (_PACKAGE / "_resources", _PACKAGE.parent):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(name)
