"""Cloud-versioned remotes: DVC keeps plain files there, under their paths, and their versions in its own files.

DVC puts no object there that is named by its hash, and no `.dir` object. What finds the bytes again is the path below the
remote's url and the version id; whatever was put on top later, a delete marker too, is not looked at.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from arcgit.errors import UndeterminedError


class Version(NamedTuple):
    """Where one remote keeps a file: the remote's name, the path below its url, and the id of the version."""

    remote: str
    path: str
    id: str


def is_versioned(remote: Any) -> bool:
    """True for a remote of DVC with `version_aware` or `worktree`."""
    return bool(remote.worktree or getattr(remote.fs, "version_aware", False))


def require_supported(remote: Any) -> None:
    """Raise UndeterminedError where the storage has no way to ask for a version."""
    if is_versioned(remote) and not hasattr(remote.fs, "version_path"):
        message = f"DVC has no way to read one version of a file in the remote `{remote.name}`"
        raise UndeterminedError("remote-unsupported", message, "dvc remote modify NAME version_aware false")


def path_of(fs: Any, root: str, version: Version) -> str:
    """The path of a version for DVC's file system."""
    return str(fs.version_path(fs.join(root, *version.path.split("/")), version.id))
