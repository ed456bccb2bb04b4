"""Which command puts back what a remote has lost, or holds changed: it names who still has the bytes, as far as is known.

Nothing is repaired here, and no bytes are read: DVC's cache and folders of this machine are asked for an object of the
size that was sealed, and the ledger for replicas. `arcgit replicate` proves each byte before it counts. `dvc push` is no
repair: where the listing of a directory is there, it takes the files for granted.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from arcgit.archive.context import Context
from arcgit.archive.holders import Remotes
from arcgit.archive.sources import CacheSource
from arcgit.dvc import cache
from arcgit.dvc.objects import ObjectId
from arcgit.dvc.opening import remote_names
from arcgit.dvc.remote import DataRemote
from arcgit.errors import ArcgitError
from arcgit.model.names import TAG_PREFIX
from arcgit.model.policy import Policy
from arcgit.rules.proof import GIT, Proofs

HERE_TOO = "run the same command in a clone that still has good bytes in DVC's cache"
"""The hint of `arcgit replicate` itself."""


def refill(remote: str, tag: str) -> str:
    """The command that brings what is missing in a remote from wherever good bytes are, and proves them."""
    return f"arcgit replicate {shlex.quote(remote)} {tag}"


def elsewhere(remote: str, tag: str) -> str:
    """The hint where no place that this clone knows of has good bytes."""
    return f"in a clone that still has good bytes in DVC's cache: {refill(remote, tag)}"


class Repairs:
    """The next step about objects that are missing or changed. `proofs` is what the ledger claims, asked at most once."""

    def __init__(self, context: Context, policy: Policy, proofs: Callable[[], Proofs]) -> None:
        self._context = context
        self._policy = policy
        self._pins = {name.lower(): pinned.url for name, pinned in policy.remotes.items()}
        self._read_proofs = proofs
        self._names: dict[str, list[str]] = {}

    def missing(self, remote: DataRemote, project: str, oid: ObjectId, size: int | None, tag: str) -> str:
        """What to type where an object is not there; `size` is None where it was not sealed."""
        if oid.version is not None:
            return f"a version does not come back; what a cache or replica has of it: arcgit restore {tag} --to DIR"
        if remote.versioned:
            return f"what a cache or replica has of it: arcgit restore {tag} --to DIR"
        found = next(self._holders(remote, project, oid, size, tag), None)
        return f"{found[0]}  ({found[1]})" if found is not None else elsewhere(remote.name, tag)

    def changed(self, remote: DataRemote, project: str, oid: ObjectId, size: int | None, tag: str) -> str:
        """The same where something else stands in its place, which is evidence, and keeps the place from being filled."""
        if remote.versioned:
            return f"what a cache or replica has of it: arcgit restore {tag} --to DIR"
        found = next(self._holders(remote, project, oid, size, tag), None)
        path = self._from_here(remote.path(oid)) if remote.local else remote.path(oid)
        if not remote.local:
            away = f"move {path} to another place in that storage, it is evidence"
        elif found is not None:
            return f"mv -n {shlex.quote(path)} evidence-{oid.value} && {found[0]}  ({found[1]})"
        else:
            away = f"mv -n {shlex.quote(path)} evidence-{oid.value}"
        then = f"{found[0]}  ({found[1]})" if found is not None else elsewhere(remote.name, tag)
        return f"{away}; then {then}"

    def _holders(
        self, remote: DataRemote, project: str, oid: ObjectId, size: int | None, tag: str
    ) -> Iterator[tuple[str, str]]:
        """The command, and who has it, as far as is known: the nearest first."""
        step = refill(remote.name, tag)
        if self._in_cache(project, oid, size):
            yield step, "DVC's cache here has it"
        known = self._known(project)
        for name, said in self._claimed(remote.name, tag):
            if name in known:
                yield step, f"`{name}` has it, {said}"
            else:
                inside = f" --cd {shlex.quote(project)}" if project else ""
                address = shlex.quote(self._pins[name]) if name in self._pins else "URL"
                yield f"dvc{inside} remote add {shlex.quote(name)} {address} && {step}", f"`{name}` has it, {said}"
        for name in known:
            if name != remote.name and self._in_folder(project, name, oid, size):
                yield step, f"`{name}` has an object of that name"

    def _claimed(self, remote: str, tag: str) -> Iterator[tuple[str, str]]:
        """The other remotes in which all data of the record was proven, and nothing failed since."""
        proofs = self._proofs
        for (refname, name), standing in proofs.standings.items():
            whole = standing.whole
            # What the record names as its place may hold a part of it; a copy that was made is all of it.
            if refname != f"{TAG_PREFIX}{tag}" or name in {GIT, remote} or name not in proofs.replicas(refname):
                continue
            if whole is not None and standing.failed is None:
                yield name, f"says event {whole.seq} by {whole.by}"

    def _known(self, project: str) -> list[str]:
        if project not in self._names:
            self._names[project] = [name.lower() for name in remote_names(self._context.root / project)]
        return self._names[project]

    def _in_cache(self, project: str, oid: ObjectId, size: int | None) -> bool:
        folder = cache.cache_folder(str(self._context.root / project / ".dvc"), os.environ)
        if folder is None:
            return False
        try:
            return _fits(CacheSource(folder).size(oid, ""), size)
        except OSError:
            return False

    def _in_folder(self, project: str, name: str, oid: ObjectId, size: int | None) -> bool:
        """Whether a remote that is a folder of this machine has it. Others are not asked: that may take long."""
        try:
            found = self._remotes_here.get((project, name))
            state = found.presence([oid])[oid] if found.local and Path(found.root).is_dir() else None
        except (ArcgitError, OSError):
            return False
        return isinstance(state, int) and _fits(state, size)

    def _from_here(self, path: str) -> str:
        """A path as it is typed where this command was, or at the top of the repository that `-C` has named."""
        root = os.path.realpath(self._context.root)
        try:
            here = os.path.realpath(os.getcwd())  # noqa: PTH109  the rest of this is text
        except OSError:
            here = root
        return os.path.relpath(path, here if os.path.commonpath([here, root]) == root else root)

    @cached_property
    def _remotes_here(self) -> Remotes:
        return Remotes(self._context, self._policy, local_only=True)

    @cached_property
    def _proofs(self) -> Proofs:
        try:
            return self._read_proofs()
        except ArcgitError:
            return Proofs()


def _fits(found: int | None, size: int | None) -> bool:
    return found is not None and size in {None, found}
