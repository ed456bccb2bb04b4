"""Whether a remote is a place of its own, or the one where the data lies already under another name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from arcgit.archive.context import Context
from arcgit.archive.holders import Remotes
from arcgit.dvc import cache
from arcgit.dvc.objects import ObjectId
from arcgit.dvc.remote import DataRemote
from arcgit.errors import ArcgitError, RefusedError
from arcgit.model.record import DvcRef, Record

HINT = "name a remote at another place: dvc remote list; to fill up what this one lost, name the records too"


def require_apart(
    context: Context,
    remotes: Remotes,
    records: Iterable[Record],
    project: str,
    target: DataRemote,
    *,
    refill: bool = False,
) -> None:
    """Raise RefusedError where `target` is the place where the data of records lies already, or DVC's own cache.

    With `refill` it may be that place by its own name: it counts as one place as before; a second name would count as two.

    A folder of this machine is that also through a mount or hard links: a file there is the very file, and no copy of it.
    One place inside the other is none of its own either, nor is what lies in the work tree, git's folder or DVC's cache.
    """
    facts = [fact.dvc for record in records for fact in record.predicate.artifacts.values() if fact.dvc is not None]
    own = [fact for fact in facts if (fact.project or "") == project]
    refilled = False
    for name in sorted({fact.remote or "" for fact in own}):
        try:
            home = remotes.get((project, name or None))
        except ArcgitError:
            # A home that cannot be opened is no place that this could be.
            continue
        if refill and home.name == target.name:
            refilled = True
            continue
        if within := _nested(home, target):
            message = f"`{target.name}` is no place of its own: {within}, and what takes one away takes both"
            raise RefusedError("replica-not-apart", message, HINT)
        if home.site == target.site or _one_folder(home, target):
            message = f"`{target.name}` is the place where the data lies already: `{home.name}`, {home.url}"
            raise RefusedError("replica-not-apart", message, HINT)
        if _shares_files(home, target, [fact for fact in own if (fact.remote or "") == name]):
            message = f"files in `{target.name}` are those of `{home.name}` themselves, by a mount or by hard links"
            raise RefusedError("replica-not-apart", message, HINT)
    folder = cache.cache_folder(str(context.root / project / ".dvc"), os.environ)
    if folder is not None and target.local and target.site == ("local", str(Path(folder).resolve())):
        raise RefusedError("replica-not-apart", f"`{target.name}` is DVC's own cache", HINT)
    if target.local and not refilled:
        _require_outside(context, target, folder)


def _require_outside(context: Context, target: DataRemote, cached: str | None) -> None:
    """Raise RefusedError for a folder that goes whenever the clone goes, or is cleaned."""
    own = [("git's own folder", context.repo.common_dir), ("the work tree", context.root)]
    for what, folder in [*([("DVC's own cache", Path(cached))] if cached is not None else []), *own]:
        if _inside(Path(target.root), folder):
            message = f"`{target.name}` lies in {what}, {folder}: what takes the clone away takes it as well"
            raise RefusedError("replica-not-apart", message, HINT)


def _inside(inner: Path, outer: Path) -> bool:
    """True for a folder below another one on the same disk, however they are written."""
    with suppress(OSError):
        real = inner.resolve()
        return real.is_relative_to(outer.resolve()) and real.stat().st_dev == outer.stat().st_dev
    return False


def _nested(home: DataRemote, target: DataRemote) -> str:
    """Which of two remotes lies inside the other one, empty where neither does."""
    if home.local and target.local:
        below = _inside(Path(target.root), Path(home.root)), _inside(Path(home.root), Path(target.root))
    elif home.site[:-1] == target.site[:-1]:
        ours, theirs = (f"{remote.site[-1].rstrip('/')}/" for remote in (home, target))
        below = theirs.startswith(ours), ours.startswith(theirs)
    else:
        return ""
    if all(below) or not any(below):
        return ""
    inner, outer = (target, home) if below[0] else (home, target)
    return f"`{inner.name}` lies inside of `{outer.name}`, {outer.url}"


def _one_folder(home: DataRemote, target: DataRemote) -> bool:
    if home.local and target.local:
        with suppress(OSError):
            return Path(home.root).samefile(target.root)
    return False


def _shares_files(home: DataRemote, target: DataRemote, facts: Sequence[DvcRef]) -> bool:
    if not (home.local and target.local) or home.versioned or target.versioned:
        return False
    for oid in {ObjectId(fact.hash, fact.md5) for fact in facts}:
        with suppress(OSError):
            # A link there is told from a copy elsewhere: it is not followed.
            if os.path.samestat(os.lstat(home.path(oid)), os.lstat(target.path(oid))):
                return True
    return False
