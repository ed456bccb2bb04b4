"""pin.json: a pin, ledgers, and what contradicts; and pins that must not be taken for a first sight."""

from __future__ import annotations

from typing import Any

from arcgit.model import canonical
from tests import samples
from tests.vectors.make import absent
from tests.vectors.make.cases import Case, refused

ONE, TWO, THREE, FOUR, OTHER = ("1" * 40, "2" * 40, "3" * 40, "4" * 40, "9" * 40)
PIN = {
    "schema": "arcgit/pin/v1",
    "archive": samples.ARCHIVE,
    "genesis": ONE,
    "founder": f"SHA256:{'A' * 42}E",
    "tip": THREE,
    "seq": 3,
}
LEDGERS: tuple[tuple[str, str, list[str], list[str]], ...] = (
    ("the same ledger", "Nothing happened since.", [ONE, TWO, THREE], []),
    ("a longer one", "The event that was seen is where it was.", [ONE, TWO, THREE, FOUR, OTHER], []),
    ("a shorter one", "Events were taken away.", [ONE, TWO], ["ledger-rollback"]),
    ("the genesis alone", "Events were taken away.", [ONE], ["ledger-rollback"]),
    ("another event in its place", "The ledger was written anew.", [ONE, TWO, OTHER], ["ledger-fork"]),
    ("another event, and longer", "The place of the event that was seen counts, not the length.", [ONE, TWO, OTHER, THREE], ["ledger-fork"]),
    ("another genesis", "It is another archive under the same id.", [OTHER, TWO, THREE], ["ledger-fork"]),
    ("another genesis, and shorter", "The genesis is looked at first.", [OTHER, TWO], ["ledger-fork"]),
    ("shorter and rewritten", "A shorter ledger is a rollback, whatever stands in it.", [ONE, OTHER], ["ledger-rollback"]),
    ("an event in front of its place", "The place counts.", [ONE, THREE, FOUR], ["ledger-fork"]),
)  # fmt: skip
FAULTS: tuple[tuple[str, str, str, dict[str, Any] | str], ...] = (
    ("a newer schema", "It may say what this reader does not look for.", "of another version or archive", {**PIN, "schema": "arcgit/pin/v2"}),
    ("another archive", "The file's name is the archive's id.", "of another version or archive", {**PIN, "archive": samples.ARCHIVE.replace("0", "f")}),
    ("no tip", "All six fields are there.", "missing required field `tip`", {key: value for key, value in PIN.items() if key != "tip"}),
    ("seq is a text", "It is an integer.", "Expected `int`, got `str`", {**PIN, "seq": "3"}),
    ("a null", "A pin is a mapping.", "Expected `object`, got `null`", "null\n"),
    ("nothing", "An empty file was cut off; it is no first sight.", "is damaged", ""),
    ("cut off", "It was cut off; it is no first sight.", "is damaged", canonical.dumps(PIN).decode()[:-9]),
)  # fmt: skip


def document() -> Case:
    """The file."""
    text = canonical.dumps(PIN).decode() + "\n"
    cases: list[Case] = [
        {"name": name, "why": why, "file": text, "ledger": ledger, "codes": codes}
        for name, why, ledger, codes in LEDGERS
    ]
    fields = ("schema", "archive", "genesis", "founder", "seq")
    whole = "All six fields are there."
    rows = [*absent.missing(PIN, *fields, why=whole), *absent.null(PIN, *fields[:4], "tip", kind="str", why=whole)]
    rows += [("a list", "A pin is a mapping.", "Expected `object`, got `array`", [PIN])]
    rows += [absent.other(PIN, "seq", 0, "of another version or archive", "Events are counted from 1.")]
    for name, why, fault, value in [*FAULTS, *rows]:
        file = value if isinstance(value, str) else canonical.dumps(value).decode() + "\n"
        cases.append(refused(name, why, fault, file=file, archive=samples.ARCHIVE))
    about = "file: the pin's bytes; ledger: the oids of the commits, oldest first; codes: what contradicts the pin."
    return {"about": about, "cases": cases}
