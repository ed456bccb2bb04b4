"""One command as a whole process: how long it takes and how much memory its largest process holds.

The command is started by a small process of its own, this file: what the system calls the peak of a child begins at the
size of its parent, so a parent full of libraries would be measured with it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Spent(NamedTuple):
    """Wall time in seconds; peak resident memory in KiB, of the largest process and not of all together."""

    seconds: float
    peak_kib: int


def spent(command: Sequence[str], cwd: Path) -> Spent:
    """Run a command that must succeed; its output is thrown away. Raises SystemExit with what it complained of."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", __file__, *command], cwd=cwd, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed in {cwd}\n{done.stderr}")
    seconds, peak = done.stdout.split()
    return Spent(float(seconds), int(peak))


def _measure(command: list[str]) -> None:
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    print(seconds, usage.ru_maxrss)
    sys.exit(1 if status else 0)


if __name__ == "__main__":
    _measure(sys.argv[1:])
