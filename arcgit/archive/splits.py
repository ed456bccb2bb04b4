"""What the splits of an experiment hold, for the rule that they share no file: at hand when checking, whole when sealing.

A check downloads nothing. It reads the directory lists that DVC's cache or DVC's own files have; where a list is not
here, it says so, and sealing judges again by the sha256 of every file.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from arcgit.dvc import cache
from arcgit.errors import RefusedError
from arcgit.git.snapshot import Snapshot
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.finding import Finding, error
from arcgit.rules import overlap
from arcgit.rules.overlap import Contents, Unread

if TYPE_CHECKING:
    from arcgit.archive.data import Gathered  # a commit hook has nothing to gather

MAX_GIT_FILES = 2000


def looked_at(found: Experiment, snapshot: Snapshot, root: str) -> Experiment:
    """The experiment with what its splits share among its findings, as far as that can be told without a download."""
    labels = {name: split for name in found.manifest.artifacts if (split := overlap.split_of(found, name))}
    if len(set(labels.values())) < 2:
        return found
    known: list[Contents] = []
    unread: list[Unread] = []
    faults: list[Finding] = []
    for name, split in labels.items():
        stored = found.artifacts.get(name)
        if stored is None:
            continue
        try:
            files = _files(stored, snapshot, root)
        except RefusedError as fault:
            subject = f"{found.manifest_path}: {name}"
            place = found.at("artifacts", name)
            faults.append(error(fault.code, subject, f"{stored.path}: {fault.message}", hint=fault.hint, place=place))
            continue
        if files is None:
            unread.append(Unread(name, stored.path, split, stored.oid))
        else:
            known.append(Contents(name, stored.path, split, files))
    return replace(found, findings=(*found.findings, *faults, *overlap.judge(found, known, unread)))


def sealed(found: Experiment, gathered: Gathered) -> list[Finding]:
    """What the splits share, by the sha256 of every file that is about to be sealed."""
    labels = {name: split for name in gathered.facts if (split := overlap.split_of(found, name))}
    if len(set(labels.values())) < 2:
        return []
    known = []
    for name, split in labels.items():
        fact = gathered.facts[name]
        files = {fact.path: fact.sha256}
        if fact.kind == "directory":
            files = {entry.path: entry.sha256 for entry in gathered.listings[fact.sha256]}
        known.append(Contents(name, fact.path, split, files))
    return list(overlap.judge(found, known))


def _files(stored: Stored, snapshot: Snapshot, root: str) -> dict[str, str] | None:
    """md5 by path, None where the list of the directory is not at hand. Raises RefusedError for an unsafe one."""
    if stored.by == "git":
        return _in_git(stored, snapshot)
    if stored.kind == "file":
        return {stored.path: stored.oid}
    folder = _cache_of(root, stored.path)
    entries = cache.read_list(folder, stored.oid) if folder is not None else None
    if entries is not None:
        return {entry.relpath: entry.md5 for entry in entries}
    return dict(stored.members) or None


def _in_git(stored: Stored, snapshot: Snapshot) -> dict[str, str] | None:
    paths = [stored.path] if stored.kind == "file" else snapshot.below(stored.path)
    if len(paths) > MAX_GIT_FILES:
        return None
    return {path: hashlib.md5(snapshot.read(path) or b"", usedforsecurity=False).hexdigest() for path in paths}


def _cache_of(root: str, path: str) -> str | None:
    """The cache of the DVC repository that a path belongs to: the nearest `.dvc` folder above it."""
    while path:
        path = path.rpartition("/")[0]
        folder = os.path.join(root, path, ".dvc")
        if _is_folder(folder):
            return cache.cache_folder(folder, os.environ)
    return None


def _is_folder(path: str) -> bool:
    """Asked by opening it, so that the memory of the commit hook knows of the question."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
