"""Whether a remote answers at all: what is said once of the remote, and not of each of its objects."""

from __future__ import annotations

from typing import Any

from arcgit.dvc import certificates, faults
from arcgit.errors import UndeterminedError
from arcgit.model.text import word

HOPELESS = 16
"""So many objects that could not be looked at, one after the other and before any that could, and no more are asked for.

The same where no word came of so many objects, one after the other, whatever there was before: each is waited for.
"""
FOLDERS = frozenset({"local", "ssh", "webdav", "webdavs", "hdfs", "webhdfs"})
BUCKETS = frozenset({"s3", "gs", "azure", "oss"})


class Reach:
    """What is known of one remote from its answers so far. `root` is its folder, or its bucket and prefix."""

    def __init__(self, name: str, fs: Any, root: str) -> None:
        self._name = name
        self._fs = fs
        self._root = root
        self._answered, self._failures, self._silent, self._there = False, 0, 0, False
        self._down: UndeterminedError | None = None

    def require(self) -> None:
        """Raise UndeterminedError where it is known that nobody answers: each further question may take a while."""
        if self._down is not None:
            raise self._down

    def answered(self) -> None:
        """There was an answer: that an object is there or not, or its bytes."""
        self._answered = True

    def gave(self) -> None:
        """There was all of an answer."""
        self._answered, self._silent = True, 0

    def failed(self, error: Exception) -> None:
        """There was no answer. Raises UndeterminedError where there never was one, and this seems to remain so."""
        self._failures += 1
        self._silent = self._silent + 1 if faults.unreached(error) else 0
        never = not self._answered and (self._silent or self._failures >= HOPELESS)
        if never or self._silent >= HOPELESS:
            self._down = self.unreachable(error)
            raise self._down from error

    def require_root(self) -> None:
        """Raise UndeterminedError where folder or bucket are not there: then nothing is known of the objects in it.

        The same where nobody answers.
        """
        self.require()
        protocol = self._fs.protocol
        if self._there or protocol not in FOLDERS | BUCKETS:
            return
        place = self._root.partition("/")[0] if protocol in BUCKETS else self._root
        what = "bucket" if protocol in BUCKETS else "folder"
        hint = "mount or make it available, or correct its url: dvc remote list"
        try:
            kind = self._fs.info(place).get("type")
        except Exception as error:
            if not faults.absent(error):
                # Who may not look at the folder may still look at what is in it.
                if faults.unreached(error):
                    self.failed(error)
                return
            message = f"the {what} of the DVC remote `{self._name}` is not there{': ' if place else ''}{place}"
            raise UndeterminedError("remote-unreachable", message, hint) from error
        if kind in {"file", "other"}:
            message = f"what stands where the {what} of the DVC remote `{self._name}` should be is none: {place}"
            raise UndeterminedError("remote-unreachable", message, hint)
        self._there = True

    def hint(self) -> str:
        """What somebody can look at who is not let in or gets no answer."""
        return f"look at address, access and credentials: dvc remote list; dvc push -r {word(self._name)}"

    def unreachable(self, error: Exception, what: str = "") -> UndeterminedError:
        """The error in the words of whichever library it is of, and what the remote did not do."""
        message = f"the DVC remote `{self._name}`{what}: {faults.words(error)}"
        hint = certificates.hint(self._name, faults.chain(error)) or self.hint()
        return UndeterminedError("remote-unreachable", message, hint)
