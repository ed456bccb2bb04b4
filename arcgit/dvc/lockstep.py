"""Whether dvc.lock is in step with dvc.yaml, with the params files and with the code beside it.

Pure: everything that is compared is handed in. What cannot be compared without DVC (templated stages, hashes of whole
folders of code) is left out rather than guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from arcgit.dvc.files import Item, LockStage
from arcgit.dvc.pipeline import Stage


class Drift(NamedTuple):
    """One difference between what is locked and what there is. `missing` is a file that is not there at all."""

    what: str
    locked: str
    present: str
    missing: str = ""


def compare(
    stage: Stage,
    lock: LockStage,
    *,
    params: Callable[[str], Mapping[str, Any] | None],
    read: Callable[[str], bytes | None],
    outs: Mapping[str, Item],
) -> Iterator[Drift]:
    """How `lock` differs from `stage` and from the files.

    `params` gives the values of a params file, `read` the bytes of a file in git, `outs` what DVC keeps by path.
    """
    if not stage.unresolved:
        yield from _declared(stage, lock)
    for dep in lock.deps:
        if dep.oid is None or dep.outside:
            continue
        out = outs.get(dep.path)
        if out is not None:
            if out.oid is not None and out.oid != dep.oid:
                yield Drift(f"the dependency {dep.path}", dep.oid, out.oid)
        elif dep.hash_name == "md5" and (data := read(dep.path)) is not None:
            found = hashlib.md5(data, usedforsecurity=False).hexdigest()
            if found != dep.oid:
                yield Drift(f"the dependency {dep.path}", dep.oid, found)
    for file, locked in lock.params.items():
        present = params(file)
        if present is None and locked:
            yield Drift(f"the params file {file}", ", ".join(locked), "nothing", missing=file)
            continue
        for key, value in locked.items():
            now = lookup(present, key)
            if now != value:
                what = f"the parameter {key} of {file}"
                yield Drift(what, repr(value), "nothing" if now is _ABSENT else repr(now))


def _declared(stage: Stage, lock: LockStage) -> Iterator[Drift]:
    if _command(stage.cmd) != _command(lock.cmd):
        yield Drift("the command", "\n".join(_command(lock.cmd)), "\n".join(_command(stage.cmd)))
    sets = (
        ("the dependencies", {dep.path for dep in lock.deps}, set(stage.deps)),
        ("the outs", {out.path for out in lock.outs}, {out.path for out in stage.outs}),
        ("the parameters", set(_keys(lock.params)), set(_declared_keys(stage, lock))),
    )
    for what, locked, present in sets:
        if locked != present:
            yield Drift(what, ", ".join(sorted(locked)) or "none", ", ".join(sorted(present)) or "none")


def _keys(params: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for file, keys in params.items():
        yield from (f"{file}:{key}" for key in keys)


def _declared_keys(stage: Stage, lock: LockStage) -> Iterator[str]:
    for file, keys in stage.params.items():
        # A whole file is locked key by key; which ones is only known from the file.
        names = keys if keys is not None else tuple(lock.params.get(file, ()))
        yield from (f"{file}:{key}" for key in names)


def _command(cmd: Any) -> list[str]:
    return [str(part).strip() for part in (cmd if isinstance(cmd, list) else [cmd])]


_ABSENT = object()


def lookup(values: Any, key: str) -> Any:
    """The value of a dotted key, as DVC looks it up; a sentinel that equals nothing where there is none."""
    if isinstance(values, dict) and key in values:
        return values[key]
    found = values
    for part in key.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return _ABSENT
    return found
