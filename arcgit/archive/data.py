"""The bytes behind a record: hashing them, putting them into the remote and reading them back, and checking them there.

sha256 over every byte is the evidence; DVC's md5 only finds objects. Nothing here deletes or repairs anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from arcgit.archive import fixity as fixity_ref
from arcgit.archive.context import Context
from arcgit.dvc.listing import parse_dir_listing
from arcgit.dvc.remote import DataRemote, ObjectId, ObjectProblem, open_remote
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git.repository import Repository
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical, fixity
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.finding import Finding, error, unknown
from arcgit.model.fixity import FixityEntry
from arcgit.model.names import RecordName
from arcgit.model.record import ArtifactFact, DvcRef, Record

Progress = Callable[[str, int, int], None]
CHUNK = 1024 * 1024
MAX_METRICS_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
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
    objects: dict[str | None, dict[ObjectId, Proven]] = field(default_factory=dict)

    def need(self, remote: str | None, proven: Proven) -> None:
        self.objects.setdefault(remote, {}).setdefault(proven.oid, proven)


class Remotes:
    """The data remotes of one repository, opened when first asked for."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._open: dict[str | None, DataRemote] = {}

    def get(self, name: str | None) -> DataRemote:
        """The remote of that name, None for the default one. Raises UndeterminedError."""
        if name not in self._open:
            self._open[name] = open_remote(self._context.root, name)
        return self._open[name]


def cached_metrics(experiment: Experiment, gathered: Gathered, remotes: Remotes) -> dict[str, bytes]:
    """The bytes of metrics files that DVC keeps, checked against the digests just taken."""
    found = {}
    for name, artifact in experiment.manifest.artifacts.items():
        stored, fact = experiment.artifacts[name], gathered.facts[name]
        if artifact.role == "metrics" and stored is not None and stored.by == "dvc" and stored.kind == "file":
            with _opened(remotes.get(stored.remote), ObjectId(stored.hash_name, stored.oid), stored.path) as file:
                data = file.read(MAX_METRICS_BYTES)
            if canonical.sha256(data) != fact.sha256:
                message = f"{stored.path} changed while it was read, or is larger than {MAX_METRICS_BYTES} bytes"
                raise RefusedError("metrics-missing", message, "dvc repro")
            found[stored.path] = data
    return found


def gather(snapshot: Snapshot, experiment: Experiment, remotes: Remotes, progress: Progress) -> Gathered:
    """Hash every artifact of a complete experiment. Bytes that are not at hand are streamed from the remote."""
    gathered = Gathered()
    artifacts = experiment.manifest.artifacts
    for done, (name, artifact) in enumerate(artifacts.items()):
        progress("hashing", done, len(artifacts))
        stored = experiment.artifacts[name]
        if stored is None:
            raise RefusedError("artifact-untracked", f"nothing tracks {artifact.path}", "arcgit check")
        if stored.by == "git":
            fact = _from_git(snapshot, stored, artifact.role, gathered)
        else:
            fact = _from_dvc(remotes.get(stored.remote), stored, artifact.role, gathered)
        extra = {"split": artifact.split, "version": artifact.version}
        gathered.facts[name] = _with(fact, extra)
    progress("hashing", len(artifacts), len(artifacts))
    for stored in experiment.stored:
        _need_all(remotes.get(stored.remote), stored, gathered)
    return gathered


def _with(fact: ArtifactFact, extra: Mapping[str, str | None]) -> ArtifactFact:
    import msgspec  # noqa: PLC0415

    return msgspec.structs.replace(fact, **{key: value for key, value in extra.items() if value is not None})


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
        data = snapshot.read(path) or b""
        entries.append(FixityEntry(canonical.sha256(data), len(data), path[len(stored.path) + 1 :]))
    return _directory(stored, role, entries, gathered, git=stored.oid)


def _directory(
    stored: Stored, role: str, entries: list[FixityEntry], gathered: Gathered, **reference: Any
) -> ArtifactFact:
    listing = fixity.serialise(entries)
    fixity.parse(listing)
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


