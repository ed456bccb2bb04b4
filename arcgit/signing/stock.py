"""Stock tools as verifiers: gpgv, gpg and ssh-keygen as processes of their own, with nothing of the person's set-up.

Each run gets an empty home, an environment of a few names, and files in a private folder that is gone afterwards. What a
tool prints for people is dropped; what it says to programs comes through a pipe of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60
MAX_STATUS_BYTES = 64 * 1024
STATUS = "{status}"
"""Stands for the number of the status pipe in a tool's arguments."""


class ToolMissingError(Exception):
    """The tool is not there, or could not do its work; the message says which and why."""


@dataclass(frozen=True)
class Done:
    """How a tool ended, what it wrote, and what it said on its status pipe."""

    code: int
    out: bytes
    status: bytes


@contextmanager
def folder() -> Iterator[Path]:
    """A private folder with an empty `home` in it."""
    with tempfile.TemporaryDirectory(prefix="arcgit-") as name:
        home = Path(name) / "home"
        home.mkdir(mode=0o700)
        yield Path(name)


def run(place: Path, arguments: Sequence[str], *, stdin: bytes = b"") -> Done:
    """Run a tool in a folder made by `folder`. Raises ToolMissingError."""
    found = shutil.which(arguments[0])
    if found is None:
        raise ToolMissingError(f"{arguments[0]} is not installed or not on PATH")
    ours, theirs = os.pipe()
    try:
        command = [found, *(part.replace(STATUS, str(theirs)) for part in arguments[1:])]
        done = subprocess.run(
            command,
            cwd=place,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(place),
            pass_fds=[theirs],
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        os.close(ours)
        raise ToolMissingError(f"{arguments[0]} cannot be run: {error}") from error
    finally:
        os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        # Whatever a tool has to say to programs fits into the pipe; it has ended, so this does not wait.
        status = pipe.read(MAX_STATUS_BYTES)
    if done.returncode < 0:
        raise ToolMissingError(f"{arguments[0]} was ended by signal {-done.returncode}")
    return Done(done.returncode, done.stdout, status)


def version(tool: str) -> str:
    """The tool with its version, for a report; its name alone where it does not tell one."""
    if not tool.startswith("gpg"):
        return tool
    try:
        with folder() as place:
            first = run(place, [tool, "--version"]).out.split(b"\n", 1)[0].decode(errors="replace")
    except ToolMissingError:
        return f"{tool} (missing)"
    return f"{tool} {first.rpartition(' ')[2]}"


def _environment(place: Path) -> Mapping[str, str]:
    home = str(place / "home")
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "GNUPGHOME": home, "LC_ALL": "C", "TZ": "UTC"}
