"""Reading imported data where it came from: another DVC or git repository, at the rev that was locked.

DVC's own file system opens both what that repository keeps in DVC and what it keeps in git. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from arcgit.dvc import clones
from arcgit.errors import UndeterminedError


class ImportSource:
    """The repository behind an import. `origin` is as `*.dvc` files have it: `url`, `rev_lock`, `path`."""

    def __init__(self, root: Path, origin: Mapping[str, str]) -> None:
        self._root = root
        self._origin = origin
        self._fs: Any = None

    @property
    def label(self) -> str:
        """The source for a message."""
        rev = self._origin.get("rev_lock", "")[:12]
        return f"{self._origin.get('url', self._origin.get('path', ''))}{' at ' + rev if rev else ''}"

    @contextmanager
    def open(self, relpath: str = "") -> Iterator[BinaryIO]:
        """Stream one file, of a directory the one at `relpath`. Raises UndeterminedError."""
        path = f"{self._origin.get('path', '')}/{relpath}" if relpath else self._origin.get("path", "")
        try:
            with clones.seen_to():
                stream = self._opened().open(path, "rb")
        except Exception as error:
            raise self._unreadable(error) from error
        with stream:
            yield stream

    def _opened(self) -> Any:
        if self._fs is None:
            if "rev_lock" not in self._origin or "url" not in self._origin:
                raise ValueError("arcgit reads imports from repositories only")
            from dvc.api import DVCFileSystem

            url = self._origin["url"]
            local = self._root / url
            self._fs = DVCFileSystem(url=str(local) if local.is_dir() else url, rev=self._origin["rev_lock"])
        return self._fs

    def _unreadable(self, error: Exception) -> UndeterminedError:
        words = " ".join(str(error).split())[:300] or type(error).__name__
        hint = "check your access to it, or keep a copy of your own: dvc add instead of dvc import"
        return UndeterminedError("source-unreadable", f"the import from {self.label} cannot be read: {words}", hint)
