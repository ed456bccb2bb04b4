"""What `dvc gc` would take away, told by DVC itself: its own choice of objects, with the deleting kept back.

DVC decides which objects are used and hands them, place by place, to the one function that deletes. Here that function is
another one, which notes what it was given, and only deletes what was approved before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from arcgit.dvc import clones
from arcgit.dvc.objects import ObjectId
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError, UsageError
from arcgit.model.text import word


@dataclass(frozen=True)
class Flags:
    """The flags of `dvc gc`, by their names there."""

    workspace: bool = False
    all_branches: bool = False
    all_tags: bool = False
    all_commits: bool = False
    all_experiments: bool = False
    commit_date: str | None = None
    rev: str | None = None
    num: int | None = None
    not_in_remote: bool = False
    cloud: bool = False
    remote: str | None = None

    def __str__(self) -> str:
        """As they are typed."""
        words = [f"--{name.replace('_', '-')}" for name, value in asdict(self).items() if value is True]
        named = {"date": self.commit_date, "rev": self.rev, "num": self.num, "remote": self.remote}
        return " ".join(
            [*words, *(f"--{name} {word(str(value))}" for name, value in named.items() if value is not None)]
        )


class Doomed(NamedTuple):
    """One object that would be deleted. `remote` is the remote's name, None for DVC's cache."""

    remote: str | None
    oid: ObjectId
    path: str


Bring = Callable[[ObjectId, "str | None"], None]
"""Brings a listing that DVC's cache lacks from a remote (None for the default one). Raises ArcgitError, OSError."""


def doomed(folder: Path, flags: Flags, bring: Bring, *, network: bool = True) -> list[Doomed]:
    """Every object that `dvc gc` with these flags would delete, in the DVC project around `folder`. Deletes nothing.

    Without `network` no repository is opened that data was imported from. Raises UsageError for flags that DVC refuses,
    UndeterminedError.
    """
    found: list[Doomed] = []
    with nullcontext() if network else _no_imports():
        _run(folder, flags, lambda objects, delete: found.extend(objects), bring, dry=True)
    return found


def claimed(folder: Path, bring: Bring) -> set[ObjectId]:
    """Every object that any commit or DVC experiment of the project around `folder` names. Raises as `doomed` does."""
    found: set[ObjectId] = set()
    everything = Flags(all_commits=True, all_experiments=True)
    _run(folder, everything, lambda objects, delete: None, bring, dry=True, used=found)
    return found


@contextmanager
def _no_imports() -> Iterator[None]:
    """While open, asking what an imported directory has is an UndeterminedError: DVC would clone where it came from."""
    from dvc.dependency.repo import RepoDependency

    real = RepoDependency.get_used_objs

    def instead(dependency: Any, **more: Any) -> Any:
        del more
        message = f"DVC would ask the repository that {dependency} comes from, and it was not asked"
        raise UndeterminedError("remote-unreachable", message, "arcgit doctor --network asks it")

    RepoDependency.get_used_objs = instead
    try:
        yield
    finally:
        RepoDependency.get_used_objs = real


def delete(folder: Path, flags: Flags, approved: set[Doomed], bring: Bring) -> int:
    """Let `dvc gc` delete; returns how many objects went. Raises RefusedError before it touches more than was approved."""
    gone = 0

    def guarded(objects: list[Doomed], delete: Callable[[], Any]) -> None:
        nonlocal gone
        if not approved.issuperset(objects):
            message = "the repository changed meanwhile: more would be deleted than was shown"
            raise RefusedError("gc-changed", message, "run arcgit gc again")
        if objects:
            delete()
            gone += len(objects)

    _run(folder, flags, guarded, bring, dry=False)
    return gone


Take = Callable[[list[Doomed], Callable[[], Any]], None]


