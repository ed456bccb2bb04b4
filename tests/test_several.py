"""Work that is done several at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from threading import Barrier, Event, Lock

import pytest

from arcgit import several

SERVER_THAT_NEVER_ANSWERS = """\
import os, threading
from arcgit import several
def wait(item):
    os.write(1, b"asked\\n")
    threading.Event().wait()
several.GRACE = 0.01
several.each(range(4), wait, 2)
"""


def test_so_many_are_under_way_at_a_time_and_no_more() -> None:
    lock, together, under_way, most = Lock(), Barrier(4), [0], [0]

    def work(item: int) -> int:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        together.wait(60)
        with lock:
            under_way[0] -= 1
        return item * 2

    found: dict[int, int] = {}
    several.each(range(40), work, 4, found.__setitem__)
    assert found == {item: item * 2 for item in range(40)}
    assert most == [4]


def test_what_came_of_each_is_handed_over_in_the_thread_that_asked() -> None:
    threads = set()
    several.each(range(20), lambda item: item, 4, lambda item, _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("jobs", [1, 4])
def test_after_an_error_nothing_further_is_begun(jobs: int) -> None:
    begun, lock = [], Lock()

    def work(item: int) -> None:
        with lock:
            begun.append(item)
        if item == 3:
            raise ValueError(item)

    with pytest.raises(ValueError, match="3"):
        several.each(range(10**6), work, jobs)
    assert len(begun) < 10**5


def test_of_several_errors_that_of_the_foremost_is_raised() -> None:
    """Whichever comes first, so that the same run says the same."""
    second = Event()

    def work(item: int) -> None:
        if item == 0:
            assert second.wait(60)
        try:
            raise ValueError(item)
        finally:
            second.set()

    with pytest.raises(ValueError, match=r"^0$"):
        several.each(range(2), work, 2)


def test_an_error_does_not_leave_others_under_way_behind() -> None:
    begun, failed, ended = Event(), Event(), []

    def work(item: int) -> None:
        if item == 0:
            assert begun.wait(60)
            failed.set()
            raise ValueError(item)
        begun.set()
        assert failed.wait(60)
        ended.append(item)

    with pytest.raises(ValueError, match="0"):
        several.each(range(2), work, 2)
    assert ended == [1]


@pytest.mark.parametrize("jobs", [1, 3])
def test_once_it_is_to_stop_nothing_further_is_begun(jobs: int) -> None:
    stop, begun, lock = Event(), [], Lock()

    def work(item: int) -> None:
        with lock:
            begun.append(item)
        stop.set()

    several.each(range(10**6), work, jobs, stop=stop)
    assert len(begun) <= jobs


def test_ctrl_c_ends_it_though_nobody_ever_answers() -> None:
    command = [sys.executable, "-c", SERVER_THAT_NEVER_ANSWERS]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert [running.stdout.readline() for _ in range(2)] == ["asked\n"] * 2
        os.kill(running.pid, signal.SIGINT)
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
    assert "KeyboardInterrupt" in said
    assert running.returncode == -signal.SIGINT


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_nobody_has_begun_is_left_for_whoever_asked(jobs: int) -> None:
    """So that each can be accounted for."""
    coming, stop, begun, lock = iter(range(100)), Event(), [], Lock()

    def work(item: int) -> None:
        with lock:
            begun.append(item)
            if len(begun) == 10:
                stop.set()

    several.each(coming, work, jobs, stop=stop)
    assert sorted([*begun, *coming]) == list(range(100))
