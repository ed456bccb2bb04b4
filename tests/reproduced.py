"""What `dvc repro` made of a work tree, so that it need not run again where another one has the same files.

A run takes as long as all the rest of most tests, and is a function of the files that it finds: nothing else goes into the
pipelines of these tests. The first run of each is real, in this process; every later one puts the same bytes there.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

NEITHER_READ_NOR_MADE = {".git", os.path.join(".dvc", "tmp"), "arcgit.yaml"}  # noqa: PTH118  names, as os.walk gives them


class Entry(NamedTuple):
    """A file with its permissions, or a link."""

    mode: int
    content: bytes


Tree = dict[str, Entry]
_made: dict[str, tuple[Tree, set[str]]] = {}


def once(work: Path, run: Callable[[], object]) -> None:
    """Leave in `work` what `run` leaves there."""
    before = _tree(work)
    key = hashlib.sha256(repr(sorted(before.items())).encode()).hexdigest()
    if key not in _made:
        run()
        after = _tree(work)
        written = {path: entry for path, entry in after.items() if before.get(path) != entry}
        _made[key] = written, before.keys() - after.keys()
        return
    written, gone = _made[key]
    for path in gone:
        (work / path).unlink()
    for path, entry in written.items():
        _write(work / path, entry)


def _tree(work: Path) -> Tree:
    found: Tree = {}
    for folder, folders, files in os.walk(work):
        here = os.path.relpath(folder, work)
        names = [*files, *(name for name in folders if os.path.islink(os.path.join(folder, name)))]  # noqa: PTH114, PTH118
        folders[:] = [name for name in folders if _path(here, name) not in NEITHER_READ_NOR_MADE]
        for name in names:
            if (path := _path(here, name)) not in NEITHER_READ_NOR_MADE:
                found[path] = _entry(work / path)
    return found


def _path(folder: str, name: str) -> str:
    return os.path.normpath(os.path.join(folder, name))  # noqa: PTH118


def _entry(path: Path) -> Entry:
    mode = path.lstat().st_mode
    return Entry(mode, os.fsencode(path.readlink()) if stat.S_ISLNK(mode) else path.read_bytes())


def _write(path: Path, entry: Entry) -> None:
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(entry.mode):
        path.symlink_to(os.fsdecode(entry.content))
    else:
        path.write_bytes(entry.content)
        path.chmod(stat.S_IMODE(entry.mode))
