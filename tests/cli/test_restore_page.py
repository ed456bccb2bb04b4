"""The page about restoring: its commands are run as they stand there, and its documents have the fields that it names."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.pages import DOCS, type_all
from tests.world import World, dvc

PAGE = (DOCS / "restore.md").read_text()


def test_the_commands_of_the_page_work_as_written(world: World) -> None:
    type_all(world.work, PAGE, lines=9)
    there = {str(path.relative_to(world.work)) for name in ("model-only", "one", "some") for path in (world.work / name).rglob("*.*") if path.is_file()}  # fmt: skip
    assert there == {
        "model-only/model.pkl", "one/data/train/0.csv", "some/metrics.json", *(f"some/data/test/{number}.csv" for number in range(3)),
    }  # fmt: skip
    inputs = world.work / "inputs"
    assert {path.name for path in inputs.rglob("*.*") if path.is_file()} == {"0.csv", "1.csv", "2.csv", "train.py"}
    shutil.rmtree(world.work / ".dvc" / "cache")
    dvc(world.work, "pull", "--quiet")


def test_the_documents_have_the_fields_that_the_page_names(world: World, tmp_path: Path) -> None:
    said = PAGE.rpartition("## JSON")[2]
    found = {
        "restore": (world.arcgit("restore", "deep", "--to", str(tmp_path / "out")), "files"),
        "protected": (world.arcgit("protected"), "objects"),
        "gc": (world.arcgit("gc", "--workspace", "--dry"), "objects"),
    }
    for name, (document, rows) in found.items():
        part = said[said.index(f"`arcgit {name} --json`") :]
        assert f"`{document['schema']}`" in part, name
        named = set(re.findall(r"`([a-z0-9_]+)`", part))
        assert set(document) - {"schema"} <= named, json.dumps(sorted(set(document) - named))
        assert all(set(row) <= named for row in document[rows]), name
