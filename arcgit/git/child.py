"""A child process with pipes, started without the module `subprocess`, whose import alone costs a commit hook milliseconds.

Only for git's plumbing, whose arguments and environment come from `arcgit.git.plumbing`.
"""

from __future__ import annotations

import os
from io import FileIO

from arcgit.errors import UndeterminedError

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` and `collections` cost a hook that has nothing to do a fifth of its time
    from collections.abc import Mapping, Sequence


class Child:
    """A running program: bytes go into `stdin` and come out of `stdout`; its standard error is dropped."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        # Pipes are not inherited by themselves; dup2 makes the two ends that the child shall have inheritable.
        actions = [
            (os.POSIX_SPAWN_DUP2, theirs_in, 0),
            (os.POSIX_SPAWN_DUP2, theirs_out, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        try:
            self.pid = os.posix_spawnp(command[0], list(command), environment, file_actions=actions)
        except FileNotFoundError as error:
            os.close(ours_in)
            os.close(ours_out)
            raise UndeterminedError("git-missing", "git is not installed or not on PATH", "install git") from error
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        self.stdin = FileIO(ours_in, "wb")
        self.stdout = os.fdopen(ours_out, "rb")
        self.code: int | None = None

    def output(self) -> bytes:
        """Everything that the program still writes; it gets no more input, and `code` is set."""
        self.stdin.close()
        data = self.stdout.read()
        self.close()
        return data

    def close(self) -> None:
        """Close the pipes and wait for the end, which closed pipes bring about."""
        self.stdin.close()
        self.stdout.close()
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
