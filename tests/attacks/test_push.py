"""Pushes to a bare repository that has only the server's hook: what would leave the archive other than whole is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hooks.pushing import refs, refused, taken
from tests.world import Person, World, git

LEDGER = "refs/notes/arcgit"
TAGS = "refs/tags/exp/*:refs/tags/exp/*"


@pytest.fixture
def hub(world: World) -> World:
    """The archive with the server's hook in its hub."""
    world.arcgit("hooks", "install", "--server", str(world.hub))
    return world


def test_what_arcgit_pushes_is_taken(hub: World) -> None:
    git(hub.work, "commit", "--quiet", "--allow-empty", "-m", "more")
    assert hub.arcgit("retire", "wide", "--reason", "Replaced.")["pushed"] == [LEDGER]
    taken(hub, "main")


def test_a_recorded_tag_is_neither_moved_nor_deleted(hub: World) -> None:
    tag = f"refs/tags/{hub.tag()}"
    refused(hub, f":{tag}", codes=["recorded-tag-missing"])
    refused(hub, "--force", f"HEAD:{tag}", codes=["tag-type"])
    refused(hub, "--force", f"refs/tags/{hub.tag('wide')}:{tag}", codes=["tag-not-as-recorded"])
