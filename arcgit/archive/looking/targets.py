"""What must lie where: the objects behind records, each once, however many records and artifacts have it.

An object is looked at by what its bytes must be. The listings of directories are read here, since nothing else tells
which objects there are; findings about artifacts as a whole are kept until it is known whom they are about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from arcgit import spool
from arcgit.archive import fixity as fixity_ref
from arcgit.archive import versions
from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf
from arcgit.archive.holders import Remotes, unchecked
from arcgit.archive.repair import Repairs
from arcgit.archive.wanted import Objects, Wanted
from arcgit.dvc.listing import Members, members_of
from arcgit.dvc.objects import ObjectId, ObjectProblem
from arcgit.dvc.remote import DataRemote
from arcgit.dvc.source import ImportSource
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git.repository import Repository
from arcgit.model import canonical, fixity
from arcgit.model.finding import Finding, as_finding, error, unknown
from arcgit.model.fixity import FixityEntry, FixityList
from arcgit.model.gitobject import parse_tree
from arcgit.model.names import RecordName
from arcgit.model.policy import Policy
from arcgit.model.record import ArtifactFact, Record
from arcgit.rules.proof import GIT
from arcgit.rules.survival import IMPORT

NO_FILE = "no file "
"""Begins the name of what a tree in git does not have."""
OF_REMOTE = frozenset({"remote-missing", "remote-not-pinned", "remote-unreachable", "remote-unsupported"})
"""Codes that are about a remote as a whole, whichever object was asked for."""


@dataclass
class Store:
    """One place that has objects, of a DVC project."""

    name: str
    kind: Literal["dvc", "git", "import"]
    hash_name: str = ""
    remote: DataRemote | None = None
    source: ImportSource | None = None
    project: str = ""
    objects: Objects = field(default_factory=Objects)

    def object_id(self, number: int) -> ObjectId:
        """An object as a DVC remote finds it."""
        wanted = self.objects[number]
        return ObjectId(self.hash_name, wanted.oid, wanted.version)

    def stamp(self, number: int) -> tuple[int | str, ...]:
        """What a DVC remote tells of an object that changes when it is written; empty where it tells nothing."""
        if self.remote is None:
            return ()
        return self.remote.stamp(self.object_id(number))

    @cached_property
    def key(self) -> str:
        """A name for this place by everything that tells it from others."""
        return canonical.sha256(canonical.dumps([self.kind, self.hash_name, self.name, self.address]))[:16]

    @property
    def address(self) -> str:
        """What tells this place from another one that has its name."""
        return (
            self.remote.url if self.remote is not None else self.source.label if self.source is not None else self.kind
        )


@dataclass
class Unit:
    """One artifact's content in one place, and the artifacts of records that are it: `exp/…: name`, by record number."""

    subjects: list[tuple[int, str]] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)


@dataclass
class Targets:
    """Every object behind some records. `records` are refnames, `hidden` counts files that nobody can look at."""

    records: list[str] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    hidden: int = 0

    @property
    def faulty(self) -> bool:
        """True where artifacts or places as a whole are not as they should be."""
        return bool(self.faults) or any(unit.faults for unit in self.units)

    def findings(self) -> Iterator[Finding]:
        """What was found about whole artifacts and places."""
        from msgspec.structs import replace  # noqa: PLC0415

        for unit in self.units:
            for _, subject in unit.subjects:
                yield from (replace(found, subject=subject) for found in unit.faults)
        yield from self.faults
        yield from self.notes

    def holders(self, store: Store) -> set[int]:
        """The numbers of the records that have something in a place."""
        return {record for unit in store.objects.units() for record, _ in self.units[unit].subjects}


def gather(context: Context, policy: Policy, records: Iterable[tuple[RecordName, Record]], repairs: Repairs) -> Targets:
    """The objects behind `records`, in remotes as `policy` pins them. Nothing is raised: what went wrong is a finding."""
    gathering = _Gathering(context, policy, repairs)
    for number, (name, record) in enumerate(records):
        gathering.targets.records.append(name.refname)
        for key, fact in record.predicate.artifacts.items():
            gathering.add(fact, number, f"{name.tag}: {key}")
    return gathering.done()


