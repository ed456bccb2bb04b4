"""Taking turns: processes of one machine that would only get in each other's way wait for one another.

The locks are the kernel's and end with the process that holds them, so nothing is left behind by one that dies; the files
stay, and mean nothing. Correctness never hangs on a turn: refs are moved by compare-and-swap, and whoever has waited long
enough goes ahead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from arcgit.archive.context import Context
from arcgit.errors import RefusedError

WRITING, EXCHANGING = "writing", "exchanging"
SECONDS = 60.0
"""How long to wait for one's turn: a person may be typing a passphrase in another terminal."""


@contextmanager
def turn(context: Context, work: str) -> Iterator[None]:
    """Be the only arcgit of this repository at `work` (a file name), if that can be had in time."""
    folder = context.repo.private_dir
    with ExitStack() as stack:
        # A folder that cannot be written, or a file system without locks, is met again where it matters.
        with suppress(OSError, RefusedError, NotImplementedError):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(held(folder / f"{work}.lock", seconds=SECONDS))
        yield


@contextmanager
def held(path: Path, *, seconds: float) -> Iterator[None]:
    """Hold arcgit's own lock file. Raises RefusedError `lock-held` that says who has it, and OSError."""
    import filelock  # noqa: PLC0415  not needed to read

    lock = filelock.FileLock(path, mode=0o600, poll_interval=0.02)
    try:
        lock.acquire(timeout=seconds)
    except filelock.Timeout as fault:
        pid = holder(path)
        who = f"process {pid}, which has run for {_running(pid)}" if pid else "a process that cannot be told"
        hint = f"let it finish, or end it: kill {pid}" if pid else "look for another arcgit: pgrep -a arcgit"
        raise RefusedError("lock-held", f"arcgit's lock {path} is held by {who}", hint) from fault
    try:
        yield
    finally:
        lock.release()


def holder(path: Path) -> int | None:
    """The process that holds a kernel's lock on a file, where this system tells."""
    with suppress(OSError, ValueError, IndexError):
        inode = path.stat().st_ino
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "->" not in fields and fields[5].rpartition(":")[2] == str(inode):
                return int(fields[4])
    return None


def _running(pid: int) -> str:
    with suppress(OSError, ValueError, IndexError):
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0]) - ticks / os.sysconf("SC_CLK_TCK")
        return f"{int(up // 60)} min" if up >= 60 else f"{int(up)} s"
    return "an unknown time"
