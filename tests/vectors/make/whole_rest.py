"""Vectors of whole archives: data in the DVC store, names that are only data, and archives that are sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.attacks.test_data import WANG_A, WANG_B
from tests.vectors.make.whole_bench import Change, Copy, Vector
from tests.vectors.make.whole_ledger import UNKNOWN, emptied, pinned, removed
from tests.world import git

FIXITY, PRESENCE = ("--level", "fixity"), ("--level", "presence")


def object_of(copy: Copy, path: str) -> Path:
    """Where the store keeps an out of the last commit."""
    lock = yaml.safe_load(git(copy.work, "show", "main:dvc.lock"))
    outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
    md5 = next(str(out["md5"]) for out in outs if out["path"] == path)
    return copy.store / "files" / "md5" / md5[:2] / md5[2:]


def bytes_of(path: str, change: Callable[[bytes], bytes | None]) -> Change:
    """Other bytes in the place of an object; None takes it away."""

    def spoiled(copy: Copy) -> None:
        place = object_of(copy, path)
        data = change(place.read_bytes())
        place.unlink()
        if data is not None:
            place.write_bytes(data)

    return spoiled


def listed(change: Callable[[list[Any]], object]) -> Change:
    """DVC's listing of data/train, changed."""

    def edit(data: bytes) -> bytes:
        rows = json.loads(data)
        change(rows)
        return json.dumps(rows).encode()

    return bytes_of("data/train", edit)


def in_place(copy: Copy) -> None:
    """A folder in the place of the model."""
    place = object_of(copy, "model.pkl")
    place.unlink()
    place.mkdir()
    (place / "x").write_bytes(b"x")


def collided(copy: Copy) -> None:
    """The other content with the same md5."""
    place = copy.store / "files/md5/79/054025255fb1a26e4bc422aef54eb4"
    if place.read_bytes() != WANG_A:
        raise ValueError("the archive has no colliding file")
    place.chmod(0o644)
    place.write_bytes(WANG_B)


def replaced(copy: Copy) -> None:
    """Stock git shows another manifest and another commit."""
    blob = git(copy.work, "hash-object", "-w", "--stdin", stdin="schema: other\n")
    git(copy.work, "replace", git(copy.work, "rev-parse", "main:arcgit.yaml"), blob)
    git(copy.work, "replace", git(copy.work, "rev-parse", f"{copy.refname('deep')}^{{commit}}"), "main")


def more(copy: Copy) -> None:
    """An object that nothing names."""
    place = copy.store / "files/md5/00/00000000000000000000000000000f"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"more")


def refs(*names: str) -> Change:
    """Refs to the last commit."""
    return lambda copy: [git(copy.work, "update-ref", name, "main") for name in names]


NOTHING: Change = lambda copy: None  # noqa: E731
OTHERS = (
    Vector("flipped-bit_fail", "data", "One bit of the model is another one.", bytes_of("model.pkl", lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:]), options=FIXITY, store=True),
    Vector("cut-object_fail", "data", "The model was cut off; its size tells.", bytes_of("model.pkl", lambda data: data[:-1]), options=PRESENCE, store=True),
    Vector("empty-object_fail", "data", "The model is an empty file.", bytes_of("model.pkl", lambda data: b""), options=PRESENCE, store=True),
    Vector("missing-object_fail", "data", "The model is gone.", bytes_of("model.pkl", lambda data: None), options=PRESENCE, store=True),
    Vector("folder-for-an-object_fail", "data", "What lies there is no file, so its bytes cannot be checked.", in_place, UNKNOWN, options=FIXITY, store=True),
    Vector("same-md5_fail", "data", "Other bytes with the same md5; DVC cannot tell.", collided, base="long", options=FIXITY, store=True),
    Vector("file-added-to-a-folder_fail", "data", "DVC's listing of a folder names one more file.", listed(lambda rows: rows.append({**rows[0], "relpath": "more.csv"})), options=FIXITY, store=True),
    Vector("file-taken-from-a-folder_fail", "data", "DVC's listing of a folder names one file less.", listed(lambda rows: rows.pop()), options=FIXITY, store=True),
    Vector("listing-leads-outside_fail", "data", "DVC's listing of a folder names a path outside of it.", listed(lambda rows: rows[0].update(relpath="../../../outside")), options=FIXITY, store=True),
    Vector("listing-of-nothing_fail", "data", "DVC's listing of a folder is no JSON.", bytes_of("data/train", lambda data: b"{"), options=FIXITY, store=True),
    Vector("no-fixity-lists_fail", "data", "The lists of what lies in folders are not in this clone.", lambda copy: git(copy.work, "update-ref", "-d", "refs/arcgit/fixity"), UNKNOWN, options=FIXITY, store=True),
    Vector("untouched", "sound", "Three records by two people, as they were made.", NOTHING, "pass"),
    Vector("long-history", "sound", "Every event there can be, three policies, and records that were retired, purged and made again.", NOTHING, "pass", base="long"),
    Vector("whole-data", "sound", "Every byte is what was recorded.", NOTHING, "pass", options=FIXITY, store=True),
    Vector("more-data-than-recorded", "sound", "The store has an object that no record names.", more, "pass", options=FIXITY, store=True),
    Vector("ledger-has-grown", "sound", "The verifier has seen a shorter ledger, and this one extends it.", lambda copy: pinned(copy, 2), "pass", alone=True),
    Vector("recorder-removed-later", "sound", "What somebody recorded while he was a recorder stays good.", removed, "pass"),
    Vector("nothing-recorded-and-allowed", "sound", "Judging nothing is a pass where it is asked for.", emptied, "pass", options=("--allow-empty",)),
    Vector("other-tags-below-exp", "sound", "Tags that are not named like a record are somebody else's.", refs("refs/tags/exp/notes", "refs/tags/exp/A/b/0123456789ab"), "pass"),
    Vector("ref-like-an-option", "sound", "A ref that looks like an option is only a name.", refs("refs/tags/exp/--upload-pack=x"), "pass"),
    Vector("replaced-objects", "sound", "Replace refs change what stock git shows, and no verdict.", replaced, "pass"),
)  # fmt: skip
