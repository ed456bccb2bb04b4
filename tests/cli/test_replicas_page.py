"""The page about replicas: its commands are run as they stand there, and its document has the fields that it names."""

from __future__ import annotations

import json
import re

from tests.pages import DOCS, type_all
from tests.world import World, dvc, invoke

PAGE = (DOCS / "replicas.md").read_text()


def test_the_commands_of_the_page_work_as_written(world: World) -> None:
    type_all(world.work, PAGE, lines=14)
    assert invoke(world.root / "second.git", "verify")["findings"] == []
    assert invoke(world.root / "back", "verify")["scope"]["records_checked"] == 3


def test_the_document_has_the_fields_that_the_page_names(world: World) -> None:
    (world.root / "offline").mkdir()
    dvc(world.work, "remote", "add", "--quiet", "offline", "../offline")
    said = PAGE.rpartition("## JSON")[2]
    document = world.arcgit("replicate", "offline", "--with-refs")
    named = set(re.findall(r"`([a-z0-9_]+)`", said))
    assert f"`{document['schema']}`" in said
    rows = [document, *document["records"], *document["objects"], document["refs"], document["read_back"]]
    for row in rows:
        assert set(row) - {"schema"} <= named, json.dumps(sorted(set(row) - named))
