"""Work that mostly waits, done several at a time, by threads that nobody has to wait for in order to end.

Threads of `concurrent.futures` are waited for whenever the process ends: a server that never answers would keep somebody
who pressed ctrl-C. Those here are left behind then, after a moment in which they may end by themselves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Generic, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")

NETWORK = 8
"""So many objects at a time where a network is in between."""
GRACE = 1.0
"""So many seconds those under way have to end when the run is broken off."""


def each(
    items: Iterable[T],
    work: Callable[[T], R],
    jobs: int,
    on_done: Callable[[T, R], None] = lambda item, result: None,
    stop: Event | None = None,
) -> None:
    """Do `work` for every item, `jobs` at a time, and hand over what came of each, in this thread and in no order.

    After the first error, or once `stop` is set, nothing further is begun. What is under way comes to its end, and of
    several errors that of the foremost item is raised.
    """
    ended = stop if stop is not None else Event()
    if jobs == 1:
        _one_by_one(items, work, on_done, ended)
    else:
        _side_by_side(_Bench(items, work, ended), jobs, on_done, ended)


class Lanes(Generic[R]):
    """`jobs` threads for pieces of work that come one by one, which nobody has to wait for either."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._waiting: SimpleQueue[tuple[Future[R], Callable[[], R]] | None] = SimpleQueue()
        self._threads: list[Thread] = []

    @property
    def begun(self) -> bool:
        """True once a thread of it has started."""
        return bool(self._threads)

    def submit(self, work: Callable[[], R]) -> Future[R]:
        """Have it done when its turn comes."""
        future: Future[R] = Future()
        self._waiting.put((future, work))
        if len(self._threads) < self._jobs:
            self._threads.append(Thread(target=self._go_on, daemon=True))
            self._threads[-1].start()
        return future

    def end(self) -> None:
        """Let the threads go once everything is done."""
        for _ in self._threads:
            self._waiting.put(None)

    def leave(self) -> None:
        """Begin nothing further, and wait for a moment only for what is under way."""
        with suppress(Empty):
            while True:
                taken = self._waiting.get_nowait()
                if taken is not None:
                    taken[0].cancel()
        self.end()
        _join(self._threads)

    def _go_on(self) -> None:
        while (taken := self._waiting.get()) is not None:
            future, work = taken
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = work()
            except BaseException as fault:  # noqa: BLE001  raised again where it is waited for
                future.set_exception(fault)
            else:
                future.set_result(result)


def _join(threads: Iterable[Thread]) -> None:
    until = time.monotonic() + GRACE
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, until - time.monotonic()))


def _one_by_one(items: Iterable[T], work: Callable[[T], R], on_done: Callable[[T, R], None], ended: Event) -> None:
    coming = iter(items)
    while not ended.is_set():
        for item in coming:
            on_done(item, work(item))
            break
        else:
            return


def _side_by_side(bench: _Bench[T, R], jobs: int, on_done: Callable[[T, R], None], ended: Event) -> None:
    threads = [Thread(target=bench.go_on, daemon=True) for _ in range(jobs)]
    faults: dict[int, BaseException] = {}
    try:
        for thread in threads:
            thread.start()
        running = jobs
        while running:
            found = bench.done.get()
            if found is None:
                running -= 1
            elif found.fault is not None:
                faults[found.number] = found.fault
            else:
                on_done(found.item, cast("R", found.result))
    except BaseException:
        ended.set()
        _join(threads)
        raise
    if faults:
        raise faults[min(faults)]


class _Found(Generic[T, R]):
    def __init__(self, number: int, item: T) -> None:
        self.number = number
        self.item = item
        self.result: R | None = None
        self.fault: BaseException | None = None


class _Bench(Generic[T, R]):
    """What the threads share: the items that nobody has taken, and what came of the others; None from each that ends."""

    def __init__(self, items: Iterable[T], work: Callable[[T], R], ended: Event) -> None:
        self.done: SimpleQueue[_Found[T, R] | None] = SimpleQueue()
        self._items = enumerate(items)
        self._work = work
        self._ended = ended
        self._taking = Lock()

    def go_on(self) -> None:
        try:
            while not self._ended.is_set() and (taken := self._take()) is not None:
                found: _Found[T, R] = _Found(*taken)
                try:
                    found.result = self._work(found.item)
                except BaseException as fault:  # noqa: BLE001  raised again where it is waited for
                    self._ended.set()
                    found.fault = fault
                self.done.put(found)
        finally:
            self.done.put(None)

    def _take(self) -> tuple[int, T] | None:
        with self._taking:
            return next(self._items, None)
