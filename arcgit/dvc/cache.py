"""DVC's cache on this machine, read without importing DVC: where it lies, and the directory lists in it.

Nothing is fetched and nothing is written. A list counts only if its bytes have the md5 that it is named by. Paths are text,
as `pathlib` costs a commit hook milliseconds.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence

from arcgit.dvc.listing import DirEntry, parse_dir_listing

MAX_LIST_BYTES = 64 * 1024 * 1024
_LEVELS = ("config", "config.local")


def cache_folder(dvc_folder: str, environment: Mapping[str, str]) -> str | None:
    """The cache of the DVC repository with this `.dvc` folder; None where it is not a folder of this machine.

    As in DVC, the last of system, global, repository and local configuration wins, and a relative folder is relative
    to the file that names it.
    """
    chosen: str | None = f"{dvc_folder}/cache"
    for file in (*_config_files(environment), *(f"{dvc_folder}/{name}" for name in _LEVELS)):
        named = _named_folder(file)
        if named is not None:
            chosen = _resolved(os.path.dirname(file), named, environment)
    return chosen


def read_list(cache: str, oid: str) -> Sequence[DirEntry] | None:
    """The entries of a `.dir` object, None where it is not here or its bytes are not what its name says.

    Raises RefusedError for a list that names unsafe paths.
    """
    stem = oid.removesuffix(".dir")
    for folder in (f"{cache}/files/md5", cache):
        data = _read(f"{folder}/{oid[:2]}/{oid[2:]}")
        if data is not None and hashlib.md5(data, usedforsecurity=False).hexdigest() == stem:
            return parse_dir_listing(data)
    return None


def _config_files(environment: Mapping[str, str]) -> list[str]:
    home = environment.get("HOME", "")
    system = environment.get("DVC_SYSTEM_CONFIG_DIR") or _first_folder(environment.get("XDG_CONFIG_DIRS", "/etc/xdg"))
    own = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    personal = environment.get("DVC_GLOBAL_CONFIG_DIR") or (f"{own}/dvc" if own else "")
    return [f"{folder}/config" for folder in (system, personal) if folder]


def _first_folder(search: str) -> str:
    first = search.partition(os.pathsep)[0]
    return f"{first}/dvc" if first else ""


def _named_folder(file: str) -> str | None:
    """`dir` of the section `cache`, or None. Read by hand: a commit hook has no time for a configuration library."""
    try:
        with open(file, errors="replace") as opened:
            text = opened.read()
    except OSError:
        return None
    section, found = "", None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.partition("#")[0].strip(" []'\"")
        elif section == "cache" and line[:1] not in {"#", ";"}:
            key, separator, value = line.partition("=")
            # A cache that is a named remote is not a folder that could be read here.
            if separator and key.strip().strip("'\"") in {"dir", "local"}:
                found = _unquoted(value.strip()) if key.strip().strip("'\"") == "dir" else "remote://"
    return found


def _unquoted(value: str) -> str:
    if value[:1] in {"'", '"'}:
        return value[1:].partition(value[0])[0]
    return value.partition("#")[0].strip()


def _resolved(base: str, named: str, environment: Mapping[str, str]) -> str | None:
    if "://" in named:
        return None
    if named == "~" or named.startswith("~/"):
        return f"{environment.get('HOME', '/nonexistent')}/{named[2:]}"
    return os.path.normpath(os.path.join(base, named))


def _read(path: str) -> bytes | None:
    """The bytes of a regular file of bounded size; a FIFO in its place must not hang a commit."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_LIST_BYTES:
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_LIST_BYTES)
