"""Exchanging refs and changing settings through GitPython: the person's credentials, ssh settings, proxies and hooks apply.

Its import takes as long as a command that only reads, so whatever stays in the repository goes through `arcgit.git.person`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from arcgit.errors import UndeterminedError
from arcgit.git import person
from arcgit.git.plumbing import HOOK_VARIABLES


def run(root: Path, arguments: Sequence[str], extra: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `git <arguments>` in `root`. Raises UndeterminedError.

    `extra` is added to the environment.
    """
    # An own choice of executable, and a check of it that prints, would only get in the way.
    os.environ["GIT_PYTHON_REFRESH"] = "quiet"
    os.environ.pop("GIT_PYTHON_GIT_EXECUTABLE", None)
    import git

    for name in HOOK_VARIABLES & os.environ.keys():
        del os.environ[name]
    try:
        # GitPython adds to this process's environment and strips one newline, never a NUL that ends a list.
        result: Any = git.Git(str(root)).execute(
            ["git", *person.OVERRIDES, *arguments],
            with_extended_output=True,
            with_exceptions=False,
            env=person.environment() | dict(extra or {}),
        )
    except git.GitCommandNotFound as error:
        raise UndeterminedError("git-missing", "git is not installed or not on PATH", "install git") from error
    code, out, err = result
    return int(code), str(out), str(err)
