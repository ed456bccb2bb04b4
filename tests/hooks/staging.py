"""What tests of hooks do to a work tree, and a Python that leaves a mark whenever a hook starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OWNER = "owner: Ada Lovelace <ada@example.org>\n"
BIN = Path(sys.executable).parent


def commit(work: Path, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """`git commit`, with arcgit, dvc and pre-commit on PATH."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["git", "commit", "--quiet", "-m", "x", *arguments],
        cwd=work, capture_output=True, text=True, check=False, input=stdin, env={**os.environ, "PATH": path, **env},
    )  # fmt: skip


def spoil(work: Path, manifest: str = "arcgit.yaml") -> None:
    """Take the owner out of a manifest."""
    path = work / manifest
    path.write_text(path.read_text().replace(OWNER, ""))


def mend(work: Path, manifest: str = "arcgit.yaml") -> None:
    """Put the owner back."""
    path = work / manifest
    text = path.read_text()
    if OWNER not in text:
        path.write_text(text.replace("retention:", f"{OWNER}retention:"))


def remark(work: Path, name: str = "arcgit.yaml") -> None:
    """A change of a file that changes nothing of what it means."""
    with (work / name).open("a") as file:
        file.write("# a remark\n")


@dataclass(frozen=True)
class Counted:
    """How often the hooks of a work tree have started Python."""

    log: Path

    def __int__(self) -> int:
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0


def counted(work: Path, folder: Path, code: str = 'exec "$real" "$@"') -> Counted:
    """Put a Python that leaves a mark, then does `code`, in the place of the hooks' own."""
    log = folder / "started"
    python = folder / "python"
    python.write_text(f"#!/bin/sh\nreal='{sys.executable}'\necho started >> '{log}'\n{code}\n")
    python.chmod(0o755)
    hooks = Path(
        subprocess.run(
            ["git", "rev-parse", "--git-common-dir"], cwd=work, capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    for hook in (work / hooks / "hooks").glob("pre-*commit"):
        lines = hook.read_text().splitlines()
        hook.write_text(
            "\n".join(f"python='{python}'" if line.startswith("python=") else line for line in lines) + "\n"
        )
    return Counted(log)
