"""The objects that a replica is to have, in few bytes each, and what they are needed for."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from arcgit.archive import wanted
from arcgit.archive.holdings import Holdings, Sources
from arcgit.archive.wanted import Objects
from arcgit.dvc.objects import ObjectId
from arcgit.model.finding import Finding
from arcgit.model.fixity import FixityEntry

UNSIZED = -1
"""Stands for a size that nobody has noted."""


class Wanted(NamedTuple):
    """One object. `sha256` and `size` are None where the record knows its md5 alone.

    Without `sealed` it lies beside the record, and the record is whole without it.
    """

    number: int
    project: str
    oid: ObjectId
    sha256: str | None
    size: int | None
    subject: str
    relpath: str
    holdings: Holdings
    sealed: bool

    @property
    def entry(self) -> FixityEntry:
        """As a list of files has it."""
        return FixityEntry(self.sha256 or "", self.size or 0, self.relpath)


@dataclass
class Unit:
    """What some records need alike: one artifact, its listing, or what lies beside. `listed` finds a directory's files."""

    subject: str
    sources: Sources
    records: set[str]
    listed: Holdings | None = None
    sealed: bool = True


@dataclass
class Group:
    """The objects of a DVC project that go by one kind of hash. `members` are those that a listing names.

    It goes after them, and not without them; it is `blocked` where one of them cannot be had.
    """

    project: str
    hash_name: str
    objects: Objects = field(default_factory=Objects)
    members: dict[int, array[int]] = field(default_factory=dict)
    blocked: set[int] = field(default_factory=set)


@dataclass
class ReplicaPlan:
    """The objects. `faulty` are records that cannot be whole in the replica, whatever is copied.

    What is known of very many objects is kept in few bytes; each is made a value when it is asked for.
    """

    units: list[Unit] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    faulty: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(len(group.objects) for group in self.groups)

    def __getitem__(self, number: int) -> Wanted:
        group, local = self._local(number)
        demand = settled(group.objects, local)
        unit = self.units[demand.unit]
        oid = ObjectId(group.hash_name, demand.oid)
        holdings = unit.listed or Holdings(iter(unit.sources), oid)
        sealed = any(self.units[one].sealed for one in group.objects.wanting(local))
        size = demand.size if demand.size != UNSIZED else None
        subject = f"{unit.subject}/{demand.path}" if demand.path else unit.subject
        path = demand.path if unit.listed is not None else ""
        return Wanted(number, group.project, oid, demand.sha256 or None, size, subject, path, holdings, sealed)

    def numbers(self, *, listings: bool) -> Iterator[int]:
        """The objects in their order, the listings or all others."""
        begin = 0
        for group in self.groups:
            for local in range(len(group.objects)):
                if (local in group.members) == listings:
                    yield begin + local
            begin += len(group.objects)

    def size(self, number: int) -> int:
        """The bytes of an object, 0 where nobody has noted them."""
        group, local = self._local(number)
        demand = settled(group.objects, local) if group.objects.shared(local) else None
        return max(0, demand.size if demand is not None else group.objects.size(local))

    def wanting(self, number: int) -> list[int]:
        """The numbers of the units that need an object."""
        group, local = self._local(number)
        return group.objects.wanting(local)

    def members(self, number: int) -> Iterator[int]:
        """The objects that a listing names."""
        group, local = self._local(number)
        return (number - local + member for member in group.members.get(local, ()))

    def records(self, units: Iterable[int]) -> set[str]:
        """The records that need any of these."""
        return {refname for unit in units for refname in self.units[unit].records}

    def blocked(self, number: int) -> bool:
        """True for a listing that names an object that cannot be wanted."""
        group, local = self._local(number)
        return local in group.blocked

    def _local(self, number: int) -> tuple[Group, int]:
        for group in self.groups:
            if number < len(group.objects):
                return group, number
            number -= len(group.objects)
        raise IndexError(number)


def settled(objects: Objects, number: int) -> wanted.Wanted:
    """What an object must be: as the first says who knows its sha256."""
    if not objects.shared(number):
        return objects[number]
    demands = list(objects.demands(number))
    return next((demand for demand in demands if demand.sha256), demands[0])
