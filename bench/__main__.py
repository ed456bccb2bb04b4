"""`make bench`: whole processes timed in turn with their peers, and the ratios of the medians beside the targets.

Absolute times say little on a shared machine; both sides of a ratio are run alternately, so that they drift together.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from arcgit.archive import ledger
from arcgit.archive.context import open_context
from arcgit.archive.judgeref import judge_ref
from bench import hooks

RUNS = int(os.environ.get("BENCH_RUNS", "9"))
RECORDS = int(os.environ.get("BENCH_RECORDS", "200"))


def seconds(command: Sequence[str], cwd: Path) -> float:
    """Wall time of one run that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def ratio(ours: Sequence[str], theirs: Sequence[str], cwd: Path) -> float:
    """Median of ours over median of theirs, run in turn."""
    pairs = [(seconds(ours, cwd), seconds(theirs, cwd)) for _ in range(RUNS)]
    return statistics.median(a for a, _ in pairs) / statistics.median(b for _, b in pairs)


def import_keys(work: Path, home: Path) -> None:
    """Give stock git the demo's public key, in a keyring of its own."""
    home.mkdir(mode=0o700)
    os.environ["GNUPGHOME"] = str(home)
    keys = [str(path) for path in (work / ".arcgit" / "keys").iterdir()]
    subprocess.run(["gpg", "--batch", "--quiet", "--import", *keys], check=True)


def verify_speed(work: Path) -> float:
    """How many times faster one signature is checked in process than by `git verify-tag` on the same object."""
    context = open_context(work, state_dir=work)
    view = ledger.in_force(context)
    if view is None:
        raise SystemExit("the demo's archive has no ledger")
    ref = context.repo.refs("refs/tags/exp")[0]
    judge_ref(context, view, ref)
    start = time.perf_counter()
    for _ in range(RECORDS):
        judge_ref(context, view, ref)
    ours = (time.perf_counter() - start) / RECORDS
    theirs = statistics.median(
        seconds(["git", "verify-tag", ref.name.removeprefix("refs/tags/")], work) for _ in range(RUNS)
    )
    return theirs / ours


def main() -> None:
    """Print each ratio beside its target, then all of them as JSON."""
    # An installed arcgit is compiled; without this one in a checkout would be compiled anew in every run.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    python = sys.executable
    arcgit = [python, "-m", "arcgit"]
    with tempfile.TemporaryDirectory(prefix="ag") as folder:
        place = Path(folder) / "demo"
        subprocess.run([*arcgit, "demo", "--keep", str(place)], check=True, stdout=subprocess.DEVNULL)
        work = place / "work"
        import_keys(work, Path(folder) / "g")
        subprocess.run(["git", "reset", "--quiet", "--hard"], cwd=work, check=True)
        bare = [python, "-c", "pass"]
        rows = {
            "arcgit --version / python -c pass": (ratio([*arcgit, "--version"], bare, work), "at most 2"),
            "arcgit show / dvc status": (
                ratio([*arcgit, "show", "baseline"], [python, "-m", "dvc", "status"], work),
                "at most 0.5",
            ),
            "git verify-tag / one record in process": (verify_speed(work), "at least 40"),
            **hooks.rows(Path(folder), ratio),
        }
        subprocess.run(["gpgconf", "--kill", "all"], check=False)
    for name, (value, target) in rows.items():
        print(f"{name:<42} {value:7.2f}   target: {target}")
    print(json.dumps({name: round(value, 3) for name, (value, _) in rows.items()}))


if __name__ == "__main__":
    main()
