"""The benchmark runs as a whole: every row gives a figure or says why not. How long anything takes is not judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import child, growth
from bench.child import Spent, held, spent
from bench.place import Archive, Place, Sizes
from bench.table import ROWS, Target
from tests.world import Person

ROOT = Path(__file__).parent.parent
TINY = ("--records=20", "--tags=10", "--sample=5", "--files=20", "--mib=1", "--runs=1", "--growth=10,20")


def bench(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What a run at tiny sizes printed, and the document that it wrote."""
    path = tmp_path_factory.mktemp("bench") / "figures.json"
    said = bench(*TINY, "-o", str(path)).stdout
    return said, json.loads(path.read_text())


def test_every_row_gives_a_figure_or_says_why_not(measured: tuple[str, dict[str, Any]]) -> None:
    said, document = measured
    assert [row["name"] for row in document["rows"]] == [row.name for row in ROWS]
    for row in document["rows"]:
        assert f"{row['name']} " in said
        if row["status"] in {"met", "missed", "measured"}:
            assert row["ours_figure"] > 0
            assert row["theirs_figure"] > 0
        else:
            assert "ratio" not in row
            assert row["status"].startswith(("not built", "not here: ", "too little to tell"))


def test_a_row_without_a_measurement_is_said_to_be_not_built(measured: tuple[str, dict[str, Any]]) -> None:
    statuses = {row["name"]: row["status"] for row in measured[1]["rows"]}
    assert {name for name, status in statuses.items() if status == "not built"} >= {
        row.name for row in ROWS if row.measure is None
    }
    assert statuses["version"] in {"met", "missed"}


def test_growth_has_every_size_of_every_command(measured: tuple[str, dict[str, Any]]) -> None:
    lines = measured[1]["growth"]
    assert {line["command"] for line in lines} >= {"list", "verify"}
    for name in {line["command"] for line in lines}:
        assert [line["records"] for line in lines if line["command"] == name] == [10, 20]
    assert all(line["peak_kib"] > 1000 for line in lines)
    assert {line["command"] for line in measured[1]["slopes"]} == {line["command"] for line in lines}


def test_the_document_says_on_what_it_was_measured(measured: tuple[str, dict[str, Any]]) -> None:
    document = measured[1]
    assert document["schema"] == "arcgit/bench/v1"
    assert document["sizes"]["records"] == 20
    assert document["machine"]["cpus"] == os.cpu_count()
    assert any(tool.startswith("git version") for tool in document["machine"]["tools"])


@pytest.mark.parametrize(
    ("sizes", "kib"),
    [((100, 1000, 2000), 1.0), ((100, 1000), 10.0), ((10, 20), 1.0)],
)
def test_the_step_to_a_second_process_is_not_what_a_record_costs(sizes: tuple[int, ...], kib: float) -> None:
    peaks = {10: 990, 20: 1000, 100: 1000, 1000: 10000, 2000: 11000}
    lines = [{"command": "list", "records": size, "seconds": 1.0, "peak_kib": peaks[size]} for size in sizes]
    assert [line["kib_a_record"] for line in growth.slopes(lines)] == [kib]


def test_a_row_that_does_not_exist_is_refused_by_name() -> None:
    assert "no-such-row" in bench("--rows=version,no-such-row", code=2).stderr


def test_a_command_that_fails_is_never_timed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="said why"):
        spent(["sh", "-c", "echo said why >&2; exit 3"], tmp_path)


def test_the_peak_is_that_of_the_command_and_not_of_whoever_asks(tmp_path: Path) -> None:
    ballast = bytearray(200 * 1024 * 1024)
    assert spent(["true"], tmp_path).peak_kib < len(ballast) // 1024 // 4


def test_a_bound_from_above_and_one_from_below() -> None:
    assert Target(most=2).met(Target(most=2).ratio(3, 2)) is True
    assert Target(most=2).met(Target(most=2).ratio(5, 2)) is False
    assert Target(least=5).met(Target(least=5).ratio(1, 6)) is True
    assert Target(least=5).met(Target(least=5).ratio(1, 4)) is False
    assert Target().met(Target().ratio(1, 4)) is None


def test_memory_is_that_of_all_processes_together(tmp_path: Path) -> None:
    """One that starts another, each with 64 MiB of its own, both there until they are let go."""
    script = (
        "import subprocess, sys\n"
        "kept = bytearray(b'x') * (64 << 20)\n"
        "if sys.argv[1:]: below = subprocess.Popen([sys.executable, __file__], stdin=0)\n"
        "else: print('both', flush=True)\n"
        "sys.stdin.read()\n"
    )
    path = tmp_path / "holds (64) MiB.py"
    path.write_text(script)
    both = [sys.executable, str(path), "starts another"]
    with subprocess.Popen(both, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"both\n"
        found = child.together(process.pid)
    assert found is not None
    assert 128 * 1024 < found < 192 * 1024


@pytest.mark.skipif(os.uname().machine not in child._KCMP, reason="the number of kcmp is not known here")
def test_a_child_that_still_runs_in_the_memory_of_its_parent_is_not_counted_once_more(tmp_path: Path) -> None:
    """A child waits between vfork and exec, since what it is to open has nobody at its other end yet."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = (
        "import os, sys\n"
        "kept = bytearray(b'x') * (64 << 20)\n"
        "child = os.posix_spawn('/bin/true', ['true'], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)])\n"
        "os.waitpid(child, 0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(fifo)]) as process:
        while len(child._family(process.pid)) < 2:
            assert process.poll() is None
        found = child.together(process.pid)
        os.close(os.open(fifo, os.O_WRONLY))
    assert found is not None
    assert 64 * 1024 < found < 96 * 1024


def test_a_process_that_is_gone_holds_nothing() -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    assert child.together(done.pid) == 0


def test_what_a_command_holds_is_measured_while_it_runs(tmp_path: Path) -> None:
    """Long enough to be looked at: it reads its own memory over and over until it has seen enough of itself."""
    script = "kept = bytearray(b'x') * (32 << 20)\nfor _ in range(3000): open('/proc/self/smaps_rollup').read()\n"
    assert 32 * 1024 < held([sys.executable, "-c", script], tmp_path).peak_kib < 64 * 1024
    with pytest.raises(SystemExit, match="said why"):
        held(["sh", "-c", "echo said why >&2; exit 3"], tmp_path)


def test_growth_counts_what_all_processes_hold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And takes away what was kept before each run that is to find nothing."""
    place = Place(tmp_path, Person("", "", "", ""), Sizes(runs=2))
    done: list[str] = []

    def noted(word: str, spent: Spent) -> Callable[..., Spent]:
        def note(*arguments: object) -> Spent:
            del arguments
            done.append(word)
            return spent

        return note

    monkeypatch.setattr(Place, "archive", lambda self, records: Archive(tmp_path))
    monkeypatch.setattr(Archive, "warm", noted("timed", Spent(2.0, 11)))
    monkeypatch.setattr(Archive, "held", noted("held", Spent(9.0, 70)))
    monkeypatch.setattr(Archive, "forget", noted("forgotten", Spent(0.0, 0)))
    lines = list(growth.measure(place, [5], set(growth.COMMANDS) - {"list"}))
    assert [(line["seconds"], line["peak_kib"]) for line in lines] == [(2.0, 70), (2.0, 70)]
    cold, warm = ["forgotten", "timed"] * 2 + ["forgotten", "held"] * 2, ["timed"] * 2 + ["held"] * 2
    assert done == [*cold, *warm]
