"""Temporary files of several writers in one folder: nobody takes away what somebody is writing."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from arcgit import durable


def test_a_file_that_a_sweep_has_locked_before_its_writer_is_given_up_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, lock = tempfile.mkstemp, fcntl.flock
    asked, sweepers = Event(), list[Thread]()

    def mkstemp(*given: Any, **named: Any) -> tuple[int, str]:
        descriptor, name = made(*given, **named)
        if not sweepers:
            swept = os.open(name, os.O_RDONLY)
            lock(swept, fcntl.LOCK_EX)

            def sweep() -> None:
                asked.wait(60)
                Path(name).unlink()
                os.close(swept)

            sweepers.append(Thread(target=sweep))
            sweepers[0].start()
        return descriptor, name

    def flock(descriptor: int, how: int) -> None:
        asked.set()
        lock(descriptor, how)

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    monkeypatch.setattr(fcntl, "flock", flock)
    with durable.temporary(tmp_path) as (file, path):
        sweepers[0].join()
        file.write(b"mine")
        file.flush()
        assert path.read_bytes() == b"mine"
    assert not list(tmp_path.iterdir())
