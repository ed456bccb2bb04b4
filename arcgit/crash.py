"""Fault points: the steps after which a run can be made to die, to prove that the next one finishes or rolls back.

Every effect that outlives the process has a point behind it, inside the one function that has the effect, so whatever is
built on that function is covered. `ARCGIT_CRASH_AT=refs-moved` (or `refs-moved:2` for the second time) kills this process
there with SIGKILL: no handler, no `finally`, no exit hook runs. docs/adr/0017 says why that may be in a shipped tool.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

from arcgit.errors import UsageError

VARIABLE = "ARCGIT_CRASH_AT"
POINTS = {
    "file-written": "a file of arcgit's own is whole beside its place: policy, approval, manifest, pin, cache",
    "file-placed": "it has replaced the one before",
    "data-written": "an object is whole beside its place in a DVC remote that is a folder",
    "data-placed": "it has its name there, and the temporary one as well",
    "data-pushed": "all objects are in the DVC remote",
    "data-proven": "they were read back",
    "replica-staged": "an object is whole and proven beside its place in a replica",
    "replica-placed": "it has its name there",
    "replica-copied": "all objects are in the replica",
    "replica-proven": "they were read back from it",
    "fetched": "git has fetched refs",
    "objects-held": "new git objects are on disk, kept from git's garbage collection; no ref names them",
    "refs-moved": "a transaction of refs is through",
    "objects-released": "the refs keep the objects, and nothing else does",
    "reading-kept": "what a fixity run has read so far is on disk, for --resume",
    "tags-laid-out": "very many tags stand beside their place for a push, or are gone from there",
    "pushed": "the remote has taken a push",
}
"""Every point there is, with what is true when it is reached."""

_watch: Callable[[str], None] | None = None


def point(name: str) -> None:
    """A step is done. Nothing happens unless somebody watches."""
    if _watch is not None:
        _watch(name)


def watch(watcher: Callable[[str], None] | None) -> None:
    """Call `watcher` with the name of every point from now on; None ends that."""
    global _watch  # noqa: PLW0603  one switch for the process, as the variable is
    _watch = watcher


def arm(wanted: str) -> None:
    """Die when the point `name`, or `name:n` for the n-th time, is reached. Raises UsageError for what is none."""
    name, counted, number = wanted.partition(":")
    if name not in POINTS or (counted and not re.fullmatch("[1-9][0-9]{0,8}", number)):
        message = f"{VARIABLE}={wanted} names no fault point; there are {', '.join(POINTS)}"
        raise UsageError("usage", message, f"unset {VARIABLE}")
    left = int(number or "1")

    def die(reached: str) -> None:
        nonlocal left
        left -= reached == name
        if reached == name and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    watch(die)