class _Gathering:
    def __init__(self, context: Context, policy: Policy, repairs: Repairs) -> None:
        self.targets = Targets()
        self._context = context
        self._repairs = repairs
        self._remotes, self._shelf = Remotes(context, policy), Shelf(context)
        self._stores: dict[tuple[str, ...], Store | ArcgitError] = {}
        self._units: dict[tuple[object, ...], int] = {}

    def done(self) -> Targets:
        targets, said = self.targets, set[str]()
        for key, store in self._stores.items():
            if isinstance(store, ArcgitError):
                found = as_finding(store, f"remote {key[2] or '(default)'}")
                targets.faults += [found] if found not in targets.faults else []
            elif store.objects:
                targets.stores.append(store)
                if store.remote is not None and store.remote.unchecked and store.remote.name not in said:
                    said.add(store.remote.name)
                    targets.notes.append(unchecked(store.remote))
        return targets

    def add(self, fact: ArtifactFact, record: int, subject: str) -> None:
        """Add the objects of one artifact."""
        found = (fact.dvc.hash, fact.dvc.md5, fact.dvc.version, fact.dvc.versions) if fact.dvc else ()
        key = (_place(fact), fact.git, found, fact.kind, fact.sha256, fact.size)
        number = self._units.setdefault(key, len(self.targets.units))
        if number < len(self.targets.units):
            self.targets.units[number].subjects.append((record, subject))
            return
        unit = Unit([(record, subject)])
        self.targets.units.append(unit)
        try:
            self._expand(fact, number, unit, subject)
        except ArcgitError as fault:
            self.targets.hidden += fact.files or 1
            if fault.code in OF_REMOTE:
                self._give_up(fact, fault)
            else:
                unit.faults.append(as_finding(fault))
        except fixity.UnknownFixityVersionError as fault:
            unit.faults.append(unknown("fixity-list", "", str(fault), hint="use a version of arcgit that knows it"))
            self.targets.hidden += fact.files or 1
        except ValueError as fault:
            unit.faults.append(error("fixity-list", "", str(fault)))
            self.targets.hidden += fact.files or 1

    def _give_up(self, fact: ArtifactFact, fault: ArcgitError) -> None:
        """Nothing in a remote that does not answer can be looked at; it is said once."""
        store = self._stores.get(_place(fact))
        if isinstance(store, Store):
            self.targets.hidden += len(store.objects)
        self._stores[_place(fact)] = fault

    def _expand(self, fact: ArtifactFact, number: int, unit: Unit, subject: str) -> None:
        if fact.git is None and fact.dvc is None:
            raise UndeterminedError("object-unreadable", "the record does not say where the bytes are")
        if fact.git is not None:
            self._from_git(fact, fact.git, number, unit, subject)
            return
        if fact.dvc is not None and fact.dvc.origin is not None:
            source = self._store(fact)
            if isinstance(source, Store):
                for row in self._rows(fact, subject):
                    source.objects.want(Wanted(row.path, row.sha256, row.size, number, row.path))
            return
        self._from_remote(fact, number, unit, subject)

    def _from_remote(self, fact: ArtifactFact, number: int, unit: Unit, subject: str) -> None:
        store, rows = self._store(fact), self._rows(fact, subject)
        if isinstance(store, ArcgitError):
            self.targets.hidden += len(rows)
            return
        if fact.dvc is None or store.remote is None:  # pragma: no cover  `_expand` and `_store` see to that
            raise ValueError(subject)
        if fact.kind == "file":
            store.objects.want(Wanted(fact.dvc.md5, fact.sha256, fact.size, number, "", versions.of_file(fact)))
            return
        listing = ObjectId(fact.dvc.hash, fact.dvc.md5)
        members: Mapping[str, ObjectId | str] | None = versions.of_directory(self._context, self._shelf, fact, subject)
        if members is None and isinstance(rows, FixityList):
            members = self._members(store.remote, store.project, listing, rows, tag_of(subject))
        if isinstance(members, Members):
            store.objects.want_all(number, members)
            return
        members = members or {}
        paths = {row.path for row in rows}
        if paths != members.keys():
            odd = sorted(paths ^ members.keys())
            message = f"DVC's listing names other files than the record: {', '.join(odd[:5])}"
            hint = self._repairs.changed(store.remote, store.project, listing, None, tag_of(subject))
            unit.faults.append(error("object-corrupt", "", message, hint=hint))
        for row in rows:
            if (member := members.get(row.path)) is not None:
                oid, version = (member, None) if isinstance(member, str) else (member.value, member.version)
                store.objects.want(Wanted(oid, row.sha256, row.size, number, row.path, version))

    def _members(
        self, remote: DataRemote, project: str, oid: ObjectId, files: FixityList, tag: str
    ) -> Mapping[str, str]:
        md5 = hashlib.md5(usedforsecurity=False)
        try:
            with remote.open(oid) as file:
                data = spool.aside(file, fixity_ref.MAX_BLOB_BYTES, md5.update)
        except (FileNotFoundError, NotADirectoryError) as fault:
            hint = self._repairs.missing(remote, project, oid, None, tag)
            raise RefusedError("object-missing", f"{oid.label} is not in `{remote.name}`", hint) from fault
        except OSError as fault:
            message = f"the listing {oid.value} in `{remote.name}` cannot be read: {fault.strerror or fault}"
            raise UndeterminedError("object-unreadable", message) from fault
        if oid.hash_name == "md5" and md5.hexdigest() != oid.value.removesuffix(".dir"):
            message = f"the listing {oid.value} in `{remote.name}` has other bytes than its name says"
            raise RefusedError("object-corrupt", message, self._repairs.changed(remote, project, oid, None, tag))
        return members_of(data, files)

    def _from_git(self, fact: ArtifactFact, oid: str, number: int, unit: Unit, subject: str) -> None:
        store = self._store(fact)
        if not isinstance(store, Store):  # pragma: no cover  git is always there
            raise store
        if fact.kind == "file":
            store.objects.want(Wanted(oid, fact.sha256, fact.size, number, ""))
            return
        blobs = dict(_tree_files(self._context.repo, oid, ""))
        for row in self._rows(fact, subject):
            blob = blobs.pop(row.path, f"{NO_FILE}{number} {row.path}")
            store.objects.want(Wanted(blob, row.sha256, row.size, number, row.path))
        if blobs:
            message = f"the tree in git has files that the record does not name: {', '.join(sorted(blobs)[:5])}"
            unit.faults.append(error("object-corrupt", "", message))

    def _rows(self, fact: ArtifactFact, subject: str) -> Sequence[FixityEntry]:
        if fact.kind == "file":
            return (FixityEntry(fact.sha256, fact.size, ""),)
        data = self._shelf.lay(fact.sha256)
        if data is None:
            message = f"the fixity list of {subject} is not in this clone"
            raise UndeterminedError("fixity-list", message, fixity_ref.fetch_command(self._context))
        return fixity.parse(data)

    def _store(self, fact: ArtifactFact) -> Store | ArcgitError:
        key = _place(fact)
        if key not in self._stores:
            try:
                self._stores[key] = self._opened(fact)
            except ArcgitError as fault:
                self._stores[key] = fault
        return self._stores[key]

    def _opened(self, fact: ArtifactFact) -> Store:
        if fact.git is not None or fact.dvc is None:
            return Store(GIT, "git")
        if fact.dvc.origin is not None:
            return Store(IMPORT, "import", source=self._remotes.source(fact.dvc.origin))
        remote = self._remotes.get((fact.dvc.project or "", fact.dvc.remote))
        remote.require_there()
        return Store(remote.name, "dvc", fact.dvc.hash, remote, project=fact.dvc.project or "")


