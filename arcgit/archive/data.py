"""The bytes behind a record on the way in: hashing them, putting them into the remote and reading them back.

sha256 over every byte is the evidence; DVC's md5 only finds objects. Nothing here deletes or repairs anything.
"""

from __future__ import annotations

from array import array
from binascii import unhexlify
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from arcgit import crash, several
from arcgit.archive import filekinds
from arcgit.archive.holders import Holder, Place, Remotes
from arcgit.archive.kept.hashed import Hashed
from arcgit.archive.needed import Needed, Proven
from arcgit.archive.versions import sealed
from arcgit.dvc.listing import DirListing, Members, parse_dir_listing
from arcgit.dvc.objects import ObjectId, ObjectProblem, Presence
from arcgit.dvc.remote import DataRemote
from arcgit.errors import RefusedError, UndeterminedError
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
    rows = parse_dir_listing(listing)
    lines, md5s = fixity.Lines(Pile()), Pile()
    for row in rows if isinstance(rows, DirListing) else sorted(rows, key=lambda row: row.relpath.encode()):
        lines.add(FixityEntry(*holder.digest(holder.object_id(row.md5, row.relpath), row.relpath), row.relpath))
        md5s.add(unhexlify(row.md5))
    return lines, md5s.whole(), Proven(oid, len(listing), canonical.sha256(listing))


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
    for entry in parse_dir_listing(holder.listing(oid)):
        needed.need(Proven(holder.object_id(entry.md5, entry.relpath), None, None))


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
    for (place, _), objects in gathered.objects.items():
        remote = remotes.get(place)
        copied, states = remote.push(objects, now, partial(progress, "pushing"))
        receipt.pushed += sum(copied)
        receipt.objects += len(objects)
        unread = array("I")
        for number, state in enumerate(states):
            wanted = objects.proven(number)
            _require_present(remote, wanted, state)
            oid, _, sha256 = wanted
            # The same bytes may have another version, which nobody has read yet. Lists of directories are in no record.
            if sha256 is not None and (
                copied[number] or oid.version or oid.value.endswith(".dir") or sha256 not in proven
            ):
                unread.append(number)
        _read_back(remote, objects, unread, receipt, progress)
    crash.point("data-proven")
    return receipt


def _read_back(
    remote: DataRemote, objects: Needed, numbers: Sequence[int], receipt: Receipt, progress: Progress
) -> None:
    done = 0

    def count(_: int, size: int) -> None:
        nonlocal done
        done += 1
        receipt.read_back += 1
        receipt.bytes += size
        progress("reading back", done, len(numbers))

    if numbers:
        progress("reading back", 0, len(numbers))
    # Small files of this machine are faster one after the other.
    jobs = 1 if remote.local else max(1, min(several.NETWORK, len(numbers)))
    several.each(numbers, lambda number: _require_bytes(remote, objects.proven(number)), jobs, count)


def _require_present(remote: DataRemote, wanted: Proven, state: Presence) -> None:
    oid = wanted.oid
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
    if isinstance(state, ObjectProblem):
        message = f"object {oid.value} in `{remote.name}`: {state.reason}"
        raise UndeterminedError("object-unreadable", message, remote.hint(oid))
    message = f"object {oid.value} in `{remote.name}`: it is not there after the push"
    raise UndeterminedError("object-missing", message, "dvc push")


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
