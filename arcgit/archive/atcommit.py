"""A record against the commit that it names: the commit's tree, and the bytes of the manifest in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from arcgit.errors import RefusedError, UndeterminedError
from arcgit.model import canonical
from arcgit.model.finding import Finding, error, unknown
from arcgit.model.gitobject import MAX_OBJECT_BYTES, GitObjectError, parse_tree
from arcgit.model.manifest import MAX_MANIFEST_BYTES
from arcgit.model.record import Record

MOST, MOST_BYTES = 64, 16 * 1024
"""So many objects are remembered, each of at most so many bytes, which is less than any limit that is asked for."""


class ObjectReader(Protocol):
    """Reads raw objects whose bytes were hashed again: the whole repository, or what a hook sees of it."""

    def read(self, oid: str, kind: str, limit: int = MAX_OBJECT_BYTES) -> bytes: ...


class Recent:
    """Reads objects, and remembers the last small ones: a manifest changes less often than there is a record of it."""

    def __init__(self, objects: ObjectReader) -> None:
        self._objects = objects
        self._known: dict[tuple[str, str], bytes] = {}

    def read(self, oid: str, kind: str, limit: int = MAX_OBJECT_BYTES) -> bytes:
        """As `ObjectReader` has it."""
        raw = self._known.get((oid, kind)) if kind != "commit" else None
        if raw is None:
            raw = self._objects.read(oid, kind, limit)
            if kind != "commit" and len(raw) <= MOST_BYTES:
                if len(self._known) == MOST:
                    self._known.pop(next(iter(self._known)))
                self._known[oid, kind] = raw
        return raw


def commit_findings(
    objects: ObjectReader, subject: str, record: Record, *, shallow: bool, hint: Callable[[], str]
) -> list[Finding]:
    """What the commit says otherwise than the record; `shallow` and `hint` are for one that is not all there."""
    stated = record.predicate
    try:
        tree = objects.read(stated.commit.oid, "commit")[5:45].decode()
        if tree != stated.commit.tree:
            message = "the commit has another tree than the record says"
            return [error("commit-mismatch", subject, message, expected=stated.commit.tree, found=tree)]
        oid = _blob_at(objects, tree, stated.manifest.path)
        if oid is None:
            return [error("manifest-digest", subject, f"the commit has no {stated.manifest.path}")]
        digest = canonical.sha256(objects.read(oid, "blob", MAX_MANIFEST_BYTES))
    except UndeterminedError as fault:
        return [unknown("shallow-clone" if shallow else "commit-missing", subject, fault.message, hint=hint())]
    except RefusedError as fault:
        return [error(fault.code, subject, fault.message, hint=fault.hint)]
    except GitObjectError as fault:
        return [error("object-corrupt", subject, str(fault), hint="git fsck")]
    if digest == stated.manifest.sha256:
        return []
    message = f"{stated.manifest.path} at the commit has other bytes than the record says"
    return [error("manifest-digest", subject, message, expected=stated.manifest.sha256, found=digest)]


def _blob_at(objects: ObjectReader, tree: str, path: str) -> str | None:
    """The oid at `path` below a tree, walking re-hashed tree objects; None where there is no such entry."""
    oid: str | None = tree
    for part in path.split("/"):
        entries = parse_tree(objects.read(oid or "", "tree"))
        oid = next((found for _, name, found in entries if name == part), None)
        if oid is None:
            return None
    return oid
