"""Work done in a second process beside this one, where there is a second processor for it.

The process is a copy of this one (`fork`): it has all that was read, needs no start, and gives back bytes. Whatever goes
wrong in it, the work is then done here, so that an error is the one that it would have been without.
"""

from __future__ import annotations

import os
from collections.abc import Callable

Work = Callable[[], bytes]


def processors() -> int:
    """How many processes can really run at once."""
    if not hasattr(os, "fork"):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def aside(work: Work) -> Work:
    """Begin `work` in another process; what is returned waits for its result. With one processor it begins then."""
    if processors() < 2:
        return work
    ours, theirs = os.pipe()
    try:
        child = os.fork()
    except OSError:
        os.close(ours)
        os.close(theirs)
        return work
    if child == 0:
        _do(work, theirs)
    os.close(theirs)

    def result() -> bytes:
        with os.fdopen(ours, "rb") as pipe:
            data = pipe.read()
        done = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        return data if done else work()

    return result


def _do(work: Work, place: int) -> None:
    """The whole life of the other process. Nothing of what this one would do at its end may happen in it."""
    code = 1
    try:
        data = work()
        with os.fdopen(place, "wb") as pipe:
            pipe.write(data)
        code = 0
    finally:
        os._exit(code)
