"""What the system refuses in the middle of a command, such as a write to a full disk, in words and with the next step."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from arcgit.errors import UndeterminedError
from arcgit.model.text import word

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_TOO_MANY = {errno.EMFILE, errno.ENFILE}
_WAYS = {
    errno.EFBIG: "ulimit -f tells how large a file may be here; with a larger one run the command again",
    errno.ENOMEM: "free -m; ulimit -v",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.ELOOP: "a link leads back to itself: ls -l",
    errno.EIO: "the disk or the mount has failed: dmesg; mount",
    errno.ESTALE: "the server took the folder away: mount it again",
}
_KNOWN = _FULL | _FORBIDDEN | _TOO_MANY | set(_WAYS)


def told(fault: OSError | MemoryError | RuntimeError) -> UndeterminedError | None:
    """The error that a person is told; None for what the system does not say of itself and is arcgit's own mistake."""
    if isinstance(fault, MemoryError):
        return UndeterminedError("system-failed", "there is no memory left", _WAYS[errno.ENOMEM])
    if isinstance(fault, RuntimeError):
        return _of_python(str(fault))
    # Where no temporary file can be written at all, Python says that it found no folder for them.
    if fault.errno == errno.ENOENT and "No usable temporary directory" in str(fault):
        message = "no temporary file can be written in any folder for such files"
        return UndeterminedError(
            "system-failed", message, "df -h /tmp; ulimit -f; or name another: TMPDIR=DIR arcgit …"
        )
    if fault.errno not in _KNOWN:
        return None
    name = fault.filename
    # What a write fails on, Python does not say: a temporary file mostly, or what standard output leads to.
    thing = os.fsdecode(name) if isinstance(name, str | bytes) and name else "a file, or the output"
    return UndeterminedError("system-failed", f"{thing}: {fault.strerror}", _way_on(fault.errno, name))


def _of_python(said: str) -> UndeterminedError | None:
    """Of what Python has no error of its own for."""
    if "start new thread" in said:
        # The stack of a thread takes memory as well.
        message = "there is no memory left for one more thread, or there are too many"
        return UndeterminedError("system-failed", message, f"{_WAYS[errno.ENOMEM]}; ulimit -u")
    if "home directory" in said:
        message = "no home directory is known: HOME names none, and neither does the system for this user"
        return UndeterminedError("system-failed", message, "name a folder of yours: HOME=DIR arcgit …")
    return None


def of_output(fault: OSError) -> UndeterminedError:
    """The error where standard output takes nothing more."""
    hint = "send the output to where there is room, then run the command again"
    return UndeterminedError("system-failed", f"standard output: {fault.strerror}", hint)


def _way_on(number: int, name: object) -> str:
    place = str(Path(name).parent) if isinstance(name, str) and name else ""
    if number in _FULL:
        return f"make room and run the command again: df -h {word(place) if place else f'. {word(_temporary())}'}"
    if number in _FORBIDDEN:
        return f"look at rights and mounts: ls -ld {word(place or '.')}; then run the command again"
    if number in _TOO_MANY:
        return "ulimit -n 4096, then run the command again"
    return _WAYS[number]


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return "/tmp"  # noqa: S108  only named