def _from_dvc(remote: DataRemote, stored: Stored, role: str, gathered: Gathered) -> ArtifactFact:
    reference = DvcRef(md5=stored.oid, remote=remote.name, hash=stored.hash_name)
    oid = ObjectId(stored.hash_name, stored.oid)
    if stored.kind == "file":
        digest, size = _digest(remote, oid, stored.path)
        gathered.need(stored.remote, Proven(oid, size, digest))
        return ArtifactFact(path=stored.path, role=role, kind="file", size=size, sha256=digest, dvc=reference)
    listing = _listing(remote, oid, stored.path)
    entries = []
    for entry in parse_dir_listing(listing):
        member = ObjectId(stored.hash_name, entry.md5)
        digest, size = _digest(remote, member, f"{stored.path}/{entry.relpath}")
        gathered.need(stored.remote, Proven(member, size, digest))
        entries.append(FixityEntry(digest, size, entry.relpath))
    gathered.need(stored.remote, Proven(oid, len(listing), canonical.sha256(listing)))
    try:
        return _directory(stored, role, entries, gathered, dvc=reference)
    except fixity.FixityError as fault:
        raise RefusedError("path-unsafe", f"{stored.path}: {fault}", "rename the file, then dvc commit") from fault


def _need_all(remote: DataRemote, stored: Stored, gathered: Gathered) -> None:
    """Cached outs on the lineage must be in the remote as well; they are known by md5 and size alone."""
    oid = ObjectId(stored.hash_name, stored.oid)
    gathered.need(stored.remote, Proven(oid, stored.size if stored.kind == "file" else None, None))
    if stored.kind == "directory":
        for entry in parse_dir_listing(_listing(remote, oid, stored.path)):
            gathered.need(stored.remote, Proven(ObjectId(stored.hash_name, entry.md5), None, None))


def _listing(remote: DataRemote, oid: ObjectId, path: str) -> bytes:
    with _opened(remote, oid, path) as file:
        data = file.read(fixity_ref.MAX_BLOB_BYTES)
    if oid.hash_name == "md5" and _md5(data) != oid.value.removesuffix(".dir"):
        raise RefusedError("object-corrupt", f"the listing of {path} has other bytes than its name says", "dvc fetch")
    return data


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@contextmanager
def _opened(remote: DataRemote, oid: ObjectId, path: str) -> Iterator[BinaryIO]:
    """The object from the local cache, else from the remote."""
    source = remote.cache_open if remote.cache_path(oid).is_file() else remote.open
    try:
        with source(oid) as file:
            yield file
    except FileNotFoundError as fault:
        hint = f"dvc repro, or bring the data back: dvc pull {path}"
        raise UndeterminedError(
            "object-missing", f"the bytes of {path} are neither here nor in the remote", hint
        ) from fault


def _digest(remote: DataRemote, oid: ObjectId, path: str) -> tuple[str, int]:
    """sha256 and size of one object, whose md5 must be its name."""
    sha, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with _opened(remote, oid, path) as file:
        while chunk := file.read(CHUNK):
            sha.update(chunk)
            md5.update(chunk)
            size += len(chunk)
    if oid.hash_name == "md5" and md5.hexdigest() != oid.value:
        message = f"the bytes of {path} in DVC's cache are not what its md5 says"
        raise RefusedError("object-corrupt", message, f"restore them: dvc fetch {path} (or run the stage again)")
    return sha.hexdigest(), size


@dataclass
class Receipt:
    """What is proven about the remote after recording: objects there, objects hashed there, and their bytes."""

    objects: int = 0
    pushed: int = 0
    read_back: int = 0
    bytes: int = 0


def push_and_read_back(gathered: Gathered, remotes: Remotes, proven: set[str], progress: Progress) -> Receipt:
    """Put what is missing into the remotes; hash there every object whose sha256 is not in `proven` by a record before.

    Raises RefusedError where the remote has other bytes, UndeterminedError where it cannot be read.
    """
    receipt = Receipt()
    for name, objects in gathered.objects.items():
        remote = remotes.get(name)
        pushed = remote.push(list(objects))
        receipt.pushed += len(pushed)
        states = remote.presence(list(objects))
        for done, (oid, wanted) in enumerate(objects.items()):
            progress("reading back", done, len(objects))
            _require_present(remote, oid, wanted, states.get(oid))
            receipt.objects += 1
            if wanted.sha256 is not None and (oid in pushed or wanted.sha256 not in proven):
                receipt.bytes += _require_bytes(remote, oid, wanted)
                receipt.read_back += 1
        progress("reading back", len(objects), len(objects))
    return receipt


def _require_present(remote: DataRemote, oid: ObjectId, wanted: Proven, state: object) -> None:
    if isinstance(state, int) and (wanted.size is None or wanted.size == state):
        return
    if isinstance(state, int):
        message = f"object {oid.value} in `{remote.name}` has {state} bytes instead of {wanted.size}"
        raise RefusedError(
            "object-corrupt", message, "repair the remote from a good copy; arcgit never overwrites there"
        )
    reason = state.reason if isinstance(state, ObjectProblem) else "it is not there after the push"
    raise UndeterminedError("object-missing", f"object {oid.value} in `{remote.name}`: {reason}", "dvc push")


