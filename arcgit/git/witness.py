"""Which files besides git's objects a judgement has read, seen by Python's own audit events.

The commit hook remembers a judgement only if it knows everything that it hangs on. That does not rest on every rule saying
what it reads: a file that is opened is seen here, and whatever else could bring news in makes the judgement one that is not
remembered. What no event tells is a mere question whether a path exists: a rule that decides by it opens
the path, be it a folder.
"""

from __future__ import annotations

import os
import sys

_CODE = (".py", ".pyc", ".so")
_OTHER = ("os.scandir", "os.system", "os.exec", "subprocess.", "socket.", "sqlite3.", "urllib.", "ctypes.", "mmap.")
_GIT = frozenset({"cat-file", "ls-tree"})


FILE, FOLDER, NOTHING, OTHER = "f", "d", "n", "o"


def kind_of(path: str) -> str:
    """What is at a path. A pipe or a device is something that no later look can be compared with."""
    if os.path.isfile(path):
        return FILE
    if os.path.isdir(path):
        return FOLDER
    return OTHER if os.path.exists(path) else NOTHING


class Witness:
    """Looks on until `stop`. `files` has each path that was opened, and what was there."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.knows_all = True
        self._looking = True
        # It stays for as long as the process lives: Python has no way to take it out again.
        sys.addaudithook(self._see)

    def stop(self) -> None:
        """Look away from now on."""
        self._looking = False

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._looking:
            return
        if event == "open":
            self._opened(arguments[0])
        elif event == "os.posix_spawn":
            self.knows_all &= any(name in _GIT for name in _words(arguments[1]))
        elif event == "os.listdir":
            # The import system lists folders of code.
            self.knows_all &= str(arguments[0]).startswith(tuple(filter(None, sys.path)))
        elif event.startswith(_OTHER):
            self.knows_all = False

    def _opened(self, path: object) -> None:
        if isinstance(path, int):
            return
        if not isinstance(path, str | bytes):
            self.knows_all = False
            return
        name = os.fsdecode(path)
        if not name.endswith(_CODE) and name != os.devnull:
            self.files[name] = kind_of(name)


def _words(command: object) -> list[object]:
    return list(command) if isinstance(command, list | tuple) else []
