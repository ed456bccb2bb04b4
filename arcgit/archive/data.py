"""The bytes behind a record on the way in: hashing them, putting them into the remote and reading them back.

sha256 over every byte is the evidence; DVC's md5 only finds objects. Nothing here deletes or repairs anything.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from msgspec.structs import replace

from arcgit import crash, several
from arcgit.archive import filekinds
from arcgit.archive.holders import Holder, Place, Remotes
from arcgit.archive.kept.hashed import Hashed
from arcgit.archive.versions import sealed
from arcgit.dvc.listing import parse_dir_listing
from arcgit.dvc.objects import ObjectId, ObjectProblem
from arcgit.dvc.remote import DataRemote
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical, fixity, paths, versions
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.fixity import FixityEntry, FixityList
from arcgit.model.record import ArtifactFact, DvcRef
from arcgit.model.text import escape

Progress = Callable[[str, int, int], None]
MAX_METRICS_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Proven:
    """One object of the remote with what its bytes must be. `sha256` is None where only its md5 is known."""

    oid: ObjectId
    size: int | None
    sha256: str | None


@dataclass
class Gathered:
    """The artifacts of an experiment with their digests, the fixity lists, and the objects that must be in the remote."""

    facts: dict[str, ArtifactFact] = field(default_factory=dict)
    blobs: list[bytes] = field(default_factory=list)
    objects: dict[Place, dict[ObjectId, Proven]] = field(default_factory=dict)

    def listing(self, fact: ArtifactFact) -> FixityList:
        """The files of a directory that was gathered."""
        return fixity.parse(next(blob for blob in self.blobs if canonical.sha256(blob) == fact.sha256))

    def need(self, stored: Stored, proven: Proven) -> None:
        """Ask for an object in the remote; what DVC leaves at its source is not asked for."""
        if stored.pushed and not stored.at_source:
            self.objects.setdefault(stored.place, {}).setdefault(proven.oid, proven)


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
        digests = {f"{stored.path}/{row.path}": row.sha256 for row in gathered.listing(fact)}
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
    for stored in experiment.stored:
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
    entries = []
    for path in snapshot.below(stored.path):
        inside = snapshot.read(path)
        if inside is None:
            raise RefusedError(
                "path-unsafe", f"{path} is a link or a submodule and has no bytes to seal", "arcgit check"
            )
        entries.append(FixityEntry(canonical.sha256(inside), len(inside), path[len(stored.path) + 1 :]))
    return _directory(stored, role, entries, gathered, git=stored.oid)


def _directory(
    stored: Stored, role: str, entries: list[FixityEntry], gathered: Gathered, **reference: Any
) -> ArtifactFact:
    listing = fixity.serialise(entries)
    fixity.parse(listing)
    if pairs := paths.twins(entry.path for entry in entries):
        first, second = (escape(path) for path in pairs[0])
        raise fixity.FixityError(f"some file systems take {first} and {second} for one file")
    gathered.blobs.append(listing)
    return ArtifactFact(
        path=stored.path,
        role=role,
        kind="directory",
        size=sum(entry.size for entry in entries),
        files=len(entries),
        sha256=canonical.sha256(listing),
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
    if stored.kind == "file":
        oid = holder.object_id()
        digest, size = holder.digest(oid)
        gathered.need(stored, Proven(oid, size, digest))
        reference = replace(reference, version=oid.version.id if oid.version is not None else None)
        return ArtifactFact(path=stored.path, role=role, kind="file", size=size, sha256=digest, dvc=reference)
    oid = ObjectId(stored.hash_name, stored.oid)
    listing = holder.listing(oid)
    entries = []
    for entry in parse_dir_listing(listing):
        member = holder.object_id(entry.md5, entry.relpath)
        digest, size = holder.digest(member, entry.relpath)
        gathered.need(stored, Proven(member, size, digest))
        entries.append(FixityEntry(digest, size, entry.relpath))
    if rows := sealed(holder.remote, stored):
        gathered.blobs.append(versions.serialise(rows))
        reference = replace(reference, versions=canonical.sha256(gathered.blobs[-1]))
    else:
        gathered.need(stored, Proven(oid, len(listing), canonical.sha256(listing)))
    try:
        return _directory(stored, role, entries, gathered, dvc=reference)
    except fixity.FixityError as fault:
        raise RefusedError("path-unsafe", f"{stored.path}: {fault}", "rename the file, then dvc commit") from fault


def _need_all(holder: Holder, stored: Stored, gathered: Gathered) -> None:
    """Cached outs on the lineage must be in the remote as well; they are known by md5 and size alone."""
    if stored.at_source or not stored.pushed:
        return
    if stored.kind == "file":
        gathered.need(stored, Proven(holder.object_id(), stored.size, None))
        return
    oid = ObjectId(stored.hash_name, stored.oid)
    if not holder.remote.versioned:
        gathered.need(stored, Proven(oid, None, None))
    for entry in parse_dir_listing(holder.listing(oid)):
        gathered.need(stored, Proven(holder.object_id(entry.md5, entry.relpath), None, None))


@dataclass
class Receipt:
    """What is proven about the remote after recording: objects there, objects hashed there, and their bytes.

    `unread` counts the files whose bytes were not read anew, since they are those of an earlier record.
    """

    objects: int = 0
    unread: int = 0
    pushed: int = 0
    read_back: int = 0
    bytes: int = 0


def push_and_read_back(
    gathered: Gathered, remotes: Remotes, proven: Container[str], progress: Progress, now: datetime
) -> Receipt:
    """Put what is missing into the remotes; hash there every object whose sha256 is not in `proven` by a record before.

    Raises RefusedError where the remote has other bytes, UndeterminedError where it cannot be read.
    """
    receipt = Receipt()
    for place, objects in gathered.objects.items():
        remote = remotes.get(place)
        pushed, states = remote.push(objects, now, partial(progress, "pushing"))
        receipt.pushed += len(pushed)
        for oid, wanted in objects.items():
            _require_present(remote, oid, wanted, states.get(oid))
        receipt.objects += len(objects)
        # The same bytes may have another version, which nobody has read yet. Lists of directories are in no record.
        unread = [
            wanted
            for oid, wanted in objects.items()
            if wanted.sha256 is not None
            and (oid in pushed or oid.version or oid.value.endswith(".dir") or wanted.sha256 not in proven)
        ]
        _read_back(remote, unread, receipt, progress)
    crash.point("data-proven")
    return receipt


def _read_back(remote: DataRemote, objects: Sequence[Proven], receipt: Receipt, progress: Progress) -> None:
    done = 0

    def count(_: Proven, size: int) -> None:
        nonlocal done
        done += 1
        receipt.read_back += 1
        receipt.bytes += size
        progress("reading back", done, len(objects))

    if objects:
        progress("reading back", 0, len(objects))
    # Small files of this machine are faster one after the other.
    jobs = 1 if remote.local else max(1, min(several.NETWORK, len(objects)))
    several.each(objects, partial(_require_bytes, remote), jobs, count)


def _require_present(remote: DataRemote, oid: ObjectId, wanted: Proven, state: object) -> None:
    if isinstance(state, int) and (wanted.size is None or wanted.size == state):
        return
    if isinstance(state, int):
        message = f"object {oid.value} in `{remote.name}` has {state} bytes instead of {wanted.size}"
        raise RefusedError(
            "object-corrupt", message, "repair the remote from a good copy; arcgit never overwrites there"
        )
    if state is None and oid.version is not None:
        message = f"`{remote.name}` has no version {oid.version.id} of {oid.version.path}, which DVC's files name"
        hint = "take its `cloud:` entry out of dvc.lock or the .dvc file, then dvc push, git commit, arcgit record"
        raise UndeterminedError("object-missing", message, hint)
    reason = state.reason if isinstance(state, ObjectProblem) else "it is not there after the push"
    raise UndeterminedError("object-missing", f"object {oid.value} in `{remote.name}`: {reason}", "dvc push")


def _require_bytes(remote: DataRemote, wanted: Proven) -> int:
    oid = wanted.oid
    sha, size = remote.sha256(oid)
    if sha != wanted.sha256:
        message = f"object {oid.value} in `{remote.name}` has other bytes than the ones recorded here"
        hint = "if the remote is damaged, repair it from a good copy; two contents with one md5 cannot both live there"
        again, md5, _ = remote.hash(oid)
        same_md5 = oid.hash_name == "md5" and md5 == oid.value and again == sha
        raise RefusedError("md5-collision" if same_md5 else "object-corrupt", message, hint)
    return size
