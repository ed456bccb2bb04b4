"""Looking at what a remote has without taking it over: objects go into a folder that is deleted, no ref is written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from arcgit.errors import UndeterminedError, UsageError
from arcgit.git import gitpython, plumbing
from arcgit.git.exchange import one_line, unreachable
from arcgit.git.repository import Repository
from arcgit.model.text import without_password, word

_NO_UPKEEP = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "fetch.writeCommitGraph=false")


@contextmanager
def fetched(repo: Repository, remote: str, ref: str) -> Iterator[tuple[Repository, str] | None]:
    """A repository that has one ref of `remote` (a name or an address) with its history, and the ref's oid.

    None where the remote has no such ref. Raises UndeterminedError where it cannot be asked. The person's own git fetches,
    so their credentials and settings for that remote apply.
    """
    if remote.startswith("-"):
        raise UsageError("remote-name", f"`{remote}` is no remote", "git remote -v lists them")
    oid = _ask(repo.root, remote, ref)
    if oid is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="arcgit-") as folder:
        place = Path(folder) / "copy.git"
        plumbing.run(["init", "--quiet", "--bare", "--template=", "--", str(place)], cwd=repo.root)
        objects, ours = place / "objects", repo.common_dir / "objects"
        (objects / "info").mkdir(exist_ok=True)
        (objects / "info" / "alternates").write_bytes(bytes(ours) + b"\n")
        _fetch(repo.root, remote, ref, objects, ours)
        copy = Repository(place)
        if copy.kind_and_size(oid) is None:
            message = f"`{without_password(remote)}` was being written to while it was read"
            raise UndeterminedError("ref-moved", message, "run the command again")
        yield copy, oid


def _ask(root: Path, remote: str, ref: str) -> str | None:
    code, out, err = gitpython.run(root, ["ls-remote", "--end-of-options", remote, ref])
    if code != 0:
        raise unreachable(remote, err)
    rows = (line.split("\t", 1) for line in out.split("\n") if "\t" in line)
    return next((oid for oid, name in rows if name == ref), None)


def _fetch(root: Path, remote: str, ref: str, objects: Path, ours: Path) -> None:
    options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--no-recurse-submodules", "--no-prune")
    where = {"GIT_OBJECT_DIRECTORY": str(objects), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(ours)}
    arguments = [*_NO_UPKEEP, "fetch", *options, "--end-of-options", remote, ref]
    code, _, err = gitpython.run(root, arguments, where)
    if code != 0:
        shown = without_password(remote)
        raise UndeterminedError(
            "remote-unreachable", f"`{shown}` cannot be fetched from: {one_line(err)}", f"git ls-remote {word(shown)}"
        )
