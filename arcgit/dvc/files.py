"""DVC's files as values: what outs and deps are, and `*.dvc` files of every version, parsed from bytes.

`dvc.yaml` is read in `pipeline`, `dvc.lock` in `lock`.

Paths come out relative to the repository's root, in POSIX form, with `wdir` applied. DVC itself is not imported.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from arcgit.model import yaml

LEGACY_HASH = "md5-dos2unix"
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_NODES = 2_000_000
"""Cloud-versioned remotes write a dozen for every file of a directory."""
MAX_STAGES = 20_000
"""So many stages of one file are read, loops written out: a second of a commit hook. DVC itself takes minutes for them."""
_HASH_VALUE = re.compile(r"[0-9a-f]{32}(\.dir)?")


class DvcFileError(ValueError):
    """A DVC file that cannot be read. `line` counts from 1 and may be None."""

    def __init__(self, path: str, reason: str, line: int | None = None) -> None:
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.line = line


class Member(msgspec.Struct, frozen=True):
    """One file of a directory on a cloud-versioned remote: path inside it, md5, size in bytes, version id by remote."""

    relpath: str
    md5: str
    size: int | None
    versions: Mapping[str, str] | None = None


class Item(msgspec.Struct, frozen=True):
    """An out or a dep. `oid` is DVC's hash value, None where there is none yet; `size` in bytes.

    `origin` says where imported data was taken from. `outside` marks a path that leaves the repository or is a url.
    `section` is the part of a stage that an out stands in, `kind` what somebody annotated it as. `members` and
    `versions` (version id by remote) are written by cloud-versioned remotes.
    """

    path: str
    oid: str | None = None
    hash_name: str = "md5"
    size: int | None = None
    files: int | None = None
    remote: str | None = None
    cached: bool = True
    pushed: bool = True
    outside: bool = False
    origin: Mapping[str, str] | None = None
    section: str = "outs"
    kind: str | None = None
    members: tuple[Member, ...] = ()
    versions: Mapping[str, str] | None = None

    @property
    def imported(self) -> bool:
        """True for a dep that was taken from another repository or a url."""
        return self.origin is not None


class LockStage(msgspec.Struct, frozen=True):
    """A stage as dvc.lock has it. `params` is by file, as locked."""

    file: str
    name: str
    cmd: Any
    deps: tuple[Item, ...]
    outs: tuple[Item, ...]
    params: Mapping[str, Mapping[str, Any]]


class DvcFile(msgspec.Struct, frozen=True):
    """A `*.dvc` file: data that somebody added or imported, or, up to DVC 1, a stage with its `cmd`."""

    path: str
    outs: tuple[Item, ...]
    deps: tuple[Item, ...] = ()
    stage: LockStage | None = None
    frozen: bool = False


def parse_dvcfile(data: bytes, path: str) -> DvcFile:
    """A `*.dvc` file. Raises DvcFileError."""
    raw = as_mapping(load_document(data, path), path)
    folder = folder_of(path, raw.get("wdir"))
    outs = tuple(parse_item(entry, folder, path) for entry in as_list(raw.get("outs"), path))
    deps = tuple(parse_item(entry, folder, path) for entry in as_list(raw.get("deps"), path))
    frozen = bool(raw.get("frozen") or raw.get("locked"))
    if not raw.get("cmd"):
        # What data without a command depends on is where it was imported from, a file of this machine included.
        return DvcFile(path, outs, tuple(_as_source(dep) for dep in deps), frozen=frozen)
    params = {
        join(folder, str(as_mapping(entry, path).get("path"))): as_mapping(entry["params"], path)
        for entry in as_list(raw.get("deps"), path)
        if isinstance(entry, dict) and isinstance(entry.get("params"), dict)
    }
    plain = tuple(dep for dep in deps if dep.path not in params)
    stage = LockStage(path, posixpath.basename(path), raw["cmd"], plain, outs, params)
    return DvcFile(path, outs, plain, stage, frozen=frozen)


def _as_source(dep: Item) -> Item:
    return dep if dep.origin else replace(dep, origin={"path": dep.path})


def parse_item(raw: Any, folder: str, path: str) -> Item:
    """One entry of `outs` or `deps`. Raises DvcFileError."""
    entry = as_mapping(raw, path)
    name = entry.get("path")
    if not isinstance(name, str):
        raise DvcFileError(path, "an entry has no path")
    origin = _origin(entry)
    members = _members(entry, name, path)
    kind = entry.get("type")
    return Item(
        path=name if origin else join(folder, name),
        oid=_oid(entry, name, members, path),
        hash_name=str(entry.get("hash") or LEGACY_HASH),
        size=sum(row.size or 0 for row in members) if members else _whole(entry.get("size")),
        files=len(members) if members else _whole(entry.get("nfiles")),
        remote=entry.get("remote") if isinstance(entry.get("remote"), str) else None,
        cached=entry.get("cache", True) is not False,
        pushed=entry.get("push", True) is not False,
        outside=outside(folder, name),
        origin=origin,
        section="metrics" if entry.get("metric") else "plots" if entry.get("plot") else "outs",
        kind=kind if isinstance(kind, str) else None,
        members=members,
        versions=_versions(entry.get("cloud")),
    )


def _oid(entry: Mapping[str, Any], name: str, members: tuple[Member, ...], path: str) -> str | None:
    if members:
        return listing_oid(members)
    oid = entry.get("md5") or None
    if oid is not None and (not isinstance(oid, str) or not _HASH_VALUE.fullmatch(oid)):
        raise DvcFileError(path, f"the md5 of {name} is malformed")
    return oid


def _members(entry: Mapping[str, Any], name: str, path: str) -> tuple[Member, ...]:
    """The files of a directory; none where one has only an etag, which is a storage's own name for its bytes."""
    found = []
    for raw in as_list(entry.get("files"), path):
        row = as_mapping(raw, path)
        relpath, md5 = row.get("relpath"), row.get("md5")
        if not isinstance(relpath, str):
            raise DvcFileError(path, f"a file of {name} has no relpath")
        if md5 is None:
            return ()
        if not isinstance(md5, str) or not _HASH_VALUE.fullmatch(md5):
            raise DvcFileError(path, f"the md5 of {name}/{relpath} is malformed")
        found.append(Member(relpath, md5, _whole(row.get("size")), _versions(row.get("cloud"))))
    return tuple(found)


