"""The objects that records need: what must not be deleted while they are kept.

Every record counts whose tag can be read, whoever signed it, and every one that the ledger names; only a purge that the
ledger holds lets go of its objects. What cannot be told is a finding: then nothing may be deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from arcgit.archive import ledger, read, versions
from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf
from arcgit.archive.holders import Remotes
from arcgit.archive.holdings import Holdings, Stores
from arcgit.archive.ledger import LedgerView
from arcgit.archive.lists import Lists
from arcgit.archive.sources import Fault
from arcgit.dvc.objects import ObjectId
from arcgit.dvc.versioned import Version
from arcgit.errors import ArcgitError
from arcgit.git.refs import Ref
from arcgit.model import fixity
from arcgit.model.finding import Finding, unknown
from arcgit.model.names import RECORD_PREFIX, RecordName
from arcgit.model.record import Record
from arcgit.model.recordform import LineageItem
from arcgit.model.versions import VersionsError


@dataclass
class Need:
    """Why an object must stay: the path that it has in each of the records that need it, by tag.

    `homes` are the projects and remotes in which they name it, with those records; the first is `project` and `remote`.
    `versions` are those that records, by their tags, name in cloud-versioned remotes, which must stay there as well.
    `sealed` has sha256 and size of the bytes that records have under that name, as far as they say it.
    """

    project: str
    remote: str | None
    records: dict[str, str] = field(default_factory=dict)
    homes: dict[tuple[str, str | None], set[str]] = field(default_factory=dict)
    versions: dict[Version, set[str]] = field(default_factory=dict)
    sealed: set[tuple[str, int]] = field(default_factory=set)


@dataclass
class Protected:
    """The needed objects, how many records were read, what could not be told, and the remotes as the policy pins them."""

    objects: dict[ObjectId, Need] = field(default_factory=dict)
    records: int = 0
    findings: list[Finding] = field(default_factory=list)
    remotes: Remotes | None = None


def protected(context: Context, *, network: bool = True, known: LedgerView | None = None) -> Protected:
    """Every object that a record of this repository needs. Reads listings of directories where they can be read.

    Without `network` only on this machine. `known` is as in `ledger.in_force`.
    """
    result = Protected()
    view = ledger.in_force(context, known=known)
    if view is None and context.remote is not None:
        message = "the ledger is not in this clone, so nobody knows here which records there are"
        result.findings.append(unknown("notes-missing", "ledger", message, hint=ledger.fetch_command(context)))
    elif view is not None:
        result.findings += view.faults
    policy = view.ledger.policy if view is not None else None
    result.remotes = Remotes(context, policy, local_only=not network) if policy is not None else None
    stores, lists, shelf = Stores(result.remotes, context.root), Lists(context), Shelf(context)
    refs = {ref.name: ref for ref in context.repo.refs(RECORD_PREFIX)}
    listings: dict[ObjectId, dict[str, str]] = {}
    for name in _living(view, refs):
        record = _record(context, refs.get(name.refname), name, result)
        if record is not None:
            result.records += 1
            listings |= _listed(context, shelf, record, name)
            for oid, path, project, remote in _named(record, lists, name, result):
                _need(stores, listings, result, name.tag, oid, path, project, remote)
            _need_versions(context, shelf, record, name, result)
            _seal(shelf, record, listings, result)
    return result


def _living(view: LedgerView | None, refs: dict[str, Ref]) -> Iterator[RecordName]:
    known = dict(view.ledger.records) if view is not None else {}
    for refname in sorted({*refs, *known}):
        name = RecordName.parse(refname)
        purged = view is not None and not view.faults and refname in known and known[refname].status == "purged"
        if name is not None and not purged:
            yield name


def _record(context: Context, ref: Ref | None, name: RecordName, result: Protected) -> Record | None:
    hint = "arcgit sync"
    if ref is None:
        message = "the ledger recorded this tag and it is not here, so nobody knows here what it needs"
        result.findings.append(unknown("recorded-tag-missing", name.tag, message, hint=hint))
        return None
    try:
        return read.sealed_under(context, ref)[0]
    except (ArcgitError, ValueError) as fault:
        message = f"it cannot be read, so nobody knows what it needs: {fault}"
        result.findings.append(unknown("record-malformed", name.tag, message, hint="arcgit verify"))
        return None


def _named(
    record: Record, lists: Lists, name: RecordName, result: Protected
) -> Iterator[tuple[ObjectId, str, str, str | None]]:
    """The objects that a record names: of its artifacts, and of what DVC keeps on its lineage."""
    homes: list[tuple[str, str | None]] = []
    for fact in record.predicate.artifacts.values():
        if fact.dvc is not None:
            project = fact.dvc.project or ""
            homes.append((project, fact.dvc.remote))
            yield ObjectId(fact.dvc.hash, fact.dvc.md5), fact.path, project, fact.dvc.remote
    lineage = lists.lineage(record)
    if lineage is None:
        digest: str = record.content.lineage["sha256"]
        result.findings.append(lists.finding(name.tag, digest, "its lineage"))
        return
    outs: list[LineageItem] = [*lineage.sources, *(out for stage in lineage.stages for out in stage.outs)]
    for out in outs:
        if out.md5 is not None and out.cached and out.origin is None:
            inside = [home for home in homes if not home[0] or out.path.startswith(f"{home[0]}/")]
            project, remote = max(inside, key=lambda home: len(home[0]), default=("", None))
            yield ObjectId(out.hash, out.md5), out.path, project, remote


def _listed(context: Context, shelf: Shelf, record: Record, name: RecordName) -> dict[ObjectId, dict[str, str]]:
    """The files of the directories whose versions the record lists; for those no remote has a listing."""
    found = {}
    for fact in record.predicate.artifacts.values():
        with suppress(ArcgitError, VersionsError):
            objects = versions.of_directory(context, shelf, fact, name.tag)
            if objects is not None and fact.dvc is not None:
                files = {path: oid.value for path, oid in objects.items()}
                found[ObjectId(fact.dvc.hash, fact.dvc.md5)] = files
    return found


def _seal(shelf: Shelf, record: Record, listings: dict[ObjectId, dict[str, str]], result: Protected) -> None:
    """Note the bytes that a record has of its artifacts, as far as the fixity lists are in this clone."""
    for fact in record.predicate.artifacts.values():
        if fact.dvc is None:
            continue
        oid = ObjectId(fact.dvc.hash, fact.dvc.md5)
        if fact.kind == "file":
            result.objects[oid].sealed.add((fact.sha256, fact.size))
            continue
        with suppress(ArcgitError, ValueError):
            for row in fixity.parse(shelf.read(fact.sha256) or b""):
                member = listings[oid].get(row.path)
                if member is not None:
                    result.objects[ObjectId(oid.hash_name, member)].sealed.add((row.sha256, row.size))


def _need_versions(context: Context, shelf: Shelf, record: Record, name: RecordName, result: Protected) -> None:
    for key, fact in record.predicate.artifacts.items():
        version, subject = versions.of_file(fact), f"{name.tag}: {key}"
        if fact.dvc is not None and version is not None:
            result.objects[ObjectId(fact.dvc.hash, fact.dvc.md5)].versions.setdefault(version, set()).add(name.tag)
        try:
            objects = versions.of_directory(context, shelf, fact, subject) or {}
        except (ArcgitError, VersionsError) as fault:
            hint = fault.hint if isinstance(fault, ArcgitError) else "arcgit verify"
            result.findings.append(unknown("fixity-list", subject, str(fault), hint=hint))
            continue
        for oid in objects.values():
            need = result.objects.get(ObjectId(oid.hash_name, oid.value))
            if need is not None and oid.version is not None:
                need.versions.setdefault(oid.version, set()).add(name.tag)


def _need(
    stores: Stores,
    listings: dict[ObjectId, dict[str, str]],
    result: Protected,
    tag: str,
    oid: ObjectId,
    path: str,
    project: str,
    remote: str | None,
) -> None:
    _note(result, oid, tag, path, (project, remote))
    if not oid.value.endswith(".dir"):
        return
    if oid not in listings:
        faults: list[Fault] = []
        found = Holdings(stores.of(project, remote), oid, report=faults.append).listing(oid)
        if found is None:
            each = "; ".join(f"{fault.source}: {fault.words}" for fault in faults) or "nothing names a place"
            message = f"the listing {oid.value} cannot be read, so its files are not known: {each}"
            hint = "dvc fetch, or repair it from a good copy"
            result.findings.append(unknown("object-unreadable", f"{tag}: {path}", message, hint=hint))
        listings[oid] = dict(found or {})
    for relpath, md5 in listings[oid].items():
        _note(result, ObjectId(oid.hash_name, md5), tag, f"{path}/{relpath}", (project, remote))


def _note(result: Protected, oid: ObjectId, tag: str, path: str, home: tuple[str, str | None]) -> None:
    need = result.objects.setdefault(oid, Need(*home))
    need.records.setdefault(tag, path)
    need.homes.setdefault(home, set()).add(tag)
