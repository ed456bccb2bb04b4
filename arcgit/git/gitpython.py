"""Running git as the person would, through GitPython: their configuration, credentials and hooks apply.

What points git at another repository than the one that is open is taken out of the environment first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from arcgit.errors import UndeterminedError
from arcgit.git.plumbing import HOOK_VARIABLES

# An address of this kind is a command line. Whoever may write .git/config could allow it there.
_OVERRIDES = ("-c", "protocol.ext.allow=never")


def environment() -> dict[str, str]:
    """The person's environment, for git in the repository that is open and no other."""
    kept = {name: value for name, value in os.environ.items() if name not in HOOK_VARIABLES}
    fixed = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    return kept | fixed | ({} if sys.stdin.isatty() else {"GIT_TERMINAL_PROMPT": "0"})


def run(root: Path, arguments: Sequence[str], extra: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `git <arguments>` in `root`. Raises UndeterminedError."""
    # An own choice of executable, and a check of it that prints, would only get in the way.
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    os.environ.pop("GIT_PYTHON_GIT_EXECUTABLE", None)
    import git

    env = environment() | dict(extra or {})
    for name in HOOK_VARIABLES & os.environ.keys():
        del os.environ[name]
    try:
        # GitPython adds to this process's environment and strips one newline, never a NUL that ends a list.
        result: Any = git.Git(str(root)).execute(
            ["git", *_OVERRIDES, *arguments], with_extended_output=True, with_exceptions=False, env=env
        )
    except git.GitCommandNotFound as error:
        raise UndeterminedError("git-missing", "git is not installed or not on PATH", "install git") from error
    code, out, err = result
    return int(code), str(out), str(err)
