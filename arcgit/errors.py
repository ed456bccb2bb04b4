"""What can go wrong, as a person is told it: what happened, to which thing, and the next command to type.

Every error that a user may meet is an `ArcgitError`. The class decides the exit code (docs/design.md, "Exit codes");
anything else that escapes is a bug and ends with exit code 4.
"""

from __future__ import annotations


class ArcgitError(Exception):
    """An error with a stable code, a message for people and the next step.

    `code` is a kebab-case slug, as for findings. `hint` is a command or an instruction; it may be empty.
    """

    exit_code = 4

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class RefusedError(ArcgitError):
    """A rule refused the work, or it failed: exit code 1."""

    exit_code = 1


class UsageError(ArcgitError):
    """The command cannot be meant like this, or names something unknown: exit code 2."""

    exit_code = 2


class UndeterminedError(ArcgitError):
    """The answer could not be found out: network, credentials, missing refs or keys. Exit code 3."""

    exit_code = 3


class DeclinedError(ArcgitError):
    """A person said no at a prompt: exit code 130."""

    exit_code = 130
