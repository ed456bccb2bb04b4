"""What one rev says about one experiment: its manifest, and how the content of each artifact is known there.

Built by `arcgit.archive.experiment` from a snapshot; judged by `arcgit.rules`; sealed by `arcgit.archive.record`. No
bytes of data are needed for it: DVC's hashes and git's oids stand for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from arcgit.model.finding import Finding, Place
from arcgit.model.manifest import Manifest
from arcgit.model.yaml import Key, nearest

MAX_PARAMS_BYTES = 768 * 1024
"""So many bytes of parameters, as JSON, find room in a record beside all else."""


class Stored(msgspec.Struct, frozen=True):
    """Content at a rev, named by the hash under which it is kept.

    `oid` is DVC's hash value (ending in `.dir` for a directory) or git's blob or tree oid, empty for what lies on disk and
    is not in git. `size` in bytes and `files`
    are as DVC wrote them, None where unknown. `project` is the folder of the DVC project, empty for the root; `pushed` is
    False for what DVC is told to keep out of remotes; `origin` says where an import was taken from.
    `members` has relative path and md5 of each file of a directory, where DVC's own files list them. `versions` has by
    remote the version ids that DVC wrote for a cloud-versioned one, by relative path; that of a file is empty.
    """

    path: str
    kind: Literal["file", "directory"]
    by: Literal["dvc", "git"]
    oid: str
    hash_name: str = "md5"
    size: int | None = None
    files: int | None = None
    remote: str | None = None
    project: str = ""
    pushed: bool = True
    origin: Mapping[str, str] | None = None
    members: tuple[tuple[str, str], ...] = ()
    versions: Mapping[str, Mapping[str, str]] | None = None

    @property
    def place(self) -> tuple[str, str | None]:
        """The DVC project and the name of the remote in it, None for its default one."""
        return self.project, self.remote

    @property
    def at_source(self) -> bool:
        """True for what DVC leaves where it was imported from."""
        return self.origin is not None and ("rev_lock" in self.origin or not self.pushed)


class Experiment(msgspec.Struct, frozen=True):
    """One manifest at one rev. Paths are relative to the repository's root.

    `artifacts` has None for a path that nothing tracks. `lineage` is the JSON value that goes into the record; `stored`
    lists every cached out on the lineage, artifacts included. `environment` has the text of environment files in git.
    `lines` has the line of each key of the manifest. `findings` holds what was found wrong while reading.
    `metrics_files` are the files that DVC's files call metrics, `left_to_git` the outs that DVC does not cache.
    """

    manifest_path: str
    manifest_sha256: str
    manifest: Manifest
    artifacts: Mapping[str, Stored | None]
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    lineage: Mapping[str, Any]
    stored: tuple[Stored, ...] = ()
    has_pipeline: bool = False
    produced: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    touches: frozenset[str] = frozenset()
    environment: Mapping[str, str] = {}
    lines: Mapping[Key, int] = {}
    metrics_files: frozenset[str] = frozenset()
    left_to_git: frozenset[str] = frozenset()

    @property
    def folder(self) -> str:
        """The manifest's folder, with a final slash, or empty for the root."""
        head, _, _ = self.manifest_path.rpartition("/")
        return f"{head}/" if head else ""

    def at(self, *key: str | int) -> Place:
        """The place of a key of the manifest, with the line of the nearest key that is there."""
        return Place(self.manifest_path, key, nearest(self.lines, key))

    @property
    def label(self) -> str:
        return f"{self.manifest.project}/{self.manifest.experiment}"
