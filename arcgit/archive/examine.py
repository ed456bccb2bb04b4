"""The bytes behind records, looked at where they lie: presence, or fixity of every byte.

Evidence-preserving: nothing is written, repaired or deleted. Objects that several records share are looked at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from arcgit.archive import fixity as fixity_ref
from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf
from arcgit.archive.holders import Place, Remotes, md5_hex
from arcgit.dvc.listing import parse_dir_listing
from arcgit.dvc.remote import DataRemote, ObjectId, ObjectProblem, digest
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git.repository import Repository
from arcgit.model import canonical, fixity
from arcgit.model.finding import Finding, error, unknown
from arcgit.model.fixity import FixityEntry
from arcgit.model.gitobject import parse_tree
from arcgit.model.names import RecordName
from arcgit.model.policy import Policy
from arcgit.model.record import ArtifactFact, Record

Progress = Callable[[str, int, int], None]


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
    context: Context, policy: Policy, records: Iterable[tuple[RecordName, Record]], *, level: str, progress: Progress
) -> Examined:
    """Presence or fixity of the data of `records`, in remotes as `policy` pins them.

    Objects that several records share are looked at once.
    """
    result = Examined()
    remotes, shelf = Remotes(context, policy), Shelf(context)
    wanted: dict[Place, dict[ObjectId, list[_Target]]] = {}
    for name, record in records:
        for key, fact in record.predicate.artifacts.items():
            subject = f"{name.tag}: {key}"
            try:
                _expect(context, remotes, shelf, fact, subject, wanted, result)
            except ArcgitError as fault:
                result.findings.append(_as_finding(fault, subject))
            except fixity.UnknownFixityVersionError as fault:
                hint = "use a version of arcgit that knows it"
                result.findings.append(unknown("fixity-list", subject, str(fault), hint=hint))
            except ValueError as fault:
                result.findings.append(error("fixity-list", subject, str(fault)))
    for place, objects in wanted.items():
        try:
            _look(remotes.get(place), objects, level, result, progress)
        except ArcgitError as fault:
            result.findings.append(_as_finding(fault, f"remote {place[1] or '(default)'}"))
    return result


def _as_finding(fault: ArcgitError, subject: str) -> Finding:
    make = error if isinstance(fault, RefusedError) else unknown
    return make(fault.code, subject, fault.message, hint=fault.hint)


def _expect(
    context: Context,
    remotes: Remotes,
    shelf: Shelf,
    fact: ArtifactFact,
    subject: str,
    wanted: dict[Place, dict[ObjectId, list[_Target]]],
    result: Examined,
) -> None:
    """Add the objects of one artifact to `wanted`; artifacts in git are judged at once."""
    if fact.git is not None:
        _git_artifact(context, shelf, fact, subject, result)
        return
    if fact.dvc is None:
        result.findings.append(unknown("object-unreadable", subject, "the record does not say where the bytes are"))
        return
    if fact.dvc.origin is not None:
        _imported(context, remotes, shelf, fact, subject, result)
        return
    place = (fact.dvc.project or "", fact.dvc.remote)
    objects = wanted.setdefault(place, {})
    oid = ObjectId(fact.dvc.hash, fact.dvc.md5)
    if fact.kind == "file":
        objects.setdefault(oid, []).append(_Target(subject, fact.sha256, fact.size))
        return
    entries = _fixity_list(context, shelf, fact, subject)
    members = _members(remotes.get(place), oid, subject)
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


def _imported(
    context: Context, remotes: Remotes, shelf: Shelf, fact: ArtifactFact, subject: str, result: Examined
) -> None:
    """An import is looked at where it came from; there is no presence without reading it."""
    source = remotes.source(fact.dvc.origin if fact.dvc is not None and fact.dvc.origin is not None else {})
    rows = (
        [FixityEntry(fact.sha256, fact.size, "")]
        if fact.kind == "file"
        else _fixity_list(context, shelf, fact, subject)
    )
    for row in rows:
        with source.open(row.path) as file:
            sha, _, size = digest(file)
        result.objects += 1
        result.bytes_read += size
        if sha != row.sha256:
            place = f"{subject}/{row.path}" if row.path else subject
            message = f"the import from {source.label} has other bytes than the record says"
            result.findings.append(error("object-corrupt", place, message, expected=row.sha256, found=sha))


def _fixity_list(context: Context, shelf: Shelf, fact: ArtifactFact, subject: str) -> tuple[FixityEntry, ...]:
    data = shelf.read(fact.sha256)
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
    if oid.hash_name == "md5" and md5_hex(data) != oid.value.removesuffix(".dir"):
        message = f"the listing {oid.value} in `{remote.name}` has other bytes than its name says"
        raise RefusedError("object-corrupt", message, "repair the remote from a good copy")
    return {entry.relpath: entry.md5 for entry in parse_dir_listing(data)}


def _absent(subject: str, remote: DataRemote, oid: ObjectId, state: object) -> ArcgitError:
    if isinstance(state, ObjectProblem):
        return UndeterminedError("object-unreadable", f"{subject}: {oid.value} in `{remote.name}`: {state.reason}")
    hint = "from a clone that still has the data: dvc push"
    return RefusedError("object-missing", f"{subject}: object {oid.value} is not in `{remote.name}`", hint)


def _git_artifact(context: Context, shelf: Shelf, fact: ArtifactFact, subject: str, result: Examined) -> None:
    repo = context.repo
    if fact.kind == "file":
        data = repo.read(fact.git or "", "blob", fixity_ref.MAX_BLOB_BYTES)
        result.objects += 1
        result.bytes_read += len(data)
        if canonical.sha256(data) != fact.sha256:
            message = "the file in git has other bytes than the record says"
            result.findings.append(error("object-corrupt", subject, message, expected=fact.sha256))
        return
    entries = _fixity_list(context, shelf, fact, subject)
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
    for mode, name, oid in parse_tree(repo.read(tree, "tree")):
        path = f"{prefix}{name}"
        if mode == "40000":
            yield from _tree_files(repo, oid, f"{path}/")
        elif mode in {"100644", "100755"}:
            yield path, oid


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
        sha, size = remote.sha256(oid)
        wrong = [target for target in targets if sha != target.sha256 and size == target.size]
        # Only where the bytes are others does it matter whether DVC would have noticed.
        md5 = remote.hash(oid)[1] if wrong else ""
    except (ArcgitError, OSError) as fault:
        message = f"the object {oid.value} in `{remote.name}` cannot be read: {fault}"
        result.findings += [unknown("object-unreadable", target.subject, message) for target in targets]
        return
    result.bytes_read += size
    for target in wrong:
        same_md5 = oid.hash_name == "md5" and md5 == oid.value
        code = "md5-collision" if same_md5 else "object-corrupt"
        why = "it has the right md5 and the wrong sha256" if same_md5 else "its bytes are not those recorded"
        message = f"the object {oid.value} in `{remote.name}` was changed: {why}"
        hint = "restore it from a good copy; never dvc push over it"
        result.findings.append(error(code, target.subject, message, expected=target.sha256, found=sha, hint=hint))
