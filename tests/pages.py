"""The commands that a page of the documents shows, and how a reader types them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests import zygote

DOCS = Path(__file__).parent.parent / "docs"
PLAIN = re.compile(r"[\w ./:=@,-]+")
"""Nothing that a shell makes anything of, but spaces between words."""


def commands(page: str) -> list[str]:
    """What stands behind the prompts of a page's text, in order."""
    blocks = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def typed(cwd: Path, line: str) -> subprocess.CompletedProcess[str]:
    """What a line does there: bash has it, except where arcgit or DVC would be all that bash starts."""
    program, *arguments = shlex.split(line)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if program in {"arcgit", "dvc"} and PLAIN.fullmatch(line):
        return zygote.command(program, *arguments, cwd=cwd, PATH=path)
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )


def type_all(cwd: Path, page: str, *, lines: int) -> list[str]:
    """The output of each command of a page that has so many, run in order; all must succeed."""
    written = commands(page)
    assert len(written) == lines
    said = []
    for line in written:
        done = typed(cwd, line)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        said.append(done.stdout)
    return said
