"""How DVC names objects, and how one is there or not."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

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


_ABSENT = -1
NO_FILE = ObjectProblem("it is not a file")
Presence = int | ObjectProblem | None
"""Size in bytes, a problem, or None where the object is not there."""


class Presences(Sequence[Presence]):
    """How very many objects are there, by number, eight bytes each; none of them to begin with."""

    def __init__(self, number: int) -> None:
        self._sizes = array("q", [_ABSENT]) * number
        self._problems: dict[int, ObjectProblem] = {}

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, number: int) -> Presence: ...
    @overload
    def __getitem__(self, number: slice) -> list[Presence]: ...
    def __getitem__(self, number: int | slice) -> Presence | list[Presence]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        size = self._sizes[number]
        return size if size >= 0 else self._problems.get(range(len(self))[number])

    def __setitem__(self, number: int, state: Presence) -> None:
        self._problems.pop(number, None)
        self._sizes[number] = state if isinstance(state, int) else _ABSENT
        if isinstance(state, ObjectProblem):
            self._problems[number] = state
