"""A push to the fixity lists: blobs that prove themselves by their names, of which none may go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from arcgit.errors import RefusedError
from arcgit.git import plumbing
from arcgit.git.objects import Objects
from arcgit.model.finding import Finding, error
from arcgit.model.gitobject import GitObjectError, parse_tree
from arcgit.model.names import FIXITY_REF
from arcgit.rules.pushes import Command

MAX_BLOB_BYTES = 256 * 1024 * 1024
_FOLDER, _REST = re.compile("[0-9a-f]{2}"), re.compile("[0-9a-f]{62}")
Rows = dict[str, tuple[str, str]]
"""Mode and oid by name: one tree."""


def judge(line: Command, objects: Objects, extra: Mapping[str, str]) -> Iterator[Finding]:
    """What forbids a line of a push to the fixity lists. Raises ArcgitError where it cannot be judged."""
    if objects.kind(line.new) != "commit":
        yield _fault("the fixity lists would be no commit", line)
        return
    if (
        not line.creates
        and plumbing.try_run(["merge-base", "--is-ancestor", line.old, line.new], cwd=".", extra=extra)[0]
    ):
        yield _fault("the push would take fixity lists away that others have pushed", line)
        return
    old = {} if line.creates else _root(objects, line.old)
    # Tree by tree and no deeper than lists lie: `git diff-tree -r` would follow a few trees that name each other for ever.
    for folder, was, now in _changed(old, _root(objects, line.new)):
        if now is None or now[0] != "40000" or not _FOLDER.fullmatch(folder) or (was and was[0] != "40000"):
            yield _changes(folder, line)
            return
        before = _rows(objects, was[1]) if was else {}
        for rest, had, has in _changed(before, _rows(objects, now[1])):
            if had is not None or has is None or has[0] != "100644" or not _REST.fullmatch(rest):
                yield _changes(f"{folder}/{rest}", line)
                return
            digest = folder + rest
            if objects.blob_sha256(has[1], MAX_BLOB_BYTES) != digest:
                yield _fault(f"the list {digest[:12]} has other bytes than its name says", line)
                return


def _root(objects: Objects, commit: str) -> Rows:
    return _rows(objects, objects.read(commit, "commit")[5:45].decode(errors="replace"))


def _rows(objects: Objects, tree: str) -> Rows:
    try:
        rows = list(parse_tree(objects.read(tree, "tree")))
    except GitObjectError as fault:
        raise RefusedError("fixity-list", f"the tree {tree} is malformed", "git fsck") from fault
    found = {name: (mode, oid) for mode, name, oid in rows}
    if len(found) < len(rows):
        raise RefusedError("fixity-list", f"the tree {tree} names a file twice", "git fsck")
    return found


def _changed(old: Rows, new: Rows) -> Iterator[tuple[str, tuple[str, str] | None, tuple[str, str] | None]]:
    for name in old.keys() | new.keys():
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _changes(path: str, line: Command) -> Finding:
    return _fault(f"the push changes {path!r}: lists are only ever added", line)


def _fault(message: str, line: Command) -> Finding:
    return error("fixity-list", FIXITY_REF, message, found=line.new, hint="arcgit sync joins yours with those there")
