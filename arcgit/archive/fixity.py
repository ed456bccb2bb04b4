"""Blobs named by their sha256 on refs/arcgit/fixity: fixity lists, and lineages too long for a record.

The ref holds commits without a signature: every blob proves itself by its name, so two sides are simply united.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from arcgit.archive.context import Context
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git.packs import LaidObject
from arcgit.git.repository import ZERO, MissingObjectError, RefUpdate, Repository
from arcgit.model import canonical, fixity
from arcgit.model.finding import Finding, warning
from arcgit.model.fixity import FixityList
from arcgit.model.gitobject import GitObjectError, object_id, parse_tree
from arcgit.model.names import FIXITY_REF, fixity_tracking_ref
from arcgit.model.notetree import RawObject
from arcgit.model.text import quoted, word
from arcgit.spool import Pile

if TYPE_CHECKING:
    from mmap import mmap

LARGE = 1024 * 1024
"""What is larger is put aside."""
MAX_BLOB_BYTES = 256 * 1024 * 1024
MAX_LISTS = 4_000_000
_FOLDER, _REST = re.compile("[0-9a-f]{2}"), re.compile("[0-9a-f]{62}")
# No person signs here, so none is named; the date only has to be the same everywhere.
_AUTHOR = b"arcgit <arcgit@localhost.invalid> 0 +0000"


def add(repo: Repository, blobs: Sequence[bytes | mmap]) -> tuple[list[RawObject | LaidObject], RefUpdate] | None:
    """The objects that the blobs need and the ref update that names them; None where all of them are there."""
    old = repo.ref(FIXITY_REF)
    _require_commit(repo, old)
    known = _listing(repo, old)
    new = {canonical.sha256(data): LaidObject("blob", object_id("blob", data), data) for data in blobs}
    fresh = {digest: blob for digest, blob in new.items() if digest not in known}
    if not fresh:
        return None
    oids = {digest: blob.oid for digest, blob in fresh.items()}
    objects = _commit(repo, known | oids, [old] if old else [], {digest[:2] for digest in oids})
    return [*fresh.values(), *objects], RefUpdate(FIXITY_REF, objects[-1].oid, old or ZERO)


def join(context: Context, remote: str) -> bool:
    """Make the local ref hold what the remote's tracking ref holds as well, and nothing less than before.

    Only blobs that hash to their names are taken over: anybody may push there. False where the remote's ref is no list of
    blobs at all, so that nothing can be put on top of it.
    """
    repo = context.repo
    ours, theirs = repo.ref(FIXITY_REF), repo.ref(fixity_tracking_ref(remote))
    _require_commit(repo, ours)
    if theirs is None or ours == theirs:
        return True
    found = repo.kind_and_size(theirs)
    if found is None or found[0] != "commit":
        return False
    if ours is not None and repo.is_ancestor(theirs, ours):
        return True
    mine, raw = _listing(repo, ours), _listing(repo, theirs)
    named = _Named(repo)
    sound = {digest: oid for digest, oid in raw.items() if mine.get(digest) == oid or named.by(oid) == digest}
    if sound == raw and mine.items() <= raw.items() and (ours is None or repo.is_ancestor(ours, theirs)):
        repo.update_refs([RefUpdate(FIXITY_REF, theirs, ours or ZERO)])
        return True
    united = sound | mine
    touched = {digest[:2] for digest, oid in united.items() if mine.get(digest) != oid}
    objects = _commit(repo, united, [theirs, *([ours] if ours else [])], touched)
    with repo.held(objects):
        repo.update_refs([RefUpdate(FIXITY_REF, objects[-1].oid, ours or ZERO)])
    return True


def _require_commit(repo: Repository, tip: str | None) -> None:
    """Refuse to put lists on top of what is none: git would keep it as a commit with a parent that no server takes."""
    found = repo.kind_and_size(tip) if tip is not None else None
    if tip is not None and (found is None or found[0] != "commit"):
        what = f"a {found[0]}" if found is not None else "an object that is not here"
        message = f"{FIXITY_REF} points to {what} ({tip[:12]}), not to a commit with the lists of files"
        hint = f"git update-ref -d {FIXITY_REF} takes that away; arcgit sync then brings the lists of the remote"
        raise RefusedError("fixity-list", message, hint)


def not_shared(context: Context, remote: str) -> Finding:
    """What is said where the remote has something else in the place of the lists: nothing can be put on top of that."""
    tip = context.repo.ref(fixity_tracking_ref(remote)) or ""
    found = context.repo.kind_and_size(tip) if tip else None
    what = f"a {found[0]}" if found is not None else "something else"
    message = (
        f"`{remote}` has {what} in the place of the lists of files: yours are not pushed, and nobody can fetch them"
    )
    hint = f"whoever may: git push --no-verify --force {word(remote)} {FIXITY_REF}; then arcgit sync"
    return warning("fixity-list", FIXITY_REF, message, found=tip, hint=hint)


class _Named:
    """What blobs must be named, each read once: one large blob may stand under very many names."""

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._names: dict[str, str] = {}

    def by(self, oid: str) -> str:
        """The sha256 of a blob, or an empty string where it cannot be read."""
        if oid not in self._names:
            try:
                self._names[oid] = canonical.sha256(self._repo.read(oid, "blob", MAX_BLOB_BYTES))
            except ArcgitError:
                self._names[oid] = ""
        return self._names[oid]


class Shelf:
    """The blobs that this clone has, by sha256; where they lie is looked up once."""

    def __init__(self, context: Context) -> None:
        self._context, self._repo = context, context.repo
        refs = [FIXITY_REF] + ([fixity_tracking_ref(context.remote)] if context.remote else [])
        with self._complete():
            self._places = [_listing(self._repo, tip) for ref in refs if (tip := self._repo.ref(ref))]

    @contextmanager
    def _complete(self) -> Iterator[None]:
        """An object that is not here is named with what brings it: fetching branches and tags does not."""
        try:
            yield
        except MissingObjectError as fault:
            raise MissingObjectError(fault.code, fault.message, fetch_command(self._context)) from fault

    def read(self, digest: str) -> bytes | None:
        """The blob whose sha256 is `digest`, or None where no ref has it.

        Raises UndeterminedError where only blobs with other bytes stand under that name.
        """
        data = self.lay(digest)
        return data[:] if data is not None else None

    def lay(self, digest: str) -> bytes | mmap | None:
        """The same; a large one is put aside and read where it lies."""
        oids = [place[digest] for place in self._places if digest in place]
        for oid in oids:
            with self._complete():
                found = self._repo.kind_and_size(oid)
                large = found is not None and found[0] == "blob" and LARGE < found[1] <= MAX_BLOB_BYTES
                data = self._laid(oid, digest) if large else self._small(oid, digest)
            if data is not None:
                return data
        if oids:
            raise UndeterminedError("fixity-list", f"the blob {digest[:12]} has other bytes than its name says")
        return None

    def _small(self, oid: str, digest: str) -> bytes | None:
        """A blob, None where its bytes are not those of the name."""
        data = self._repo.read(oid, "blob", MAX_BLOB_BYTES)
        return data if canonical.sha256(data) == digest else None

    def _laid(self, oid: str, digest: str) -> bytes | mmap | None:
        """The same of a large one, which is never in memory as a whole."""
        pile, sha256 = Pile(), hashlib.sha256()
        with closing(self._repo.batch()) as objects:
            for data in objects.parts(oid, MAX_BLOB_BYTES):
                sha256.update(data)
                pile.add(data)
        return pile.whole() if sha256.hexdigest() == digest else None

    def files(self, digest: str) -> FixityList:
        """The files in the list of that name; none where the list is not at hand or is no list."""
        try:
            return fixity.parse(self.lay(digest) or fixity.HEADER)
        except (ArcgitError, fixity.FixityError):
            return fixity.parse(fixity.HEADER)


def entries(context: Context, shelf: Shelf, digest: str, subject: str) -> FixityList:
    """The files of a directory. Raises UndeterminedError where the list is not at hand or newer, FixityError."""
    data = shelf.lay(digest)
    if data is None:
        message = f"the fixity list of {subject} is not in this clone"
        raise UndeterminedError("fixity-list", message, fetch_command(context))
    try:
        return fixity.parse(data)
    except fixity.UnknownFixityVersionError as fault:
        hint = "use a version of arcgit that knows it"
        raise UndeterminedError("fixity-list", f"{subject}: {fault}", hint) from fault


def fetch_command(context: Context) -> str:
    """What brings the fixity lists into a clone."""
    remote = context.remote or "origin"
    whole = "--refetch --no-filter " if context.repo.partial else ""
    return f"git fetch {whole}{word(remote)} {quoted(f'+{FIXITY_REF}:{fixity_tracking_ref(remote)}')}"


def _listing(repo: Repository, commit: str | None) -> dict[str, str]:
    if commit is None:
        return {}
    found = repo.kind_and_size(commit)
    if found is None or found[0] != "commit":
        return {}
    listing: dict[str, str] = {}
    for mode, folder, oid in _rows(repo, repo.tree_of(commit)):
        # Only what has the shape is followed: a few trees that name each other stand for more names than can be listed.
        if mode == "40000" and _FOLDER.fullmatch(folder):
            rows = _rows(repo, oid)
            listing |= {folder + rest: blob for mode, rest, blob in rows if mode == "100644" and _REST.fullmatch(rest)}
        if len(listing) > MAX_LISTS:
            raise RefusedError("file-too-large", f"{commit} names more than {MAX_LISTS} fixity lists", "git fsck")
    return listing


def _rows(repo: Repository, tree: str) -> list[tuple[str, str, str]]:
    try:
        return list(parse_tree(repo.read(tree, "tree")))
    except GitObjectError:
        return []


def _commit(repo: Repository, listing: dict[str, str], parents: list[str], touched: set[str]) -> list[RawObject]:
    """The trees and, last, the commit of a listing; of the folders only those that are `touched` or not there yet."""
    folders: dict[str, dict[str, str]] = {}
    for digest, oid in listing.items():
        folders.setdefault(digest[:2], {})[digest[2:]] = oid
    rows, objects = [], []
    for name, entries in sorted(folders.items()):
        raw = b"".join(b"100644 %s\0%s" % (rest.encode(), bytes.fromhex(entries[rest])) for rest in sorted(entries))
        tree = _raw("tree", raw)
        rows.append(b"40000 %s\0%s" % (name.encode(), bytes.fromhex(tree.oid)))
        if name in touched or repo.kind_and_size(tree.oid) is None:
            objects.append(tree)
    root = _raw("tree", b"".join(rows))
    lines = [b"tree " + root.oid.encode(), *(b"parent " + parent.encode() for parent in parents)]
    raw = b"\n".join([*lines, b"author " + _AUTHOR, b"committer " + _AUTHOR, b"", b"fixity lists\n"])
    return [*objects, root, _raw("commit", raw)]


def _raw(kind: str, raw: bytes) -> RawObject:
    return RawObject(kind, object_id(kind, raw), raw)
