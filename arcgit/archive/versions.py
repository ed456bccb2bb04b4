"""The versions of a record's files in cloud-versioned remotes: from DVC's files when sealing, from the record later."""

from __future__ import annotations

import json
from collections.abc import Mapping

from arcgit.archive import fixity as fixity_ref
from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf
from arcgit.dvc.objects import ObjectId
from arcgit.dvc.remote import DataRemote
from arcgit.dvc.versioned import Version
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.model import versions
from arcgit.model.experiment import Stored
from arcgit.model.record import ArtifactFact
from arcgit.model.versions import FileVersion

REPLACED = "null"
"""What S3 calls what is put into a bucket that keeps no versions, or none any more: the next one takes its place."""


def object_id(remote: DataRemote, stored: Stored, md5: str, relpath: str = "") -> ObjectId:
    """The object of an out, or of the file at `relpath` inside it, as its remote can find it.

    Raises UndeterminedError `not-pushed` where only a version finds it and DVC's files name none, RefusedError where that
    is none that is kept.
    """
    if not remote.versioned or not stored.pushed or stored.at_source:
        return ObjectId(stored.hash_name, md5)
    found = _of_remote(remote, stored).get(relpath)
    path = f"{stored.path}/{relpath}" if relpath else stored.path
    if found is None:
        raise _not_pushed(remote, path)
    if found == REPLACED:
        raise _replaced(remote, path)
    return ObjectId(stored.hash_name, md5, Version(remote.name, _key(stored.path, stored.project, relpath), found))


def listing(remote: DataRemote, stored: Stored) -> bytes | None:
    """The bytes of the `.dir` object of a directory that DVC's own files list, None where there must be one to read."""
    if not remote.versioned or stored.kind == "file":
        return None
    if not stored.members:
        if stored.at_source or not stored.pushed:
            return None
        raise _not_pushed(remote, stored.path)
    rows = [{"md5": md5, "relpath": relpath} for relpath, md5 in sorted(stored.members)]
    return json.dumps(rows, sort_keys=True).encode()


def sealed(remote: DataRemote, stored: Stored) -> dict[str, FileVersion]:
    """What a record keeps of a directory: md5 and version of every file. Empty where hashes find them."""
    if not remote.versioned or not stored.pushed or stored.at_source:
        return {}
    found = _of_remote(remote, stored)
    return {relpath: FileVersion(md5, found[relpath]) for relpath, md5 in stored.members}


def of_file(fact: ArtifactFact) -> Version | None:
    """The version of a file artifact, None where its hash finds it."""
    if fact.dvc is None or fact.dvc.version is None:
        return None
    return Version(fact.dvc.remote or "", _key(fact.path, fact.dvc.project or "", ""), fact.dvc.version)


def of_directory(context: Context, shelf: Shelf, fact: ArtifactFact, subject: str) -> dict[str, ObjectId] | None:
    """The object of every file of a directory artifact, None where a `.dir` object in the remote lists them.

    Raises UndeterminedError where the list is not at hand or newer, VersionsError.
    """
    if fact.dvc is None or fact.dvc.versions is None:
        return None
    data = shelf.read(fact.dvc.versions)
    if data is None:
        message = f"the version list of {subject} is not in this clone"
        raise UndeterminedError("fixity-list", message, fixity_ref.fetch_command(context))
    try:
        rows = versions.parse(data)
    except versions.UnknownVersionsVersionError as fault:
        hint = "use a version of arcgit that knows it"
        raise UndeterminedError("fixity-list", f"{subject}: {fault}", hint) from fault
    remote, project = fact.dvc.remote or "", fact.dvc.project or ""
    return {
        path: ObjectId(fact.dvc.hash, row.md5, Version(remote, _key(fact.path, project, path), row.version))
        for path, row in rows.items()
    }


def _of_remote(remote: DataRemote, stored: Stored) -> Mapping[str, str]:
    return (stored.versions or {}).get(remote.name, {})


def _key(path: str, project: str, relpath: str) -> str:
    """Where DVC puts a file below the url of a cloud-versioned remote: at its path in the DVC project."""
    inside = path.removeprefix(f"{project}/") if project else path
    return f"{inside}/{relpath}" if relpath else inside


def _not_pushed(remote: DataRemote, path: str) -> UndeterminedError:
    where = f"the cloud-versioned remote `{remote.name}`"
    message = f"DVC's files name no version of {path} in {where}; DVC writes it into them when it pushes"
    hint = "dvc push, then git add the changed dvc.lock and .dvc files, git commit, and arcgit record again"
    return UndeterminedError("not-pushed", message, hint)


def _replaced(remote: DataRemote, path: str) -> RefusedError:
    message = (
        f"DVC's files name the version `{REPLACED}` of {path} in `{remote.name}`: versioning is off or suspended there, "
        "and what is put under that path next takes its place"
    )
    hint = (
        "turn versioning of the bucket on, take the `cloud:` entries out of dvc.lock and the .dvc files, then dvc push, "
        "git commit, arcgit record"
    )
    return RefusedError("version-not-kept", message, hint)
