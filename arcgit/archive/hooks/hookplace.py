"""Where git looks for hooks in a repository, and whether arcgit may write there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from arcgit.archive.context import Context

SETTING = "core.hookspath"


@dataclass(frozen=True)
class Place:
    """The folder of the hooks. `refusal` says why nothing is written there; `instead` what to do then.

    Without `instead`, a line in the hook itself is what to do.
    """

    folder: Path
    refusal: str = ""
    instead: str = ""

    def file(self, name: str) -> Path:
        """Where a person puts a line for the hook `name`: husky's own files lie above those that git runs."""
        return (self.folder.parent if self.folder.name == "_" else self.folder) / name


def place_of(context: Context) -> Place:
    """The place of the hooks under the settings in force."""
    default = context.repo.common_dir / "hooks"
    value = context.settings.get(SETTING)
    if not value:
        return Place(default)
    folder = context.settings.hooks_folder()
    if _inside(folder, context.repo.common_dir):
        return Place(folder)
    scope = context.settings.scope_of(SETTING)
    if folder.exists() and not folder.is_dir():
        use = f"git config core.hooksPath {shlex.quote(str(default))}"
        if scope == "local":
            use = "git config --unset core.hooksPath"
        return Place(
            folder, f"core.hooksPath ({scope}) is {value}: hooks are switched off", f"{use} && arcgit hooks install"
        )
    if not context.repo.bare and _inside(folder, context.root):
        return Place(
            folder, f"core.hooksPath is {value}: the hooks there belong to everybody who works on the repository"
        )
    return Place(folder, f"core.hooksPath ({scope}) is {value}: the hooks there serve other repositories too")


def _inside(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
