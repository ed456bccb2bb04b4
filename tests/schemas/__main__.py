"""Writes templates/schemas/ from the code; `make docs` runs it."""

from __future__ import annotations

import json
from pathlib import Path

from arcgit.model import schemas

FOLDER = Path(__file__).parent.parent.parent / "templates" / "schemas"


def main() -> None:
    """Write both schemas."""
    for name, value in (("manifest", schemas.manifest()), ("policy", schemas.policy())):
        path = FOLDER / f"{name}-v1.schema.json"
        path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