def _run(folder: Path, flags: Flags, take: Take, bring: Bring, *, dry: bool, used: set[ObjectId] | None = None) -> None:
    """Have DVC collect with these flags, and `take` called instead of deleting. What it keeps is put into `used`."""
    from dvc.config import RemoteConfigError
    from dvc.exceptions import DvcException, InvalidArgumentError, NotDvcRepoError
    from dvc.repo import Repo

    try:
        repo = Repo(str(folder))
        names = _remote_names(repo)
        # DVC would put whatever the remote has into the cache, as checked, without having looked at it.
        repo.cloud.pull = lambda objects, **more: _bring(bring, objects, more.get("remote"))
        with clones.seen_to(), _silence(), _instead_of_deleting(names, take, used) as asked:
            repo.gc(**asdict(flags), force=True, dry=dry)
    except NotDvcRepoError as error:
        raise UndeterminedError("remote-missing", f"{folder} is in no DVC repository", "dvc init") from error
    except InvalidArgumentError as error:
        raise UsageError("usage", _words(error), "arcgit gc --help") from error
    except DvcException as error:
        # Nothing is collected in a cloud-versioned remote.
        hint = "arcgit gc without --cloud" if isinstance(error, RemoteConfigError) else "dvc gc --dry"
        raise UndeterminedError("gc-failed", f"DVC cannot tell what is used: {_words(error)}", hint) from error
    except NotImplementedError as error:
        message = "DVC has no way to list what is in this remote, so nothing in it can be collected"
        raise UndeterminedError("gc-failed", message, "arcgit gc without --cloud") from error
    except ArcgitError:
        raise
    except Exception as error:
        # Storage that DVC cannot list, as HTTP, says so in a way of its own.
        words = _words(error) or type(error).__name__
        raise UndeterminedError("gc-failed", f"DVC cannot tell what is there: {words}", "dvc gc --dry") from error
    if not asked:
        message = "this version of DVC deletes in another way than those that arcgit knows"
        raise UndeterminedError("gc-failed", message, "arcgit protected lists what must stay")


@contextmanager
def _silence() -> Iterator[None]:
    """While open, DVC does not say on standard output that it removed objects, which it only thinks it did."""
    logger = logging.getLogger("dvc")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextmanager
def _instead_of_deleting(
    names: Callable[[Any], str | None], take: Take, kept_for: set[ObjectId] | None
) -> Iterator[list[str]]:
    """While open, whoever asks dvc-data to collect garbage calls `take` instead."""
    from dvc_data.hashfile import gc as module

    real, asked = module.gc, list[str]()

    def instead(odb: Any, used: Any, jobs: Any = None, **more: Any) -> int:
        del more
        asked.append(str(odb.path))
        used = list(used)
        if kept_for is not None:
            kept_for.update(ObjectId(info.name, info.value) for info in used)
            return 0
        kept = {info.value for info in used if info.name == odb.hash_name}
        remote = names(odb)
        objects = [
            Doomed(remote, ObjectId(odb.hash_name, oid), str(odb.oid_to_path(oid)))
            for oid in odb.all(jobs)
            if oid not in kept
        ]
        take(objects, lambda: _delete_alone(real, odb, objects, jobs))
        return len(objects)

    module.gc = instead
    try:
        yield asked
    finally:
        module.gc = real


def _delete_alone(real: Callable[..., Any], odb: Any, objects: list[Doomed], jobs: Any) -> None:
    """Let DVC delete these objects: it would list the place once more, and take what somebody put there meanwhile."""
    odb.all = lambda *arguments, **more: iter([item.oid.value for item in objects])
    try:
        real(odb, (), jobs=jobs)
    finally:
        del odb.all


def _remote_names(repo: Any) -> Callable[[Any], str | None]:
    caches = [odb for _, odb in repo.cache.by_scheme() if odb]
    paths: dict[str, str] = {}

    def name(odb: Any) -> str | None:
        if any(odb is cache for cache in caches):
            return None
        if not paths:
            for known in repo.config["remote"]:
                remote = repo.cloud.get_remote(known)
                paths.update({str(remote.odb.path): str(known), str(remote.legacy_odb.path): str(known)})
        return paths.get(str(odb.path), str(odb.path))

    return name


def _bring(bring: Bring, objects: Any, remote: str | None) -> None:
    """Put the listings of directories into the cache, if they are what their names say."""
    for info in objects:
        try:
            bring(ObjectId(info.name, info.value), remote)
        except (ArcgitError, OSError):
            # Then DVC takes its files for unused, and the plan shows it.
            continue


def _words(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    # Of a commit that cannot be read DVC says which, and not why.
    behind = " ".join(str(error.__cause__ or "").split())
    return f"{words}: {behind}"[:300] if behind and behind not in words else words[:300]
