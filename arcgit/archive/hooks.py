"""Installing the commit hook, and nothing that is not ours: a foreign hook is never overwritten."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from arcgit.archive.context import Context
from arcgit.errors import UndeterminedError
from arcgit.resources import resource

MARKER = "# arcgit-hook"
NAMES = ("pre-commit",)


@dataclass(frozen=True)
class HookState:
    """What became of one hook: `installed`, `unchanged` or `skipped`, and for the last why and what to do."""

    name: str
    outcome: str
    reason: str = ""
    hint: str = ""


def install(context: Context) -> list[HookState]:
    """Install every client hook; idempotent. Hooks of others are left alone and reported as skipped."""
    return [_install(context, name) for name in NAMES]


def uninstall(context: Context) -> list[str]:
    """Remove our hooks; returns their names."""
    folder = context.repo.common_dir / "hooks"
    removed = []
    for name in NAMES:
        path = folder / name
        if path.is_file() and MARKER in path.read_text(errors="replace"):
            path.unlink()
            removed.append(name)
    return removed


def script(name: str) -> str:
    """The hook's text with this interpreter in it. Raises UndeterminedError where that cannot run arcgit."""
    python = sys.executable
    # -I keeps the repository's own files from being imported in the place of arcgit's.
    probe = subprocess.run([python, "-I", "-c", "import arcgit.hook"], capture_output=True, check=False)
    if probe.returncode != 0:
        hint = "install arcgit with pipx, uv tool or into a virtual environment, then run `arcgit hooks install`"
        raise UndeterminedError("hook-interpreter", f"{python} -I cannot import arcgit", hint)
    text = resource(f"hooks/{name}").read_text()
    return text.replace("@PYTHON@", shlex.quote(python))


def _install(context: Context, name: str) -> HookState:
    configured = context.settings.get("core.hookspath")
    if configured:
        hint = (
            f"add this line to the {name} hook in {configured}: {shlex.quote(sys.executable)} -I -m arcgit.hook {name}"
        )
        return HookState(name, "skipped", f"core.hooksPath is set to {configured}", hint)
    path = context.repo.common_dir / "hooks" / name
    text = script(name)
    if path.exists() or path.is_symlink():
        present = path.read_text(errors="replace") if path.is_file() else ""
        if MARKER not in present:
            line = f"{shlex.quote(sys.executable)} -I -m arcgit.hook {name}"
            return HookState(name, "skipped", f"{path} is there already", f"add this line to it: {line} || exit 1")
        if present == text:
            return HookState(name, "unchanged")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _beside(path)
    temporary.write_text(text)
    temporary.chmod(0o755)
    temporary.replace(path)
    return HookState(name, "installed")


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}")
