"""A DVC project as far as opening its remotes and its cache needs one.

DVC's own `Repo` imports every one of DVC's commands and makes folders, a database and lines in `.gitignore` for them. Its
configuration, remotes and cache ask of a repository only what stands here.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = ".dvc"


class Project:
    """The project whose `.dvc` is in `root_dir`. What its parts raise is what they raise in DVC."""

    state = data_index = site_cache_dir = None
    """What DVC remembers of files and remotes: nothing here asks for it."""

    def __init__(self, root_dir: str) -> None:
        from dvc.fs import LocalFileSystem

        self.root_dir = root_dir
        self.fs = LocalFileSystem()
        self.local_dvc_dir = f"{root_dir}{os.sep}{FOLDER}"

    def __str__(self) -> str:
        return self.root_dir

    def __getattr__(self, name: str) -> Any:
        """Whatever another version of DVC asks for beyond that, a whole `Repo` answers."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._whole, name)

    @cached_property
    def _whole(self) -> Any:
        return _repo(self.root_dir)

    @cached_property
    def config(self) -> Any:
        """All levels of DVC's configuration."""
        from dvc.config import Config

        return Config(self.local_dvc_dir, local_dvc_dir=self.local_dvc_dir, fs=self.fs)

    @cached_property
    def cloud(self) -> Any:
        """What makes remotes of it."""
        from dvc.data_cloud import DataCloud

        return DataCloud(self)

    @cached_property
    def cache(self) -> Any:
        """The cache on this machine."""
        from dvc.cachemgr import CacheManager

        return CacheManager(self)


def project(root: Path) -> Any:
    """The project in a folder, or as DVC finds one from there. Raises what DVC's `Repo` does."""
    # As DVC has it: links on the way stay as they are.
    folder = Path(os.path.abspath(root))  # noqa: PTH100
    if (folder / FOLDER).is_dir():
        return Project(str(folder))
    return _repo(str(folder))


def _repo(folder: str) -> Any:
    from dvc.repo import Repo

    return Repo(folder)
