"""Which objects the records need in a replica, where each can be had, and by what it is proven.

The bytes of artifacts are proven by the sha256 that was sealed. What DVC keeps on their lineage beside them is known to the
record by md5 alone; it is copied too, so that DVC finds in the replica what it finds in the remote.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping

from arcgit.archive import fixity as fixity_ref
from arcgit.archive import repair, wanted
from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf
from arcgit.archive.holdings import Holdings, Sources, Stores
from arcgit.archive.lists import Lists
from arcgit.archive.replicas.replicaobjects import UNSIZED, Group, ReplicaPlan, Unit, settled
from arcgit.archive.sources import Fault, Source
from arcgit.archive.wanted import Objects
from arcgit.dvc.listing import Members
from arcgit.dvc.objects import ObjectId
from arcgit.errors import ArcgitError
from arcgit.model import fixity
from arcgit.model.finding import Finding, as_finding, error, unknown, warning
from arcgit.model.fixity import FixityList
from arcgit.model.names import RecordName
from arcgit.model.record import ArtifactFact, Record
from arcgit.model.recordform import LineageItem

Listed = tuple[Mapping[str, str], str, int]
"""A listing: md5 by path, and sha256 and size of its bytes."""


def plan(
    context: Context, stores: Stores, records: Iterable[tuple[RecordName, Record]], *, imports: bool
) -> ReplicaPlan:
    """What `records` need. Reads the listings of directories from whichever place has good ones."""
    return _Planner(context, stores, imports=imports).all(records)


class _Planner:
    def __init__(self, context: Context, stores: Stores, *, imports: bool) -> None:
        self._context = context
        self._stores = stores
        self._shelf, self._lists = Shelf(context), Lists(context)
        self._imports = imports
        self._groups: dict[tuple[str, str], Group] = {}
        self._again: dict[tuple[object, ...], list[Unit]] = {}
        self._beside_units: dict[tuple[str, ObjectId], Unit] = {}
        self._result = ReplicaPlan()

    def all(self, records: Iterable[tuple[RecordName, Record]]) -> ReplicaPlan:
        for name, record in records:
            for key, fact in record.predicate.artifacts.items():
                if fact.dvc is not None and (fact.dvc.origin is None or self._imports):
                    self._artifact(name, key, fact)
                elif fact.dvc is not None:
                    self._result.imports.add(name.tag)
            self._lineage(name, record)
        return self._result

    def _artifact(self, name: RecordName, key: str, fact: ArtifactFact) -> None:
        subject = f"{name.tag}: {key}"
        try:
            self._sealed(name, subject, fact)
        except ArcgitError as fault:
            self._fault(name, as_finding(fault, subject))
        except fixity.FixityError as fault:
            hint = "nothing of it was copied; ask who sealed it"
            self._fault(name, error("fixity-list", subject, str(fault), hint=hint))

    def _sealed(self, name: RecordName, subject: str, fact: ArtifactFact) -> None:
        reference = fact.dvc
        if reference is None:
            return
        origin = tuple(sorted(reference.origin.items())) if reference.origin is not None else None
        same = (reference.project, reference.remote, origin, reference.hash, reference.md5)
        key = (*same, fact.kind, fact.sha256, fact.size)
        if key in self._again:
            # Another record has the same: nothing more is to be looked at for it.
            for unit in self._again[key]:
                unit.records.add(name.refname)
            return
        project, oid = reference.project or "", ObjectId(reference.hash, reference.md5)
        sources = Sources(self._sources(project, reference.remote, reference.origin))
        units: list[Unit] = []
        if fact.kind == "file":
            number, unit = self._unit(Unit(subject, sources, {name.refname}))
            units.append(unit)
            whole = self._add(name, project, oid, (fact.sha256, fact.size), number) is not None
        else:
            whole = self._directory(name, project, oid, fact, subject, sources, units)
        if whole:
            self._again[key] = units

    def _directory(
        self,
        name: RecordName,
        project: str,
        oid: ObjectId,
        fact: ArtifactFact,
        subject: str,
        sources: Sources,
        units: list[Unit],
    ) -> bool:
        """The files of a directory and its listing. False where not all of them can be wanted."""
        entries = fixity_ref.entries(self._context, self._shelf, fact.sha256, subject)
        listed = Holdings(iter(sources), oid, entries)
        found = self._listing(name, subject, listed, oid)
        if found is None:
            return False
        listing = found[0]
        if not isinstance(listing, Members) and (odd := sorted(listing.keys() ^ set(entries.paths()))):
            message = f"DVC's listing names other files than the record: {', '.join(odd[:5])}"
            hint = "repair it from a good copy"
            self._fault(name, error("object-corrupt", subject, message, hint=hint))
            return False
        number, unit = self._unit(Unit(subject, sources, {name.refname}, listed))
        members = self._members(name, project, oid.hash_name, entries, listing, number)
        of_list, listing_unit = self._unit(Unit(subject, sources, {name.refname}))
        units += [unit, listing_unit]
        whole = len(members) == len(entries)
        return self._add_listing(name, project, oid, found, of_list, members, whole=whole) and whole

    def _members(
        self,
        name: RecordName,
        project: str,
        hash_name: str,
        entries: FixityList,
        listing: Mapping[str, str],
        unit: int,
    ) -> array[int]:
        """The numbers of a directory's files; without those for which another record has other bytes."""
        objects, members = self._group(project, hash_name).objects, array("I")
        demand = objects.listed(unit, entries)
        for place, entry in enumerate(entries):
            md5 = listing[entry.path]
            if not self._clash(name, objects, ObjectId(hash_name, md5), entry[:2], unit, entry.path):
                members.append(objects.want_one(demand + place, bytes.fromhex(md5)))
        return members

    def _lineage(self, name: RecordName, record: Record) -> None:
        lineage = self._lists.lineage(record)
        if lineage is None:
            digest: str = record.content.lineage["sha256"]
            self._result.findings.append(self._lists.finding(name.tag, digest, "its lineage"))
            self._result.faulty.add(name.refname)
            return
        outs: list[LineageItem] = [*lineage.sources, *(out for stage in lineage.stages for out in stage.outs)]
        homes = [
            (fact.dvc.project or "", fact.dvc.remote)
            for fact in record.predicate.artifacts.values()
            if fact.dvc is not None
        ]
        for out in outs:
            if out.md5 is None or not out.cached or out.origin is not None:
                continue
            inside = [home for home in homes if not home[0] or out.path.startswith(f"{home[0]}/")]
            project, remote = max(inside, key=lambda home: len(home[0]), default=("", None))
            self._beside(name, project, remote, ObjectId(out.hash, out.md5), out)

    def _beside(self, name: RecordName, project: str, remote: str | None, oid: ObjectId, out: LineageItem) -> None:
        subject = f"{name.tag}: {out.path}"
        group = self._group(project, oid.hash_name)
        known = group.objects.find(oid.value)
        if known >= 0:
            if (project, oid) not in self._beside_units:
                number, unit = self._unit(Unit(subject, Sources(iter(())), set(), sealed=False))
                group.objects.want(wanted.Wanted(oid.value, "", UNSIZED, number, ""))
                self._beside_units[project, oid] = unit
            self._beside_units[project, oid].records.add(name.refname)
            return
        sources = Sources(self._sources(project, remote, None))
        if not oid.value.endswith(".dir"):
            number, unit = self._unit(Unit(subject, sources, {name.refname}, sealed=False))
            self._add(name, project, oid, (None, out.size), number)
            self._beside_units[project, oid] = unit
            return
        faults: list[Fault] = []
        found = Holdings(iter(sources), oid, report=faults.append).listed(oid)
        if found is None:
            each = "; ".join(f"{fault.source}: {fault.words}" for fault in faults) or "nothing names a place"
            message = f"what DVC keeps beside the record was not copied, no place has its listing: {each}"
            self._result.findings.append(warning("object-missing", subject, message))
            return
        number, _ = self._unit(Unit(subject, sources, {name.refname}, sealed=False))
        members = array("I")
        for path, md5 in found[0].items():
            members.append(group.objects.want(wanted.Wanted(md5, "", UNSIZED, number, path)))
        of_list, unit = self._unit(Unit(subject, sources, {name.refname}, sealed=False))
        self._add_listing(name, project, oid, found, of_list, members, whole=True)
        self._beside_units[project, oid] = unit

    def _listing(self, name: RecordName, subject: str, listed: Holdings, oid: ObjectId) -> Listed | None:
        found = listed.listed(oid)
        if found is None:
            each = "; ".join(f"{fault.source}: {fault.words}" for fault in listed.faults) or "nothing names a place"
            kinds = {fault.kind for fault in listed.faults}
            message = f"no place has the listing of this directory: {each}"
            if kinds == {"missing"}:
                hint = repair.HERE_TOO
                self._fault(name, error("object-missing", subject, message, hint=hint))
            elif kinds and "unreadable" not in kinds:
                hint = f"{repair.HERE_TOO}; never dvc push over it"
                self._fault(name, error("object-corrupt", subject, message, hint=hint))
            else:
                hint = "look at address, access and credentials: dvc remote list"
                self._fault(name, unknown("object-unreadable", subject, message, hint=hint))
        return found

    def _add(
        self, name: RecordName, project: str, oid: ObjectId, content: tuple[str | None, int | None], unit: int
    ) -> int | None:
        """The number of the object that is wanted so; None where two records have other bytes under its name."""
        objects = self._group(project, oid.hash_name).objects
        sha256, size = content
        if sha256 is not None and self._clash(name, objects, oid, (sha256, size or 0), unit, ""):
            return None
        return objects.want(wanted.Wanted(oid.value, sha256 or "", UNSIZED if size is None else size, unit, ""))

    def _add_listing(
        self,
        name: RecordName,
        project: str,
        oid: ObjectId,
        found: Listed,
        unit: int,
        members: array[int],
        *,
        whole: bool,
    ) -> bool:
        """The listing itself as an object. One whose members cannot all be wanted is not wanted either."""
        group = self._group(project, oid.hash_name)
        new = group.objects.find(oid.value) < 0
        number = self._add(name, project, oid, found[1:], unit)
        if number is None:
            return False
        group.members[number] = group.members.get(number) or members
        if new and not whole:
            group.blocked.add(number)
        return True

    def _clash(
        self, name: RecordName, objects: Objects, oid: ObjectId, content: tuple[str, int], unit: int, path: str
    ) -> bool:
        """True where another record has other bytes under the name of an object."""
        known = objects.find(oid.value)
        before = settled(objects, known) if known >= 0 else None
        if before is None or not before.sha256 or (before.sha256, before.size) == content:
            return False
        message = f"another record has other bytes under the same md5 {oid.value}; both cannot lie in one remote"
        hint = "treat it as an attack: keep both, and find out who made them"
        subject = self._result.units[unit].subject
        where = f"{subject}/{path}" if path else subject
        self._fault(name, error("md5-collision", where, message, expected=content[0], hint=hint))
        return True

    def _group(self, project: str, hash_name: str) -> Group:
        if (project, hash_name) not in self._groups:
            self._groups[project, hash_name] = Group(project, hash_name)
            self._result.groups.append(self._groups[project, hash_name])
        return self._groups[project, hash_name]

    def _unit(self, unit: Unit) -> tuple[int, Unit]:
        self._result.units.append(unit)
        return len(self._result.units) - 1, unit

    def _sources(self, project: str, remote: str | None, origin: Mapping[str, str] | None) -> Iterator[Source]:
        yield from self._stores.of(project, remote, imported=origin is not None)
        if origin is not None:
            yield from self._stores.imported(origin)

    def _fault(self, name: RecordName, finding: Finding) -> None:
        self._result.findings.append(finding)
        self._result.faulty.add(name.refname)
