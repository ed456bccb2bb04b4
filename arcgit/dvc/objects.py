"""How DVC names objects, and how one is there or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from arcgit.dvc.versioned import Version


class ObjectId(NamedTuple):
    """How DVC names an object: `md5` or `md5-dos2unix`, and the hash value, with `.dir` for a directory listing.

    `version` is where a cloud-versioned remote keeps it, which has nothing by its hash.
    """

    hash_name: str
    value: str
    version: Version | None = None

    @property
    def label(self) -> str:
        """The object for a message: by its hash, or as the version that it is."""
        return f"version {self.version.id} of {self.version.path}" if self.version else f"object {self.value}"


@dataclass(frozen=True)
class ObjectProblem:
    """An object that is neither plainly there nor plainly absent: unreadable, or not a file."""

    reason: str


NO_FILE = ObjectProblem("it is not a file")
Presence = int | ObjectProblem | None
"""Size in bytes, a problem, or None where the object is not there."""
