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
    """
    facts = [fact.dvc for record in records for fact in record.predicate.artifacts.values() if fact.dvc is not None]
    own = [fact for fact in facts if (fact.project or "") == project]
    for name in sorted({fact.remote or "" for fact in own}):
        try:
            home = remotes.get((project, name or None))
        except ArcgitError:
            # A home that cannot be opened is no place that this could be.
            continue
        if refill and home.name == target.name:
            continue
        if home.site == target.site or _one_folder(home, target):
            message = f"`{target.name}` is the place where the data lies already: `{home.name}`, {home.url}"
            raise RefusedError("replica-not-apart", message, HINT)
        if _shares_files(home, target, [fact for fact in own if (fact.remote or "") == name]):
            message = f"files in `{target.name}` are those of `{home.name}` themselves, by a mount or by hard links"
            raise RefusedError("replica-not-apart", message, HINT)
    folder = cache.cache_folder(str(context.root / project / ".dvc"), os.environ)
    if folder is not None and target.local and target.site == ("local", str(Path(folder).resolve())):
        raise RefusedError("replica-not-apart", f"`{target.name}` is DVC's own cache", HINT)


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
