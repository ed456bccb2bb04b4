"""`make bench`: whole processes timed in turn with their peers, and the ratios of the medians beside the targets.

Absolute times say little on a shared machine; both sides of a ratio are run alternately, so that they drift together.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench import growth
from bench.place import ARCGIT, PYTHON, NotHereError, Place, Sizes
from bench.table import ROWS, Row
from tests.home import openpgp_person, own_home

SCHEMA = "arcgit/bench/v1"
QUICK = Sizes(records=500, tags=100, sample=20, files=200, mib=64, runs=3)
OF_BYTES = {"bench.storing", "bench.restoring", "bench.replicating"}
HUGE = Sizes(files=100_000, mib=10_240, runs=1)
HUGE_ROWS = [row.name for row in ROWS if row.measure is not None and row.measure.__module__ in OF_BYTES]
GROWTH = (100, 1_000, 10_000)
QUICK_GROWTH = (100, 500)


def main(given: Sequence[str] | None = None) -> None:
    """Print each ratio beside its target, then how things grow; `-o` writes the same as JSON."""
    asked = _options(given)
    rows = [row for row in ROWS if not asked.rows or row.name in asked.rows]
    if asked.list:
        for row in rows:
            print(f"{row.name:<16} {row.ours} / {row.theirs}: {row.target}")
        return
    # An installed arcgit is compiled; without this one in a checkout would be compiled anew in every run.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    missing = {name for name in ("search", "audit-report") if not _exists(name)}
    document: dict[str, Any] = {"schema": SCHEMA, "sizes": asdict(asked.sizes), "machine": _machine()}
    with own_home() as home:
        person = openpgp_person(home, "Bench", "bench@example.org")
        place = Place(home / "bench", person, asked.sizes, asked.mlflow)
        place.folder.mkdir()
        document["rows"] = []
        for row in rows:
            document["rows"].append(_measure(row, place, missing))
            print(_row_text(document["rows"][-1]), flush=True)
        document["growth"] = []
        for line in growth.measure(place, asked.growth, missing):
            document["growth"].append(line)
            print("{command:<18} {records:>7} records {seconds:9.3f} s {peak_kib:>9} KiB".format(**line), flush=True)
        document["slopes"] = list(growth.slopes(document["growth"]))
        for line in document["slopes"]:
            print(_slope_text(line))
    document["machine"]["load_after"] = os.getloadavg()[0]
    if asked.output:
        asked.output.write_text(json.dumps(document, indent=1) + "\n")


def _options(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures arcgit beside its peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes and three runs: under two minutes")
    parser.add_argument("--full", action="store_true", help="growth up to 100,000 records")
    parser.add_argument("--huge", action="store_true", help="the rows about bytes, with 100,000 files and with 10 GiB")
    parser.add_argument("--list", action="store_true", help="print the rows and leave")
    parser.add_argument("--rows", type=_names, help="only these, with commas between; `none` for growth alone")
    parser.add_argument("--growth", type=_numbers, help=f"numbers of records (default {GROWTH}); 0 for none")
    parser.add_argument("--mlflow", default=PYTHON, metavar="PYTHON", help="a Python that has MLflow")
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help="write the figures as JSON")
    for name, value in asdict(Sizes()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N", help=f"default {value:,}")
    asked = parser.parse_args(given)
    sizes = QUICK if asked.quick else HUGE if asked.huge else Sizes()
    if asked.huge:
        asked.rows = asked.rows or HUGE_ROWS
        asked.growth = [] if asked.growth is None else asked.growth
    asked.sizes = replace(
        sizes, **{name: value for name in asdict(sizes) if (value := getattr(asked, name)) is not None}
    )
    if asked.growth is None:
        asked.growth = QUICK_GROWTH if asked.quick else (*GROWTH, 100_000) if asked.full else GROWTH
    return asked


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = set(names) - {row.name for row in ROWS} - {"none"}
    if unknown:
        raise argparse.ArgumentTypeError(f"no such rows: {', '.join(sorted(unknown))}; see --list")
    return names


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if int(part)]


def _exists(command: str) -> bool:
    return subprocess.run([*ARCGIT, command, "--help"], check=False, capture_output=True).returncode == 0


def _machine() -> dict[str, Any]:
    def version(*command: str) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")[0].strip()

    tools = [("git", "--version"), ("openssl", "version"), (*ARCGIT, "--version"), (PYTHON, "-m", "dvc", "--version")]
    return {
        "cpus": os.cpu_count(),
        "python": sys.version.split()[0],
        "tools": [version(*tool) for tool in tools],
        "load_before": os.getloadavg()[0],
    }


def _measure(row: Row, place: Place, missing: set[str]) -> dict[str, Any]:
    """The figures of one row: medians of runs in turn. Where there is nothing to run, `status` says why."""
    words = {"name": row.name, **row.words(place.sizes), "target": str(row.target), "unit": row.unit}
    if row.measure is None or row.needs in missing:
        return {**words, "status": "not built"}
    try:
        pair = row.measure(place)
    except NotHereError as why:
        return {**words, "status": f"not here: {why}"}
    runs = [(getattr(pair.ours(), row.unit), getattr(pair.theirs(), row.unit)) for _ in range(place.sizes.runs)]
    ours, theirs = median(run[0] for run in runs), median(run[1] for run in runs) * pair.scale
    if min(ours, theirs) <= 0:
        return {**words, "status": "too little to tell"}
    ratio = row.target.ratio(ours, theirs)
    met = row.target.met(ratio)
    status = "measured" if met is None else "met" if met else "missed"
    figures = {"ours_figure": round(ours, 4), "theirs_figure": round(theirs, 4), "ratio": round(ratio, 3)}
    return {**words, **figures, "status": status, "note": pair.note}


def _row_text(row: dict[str, Any]) -> str:
    head = f"{row['name']:<16} {row['ours']} / {row['theirs']}"
    if "ratio" not in row:
        return f"{head}: {row['status']}"
    unit = "s" if row["unit"] == "seconds" else "KiB"
    figures = f"{row['ours_figure']:.4g} {unit} / {row['theirs_figure']:.4g} {unit}"
    note = f" ({row['note']})" if row["note"] else ""
    return f"{head}\n{'':<16} {figures}  ratio {row['ratio']:.2f}  {row['target']}: {row['status']}{note}"


def _slope_text(line: dict[str, Any]) -> str:
    met = "met" if line["met"] else "missed"
    return (
        f"{line['command']:<18} one more record: {line['ms_a_record']:.4g} ms, {line['kib_a_record']:.3g} KiB"
        f"  at most {growth.MOST_KIB:g} KiB: {met}"
    )


if __name__ == "__main__":
    main()
