"""The objects of an experiment that must be in one remote, by one kind of hash, in few bytes each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from arcgit.archive.wanted import Objects, Wanted
from arcgit.dvc.listing import Members
from arcgit.dvc.objects import ObjectId

_UNSIZED = -1


class Proven(NamedTuple):
    """One object with what its bytes must be. `sha256` and `size` are None where only its md5 is known."""

    oid: ObjectId
    size: int | None
    sha256: str | None


class Needed(Sequence[ObjectId]):
    """The objects, each once, in the order in which they were first needed; what is known of one first counts."""

    def __init__(self, hash_name: str) -> None:
        self._hash_name = hash_name
        self._objects = Objects()

    def need(self, proven: Proven) -> None:
        """One object."""
        oid = proven.oid
        size = _UNSIZED if proven.size is None else proven.size
        wanted = Wanted(oid.value, proven.sha256 or "", size, 0, "", oid.version)
        if self._objects.find(wanted.key) < 0:
            self._objects.want(wanted)

    def need_all(self, members: Members) -> None:
        """The files of a directory."""
        self._objects.want_all(0, members)

    def __len__(self) -> int:
        return len(self._objects)

    @overload
    def __getitem__(self, number: int) -> ObjectId: ...
    @overload
    def __getitem__(self, number: slice) -> list[ObjectId]: ...
    def __getitem__(self, number: int | slice) -> ObjectId | list[ObjectId]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        return self.proven(range(len(self))[number]).oid

    def __iter__(self) -> Iterator[ObjectId]:
        return (proven.oid for proven in self.all_proven())

    def proven(self, number: int) -> Proven:
        """An object with what is known of its bytes."""
        return self._proven(number, *self._objects.facts(number))

    def all_proven(self) -> Iterator[Proven]:
        """All of them in their order, which takes a fraction of asking for one after the other."""
        return (self._proven(*facts) for facts in self._objects.facts_of(range(len(self))))

    def _proven(self, number: int, value: str, sha256: str, size: int) -> Proven:
        version = self._objects.version(number) if self._objects.versioned else None
        oid = ObjectId(self._hash_name, value, version)
        return Proven(oid, None if size == _UNSIZED else size, sha256 or None)
