"""Where things are measured: a throw-away home with a key, and the repositories that the rows ask for, each made once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.child import Spent, held, spent
from tests import zygote
from tests.world import Person

PYTHON = sys.executable
ARCGIT = (PYTHON, "-m", "arcgit")
DVC = (PYTHON, "-m", "dvc")
BARE = (PYTHON, "-c", "pass")


@dataclass(frozen=True)
class Sizes:
    """How much is measured: `records` or `tags` in archives, a `sample` for stock git, `files` of `file_bytes` each."""

    records: int = 10_000
    tags: int = 1_000
    sample: int = 200
    files: int = 10_000
    file_bytes: int = 4096
    mib: int = 1024
    runs: int = 5


class Pair(NamedTuple):
    """Two things to run in turn. Where theirs does only a part of the work, `scale` says how many times it is the whole."""

    ours: Callable[[], Spent]
    theirs: Callable[[], Spent]
    scale: float = 1
    note: str = ""


@dataclass(frozen=True)
class Archive:
    """A generated repository, with a state folder of its own: all generated archives have one id."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def cold(self, *arguments: str) -> Spent:
        """One command, with nothing kept from the commands before."""
        self.forget()
        return self.warm(*arguments)

    def warm(self, *arguments: str) -> Spent:
        """One command, with what the commands before it kept."""
        return spent(self.arcgit(*arguments), self.work)

    def held(self, *arguments: str) -> Spent:
        """The memory of one command and of every process that it starts, with what the commands before it kept."""
        return held(self.arcgit(*arguments), self.work)

    def forget(self) -> None:
        """Take away what the commands before kept."""
        shutil.rmtree(self.work / ".git" / "arcgit", ignore_errors=True)

    def arcgit(self, *arguments: str) -> list[str]:
        return ["env", f"XDG_STATE_HOME={self.folder / 'state'}", *ARCGIT, *arguments]


class NotHereError(Exception):
    """A peer that is not installed; the text says how to get it."""


@dataclass
class Place:
    """A folder in an isolated home; `made` remembers what was built there."""

    folder: Path
    person: Person
    sizes: Sizes
    mlflow: str = PYTHON
    made: dict[str, Path] = field(default_factory=dict)

    def once(self, name: str, build: Callable[[Path], None]) -> Path:
        """The folder `name`, built at the first asking."""
        if name not in self.made:
            folder = self.folder / name
            print(f"building {name} …", file=sys.stderr, flush=True)
            build(folder)
            self.made[name] = folder
        return self.made[name]

    def archive(self, records: int, kind: str = "ssh") -> Archive:
        """A repository with that many generated records, seen before by whoever runs it; `kind` is that of its key."""
        return Archive(self.once(f"archive-{kind}-{records}", lambda folder: _archive(folder, records, kind)))


def _archive(folder: Path, records: int, kind: str) -> None:
    # In a process of its own: the generator holds all it makes.
    said = run(folder.parent, PYTHON, "-m", "bench.archive", str(folder), str(records), kind)
    made = Archive(folder)
    run(made.work, *made.arcgit("verify", "--trust-root", said.split()[-1]))


def run(cwd: Path, *command: str) -> str:
    """Standard output of something that must work and is not measured."""
    if command[:3] in (ARCGIT, DVC):
        done = zygote.command(command[2], *command[3:], cwd=cwd)
    else:
        done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
