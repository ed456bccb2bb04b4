"""Work done in a second process beside this one, where there is a second processor for it.

The process is a copy of this one (`fork`): it has all that was read, needs no start, and gives back bytes. Whatever goes
wrong in it, the work is then done here, so that an error is the one that it would have been without.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

Work = Callable[[], bytes]


class Aside:
    """Work that is being done in another process, or that will be done here where there is none."""

    def __init__(self, work: Work) -> None:
        """Begin it; with one processor it begins when its result is asked for."""
        self._work = work
        self._child = 0
        if processors() < 2:
            return
        self._pipe, theirs = os.pipe()
        try:
            self._child = os.fork()
        except OSError:
            os.close(self._pipe)
            os.close(theirs)
            return
        if self._child == 0:
            _do(work, theirs)
        os.close(theirs)

    def result(self) -> bytes:
        """Wait for what the work gives. Raises what it raises."""
        if not self._child:
            return self._work()
        with os.fdopen(self._pipe, "rb") as pipe:
            data = pipe.read()
        return data if self._ended() == 0 else self._work()

    def drop(self) -> None:
        """The result is not wanted any more."""
        if self._child:
            os.close(self._pipe)
            os.kill(self._child, signal.SIGKILL)
            self._ended()

    def _ended(self) -> int:
        child, self._child = self._child, 0
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def processors() -> int:
    """How many processes can really run at once."""
    if not hasattr(os, "fork"):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