def _place(fact: ArtifactFact) -> tuple[str, ...]:
    if fact.git is not None or fact.dvc is None:
        return ("git", "", "")
    if fact.dvc.origin is not None:
        return ("import", *(f"{key}={value}" for key, value in sorted(fact.dvc.origin.items())))
    return ("dvc", fact.dvc.project or "", fact.dvc.remote or "", fact.dvc.hash)


def absent(remote: DataRemote, oid: ObjectId, state: ObjectProblem | None, hint: Callable[[], str]) -> ArcgitError:
    """The error for an object that is not plainly there; `hint` is asked for where it is plainly not."""
    if isinstance(state, ObjectProblem):
        # What was read over a network says itself which object it is about.
        where = f"{oid.value} in `{remote.name}`"
        message = state.reason if state.reason.startswith(where) else f"{where}: {state.reason}"
        return UndeterminedError("object-unreadable", message, remote.hint(oid))
    return RefusedError("object-missing", f"{oid.label} is not in `{remote.name}`", hint())


def tag_of(subject: str) -> str:
    """The tag of the record that a subject like `exp/…: name` is about."""
    return subject.partition(": ")[0]


def _tree_files(repo: Repository, tree: str, prefix: str) -> Iterator[tuple[str, str]]:
    for mode, name, oid in parse_tree(repo.read(tree, "tree")):
        path = f"{prefix}{name}"
        if mode == "40000":
            yield from _tree_files(repo, oid, f"{path}/")
        elif mode in {"100644", "100755"}:
            yield path, oid
