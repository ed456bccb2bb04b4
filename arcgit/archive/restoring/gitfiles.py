"""The files of an artifact that git keeps: which blobs they are, and which of them may be run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from arcgit.errors import RefusedError
from arcgit.git.repository import Repository
from arcgit.model.gitobject import GitObjectError, parse_tree
from arcgit.model.record import ArtifactFact

_RUN = "100755"


class GitFile(NamedTuple):
    """A blob, and whether its file is executable."""

    oid: str
    executable: bool


def files_of(repo: Repository, fact: ArtifactFact, tree: str) -> dict[str, GitFile]:
    """The blobs by path inside the artifact, a file's under the empty one; `tree` is that of the record's commit.

    Raises ArcgitError where a tree cannot be read.
    """
    try:
        if fact.kind == "directory":
            return dict(_below(repo, fact.git or "", ""))
        return {"": GitFile(fact.git or "", _mode_at(repo, tree, fact.path) == _RUN)}
    except GitObjectError as fault:
        raise RefusedError("object-corrupt", f"{fact.path} in git: {fault}", "git fsck") from fault


def _below(repo: Repository, tree: str, prefix: str) -> Iterator[tuple[str, GitFile]]:
    for mode, name, oid in parse_tree(repo.read(tree, "tree")):
        if mode == "40000":
            yield from _below(repo, oid, f"{prefix}{name}/")
        elif mode in {"100644", _RUN}:
            yield f"{prefix}{name}", GitFile(oid, mode == _RUN)


def _mode_at(repo: Repository, tree: str, path: str) -> str:
    """The mode of the entry at a path, empty where there is none."""
    mode, oid = "40000", tree
    for part in path.split("/"):
        if mode != "40000":
            return ""
        entries = parse_tree(repo.read(oid, "tree"))
        mode, oid = next(((mode, oid) for mode, name, oid in entries if name == part), ("", ""))
    return mode
