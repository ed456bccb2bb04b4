"""Version lists: where a cloud-versioned remote keeps each file of a directory artifact.

Canonical JSON, `{"files": {<path>: {"md5": …, "version": …}}, "schema": "arcgit/versions/v1"}`, named by the sha256 of its
bytes and kept beside the fixity lists. Round trip: `parse(serialise(rows)) == rows`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from arcgit.model import canonical, paths

SCHEMA = "arcgit/versions/v1"
MAX_ID = 1024
"""What S3 allows itself; others need less."""
_ID = re.compile(rf"[\x21-\x7e]{{1,{MAX_ID}}}")
_MD5 = re.compile("[0-9a-f]{32}")


class VersionsError(ValueError):
    """The bytes are not a version list."""


class UnknownVersionsVersionError(VersionsError):
    """The list has a version that this arcgit does not know."""


class FileVersion(NamedTuple):
    """The md5 of a file in DVC, and the storage's own name for the version that has its bytes."""

    md5: str
    version: str


class _Row(msgspec.Struct):
    md5: str
    version: str


class _List(msgspec.Struct):
    schema: str
    files: dict[str, _Row]


def is_id(text: str) -> bool:
    """True for a version id: printable ASCII without blanks."""
    return _ID.fullmatch(text) is not None


def serialise(files: Mapping[str, FileVersion]) -> bytes:
    """The bytes of the list of files by their path inside the directory."""
    rows = {path: {"md5": row.md5, "version": row.version} for path, row in files.items()}
    return canonical.dumps({"schema": SCHEMA, "files": rows})


def parse(data: bytes) -> dict[str, FileVersion]:
    """The files of a list. Raises VersionsError, UnknownVersionsVersionError."""
    try:
        value = canonical.parse(data)
    except canonical.CanonicalError as error:
        raise VersionsError(f"it is no version list: {error}") from error
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, str) and schema.startswith("arcgit/versions/") and schema != SCHEMA:
        raise UnknownVersionsVersionError(f"unknown version {schema} of a version list")
    try:
        found = msgspec.convert(value, _List)
    except msgspec.ValidationError as error:
        raise VersionsError(f"it is no version list: {error}") from error
    if schema != SCHEMA:
        raise VersionsError(f"it is no {SCHEMA}")
    for path, row in found.files.items():
        if reason := paths.unsafe_reason(path):
            raise VersionsError(f"the path of a file is unsafe, {reason}")
        if not _MD5.fullmatch(row.md5) or not is_id(row.version):
            raise VersionsError("a file has a malformed md5 or version")
    return {path: FileVersion(row.md5, row.version) for path, row in found.files.items()}
