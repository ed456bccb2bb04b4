"""Work in a second process gives the same result and the same errors as work in this one."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from arcgit.archive import aside
from arcgit.errors import RefusedError


def test_the_result_comes_back_whole() -> None:
    result = aside.Aside(lambda: b"x" * 3_000_000)
    assert result.result() == b"x" * 3_000_000


def test_the_work_is_done_in_another_process_where_there_are_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "processors", lambda: 2)
    assert aside.Aside(lambda: str(os.getpid()).encode()).result() != str(os.getpid()).encode()
    monkeypatch.setattr(aside, "processors", lambda: 1)
    assert aside.Aside(lambda: str(os.getpid()).encode()).result() == str(os.getpid()).encode()


def test_an_error_is_raised_as_if_there_were_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "processors", lambda: 2)

    def refused() -> bytes:
        raise RefusedError("ledger-chain", "it does not hold")

    with pytest.raises(RefusedError, match="it does not hold"):
        aside.Aside(refused).result()


def test_a_process_that_is_killed_does_not_cut_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "processors", lambda: 2)
    here = os.getpid()

    def killed() -> bytes:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return b"done here"

    assert aside.Aside(killed).result() == b"done here"


def test_nothing_of_this_process_ends_with_the_other(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What waits in the buffers of standard output is written once."""
    monkeypatch.setattr(aside, "processors", lambda: 2)
    sys.stdout.write("once")
    assert aside.Aside(lambda: b"").result() == b""
    sys.stdout.write("\n")
    assert capfd.readouterr().out == "once\n"


def test_work_that_is_not_wanted_any_more_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "processors", lambda: 2)
    endless = aside.Aside(signal.pause)  # type: ignore[arg-type]
    child = endless._child
    assert child
    endless.drop()
    with pytest.raises(ChildProcessError):
        os.waitpid(child, os.WNOHANG)
