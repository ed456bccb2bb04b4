"""A push to the fixity lists: blobs that prove themselves by their names, of which none may go."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from arcgit.errors import RefusedError
from arcgit.git import plumbing
from arcgit.git.objects import Objects
from arcgit.model.finding import Finding, error
from arcgit.model.names import FIXITY_REF
from arcgit.rules.pushes import Command

MAX_BLOB_BYTES = 256 * 1024 * 1024
MAX_LISTING_BYTES = 64 * 1024 * 1024
_PATH = re.compile(rb"([0-9a-f]{2})/([0-9a-f]{62})")
_ROW = re.compile(rb":([0-7]{6}) ([0-7]{6}) [0-9a-f]{40} ([0-9a-f]{40}) ([A-Z])[0-9]*")
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


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
    old = _EMPTY_TREE if line.creates else line.old
    arguments = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, line.new]
    try:
        parts = plumbing.run_within(arguments, MAX_LISTING_BYTES, extra=extra).split(b"\0")
    except RefusedError:
        yield _fault("the push changes more lists than can be looked at", line)
        return
    for head, path in zip(parts[::2], parts[1::2], strict=False):
        row, named = _ROW.fullmatch(head), _PATH.fullmatch(path)
        if row is None or named is None or row[4] != b"A" or row[2] != b"100644":
            yield _fault(f"the push changes {path.decode(errors='replace')!r}: lists are only ever added", line)
            return
        digest = (named[1] + named[2]).decode()
        if objects.blob_sha256(row[3].decode(), MAX_BLOB_BYTES) != digest:
            yield _fault(f"the list {digest[:12]} has other bytes than its name says", line)
            return


def _fault(message: str, line: Command) -> Finding:
    return error("fixity-list", FIXITY_REF, message, found=line.new, hint="arcgit sync joins yours with those there")
