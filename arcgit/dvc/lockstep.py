"""Whether dvc.lock is in step with dvc.yaml, with the params files and with the code beside it.

Pure: everything that is compared is handed in. What cannot be compared without DVC (templates that name what is not in
git, folders with files that git does not have) is left out rather than guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from arcgit.dvc.files import Item, LockStage, Member, listing_oid
from arcgit.dvc.pipeline import Stage

MAX_FOLDER_FILES = 2000
_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"


class Drift(msgspec.Struct, frozen=True):
    """One difference between what is locked and what there is. `missing` is a file that is not there at all."""

    what: str
    locked: str
    present: str
    missing: str = ""


def compare(
    stage: Stage | None,
    lock: LockStage,
    *,
    params: Callable[[str], Mapping[str, Any] | None],
    hashes: Callable[[Item], list[str]],
    outs: Mapping[str, Item],
) -> Iterator[Drift]:
    """How `lock` differs from `stage` (None where the lock is all there is) and from the files.

    `params` gives the values of a params file, `hashes` those of what git has for an item (see `in_git`), `outs` what DVC
    keeps by path.
    """
    if stage is not None and not stage.unresolved:
        yield from _declared(stage, lock)
    for dep in lock.deps:
        if dep.oid is None or dep.outside:
            continue
        out = outs.get(dep.path)
        if out is not None:
            if out.oid is not None and out.oid != dep.oid:
                yield Drift(f"the dependency {dep.path}", dep.oid, out.oid)
        elif (found := hashes(dep)) and dep.oid not in found:
            yield Drift(f"the dependency {dep.path}", dep.oid, found[0])
    for out in lock.outs:
        kept = out.cached or out.outside or out.oid is None
        if not kept and (found := hashes(out)) and out.oid not in found:
            yield Drift(f"the out {out.path}", str(out.oid), found[0])
    for file, locked in lock.params.items():
        present = params(file)
        if present is None and locked:
            yield Drift(f"the params file {file}", ", ".join(locked), "nothing", missing=file)
            continue
        whole = stage is not None and stage.params.get(file, ()) is None
        for key in [*locked, *(key for key in (present or {}) if whole and key not in locked)]:
            value, now = locked.get(key, _ABSENT), lookup(present, key)
            if now != value:
                yield Drift(f"the parameter {key} of {file}", _shown(value), _shown(now))


def in_git(item: Item, read: Callable[[str], bytes | None], below: Callable[[str], list[str]]) -> list[str]:
    """The hashes that DVC may give what git has at a path; none where that cannot be told.

    DVC hashes everything in a folder, files that git ignores included. Only where there are as many files in git as DVC
    counted are they taken for the same ones.
    """
    data = read(item.path)
    if data is not None:
        return md5s(data, item.hash_name)
    names = below(item.path)
    if item.files is None or item.files > MAX_FOLDER_FILES or len(names) != item.files:
        return []
    members = []
    for name in names:
        data = read(name)
        if data is None:
            return []
        forms = md5s(data, item.hash_name)
        members.append(Member(name[len(item.path) + 1 :], forms[-1] if is_text(data) else forms[0], None))
    return [listing_oid(members)]


def md5s(data: bytes, hash_name: str) -> list[str]:
    """The hashes that DVC may give a file: up to DVC 2, line ends of text (by its own guess) were made those of Unix."""
    forms = [data] if hash_name == "md5" else [data, data.replace(b"\r\n", b"\n")]
    return [hashlib.md5(form, usedforsecurity=False).hexdigest() for form in forms]


def is_text(data: bytes) -> bool:
    """DVC's guess: no zero byte at the start, and little there that is not ASCII."""
    block = data[:512]
    return b"\0" not in block and len(block.translate(None, _TEXT)) <= 0.3 * len(block)


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else repr(value)


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
    """The value of a dotted key, as DVC looks it up: `*` stands for one name where that is the only one that fits.

    A sentinel that equals nothing where there is none.
    """
    if isinstance(values, dict) and key in values:
        return values[key]
    found = list(_matching(values, key.split(".")))
    return found[0] if len(found) == 1 else _ABSENT


def _matching(values: Any, parts: list[str]) -> Iterator[Any]:
    if not parts:
        yield values
        return
    part, rest = parts[0], parts[1:]
    if isinstance(values, dict):
        inner = [value for name, value in values.items() if _like(name, part)]
    elif isinstance(values, list):
        inner = [value for place, value in enumerate(values) if _is_place(part, place, len(values))]
    else:
        return
    for value in inner:
        yield from _matching(value, rest)


def _is_place(part: str, place: int, size: int) -> bool:
    try:
        return int(part) in {place, place - size}
    except ValueError:
        return _like(str(place), part)


def _like(name: str, pattern: str) -> bool:
    """As `fnmatchcase`, which makes a regular expression of every pattern, also of most that have no wildcard."""
    if name == pattern or not any(sign in pattern for sign in "*?["):
        return name == pattern
    from fnmatch import fnmatchcase  # noqa: PLC0415  few keys have a wildcard

    return fnmatchcase(name, pattern)
