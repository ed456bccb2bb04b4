"""A cloud-versioned remote: a bucket that keeps every version of a file."""

from __future__ import annotations

from typing import Any

from tests.remotes.storages import Bucket
from tests.world import World, dvc, git


class Versions(Bucket):
    """A bucket with versioning, as a remote that DVC uses with `version_aware` or `worktree`."""

    mode = "version_aware"

    def settings(self) -> dict[str, str]:
        return {**super().settings(), self.mode: "true"}

    def use(self) -> None:
        """Make it the remote of the world; what the world recorded before is not in it."""
        versioning = {"Bucket": self.name, "VersioningConfiguration": {"Status": "Enabled"}}
        self.fs.call_s3("put_bucket_versioning", **versioning)
        self.configure({})

    def key(self, path: str) -> str:
        return f"of/team/{path}"

    def versions(self, path: str) -> list[str]:
        """The ids of the versions of a file, newest first; delete markers are none."""
        found = self.fs.call_s3("list_object_versions", Bucket=self.name, Prefix=self.key(path))
        return [row["VersionId"] for row in found.get("Versions", []) if row["Key"] == self.key(path)]

    def destroy(self, path: str, version: str) -> None:
        """Delete one version for good."""
        self.fs.call_s3("delete_object", Bucket=self.name, Key=self.key(path), VersionId=version)


def sealed(world: World) -> dict[str, Any]:
    """Push as DVC's users do, commit what DVC wrote, and record."""
    dvc(world.work, "push", "--quiet")
    world.commit("pushed")
    git(world.work, "push", "--quiet", "origin", "main")
    done: dict[str, Any] = world.arcgit("record")
    return done
