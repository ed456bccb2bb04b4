"""Which objects the records need in a replica, where each can be had, and by what it is proven.

The bytes of artifacts are proven by the sha256 that was sealed. What DVC keeps on their lineage beside them is known to the
record by md5 alone; it is copied too, so that DVC finds in the replica what it finds in the remote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from arcgit.archive import fixity as fixity_ref
from arcgit.archive import repair
from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf
from arcgit.archive.holdings import Holdings, Stores
from arcgit.archive.lists import Lists
from arcgit.archive.sources import Fault, Source
from arcgit.dvc.objects import ObjectId
from arcgit.errors import ArcgitError
from arcgit.model import fixity
from arcgit.model.finding import Finding, as_finding, error, unknown, warning
from arcgit.model.fixity import FixityEntry
from arcgit.model.names import RecordName
from arcgit.model.record import ArtifactFact, Record
from arcgit.model.recordform import LineageItem

Listed = tuple[Mapping[str, str], str, int]
"""A listing: md5 by path, and sha256 and size of its bytes."""


@dataclass(eq=False)
class Wanted:
    """One object. `sha256` and `size` are None where the record knows its md5 alone; `records` need it, by refname.

    `members` are the objects that a listing names: it goes after them, and not without them; `blocked` where one of them
    cannot be had. Without `sealed` it lies beside the record, and the record is whole without it.
    """

    project: str
    oid: ObjectId
    sha256: str | None
    size: int | None
    subject: str
    relpath: str
    holdings: Holdings
    records: set[str] = field(default_factory=set)
    members: list[Wanted] = field(default_factory=list)
    sealed: bool = True
    blocked: bool = False

    @property
    def entry(self) -> FixityEntry:
        """As a list of files has it."""
        return FixityEntry(self.sha256 or "", self.size or 0, self.relpath)


@dataclass
class ReplicaPlan:
    """The objects, listings last. `faulty` are records that cannot be whole in the replica, whatever is copied."""

    objects: list[Wanted] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    faulty: set[str] = field(default_factory=set)
    imports: set[str] = field(default_factory=set)


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
        self._known: dict[tuple[str, ObjectId], Wanted] = {}
        self._result = ReplicaPlan()

    def all(self, records: Iterable[tuple[RecordName, Record]]) -> ReplicaPlan:
        for name, record in records:
            for key, fact in record.predicate.artifacts.items():
                if fact.dvc is not None and (fact.dvc.origin is None or self._imports):
                    self._artifact(name, key, fact)
                elif fact.dvc is not None:
                    self._result.imports.add(name.tag)
            self._lineage(name, record)
        objects = list(self._known.values())
        self._result.objects = sorted(objects, key=lambda wanted: wanted.oid.value.endswith(".dir"))
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
        project, oid = reference.project or "", ObjectId(reference.hash, reference.md5)
        sources = self._sources(project, reference.remote, reference.origin)
        if fact.kind == "file":
            entry = FixityEntry(fact.sha256, fact.size, "")
            self._add(name, Wanted(project, oid, entry.sha256, entry.size, subject, "", Holdings(sources, oid)))
            return
        entries = fixity_ref.entries(self._context, self._shelf, fact.sha256, subject)
        listed = Holdings(sources, oid, entries)
        found = self._listing(name, subject, listed, oid)
        if found is None:
            return
        listing = found[0]
        if odd := sorted(listing.keys() ^ {entry.path for entry in entries}):
            message = f"DVC's listing names other files than the record: {', '.join(odd[:5])}"
            hint = "repair it from a good copy"
            self._fault(name, error("object-corrupt", subject, message, hint=hint))
            return
        members = []
        for entry in entries:
            member = ObjectId(oid.hash_name, listing[entry.path])
            where = f"{subject}/{entry.path}"
            wanted = Wanted(project, member, entry.sha256, entry.size, where, entry.path, listed)
            members.append(self._add(name, wanted))
        self._add(name, _listing_of(project, oid, found, subject, listed, members))

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
        if (project, oid) in self._known:
            self._known[project, oid].records.add(name.refname)
            return
        holdings = Holdings(self._sources(project, remote, None), oid)
        if not oid.value.endswith(".dir"):
            self._add(name, Wanted(project, oid, None, out.size, subject, "", holdings, sealed=False))
            return
        faults: list[Fault] = []
        listed = Holdings(iter(holdings.sources), oid, report=faults.append)
        found = listed.listed(oid)
        if found is None:
            each = "; ".join(f"{fault.source}: {fault.words}" for fault in faults) or "nothing names a place"
            message = f"what DVC keeps beside the record was not copied, no place has its listing: {each}"
            self._result.findings.append(warning("object-missing", subject, message))
            return
        members = []
        for path, md5 in found[0].items():
            member = ObjectId(oid.hash_name, md5)
            where = f"{subject}/{path}"
            single = Holdings(iter(holdings.sources), member)
            members.append(self._add(name, Wanted(project, member, None, None, where, "", single, sealed=False)))
        self._add(name, _listing_of(project, oid, found, subject, holdings, members, sealed=False))

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

    def _add(self, name: RecordName, wanted: Wanted) -> Wanted | None:
        """The object as it is wanted already or from now on; None where two records have other bytes under its name."""
        known = self._known.setdefault((wanted.project, wanted.oid), wanted)
        if known.sha256 is None and wanted.sha256 is not None:
            known.sha256, known.size, known.sealed = wanted.sha256, wanted.size, True
            known.relpath, known.holdings, known.subject = wanted.relpath, wanted.holdings, wanted.subject
        elif wanted.sha256 is not None and (known.sha256, known.size) != (wanted.sha256, wanted.size):
            message = (
                f"another record has other bytes under the same md5 {wanted.oid.value}; both cannot lie in one remote"
            )
            hint = "treat it as an attack: keep both, and find out who made them"
            self._fault(name, error("md5-collision", wanted.subject, message, expected=wanted.sha256, hint=hint))
            return None
        known.sealed = known.sealed or wanted.sealed
        known.members = known.members or wanted.members
        known.records.add(name.refname)
        return known

    def _sources(self, project: str, remote: str | None, origin: Mapping[str, str] | None) -> Iterator[Source]:
        yield from self._stores.of(project, remote, imported=origin is not None)
        if origin is not None:
            yield from self._stores.imported(origin)

    def _fault(self, name: RecordName, finding: Finding) -> None:
        self._result.findings.append(finding)
        self._result.faulty.add(name.refname)


def _listing_of(
    project: str,
    oid: ObjectId,
    found: Listed,
    subject: str,
    holdings: Holdings,
    members: list[Wanted | None],
    *,
    sealed: bool = True,
) -> Wanted:
    """The listing itself as an object. One whose members cannot all be wanted is not wanted either, see `blocked`."""
    there = [member for member in members if member is not None]
    wanted = Wanted(
        project,
        oid,
        found[1],
        found[2],
        subject,
        "",
        Holdings(iter(holdings.sources), oid),
        members=there,
        sealed=sealed,
    )
    wanted.blocked = len(there) < len(members)
    return wanted
