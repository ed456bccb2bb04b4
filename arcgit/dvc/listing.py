"""`.dir` objects: DVC's listing of a directory, which anybody who can write to the remote can edit."""

from __future__ import annotations

import re

import msgspec

from arcgit.errors import RefusedError
from arcgit.model import paths
from arcgit.model.text import escape

MAX_ENTRIES = 5_000_000
_MD5 = re.compile("[0-9a-f]{32}")


class DirEntry(msgspec.Struct, frozen=True):
    """One file of a directory: its md5 in DVC and its path relative to the directory."""

    md5: str
    relpath: str


class _Raw(msgspec.Struct):
    relpath: str
    md5: str


def members_of(data: bytes, expected: set[str]) -> dict[str, str]:
    """The md5 of each file by its path. Raises as `parse_dir_listing` does.

    Where a listing names exactly the `expected` paths, which are known to be safe, each is not judged once more.
    """
    try:
        rows = msgspec.json.decode(data, type=list[_Raw])
    except (msgspec.DecodeError, ValueError, RecursionError):
        rows = []
    members = {row.relpath: row.md5 for row in rows}
    plain = len(rows) == len(members) and members.keys() == expected and all(map(_MD5.fullmatch, members.values()))
    return members if plain else {entry.relpath: entry.md5 for entry in parse_dir_listing(data)}


def parse_dir_listing(data: bytes) -> tuple[DirEntry, ...]:
    """The entries of a `.dir` object. Raises RefusedError `path-unsafe` or `object-corrupt`."""
    try:
        rows = msgspec.json.decode(data, type=list[_Raw])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise RefusedError("object-corrupt", f"a directory listing of DVC is malformed: {error}") from error
    if len(rows) > MAX_ENTRIES:
        raise RefusedError("object-corrupt", f"a directory listing names {len(rows)} files, more than {MAX_ENTRIES}")
    for row in rows:
        if not _MD5.fullmatch(row.md5):
            raise RefusedError("object-corrupt", f"a directory listing has a malformed md5 for {escape(row.relpath)}")
        if reason := paths.unsafe_reason(row.relpath):
            hint = "rename the file, then dvc commit; if you did not name it so, the remote was tampered with"
            raise RefusedError("path-unsafe", f"a directory listing names {escape(row.relpath)}: {reason}", hint)
    names = [row.relpath for row in rows]
    if len(set(names)) < len(names):
        raise RefusedError("path-unsafe", "a directory listing names one file twice")
    if pairs := paths.twins(names):
        first, second = (escape(path) for path in pairs[0])
        message = f"some file systems take {first} and {second} for one file"
        raise RefusedError("path-unsafe", message, "rename one of them, then dvc commit")
    return tuple(DirEntry(row.md5, row.relpath) for row in rows)
