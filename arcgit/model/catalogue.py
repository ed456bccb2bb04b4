"""The catalogue of codes: what each finding and error means, why it matters and how it is mended.

The entries are data, under `templates/findings/`, one file an area, so that nothing of them is loaded before somebody
asks. This module gives them their form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from arcgit.model import yaml

AREAS: tuple[tuple[str, str], ...] = (
    ("manifest", "Manifests and what they name"),
    ("waivers", "Waivers"),
    ("records", "Records and their tags"),
    ("ledger", "Ledger, policy and trust"),
    ("data", "Data and remotes"),
    ("clones", "Clones and git"),
    ("commands", "Commands and their surroundings"),
)
"""The files of the catalogue in the order in which they are shown, with their headings."""
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class CatalogueError(ValueError):
    """The catalogue is malformed."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One code. `severity` is that of a finding and `exit` the code of the command that it stops; one is there.

    `by` names what emits it; `fix` are steps with the commands to type. A `planned` code is spoken for and not emitted yet.
    """

    title: str
    means: str
    matters: str
    fix: tuple[str, ...]
    by: tuple[str, ...]
    severity: Literal["error", "unknown", "warning"] | None = None
    exit: int | None = None
    waivable: bool = False
    planned: bool = False


Catalogue = Mapping[str, Entry]


def parse(data: bytes) -> dict[str, Entry]:
    """The entries of one file of the catalogue by code. Raises CatalogueError."""
    value = yaml.load(data).value
    try:
        entries = msgspec.convert(value, dict[str, Entry])
    except msgspec.ValidationError as fault:
        raise CatalogueError(str(fault)) from fault
    for code, entry in entries.items():
        if not _SLUG.fullmatch(code) or not entry.fix or not entry.by:
            raise CatalogueError(f"{code}: a code is a slug and has a fix and a source")
        if entry.severity is None and entry.exit is None:
            raise CatalogueError(f"{code}: it is neither a finding nor an error")
    return entries


def nearest(code: str, known: Catalogue) -> list[str]:
    """The codes that somebody may have meant, best first."""
    import difflib  # noqa: PLC0415

    word = code.strip().lower().replace("_", "-")
    parts = [name for name in known if word and word in name]
    return list(dict.fromkeys([*difflib.get_close_matches(word, known, n=4, cutoff=0.55), *parts]))[:6]


def to_dict(code: str, entry: Entry) -> dict[str, Any]:
    """The JSON form of docs/formats/json-output.md."""
    return {"code": code, **msgspec.to_builtins(entry)}
