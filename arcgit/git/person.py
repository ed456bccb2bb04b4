"""Running git as the person would, on what is in the repository: their configuration applies.

What points git at another repository than the one that is open is taken out of the environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from arcgit.errors import UndeterminedError
from arcgit.git.plumbing import HOOK_VARIABLES

OVERRIDES = ("-c", "protocol.ext.allow=never")
"""An address of this kind is a command line. Whoever may write .git/config could allow it there."""


_ASTRAY = frozenset({"GIT_CONFIG", "GIT_INTERNAL_SUPER_PREFIX"})
"""What makes `git config` read another file, or none at all; no other command of git takes notice of the first."""


def environment() -> dict[str, str]:
    """The person's environment, for git in the repository that is open and no other."""
    kept = {name: value for name, value in os.environ.items() if name not in HOOK_VARIABLES | _ASTRAY}
    fixed = {"LANGUAGE": "C", "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    return kept | fixed | ({} if sys.stdin.isatty() else {"GIT_TERMINAL_PROMPT": "0"})


def run(root: Path, arguments: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `git <arguments>` in `root`. Raises UndeterminedError."""
    try:
        done = subprocess.run(
            ["git", *OVERRIDES, *arguments],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=environment(),
        )
    except FileNotFoundError as error:
        if not root.is_dir():
            raise UndeterminedError("no-such-folder", f"the folder {root} is gone", "cd into the work tree") from error
        raise UndeterminedError("git-missing", "git is not installed or not on PATH", "install git") from error
    return done.returncode, _text(done.stdout), _text(done.stderr)


def _text(said: bytes) -> str:
    """What git said without the line break that ends it; a NUL that ends a list stays."""
    return os.fsdecode(said.removesuffix(b"\n"))