def _require_bytes(remote: DataRemote, oid: ObjectId, wanted: Proven) -> int:
    sha, _, size = remote.hash(oid)
    if sha != wanted.sha256:
        message = f"object {oid.value} in `{remote.name}` has other bytes than the ones recorded here"
        hint = "if the remote is damaged, repair it from a good copy; two contents with one md5 cannot both live there"
        raise RefusedError("md5-collision" if size == wanted.size else "object-corrupt", message, hint)
    return size


@dataclass
class Examined:
    """What a check of the data found, and how much of it was looked at."""

    findings: list[Finding] = field(default_factory=list)
    objects: int = 0
    bytes_read: int = 0


@dataclass(frozen=True)
class _Target:
    """One file of an artifact, as a finding names it."""

    subject: str
    sha256: str
    size: int


def examine(
    context: Context, records: Iterable[tuple[RecordName, Record]], *, level: str, progress: Progress
) -> Examined:
    """Presence or fixity of the data of `records`. Objects that several records share are looked at once."""
    result = Examined()
    remotes = Remotes(context)
    wanted: dict[str | None, dict[ObjectId, list[_Target]]] = {}
    for name, record in records:
        for key, fact in record.predicate.artifacts.items():
            subject = f"{name.tag}: {key}"
            try:
                _expect(context, remotes, fact, subject, wanted, result)
            except ArcgitError as fault:
                result.findings.append(_as_finding(fault, subject))
            except ValueError as fault:
                result.findings.append(error("fixity-list", subject, str(fault)))
    for remote_name, objects in wanted.items():
        try:
            _look(remotes.get(remote_name), objects, level, result, progress)
        except ArcgitError as fault:
            result.findings.append(_as_finding(fault, f"remote {remote_name or '(default)'}"))
    return result


def _as_finding(fault: ArcgitError, subject: str) -> Finding:
    make = error if isinstance(fault, RefusedError) else unknown
    return make(fault.code, subject, fault.message, hint=fault.hint)


def _expect(
    context: Context,
    remotes: Remotes,
    fact: ArtifactFact,
    subject: str,
    wanted: dict[str | None, dict[ObjectId, list[_Target]]],
    result: Examined,
) -> None:
    """Add the objects of one artifact to `wanted`; artifacts in git are judged at once."""
    if fact.git is not None:
        _git_artifact(context.repo, context, fact, subject, result)
        return
    if fact.dvc is None:
        result.findings.append(unknown("object-unreadable", subject, "the record does not say where the bytes are"))
        return
    objects = wanted.setdefault(fact.dvc.remote, {})
    oid = ObjectId(fact.dvc.hash, fact.dvc.md5)
    if fact.kind == "file":
        objects.setdefault(oid, []).append(_Target(subject, fact.sha256, fact.size))
        return
    entries = _fixity_list(context, fact, subject)
    members = _members(remotes.get(fact.dvc.remote), oid, subject)
    paths = {entry.path for entry in entries}
    if paths != members.keys():
        odd = sorted(paths ^ members.keys())
        message = f"DVC's listing names other files than the record: {', '.join(odd[:5])}"
        result.findings.append(error("object-corrupt", subject, message, hint="repair the remote from a good copy"))
    for entry in entries:
        if entry.path in members:
            member = ObjectId(fact.dvc.hash, members[entry.path])
            target = _Target(f"{subject}/{entry.path}", entry.sha256, entry.size)
            objects.setdefault(member, []).append(target)


def _fixity_list(context: Context, fact: ArtifactFact, subject: str) -> tuple[FixityEntry, ...]:
    data = fixity_ref.read(context, fact.sha256)
    if data is None:
        message = f"the fixity list of {subject} is not in this clone"
        raise UndeterminedError("fixity-list", message, fixity_ref.fetch_command(context))
    return fixity.parse(data)


def _members(remote: DataRemote, oid: ObjectId, subject: str) -> dict[str, str]:
    state = remote.presence([oid])[oid]
    if not isinstance(state, int):
        raise _absent(subject, remote, oid, state)
    with remote.open(oid) as file:
        data = file.read(fixity_ref.MAX_BLOB_BYTES)
    if oid.hash_name == "md5" and _md5(data) != oid.value.removesuffix(".dir"):
        message = f"the listing {oid.value} in `{remote.name}` has other bytes than its name says"
        raise RefusedError("object-corrupt", message, "repair the remote from a good copy")
    return {entry.relpath: entry.md5 for entry in parse_dir_listing(data)}


