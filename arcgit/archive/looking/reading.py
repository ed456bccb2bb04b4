"""Reading objects where they lie and holding them to what was sealed, several at a time where that helps.

Small files of this machine are read one after the other, very many by two processes: threads lose there. Large ones are
hashed side by side, and what comes over a network waits side by side. What is waited for is bounded, and no large object is
ever in memory as a whole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from arcgit import several
from arcgit.archive.looking import pieces, second
from arcgit.archive.looking.pieces import Bench, Done, Load
from arcgit.archive.looking.targets import Store
from arcgit.git.repository import Repository

LOCAL_JOBS, NETWORK_JOBS = 2, several.NETWORK
TICK = 0.25
Work = Iterable[Load]
_Task = Callable[[], Done]


@dataclass(frozen=True)
class Reader:
    """Reads objects of any store: at level fixity every byte. `jobs` is how many at a time, None for what suits."""

    repo: Repository
    fixity: bool
    jobs: int | None = None

    def run(self, work: Work, on_done: Callable[[Done], None], on_bytes: Callable[[int], None]) -> None:
        """Look at the numbered objects of each store, and hand over what came of them, in no order.

        `on_bytes` is told now and then how many bytes were read so far. Both are called in this thread alone.
        """
        bench = Bench()
        jobs = self.jobs or NETWORK_JOBS
        running: set[Future[Done]] = set()

        def settle(most: int) -> None:
            while len(running) > most:
                ended, _ = wait(running, TICK, FIRST_COMPLETED)
                for one in ended:
                    running.discard(one)
                    on_done(one.result())
                on_bytes(bench.read)

        lanes: several.Lanes[Done] = several.Lanes(jobs)
        try:
            with closing(self._tasks(work, bench, lanes)) as tasks:
                for at_once, task in tasks:
                    if at_once:
                        on_done(task())
                        on_bytes(bench.read)
                    else:
                        running.add(lanes.submit(task))
                    settle(2 * jobs)
            settle(0)
        except BaseException:
            bench.stop.set()
            lanes.leave()
            for one in running:
                if one.done() and not one.cancelled() and one.exception() is None:
                    on_done(one.result())
            raise
        lanes.end()

    def _tasks(self, work: Work, bench: Bench, lanes: several.Lanes[Done]) -> Generator[tuple[bool, _Task], None, None]:
        """Pieces of work, and whether each is done at once instead of beside others."""
        for store, numbers, _, large in work:
            if store.remote is None:
                yield from (
                    (True, partial(pieces.beside, self.repo, store, part, bench)) for part in pieces.parts(numbers)
                )
            elif not store.remote.local:
                look = pieces.streamed if self.fixity else pieces.asked
                yield from ((False, partial(look, store, store.remote, number, bench)) for number in numbers)
            elif not self.fixity:
                yield from ((True, partial(pieces.looked, store, store.remote, part)) for part in pieces.parts(numbers))
            else:
                gate = threading.BoundedSemaphore(self.jobs or LOCAL_JOBS)
                alone = self.jobs == 1
                yield from (
                    (alone, partial(pieces.large, store, store.remote, number, bench, gate)) for number in large
                )
                # A copy of this process must not be made while a thread holds what the copy would wait for.
                many = 0 if alone or lanes.begun else len(numbers)
                small = partial(_small, store, numbers, large)
                with closing(second.small(store, store.remote, small, many, bench)) as coming:
                    yield from ((True, partial(_as_it_is, done)) for done in coming)


def _small(store: Store, numbers: Sequence[int], large: Sequence[int]) -> Iterable[int]:
    """Those of the numbers that are read in one go."""
    sizes = zip(numbers, store.objects.sizes(numbers), strict=True)
    return (number for number, size in sizes if size <= pieces.SMALL) if large else numbers


def _as_it_is(done: Done) -> Done:
    return done
