"""One command with all of its processes: how long it takes, or how much memory they hold together.

The command is started by a small process of its own, this file: what the system calls the peak of a child begins at the
size of its parent, so a parent full of libraries would be measured with it.

Looking for memory takes time, so a run gives the one or the other.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_C = ctypes.CDLL(None)
_KCMP, _KCMP_VM = {"x86_64": 312, "aarch64": 272}, 1
LOOK_SECONDS = 0.01
"""How long to wait between two looks at the memory."""


class Spent(NamedTuple):
    """Wall time in seconds; peak memory in KiB.

    Of `spent` that is the resident memory of the largest process, of `held` the anonymous memory of all together.
    """

    seconds: float
    peak_kib: int


def spent(command: Sequence[str], cwd: Path) -> Spent:
    """Run a command that must succeed; its output is thrown away. Raises SystemExit with what it complained of."""
    return _run("spent", command, cwd)


def held(command: Sequence[str], cwd: Path) -> Spent:
    """The same, looked at all the time: what all of its processes hold at the moment when that is most.

    Shared pages count once, and files that are mapped not at all. The time is that of a command that was disturbed.
    """
    return _run("held", command, cwd)


def _run(what: str, command: Sequence[str], cwd: Path) -> Spent:
    done = subprocess.run(
        [sys.executable, "-I", "-S", __file__, what, *command], cwd=cwd, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed in {cwd}\n{done.stderr}")
    seconds, peak = done.stdout.split()
    return Spent(float(seconds), int(peak))


def _measure(what: str, command: list[str]) -> None:
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=quiet)
    most = _watched(child) if what == "held" else 0
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    print(seconds, most if what == "held" else usage.ru_maxrss)
    sys.exit(1 if status else 0)


def _watched(child: int) -> int:
    """The most that the process and those below it held together, in KiB, until it ended. It is left to be waited for."""
    most = 0
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        most = max(most, together(child) or 0)
        time.sleep(LOOK_SECONDS)
    return most


def together(root: int) -> int | None:
    """What a process and those below it hold at this moment, in KiB; None where they changed meanwhile.

    What two share counts half in each. A process that begins while they are asked would be counted with what its parent
    was asked for before; one that turns into another program lets go of its half, so parents are asked first.
    """
    family = _family(root)
    found = sum(_anonymous(pid) for pid, parent in family.items() if pid == root or not _one_memory(pid, parent))
    return found if _family(root) == family else None


def _family(root: int) -> dict[int, int]:
    """A process and all that descend from it, parents first, each with its parent."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found, order = {root: 0}, [root]
    for parent in order:
        for pid in sorted(children.get(parent, [])):
            found[pid] = parent
            order.append(pid)
    return found


def _one_memory(pid: int, other: int) -> bool:
    """True for a child that runs in the memory of its parent until it turns into another program, as of vfork."""
    number = _KCMP.get(os.uname().machine)
    return number is not None and _C.syscall(number, pid, other, _KCMP_VM, 0, 0) == 0


def _processes() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (text := _read(folder / "stat")):
            # The name of the program stands before, in parentheses, and may hold anything.
            yield int(folder.name), int(text.rpartition(")")[2].split()[1])


def _anonymous(pid: int) -> int:
    """The anonymous memory of a process in KiB, its part of what it shares with others; 0 where it is gone."""
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1])
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    _measure(sys.argv[1], sys.argv[2:])
