"""As much of DVC's `Repo` as opening a remote takes: its configuration, its cache's folders, and its remotes.

Importing and making a whole `Repo` takes twice as long as all that: pipelines, experiments and plots come with it, and it
opens databases. What is asked of it here beyond that, by another version of DVC perhaps, a whole one answers.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = ".dvc"


def load() -> None:
    """Import what a project needs, ahead of time: it takes longer than all the rest of a short command."""
    import dvc.cachemgr
    import dvc.config
    import dvc.data_cloud
    import dvc.fs  # noqa: F401


def opened(root: Path) -> Any:
    """The DVC project in or above a folder. Raises DVC's own exceptions, as `Repo` does."""
    return Project(root) if os.path.isdir(root / FOLDER) else _whole(root)  # noqa: PTH112  False where it cannot be told


class Project:
    """The project of one folder, which has DVC's in it. Whatever has no name here is what a `Repo` has under it."""

    data_index = None
    """Nothing of DVC's own memory of a remote is believed."""

    def __init__(self, root: Path) -> None:
        from dvc.fs import LocalFileSystem

        self.fs = LocalFileSystem()
        self.root_dir = str(self.fs.abspath(str(root)))
        self.dvc_dir = self.local_dvc_dir = str(self.fs.join(self.root_dir, FOLDER))

    def __str__(self) -> str:
        return self.root_dir

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._repo, name)

    @cached_property
    def _repo(self) -> Any:
        return _whole(Path(self.root_dir))

    @cached_property
    def config(self) -> Any:
        """All of DVC's configurations as one."""
        from dvc.config import Config

        return Config(self.dvc_dir, local_dvc_dir=self.local_dvc_dir, fs=self.fs)

    @cached_property
    def cache(self) -> Any:
        """Where the cache has its objects."""
        from dvc.cachemgr import CacheManager

        return CacheManager(self)

    @cached_property
    def cloud(self) -> Any:
        """What opens remotes."""
        from dvc.data_cloud import DataCloud

        return DataCloud(self)

    @cached_property
    def state(self) -> Any:
        """No memory of hashes: sha256 is taken of the bytes."""
        from dvc_data.hashfile.state import StateNoop

        return StateNoop()

    @property
    def site_cache_dir(self) -> str:
        """Where DVC would keep its memory of a remote; it is not made, since there is none."""
        return str(self.fs.join(self.dvc_dir, "tmp"))


def _whole(root: Path) -> Any:
    from dvc.repo import Repo

    return Repo(str(root))
