"""The page about fixity: its commands are run as they stand there, and its words about documents hold."""

from __future__ import annotations

import re

from tests.pages import DOCS, type_all
from tests.world import World

PAGE = (DOCS / "fixity.md").read_text()


def test_the_commands_of_the_page_work_as_written(world: World) -> None:
    said = type_all(world.work, PAGE, lines=4)[-1]
    assert "not read: proven since" in said
    proven = world.arcgit("show", world.tag())["record"]["proven"]
    named = PAGE.partition("`proven` of a record is a list:")[2]
    assert set(proven[0]) <= set(re.findall(r"`([a-z_]+)`", named))
    assert {"event", "type", "by", "time"} == set(proven[-1]["proven"])