def listing_oid(members: Iterable[Member]) -> str:
    """The name that DVC gives the `.dir` object of these files: the md5 of its JSON, in order of the paths."""
    rows = [
        {"md5": member.md5, "relpath": member.relpath} for member in sorted(members, key=lambda member: member.relpath)
    ]
    import json  # noqa: PLC0415  few files need it

    return hashlib.md5(json.dumps(rows, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"


def _versions(raw: Any) -> dict[str, str] | None:
    if not isinstance(raw, dict):
        return None
    return {
        str(remote): str(row["version_id"])
        for remote, row in raw.items()
        if isinstance(row, dict) and row.get("version_id")
    }


def _origin(entry: Mapping[str, Any]) -> dict[str, str] | None:
    """Where imported data comes from: another DVC repository at a locked rev, or a url at an etag."""
    repo = entry.get("repo")
    if isinstance(repo, dict):
        kept = {key: str(repo[key]) for key in ("url", "rev", "rev_lock") if repo.get(key)}
        return {**kept, "path": str(entry.get("path"))}
    name = str(entry.get("path"))
    if "://" in name or posixpath.isabs(name):
        return {key: str(entry[key]) for key in ("path", "etag", "checksum", "version_id") if entry.get(key)}
    return None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def load_document(data: bytes, path: str) -> Any:
    """The YAML of a DVC file, aliases written out. Raises DvcFileError."""
    try:
        bounds = {"max_bytes": MAX_FILE_BYTES, "max_nodes": MAX_NODES, "max_keys": MAX_STAGES}
        value = yaml.load(data, aliases=True, **bounds).value
    except yaml.YamlError as fault:
        raise DvcFileError(path, f"{fault.reason} (in {len(data)} bytes)", fault.line) from fault
    return {} if value is None else value


def as_mapping(value: Any, path: str) -> dict[str, Any]:
    """`value`, if it is a mapping, with its keys as text. Raises DvcFileError."""
    if not isinstance(value, dict):
        raise DvcFileError(path, f"a mapping is expected where there is a {type(value).__name__}")
    return {str(key): item for key, item in value.items()}


def as_list(value: Any, path: str) -> list[Any]:
    """`value` as a list: DVC takes one entry for a list of one. Raises DvcFileError."""
    if value is None:
        return []
    if isinstance(value, list):
        return value
    if isinstance(value, str | dict):
        return [value]
    raise DvcFileError(path, f"a list is expected where there is a {type(value).__name__}")


def folder_of(path: str, wdir: Any) -> str:
    """The folder that the paths in a DVC file are relative to."""
    return join(posixpath.dirname(path), wdir if isinstance(wdir, str) else "")


def join(folder: str, name: str) -> str:
    """`name` relative to the repository's root, in its shortest form; empty for the root itself. A url stays one."""
    if "://" in name:
        return name
    joined = posixpath.normpath(posixpath.join(folder, name))
    return "" if joined == "." else joined


def outside(folder: str, name: str) -> bool:
    """True for a path that leaves the repository, or a url."""
    joined = join(folder, name)
    return "://" in name or joined.startswith(("/", "../")) or joined == ".."
