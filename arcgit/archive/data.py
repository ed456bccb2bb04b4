"""The bytes behind a record on the way in: hashing them, and which objects its remotes must have.

sha256 over every byte is the evidence; DVC's md5 only finds objects. Nothing here deletes or repairs anything.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from arcgit.archive import filekinds
from arcgit.archive.holders import Holder, Place, Remotes
from arcgit.archive.kept.hashed import Hashed
from arcgit.archive.needed import Needed, Proven
from arcgit.archive.versions import sealed
from arcgit.dvc.listing import DirEntry, DirListing, Members, parse_dir_listing
from arcgit.dvc.objects import ObjectId
from arcgit.errors import RefusedError
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical, fixity, paths, versions
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.fixity import FixityEntry, FixityList
from arcgit.model.record import ArtifactFact, DvcRef
from arcgit.model.text import escape
from arcgit.spool import Pile

if TYPE_CHECKING:
    from mmap import mmap

Progress = Callable[[str, int, int], None]
MAX_METRICS_BYTES = 4 * 1024 * 1024


@dataclass
class Gathered:
    """The artifacts of an experiment with their digests, the fixity lists, and the objects that must be in the remote.

    `listings` are the files of directories by the sha256 of their lists, `objects` by remote and kind of hash.
    """

    facts: dict[str, ArtifactFact] = field(default_factory=dict)
    blobs: list[bytes | mmap] = field(default_factory=list)
    listings: dict[str, FixityList] = field(default_factory=dict)
    objects: dict[tuple[Place, str], Needed] = field(default_factory=dict)

    def needed(self, stored: Stored) -> Needed | None:
        """The objects to which those of an out belong; None where DVC leaves them at their source."""
        if stored.at_source or not stored.pushed:
            return None
        key = (stored.place, stored.hash_name)
        return self.objects.setdefault(key, Needed(stored.hash_name))


def cached_metrics(experiment: Experiment, gathered: Gathered, remotes: Remotes) -> dict[str, bytes]:
    """The bytes of metrics files that DVC keeps, checked against the digests just taken."""
    found = {}
    for name, artifact in experiment.manifest.artifacts.items():
        stored, fact = experiment.artifacts[name], gathered.facts[name]
        if artifact.role != "metrics" or stored is None or stored.by != "dvc":
            continue
        holder = Holder(remotes, stored)
        if stored.kind == "file":
            found[stored.path] = _small(holder, holder.object_id(), stored.path, fact.sha256)
            continue
        oid = ObjectId(stored.hash_name, stored.oid)
        members = {f"{stored.path}/{row.relpath}": row for row in parse_dir_listing(holder.listing(oid))}
        digests = {f"{stored.path}/{row.path}": row.sha256 for row in gathered.listings[fact.sha256]}
        names = filekinds.metrics_in(members, experiment.metrics_files)
        if not names:
            hint = f"name them in dvc.yaml: metrics: [{stored.path}/metrics.json]"
            raise RefusedError("metrics-missing", f"no file in {stored.path} is known to hold metrics", hint)
        for path in names:
            row = members[path]
            member = holder.object_id(row.md5, row.relpath)
            found[path] = _small(holder, member, path, digests[path], row.relpath)
    return found


def _small(holder: Holder, oid: ObjectId, path: str, sha256: str, relpath: str = "") -> bytes:
    """The bytes of a metrics file. Raises RefusedError where they are not those that were just hashed."""
    with holder.open(oid, relpath) as file:
        data = file.read(MAX_METRICS_BYTES)
    if canonical.sha256(data) != sha256:
        message = f"{path} changed while it was read, or is larger than {MAX_METRICS_BYTES} bytes"
        raise RefusedError("metrics-missing", message, "dvc repro")
    return data


def gather(
    snapshot: Snapshot, experiment: Experiment, remotes: Remotes, hashed: Hashed | None, progress: Progress
) -> Gathered:
    """Hash every artifact of a complete experiment, but for files in the cache that `hashed` knows to be unchanged.

    Bytes that are not at hand are streamed from the remote.
    """
    gathered = Gathered()
    for kept in experiment.stored:
        # Whoever has to push first learns it before the hashing.
        Holder(remotes, kept).require_pushed()
    artifacts = experiment.manifest.artifacts
    for done, (name, artifact) in enumerate(artifacts.items()):
        progress("hashing", done, len(artifacts))
        stored = experiment.artifacts[name]
        if stored is None:
            raise RefusedError("artifact-untracked", f"nothing tracks {artifact.path}", "arcgit check")
        if stored.by == "git":
            fact = _from_git(snapshot, stored, artifact.role, gathered)
        else:
            fact = _from_dvc(Holder(remotes, stored, hashed), stored, artifact.role, gathered)
        extra = {"split": artifact.split, "version": artifact.version}
        gathered.facts[name] = _with(fact, extra)
    progress("hashing", len(artifacts), len(artifacts))
    known = [stored for stored in experiment.artifacts.values() if stored is not None]
    for stored in experiment.stored:
        if stored not in known:
            _need_all(Holder(remotes, stored), stored, gathered)
    return gathered


def _with(fact: ArtifactFact, extra: Mapping[str, str | None]) -> ArtifactFact:
    return replace(fact, **{key: value for key, value in extra.items() if value is not None})


def _from_git(snapshot: Snapshot, stored: Stored, role: str, gathered: Gathered) -> ArtifactFact:
    if stored.kind == "file":
        data = snapshot.read(stored.path) or b""
        return ArtifactFact(
            path=stored.path,
            role=role,
            kind="file",
            size=len(data),
            sha256=canonical.sha256(data),
            git=stored.oid,
        )
    lines = fixity.Lines(Pile())
    for path in snapshot.below(stored.path):
        inside = snapshot.read(path)
        if inside is None:
            raise RefusedError(
                "path-unsafe", f"{path} is a link or a submodule and has no bytes to seal", "arcgit check"
            )
        lines.add(FixityEntry(canonical.sha256(inside), len(inside), path[len(stored.path) + 1 :]))
    return _directory(stored, role, lines.whole(), gathered, git=stored.oid)


def _directory(stored: Stored, role: str, listing: bytes | mmap, gathered: Gathered, **reference: Any) -> ArtifactFact:
    files = fixity.parse(listing)
    if paths.may_be_twins(files.paths()) and (pairs := paths.twins(list(files.paths()))):
        first, second = (escape(path) for path in pairs[0])
        raise fixity.FixityError(f"some file systems take {first} and {second} for one file")
    digest = canonical.sha256(listing)
    gathered.blobs.append(listing)
    gathered.listings[digest] = files
    return ArtifactFact(
        path=stored.path,
        role=role,
        kind="directory",
        size=sum(files.sizes()),
        files=len(files),
        sha256=digest,
        **reference,
    )


def _from_dvc(holder: Holder, stored: Stored, role: str, gathered: Gathered) -> ArtifactFact:
    reference = DvcRef(
        md5=stored.oid,
        remote=holder.remote.name,
        hash=stored.hash_name,
        project=stored.project or None,
        origin=dict(stored.origin) if stored.origin is not None and stored.at_source else None,
    )
    needed = gathered.needed(stored)
    if stored.kind == "file":
        oid = holder.object_id()
        digest, size = holder.digest(oid)
        if needed is not None:
            needed.need(Proven(oid, size, digest))
        reference = replace(reference, version=oid.version.id if oid.version is not None else None)
        return ArtifactFact(path=stored.path, role=role, kind="file", size=size, sha256=digest, dvc=reference)
    lines, md5s, listed = _hashed(holder, stored)
    if rows := sealed(holder.remote, stored):
        gathered.blobs.append(versions.serialise(rows))
        reference = replace(reference, versions=canonical.sha256(gathered.blobs[-1]))
    try:
        fact = _directory(stored, role, lines.whole(), gathered, dvc=reference)
    except fixity.FixityError as fault:
        raise RefusedError("path-unsafe", f"{stored.path}: {fault}", "rename the file, then dvc commit") from fault
    if needed is not None:
        _need_directory(holder, needed, Members(gathered.listings[fact.sha256], md5s), listed)
    return fact


def _hashed(holder: Holder, stored: Stored) -> tuple[fixity.Lines, bytes | mmap, Proven]:
    """The fixity list of a directory, the md5s of its files in that order, and DVC's listing."""
    oid = ObjectId(stored.hash_name, stored.oid)
    listing = holder.listing(oid)
    rows = _rows(stored, listing)
    lines, md5s = fixity.Lines(Pile()), Pile()
    for row in rows if isinstance(rows, DirListing) else sorted(rows, key=lambda row: row.relpath.encode()):
        lines.add(FixityEntry(*holder.digest(holder.object_id(row.md5, row.relpath), row.relpath), row.relpath))
        md5s.add(unhexlify(row.md5))
    return lines, md5s.whole(), Proven(oid, len(listing), canonical.sha256(listing))


