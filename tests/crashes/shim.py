"""A `git` in front of the real one, for what has to happen at a certain moment of a command."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


def install(folder: Path, patch: pytest.MonkeyPatch, body: str) -> str:
    """Put a shell script before git: `body` runs first, with the real git as `$GIT`; returns the real git's path."""
    real = shutil.which("git")
    assert real is not None
    folder.mkdir(exist_ok=True)
    script = folder / "git"
    script.write_text(f'#!/bin/sh\nGIT={real}\n{body}\nexec "$GIT" "$@"\n')
    script.chmod(0o755)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return real
