"""The page about fixity: its commands are run as they stand there, and its words about documents hold."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.world import World

PAGE = (Path(__file__).parent.parent.parent / "docs" / "fixity.md").read_text()


def test_the_commands_of_the_page_work_as_written(world: World) -> None:
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) == 4
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = ""
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line], cwd=world.work, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
        )  # fmt: skip
        assert done.returncode == 0, line + done.stdout + done.stderr
        said = done.stdout
    assert "not read: proven since" in said
    proven = world.arcgit("show", world.tag())["record"]["proven"]
    named = PAGE.partition("`proven` of a record is a list:")[2]
    assert set(proven[0]) <= set(re.findall(r"`([a-z_]+)`", named))
    assert {"event", "type", "by", "time"} == set(proven[-1]["proven"])
