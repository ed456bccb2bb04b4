"""A destination by its path: no link leads to it from inside the repository, and none of git's own folders is one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from arcgit.archive.placing.destination import Destination
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git.repository import Repository

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_IN_THE_WAY = {errno.ELOOP, errno.ENOTDIR}


@contextmanager
def opened(folder: Path, *, force: bool, repo: Repository) -> Iterator[Destination]:
    """The destination at `folder`, made where it is not there yet; inside the repository no link leads to it.

    Raises RefusedError where a link, or something that is no folder, stands on its way, UndeterminedError.
    """
    place = _place(folder, repo)
    made = [path for path in (place, *place.parents) if not os.path.lexists(path)]
    destination = Destination(_walk(place, repo.root, create=True), force=force)
    try:
        try:
            destination.begin()
        except OSError as fault:
            raise _unwritable(place, fault) from fault
        yield destination
    finally:
        destination.close()
        with suppress(OSError):
            for path in made:
                path.rmdir()


def existing(folder: Path, *, repo: Repository) -> Destination | None:
    """The destination where it is there already, only to look at; None where it is not. Raises RefusedError."""
    place = _place(folder, repo)
    try:
        return Destination(_walk(place, repo.root, create=False), force=False)
    except FileNotFoundError:
        return None


def _place(folder: Path, repo: Repository) -> Path:
    """The folder as an absolute path. Raises RefusedError for one of git's own."""
    place = Path(os.path.abspath(folder))
    seen = place.parent.resolve() / place.name
    own = (repo.git_dir.resolve(), repo.common_dir)
    if any(part.lower() == ".git" for part in seen.parts) or any(seen.is_relative_to(path) for path in own):
        raise RefusedError("path-unsafe", f"{place} is in git's own folder", "choose another folder: --to DIR")
    return place


def _walk(place: Path, root: Path, *, create: bool) -> int:
    """Open a folder by its path. Links may only be above its last part, and outside of the repository."""
    start, top = place.parent, root.resolve()
    try:
        while create and not start.is_dir() and start != start.parent:
            start = start.parent
        start = next((path for path in place.parents if path.resolve() == top), start)
        at = os.open(start, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in place.relative_to(start).parts:
            try:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=at)
                inner = os.open(part, _FOLDER, dir_fd=at)
            finally:
                os.close(at)
            at = inner
    except OSError as fault:
        if isinstance(fault, FileNotFoundError) and not create:
            raise
        if fault.errno in _IN_THE_WAY:
            message = f"{place} is a link or no folder, or lies behind one"
            raise RefusedError("destination-occupied", message, "choose a folder of your own: --to DIR") from None
        raise _unwritable(place, fault) from fault
    return at


def _unwritable(place: Path, fault: OSError) -> UndeterminedError:
    message = f"{place} cannot be written: {fault.strerror}"
    return UndeterminedError("destination-unwritable", message, "choose another folder: --to DIR")
