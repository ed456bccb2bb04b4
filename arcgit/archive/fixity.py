"""Blobs named by their sha256 on refs/arcgit/fixity: fixity lists, and lineages too long for a record.

The ref holds commits without a signature: every blob proves itself by its name, so two sides are simply united.
"""

from __future__ import annotations

from arcgit.archive.context import Context
from arcgit.errors import ArcgitError, UndeterminedError
from arcgit.git import plumbing
from arcgit.git.repository import ZERO, RefUpdate, Repository
from arcgit.model import canonical, fixity
from arcgit.model.names import FIXITY_REF, fixity_tracking_ref

MAX_BLOB_BYTES = 256 * 1024 * 1024
# No person signs here, so none is named; the date only has to be the same everywhere.
_AUTHOR = b"arcgit <arcgit@localhost.invalid> 0 +0000"


def add(repo: Repository, blobs: list[bytes]) -> RefUpdate | None:
    """Write the blobs that are not there yet; returns the ref update to make them reachable, or None."""
    old = repo.ref(FIXITY_REF)
    known = _listing(repo, old)
    new = {canonical.sha256(data): data for data in blobs}
    fresh = {digest: repo.write("blob", data) for digest, data in new.items() if digest not in known}
    if not fresh:
        return None
    tip = _commit(repo, known | fresh, [old] if old else [])
    return RefUpdate(FIXITY_REF, tip, old or ZERO)


def join(context: Context, remote: str) -> None:
    """Make the local ref hold what the remote's tracking ref holds as well."""
    repo = context.repo
    ours, theirs = repo.ref(FIXITY_REF), repo.ref(fixity_tracking_ref(remote))
    if theirs is None or ours == theirs:
        return
    if ours is None or repo.is_ancestor(ours, theirs):
        repo.update_refs([RefUpdate(FIXITY_REF, theirs, ours or ZERO)])
    elif not repo.is_ancestor(theirs, ours):
        tip = _commit(repo, _listing(repo, ours) | _listing(repo, theirs), [theirs, ours])
        repo.update_refs([RefUpdate(FIXITY_REF, tip, ours)])


def read(context: Context, digest: str) -> bytes | None:
    """The blob whose sha256 is `digest`, from the local or the fetched ref; None where neither has it.

    Raises UndeterminedError where a blob stands under a name that is not its own.
    """
    refs = [FIXITY_REF] + ([fixity_tracking_ref(context.remote)] if context.remote else [])
    for ref in refs:
        tip = context.repo.ref(ref)
        oid = _listing(context.repo, tip).get(digest) if tip else None
        if oid is None:
            continue
        data = context.repo.read(oid, "blob", MAX_BLOB_BYTES)
        if canonical.sha256(data) == digest:
            return data
        raise UndeterminedError("fixity-list", f"the blob {digest[:12]} on {ref} has other bytes than its name says")
    return None


def digests(context: Context, digest: str) -> set[str]:
    """sha256 of every file in the fixity list of that name; empty where the list is not at hand or is no list."""
    try:
        data = read(context, digest)
        return {entry.sha256 for entry in fixity.parse(data)} if data is not None else set()
    except (ArcgitError, fixity.FixityError):
        return set()


def fetch_command(context: Context) -> str:
    """What brings the fixity lists into a clone."""
    remote = context.remote or "origin"
    return f"git fetch {remote} '+{FIXITY_REF}:{fixity_tracking_ref(remote)}'"


def _listing(repo: Repository, commit: str | None) -> dict[str, str]:
    if commit is None:
        return {}
    out = plumbing.run(["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit], cwd=repo.root)
    listing = {}
    for line in out.split(b"\0"):
        if line:
            meta, path = line.decode(errors="replace").split("\t", 1)
            listing[path.replace("/", "")] = meta.split(" ")[2]
    return listing


def _commit(repo: Repository, listing: dict[str, str], parents: list[str]) -> str:
    folders: dict[str, dict[str, str]] = {}
    for digest, oid in listing.items():
        folders.setdefault(digest[:2], {})[digest[2:]] = oid
    rows = []
    for name, entries in sorted(folders.items()):
        raw = b"".join(b"100644 %s\0%s" % (rest.encode(), bytes.fromhex(entries[rest])) for rest in sorted(entries))
        rows.append(b"40000 %s\0%s" % (name.encode(), bytes.fromhex(repo.write("tree", raw))))
    tree = repo.write("tree", b"".join(rows))
    lines = [b"tree " + tree.encode(), *(b"parent " + parent.encode() for parent in parents)]
    raw = b"\n".join([*lines, b"author " + _AUTHOR, b"committer " + _AUTHOR, b"", b"fixity lists\n"])
    return repo.write("commit", raw)