def _rows(stored: Stored, listing: bytes | mmap) -> Sequence[DirEntry]:
    """The files of a directory as DVC lists them. Raises RefusedError, which names the directory."""
    try:
        return parse_dir_listing(listing)
    except RefusedError as fault:
        raise RefusedError(fault.code, f"{stored.path}: {fault.message}", fault.hint) from fault


def _need_directory(holder: Holder, needed: Needed, members: Members, listed: Proven) -> None:
    """The files of a directory that was hashed, and the listing that names them where DVC keeps one."""
    if not holder.remote.versioned:
        needed.need_all(members)
        needed.need(listed)
        return
    for entry in members.files:
        needed.need(Proven(holder.object_id(members[entry.path], entry.path), entry.size, entry.sha256))


def _need_all(holder: Holder, stored: Stored, gathered: Gathered) -> None:
    """Cached outs on the lineage must be in the remote as well; they are known by md5 and size alone."""
    needed = gathered.needed(stored)
    if needed is None:
        return
    if stored.kind == "file":
        needed.need(Proven(holder.object_id(), stored.size, None))
        return
    oid = ObjectId(stored.hash_name, stored.oid)
    if not holder.remote.versioned:
        needed.need(Proven(oid, None, None))
    for entry in _rows(stored, holder.listing(oid)):
        needed.need(Proven(holder.object_id(entry.md5, entry.relpath), None, None))
