"""DVC clones the repositories that imports come from into temporary folders; here they are seen to go away again.

DVC's own command line takes the clones away when it ends, and leaves the folder behind where none came about.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class _Watched:
    """In the place of the module `tempfile`, for the one thing that DVC wants of it there."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def mkdtemp(self, suffix: str) -> str:
        self.made.append(tempfile.mkdtemp(suffix))
        return self.made[-1]

    def forget_empty(self) -> None:
        for folder in list(self.made):
            # One that has something in it is a clone.
            with suppress(OSError):
                Path(folder).rmdir()
                self.made.remove(folder)

    def end(self) -> None:
        for folder in self.made:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def seen_to() -> Iterator[None]:
    """In here DVC may clone. A clone is used again, and goes when this process ends; a folder without one goes at once."""
    from dvc.repo import open_repo

    watched = open_repo.tempfile
    if not isinstance(watched, _Watched):
        watched = open_repo.tempfile = _Watched()
        atexit.register(watched.end)
    try:
        yield
    except BaseException:
        watched.forget_empty()
        raise
