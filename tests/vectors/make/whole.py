"""`python -m tests.vectors.make.whole FOLDER [NAME...]` writes the vectors that are whole archives, or those that are named.

Keys, times and so all bytes are new each time, and every vector of a base archive comes from the same one. What was
published stays as it is; new vectors are made into another folder and added.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from tests.attacks.test_data import WANG_A
from tests.compat.archive import Archive, live
from tests.home import openpgp_person, own_home, ssh_person
from tests.vectors.make.whole_bench import Copy, Vector
from tests.vectors.make.whole_ledger import LEDGERS
from tests.vectors.make.whole_rest import OTHERS
from tests.vectors.make.whole_tags import TAGS
from tests.vectors.whole import EXPECTED, judged
from tests.world import Person, dvc, git

VECTORS: tuple[Vector, ...] = (*OTHERS, *TAGS, *LEDGERS)
SCHEMA = "arcgit/vector/v1"


def packed(store: Path) -> bytes:
    """The store as an archive that is the same for the same bytes."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for path in sorted(store.rglob("*")):
            row = tarfile.TarInfo(f"store/{path.relative_to(store).as_posix()}")
            row.type, row.mode = (tarfile.DIRTYPE, 0o755) if path.is_dir() else (tarfile.REGTYPE, 0o644)
            row.size = 0 if path.is_dir() else path.stat().st_size
            tar.addfile(row, None if path.is_dir() else io.BytesIO(path.read_bytes()))
    return gzip.compress(data.getvalue(), mtime=0)


def write(vector: Vector, whole: Archive, mallory: Person, folder: Path) -> None:
    """Make one vector, and hold it to its verdict."""
    with tempfile.TemporaryDirectory(prefix="ag") as name:
        scratch = Path(name)
        copy = Copy(whole, scratch, mallory)
        shutil.copytree(whole.work.parent / "store", copy.store)
        root = copy.view().ledger.genesis, copy.view().ledger.founder
        vector.change(copy)
        place = folder / vector.name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        git(copy.work, "bundle", "create", "--quiet", str(place / "archive.bundle"), "--all")
        if vector.store:
            (place / "store.tar.gz").write_bytes(packed(copy.store))
        if copy.pin is not None:
            (place / "pin.json").write_text(json.dumps(copy.pin, sort_keys=True, separators=(",", ":")) + "\n")
        options = [*vector.options] if vector.alone else ["--trust-root", root[0], *vector.options]
        (scratch / "try").mkdir()
        found = judged(place, scratch / "try", options)
        if found["verdict"] != vector.verdict or vector.name.endswith("_fail") != (vector.verdict != "pass"):
            raise ValueError(f"{vector.name}: {found}")
        said: dict[str, Any] = {
            "schema": SCHEMA,
            "name": vector.name,
            "family": vector.family,
            "why": vector.why,
            "command": ["arcgit", "verify", *options, "--json"],
            "trust_root": {"genesis": root[0], "founder": root[1]},
            **found,
        }
        (place / EXPECTED).write_text(json.dumps(said, indent=1) + "\n")


def main(folder: Path, wanted: list[str]) -> None:
    """Make the two archives that the vectors come from, and then the vectors."""
    chosen = [vector for vector in VECTORS if not wanted or vector.name in wanted]
    with own_home() as place:
        ada = openpgp_person(place, "Ada Lovelace", "ada@example.org")
        bob, carol, mallory = (
            ssh_person(place, name, f"{name.split()[0].lower()}@example.org")
            for name in ("Bob Byte", "Carol Cole", "Mallory Mole")
        )
        whole = Archive(place / "world", ada, bob, carol)
        for vector in chosen:
            if vector.base == "short":
                write(vector, whole, mallory, folder)
        if any(vector.base == "long" for vector in chosen):
            live(whole)
            (whole.work / "weights.bin").write_bytes(WANG_A)
            dvc(whole.work, "add", "--quiet", "weights.bin")
            whole.record(bob, "colliding", files={}, kept="  weights: {role: other, path: weights.bin}\n")
            for vector in chosen:
                if vector.base == "long":
                    write(vector, whole, mallory, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
