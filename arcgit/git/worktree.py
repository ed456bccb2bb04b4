"""Writing files into the work tree: never through a link, never half."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from arcgit import durable
from arcgit.errors import RefusedError
from arcgit.model.text import word


def read(root: Path, path: str, limit: int, *, way_on: str = "") -> bytes | None:
    """The bytes of a regular file at a repository-relative path, None where there is nothing.

    Raises RefusedError for anything that is no regular file, for links on the way, and above `limit` bytes, where `way_on`
    is the next step.
    """
    _require_own_folders(root, path)
    try:
        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _not_a_file(path) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _not_a_file(path)
        if status.st_size > limit:
            message = f"{path} has {status.st_size} bytes, more than {limit}"
            raise RefusedError("file-too-large", message, way_on or f"see where it comes from: git log -- {word(path)}")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(limit + 1)
    finally:
        os.close(descriptor)


def write(root: Path, path: str, data: bytes) -> None:
    """Put `data` at a repository-relative path, replacing a regular file. Raises RefusedError as `read` does."""
    target = root / path
    _require_own_folders(root, path)
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise _not_a_file(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    durable.replace(target, data, mode=mode)


def _require_own_folders(root: Path, path: str) -> None:
    folder = root
    for part in Path(path).parts[:-1]:
        folder /= part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise RefusedError("path-unsafe", f"{folder} is a link or no folder", f"move {word(str(folder))} away")


def _not_a_file(path: str) -> RefusedError:
    return RefusedError("path-unsafe", f"{path} is a link, or no plain file", f"move {word(path)} away")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
