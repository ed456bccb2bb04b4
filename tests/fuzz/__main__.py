"""`python -m tests.fuzz [--seconds N] [TARGET...]` fuzzes one target after the other and prints what was run.

The seeds are the published vectors. What is learnt is kept in `.fuzz/`, so that the next run goes on from there. An
input that a reader stumbles over is written to `.fuzz/`; the line that keeps it as a test is printed with it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS, found_inputs

CORPUS = Path(".fuzz")
LIMITS = ("-timeout=30", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1", "-verbosity=1")
LEARNT = re.compile(rb"cov: (\d+) ft: (\d+)")
EXECUTED = re.compile(rb"number_of_executed_units: (\d+)")


def sow(name: str) -> Path:
    """The folder of a target's corpus, with its seeds in it."""
    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    for seed in [*TARGETS[name].seeds(), *found_inputs(name)]:
        (folder / hashlib.sha256(seed).hexdigest()[:40]).write_bytes(seed)
    return folder


def fuzz(name: str, seconds: int) -> bool:
    """Fuzz one target; True where nothing was found."""
    folder = sow(name)
    before = set(CORPUS.glob(f"{name}-crash-*"))
    places = (f"-artifact_prefix={CORPUS}/{name}-", str(folder))
    command = [sys.executable, "-m", "tests.fuzz.run", name, f"-max_total_time={seconds}", *LIMITS, *places]
    done = subprocess.run(command, capture_output=True, check=False)
    learnt, executed = LEARNT.findall(done.stderr), EXECUTED.search(done.stderr)
    coverage = f"{int(learnt[-1][0]):>6} edges" if learnt else "     ? edges"
    runs = f"{int(executed[1]):>12,} inputs" if executed else "           ? inputs"
    print(f"{name:14}{runs} {coverage}  {'ok' if done.returncode == 0 else 'FOUND SOMETHING'}", flush=True)
    if done.returncode != 0:
        print(done.stdout.decode(errors="replace")[-3000:])
        for path in set(CORPUS.glob(f"{name}-*")) - before - {folder}:
            kept = f"tests/fuzz/found/{name}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.b64"
            print(f"to keep it as a test: echo {base64.b64encode(path.read_bytes()).decode()[:2000]} > {kept}")
    return done.returncode == 0


def main() -> int:
    """Fuzz the targets that are named, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("targets", nargs="*", default=[], choices=[*TARGETS, []], metavar="TARGET")
    given = parser.parse_args()
    return 0 if all([fuzz(name, given.seconds) for name in given.targets or TARGETS]) else 1  # noqa: C419  all are run


if __name__ == "__main__":
    sys.exit(main())
