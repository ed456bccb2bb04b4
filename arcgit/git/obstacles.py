"""What stands in git's way on this machine: a lock file, a full disk, a folder that may not be written to.

git's words are all there is to tell them by; they are asked for in English. A lock of git's is never removed here: whether
its owner is still at work is for a person to say, and this tells what can be known.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.model.text import word

YOUNG_SECONDS = 2.0
"""How long a lock may be somebody's at work where nothing tells who holds it."""
_LOCK = re.compile(r"Unable to create '([^']+\.lock)': File exists|could not lock config file (\S+?): File exists")
_FULL = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|signal 25|couldn't write '|unable to create directory for "
)
_CLOSED = re.compile(r"Read-only file system|'[^']*': Permission denied|insufficient permission for adding an object")


class LockHeldError(RefusedError):
    """A lock file is in the way. `busy` where whoever holds it may be at work this moment."""

    def __init__(self, path: str, folder: Path) -> None:
        age = _age(path)
        pids = _at_work(folder)
        self.busy = age is None or bool(pids) or (pids is None and age < YOUNG_SECONDS)
        # git notes no owner in its locks; processes that run here are the next best.
        if pids is None:
            who = "which process holds it cannot be told"
        elif pids:
            who = f"git is running here as process {', '.join(map(str, pids))}"
        else:
            who = "no git is seen at work here, so its owner has died"
        since = f"{_duration(age)} old" if age is not None else "gone by now"
        message = f"git's lock {path} is in the way ({since}; {who})"
        hint = "run the command again" if age is None else f"when no git is at work here: rm {word(path)}"
        super().__init__("lock-held", message, hint)


def obstacle(words: str, folder: Path) -> ArcgitError | None:
    """The error behind git's words about the repository in `folder`, None where they tell of nothing like this."""
    if found := _LOCK.search(words):
        path = found[1] or f"{found[2]}.lock"
        return LockHeldError(path if os.path.isabs(path) else str(folder / path), folder)  # noqa: PTH117
    told = _FULL.search(words) or _CLOSED.search(words)
    if told is None:
        return None
    hint = "look at space and rights: df . ; ls -ld .git/objects .git/refs; then run the command again"
    return UndeterminedError("git-write-failed", f"git cannot write to {folder}: {plainly(words)[:300]}", hint)


def plainly(words: str) -> str:
    """What git says in one line, without the advice that it gives about other things."""
    return " ".join(" ".join(line for line in words.splitlines() if not line.startswith("hint:")).split())


def old_of(path: str) -> str:
    """How old a lock file is, in brackets, where it can be seen from here; else nothing."""
    age = _age(path)
    return f" ({_duration(age)} old)" if age is not None else ""


def _age(path: str) -> float | None:
    try:
        return max(0.0, time.time() - Path(path).stat().st_mtime)
    except OSError:
        return None


def _duration(seconds: float) -> str:
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{int(seconds)} seconds"


def _at_work(folder: Path) -> list[int] | None:
    """Processes called git that run in this repository; None where this system does not show them all."""
    if not Path("/proc/self/comm").exists():
        return None
    places = _places(folder)
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            if entry.name.isdecimal() and (entry / "comm").read_text(errors="replace").startswith("git"):
                try:
                    here = Path(os.readlink(entry / "cwd"))  # noqa: PTH115
                except PermissionError:
                    return None
                if any(here == place or place in here.parents for place in places):
                    found.append(int(entry.name))
    return sorted(found)


def _places(folder: Path) -> set[Path]:
    """Where git runs for this repository: its folder and all its work trees."""
    top = folder.resolve()
    common = top / ".git" if (top / ".git").is_dir() else top
    found = {top}
    for link in common.glob("worktrees/*/gitdir"):
        with suppress(OSError):
            found.add(Path(link.read_text().strip()).parent)
    return found