def _absent(subject: str, remote: DataRemote, oid: ObjectId, state: object) -> ArcgitError:
    if isinstance(state, ObjectProblem):
        return UndeterminedError("object-unreadable", f"{subject}: {oid.value} in `{remote.name}`: {state.reason}")
    hint = "from a clone that still has the data: dvc push"
    return RefusedError("object-missing", f"{subject}: object {oid.value} is not in `{remote.name}`", hint)


def _git_artifact(repo: Repository, context: Context, fact: ArtifactFact, subject: str, result: Examined) -> None:
    if fact.kind == "file":
        data = repo.read(fact.git or "", "blob", fixity_ref.MAX_BLOB_BYTES)
        result.objects += 1
        result.bytes_read += len(data)
        if canonical.sha256(data) != fact.sha256:
            message = "the file in git has other bytes than the record says"
            result.findings.append(error("object-corrupt", subject, message, expected=fact.sha256))
        return
    entries = _fixity_list(context, fact, subject)
    blobs = dict(_tree_files(repo, fact.git or "", ""))
    for entry in entries:
        oid = blobs.pop(entry.path, None)
        found = canonical.sha256(repo.read(oid, "blob", fixity_ref.MAX_BLOB_BYTES)) if oid else "no file"
        result.objects += 1
        if found != entry.sha256:
            message = "the file in git has other bytes than the record says"
            path = f"{subject}/{entry.path}"
            result.findings.append(error("object-corrupt", path, message, expected=entry.sha256, found=found))
    if blobs:
        message = f"the tree in git has files that the record does not name: {', '.join(sorted(blobs)[:5])}"
        result.findings.append(error("object-corrupt", subject, message))


def _tree_files(repo: Repository, tree: str, prefix: str) -> Iterator[tuple[str, str]]:
    for mode, name, oid in tree_entries(repo.read(tree, "tree")):
        path = f"{prefix}{name}"
        if mode == "40000":
            yield from _tree_files(repo, oid, f"{path}/")
        elif mode in {"100644", "100755"}:
            yield path, oid


def tree_entries(raw: bytes) -> Iterator[tuple[str, str, str]]:
    """Mode, name and oid of the entries of a raw tree object."""
    at = 0
    while at < len(raw):
        space, zero = raw.index(b" ", at), raw.index(b"\0", at)
        name = raw[space + 1 : zero].decode(errors="surrogateescape")
        yield raw[at:space].decode(), name, raw[zero + 1 : zero + 21].hex()
        at = zero + 21


def _look(
    remote: DataRemote, objects: dict[ObjectId, list[_Target]], level: str, result: Examined, progress: Progress
) -> None:
    states = remote.presence(list(objects))
    for done, (oid, targets) in enumerate(objects.items()):
        progress(level, done, len(objects))
        result.objects += 1
        state = states[oid]
        for target in targets:
            result.findings += _judge_state(remote, oid, target, state)
        if level == "fixity" and isinstance(state, int):
            _judge_bytes(remote, oid, targets, result)
    progress(level, len(objects), len(objects))


def _judge_state(remote: DataRemote, oid: ObjectId, target: _Target, state: object) -> list[Finding]:
    if isinstance(state, int):
        if state == target.size:
            return []
        message = f"the object {oid.value} in `{remote.name}` has another size"
        expected, found = f"{target.size} bytes", f"{state} bytes"
        hint = "repair the remote from a good copy"
        return [error("object-corrupt", target.subject, message, expected=expected, found=found, hint=hint)]
    return [_as_finding(_absent(target.subject, remote, oid, state), target.subject)]


def _judge_bytes(remote: DataRemote, oid: ObjectId, targets: list[_Target], result: Examined) -> None:
    try:
        sha, md5, size = remote.hash(oid)
    except (ArcgitError, OSError) as fault:
        message = f"the object {oid.value} in `{remote.name}` cannot be read: {fault}"
        result.findings += [unknown("object-unreadable", target.subject, message) for target in targets]
        return
    result.bytes_read += size
    for target in targets:
        if sha != target.sha256 and size == target.size:
            same_md5 = oid.hash_name == "md5" and md5 == oid.value
            code = "md5-collision" if same_md5 else "object-corrupt"
            why = "it has the right md5 and the wrong sha256" if same_md5 else "its bytes are not those recorded"
            message = f"the object {oid.value} in `{remote.name}` was changed: {why}"
            hint = "restore it from a good copy; never dvc push over it"
            result.findings.append(error(code, target.subject, message, expected=target.sha256, found=sha, hint=hint))
