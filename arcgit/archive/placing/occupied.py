"""What stands under a name already: nothing, the very bytes that are wanted, or something else with words for it."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress
from typing import Literal, NamedTuple

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How a folder and a file are opened: through no link, and without waiting where a FIFO stands instead."""
IN_THE_WAY = {errno.ELOOP, errno.ENOTDIR}
"""What opening so says where something else stands there."""
CHUNK = 1024 * 1024


class OccupiedError(Exception):
    """Something else stands in the place of a file or of a folder on its way; the words say what."""


class Standing(NamedTuple):
    """What stands under a name: nothing, the very bytes that are wanted, or something else with words for it."""

    state: Literal["absent", "same", "other"]
    what: str = ""


def standing(parent: int, name: str, sha256: str, size: int) -> Standing:
    """What stands under a name in an opened folder. Raises OSError where it cannot be read."""
    try:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            return Standing("other", f"{kind(parent, name)} stands there")
        if status.st_size != size:
            return Standing("other", f"a file of {status.st_size} bytes instead of {size} stands there")
        descriptor = os.open(name, READ, dir_fd=parent)
    except FileNotFoundError:
        return Standing("absent")
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        digest, left = hashlib.sha256(), size + 1
        while chunk := file.read(min(CHUNK, left)):
            digest.update(chunk)
            left -= len(chunk)
    if digest.hexdigest() == sha256:
        return Standing("same")
    return Standing("other", "a file with other bytes stands there")


_KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISREG, "a file"),
)


def kind(parent: int, name: str) -> str:
    """What stands under a name, in words such as `a link`."""
    with suppress(OSError):
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        return next((words for test, words in _KINDS if test(mode)), "a device")
    return "something else"
