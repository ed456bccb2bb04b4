"""`python -m tests.vectors.make FOLDER [NAME...]` writes the vectors of format version 1, or those that are named.

What needs no key comes out the same every time. `signature`, `tag`, `commit` and `ledger` are made with real GnuPG and
ssh-keygen and new keys in a temporary home, so all four are new every time and are made together. After a release,
cases are only added: write to another folder and take over what is new. Nothing here judges the cases of the plain ones:
tests/model/test_vectors.py holds every case to its claim, so run it on what was written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.vectors.make import (
    canonical,
    commit,
    escape,
    event,
    fixity,
    ledger,
    manifest,
    matching,
    notes,
    pin,
    policy,
    proven,
    readable,
    record,
    refname,
    runid,
    signature,
    tag,
    versions,
)
from tests.vectors.make.cases import Case, written
from tests.vectors.make.chain import People
from tests.vectors.make.people import home

PLAIN: Mapping[str, Callable[[], Case]] = {
    "canonical": canonical.document,
    "escape": escape.document,
    "event": event.document,
    "fixity": fixity.document,
    "manifest": manifest.document,
    "matching": matching.document,
    "notes": notes.document,
    "pin": pin.document,
    "policy": policy.document,
    "proven": proven.document,
    "readable": readable.document,
    "record": record.document,
    "refname": refname.document,
    "run-id": runid.document,
    "versions": versions.document,
}
SIGNED: Mapping[str, Callable[[People], Case]] = {
    "commit": commit.document,
    "ledger": ledger.document,
    "signature": lambda people: signature.document(people.home),
    "tag": tag.document,
}


def main(folder: Path, wanted: list[str]) -> None:
    """Write the files into `folder`."""
    for name, document in PLAIN.items():
        if not wanted or name in wanted:
            (folder / f"{name}.json").write_text(written(document()))
    if not wanted or not SIGNED.keys().isdisjoint(wanted):
        with home() as made:
            people = People(made)
            for name, sign in SIGNED.items():
                (folder / f"{name}.json").write_text(written(sign(people)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
