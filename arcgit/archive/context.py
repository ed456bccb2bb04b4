"""What every use case starts from: the repository, the person's settings and the remote that is asked."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from arcgit.errors import UndeterminedError, UsageError
from arcgit.git.repository import Repository
from arcgit.git.settings import Settings
from arcgit.model.text import word


@dataclass(frozen=True)
class Context:
    """An opened repository. `remote` is the git remote that the archive is exchanged with, if any."""

    repo: Repository
    settings: Settings
    remote: str | None
    state_dir: Path

    @property
    def root(self) -> Path:
        return self.repo.root

    def require_work_tree(self) -> None:
        """Raise UsageError in a bare repository, where nothing is that a manifest or a proposal could lie in."""
        if self.repo.bare:
            message = "this is a bare repository; what is asked for needs a clone with a work tree"
            raise UsageError("bare-repository", message, f"git clone {shlex.quote(str(self.root))} CLONE; then there")

    def require_chosen_remote(self) -> None:
        """Raise UndeterminedError where any of several remotes may be the one whose ledger an event has to follow."""
        if self.remote is None and (names := self.settings.remotes()):
            message = f"there are several git remotes ({', '.join(names)}), and nothing says which one has the archive"
            raise UndeterminedError("remote-missing", message, f"git config arcgit.remote {word(names[0])}")


def open_context(start: Path, *, state_dir: Path, only_read: bool = False) -> Context:
    """Open the repository around `start`, `only_read` for what judges nothing; `state_dir` is where pins are kept.

    Raises ArcgitError.
    """
    repo = Repository(start, only_read=only_read)
    settings = Settings(repo.root)
    return Context(repo, settings, settings.remote(), state_dir)
