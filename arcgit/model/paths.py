"""Which paths inside a repository or a directory artifact are safe to read, record and write back anywhere.

Judged the same on every platform: a record made on Linux must not turn into an attack, or two files into one, on
another.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from itertools import islice, pairwise

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_DOT_GIT = re.compile(r"(?i)(\.git|git~[0-9]+)")
_IGNORED_BY_SOME = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")

_PLAIN_PART = r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./\n]|\Z))[a-z0-9_-][a-z0-9_.+=@-]*(?<!\.)"
_PLAIN_PATH = f"{_PLAIN_PART}(?:/{_PLAIN_PART})*"
"""A path that is safe at first sight; it need not know every safe one."""
_PLAIN = re.compile(_PLAIN_PATH, re.IGNORECASE | re.ASCII)
_PLAIN_LINES = re.compile(rf"(?:{_PLAIN_PATH}\n)*", re.IGNORECASE | re.ASCII)
_SHELVES = 64
"""So many parts of all names are looked through one after the other."""
AT_ONCE = 1_000
"""So many paths are matched in one go: for each, the library keeps where it could go back to."""


def all_safe(paths: Iterable[str]) -> bool:
    """True where `unsafe_reason` has nothing to say about any of them."""
    rest = iter(paths)
    return all(map(_safe, iter(lambda: list(islice(rest, AT_ONCE)), [])))


def _safe(paths: list[str]) -> bool:
    lines = "\n".join([*paths, ""])
    return (lines.count("\n") == len(paths) and _PLAIN_LINES.fullmatch(lines) is not None) or not any(
        map(unsafe_reason, paths)
    )


def unsafe_reason(path: str) -> str:
    """Why `path` (relative, POSIX) is unsafe, or an empty string where it is safe."""
    return "" if _PLAIN.fullmatch(path) else _reason(path)


def _reason(path: str) -> str:
    if not path:
        return "it is empty"
    if path.startswith("/"):
        return "it is absolute"
    if "\\" in path:
        return "it contains a backslash"
    if _CONTROL.search(path):
        return "it contains control characters"
    if ":" in path:
        return "it contains a colon"
    return next((reason for part in path.split("/") if (reason := _unsafe_part(part))), "")


def stays_inside(path: str) -> bool:
    """True for a relative POSIX path that names something below its folder, whatever system it is followed on."""
    return (
        not _CONTROL.search(path) and "\\" not in path and all(part not in {"", ".", ".."} for part in path.split("/"))
    )


def _unsafe_part(part: str) -> str:
    if part in {"", "."}:
        return "it has an empty component"
    if part == "..":
        return "it leaves its folder with `..`"
    seen = part if part.isascii() else _IGNORED_BY_SOME.sub("", part)
    if _DOT_GIT.fullmatch(seen.rstrip(". ")):
        return "it names git's own folder"
    if part[-1] in ". ":
        return "a component ends with a dot or a space"
    if _RESERVED.fullmatch(part):
        return "a component is a device name on Windows"
    return ""


def twin_key(path: str) -> str:
    """Two paths with the same key are one file on some file systems (case and Unicode form folded)."""
    if path.isascii():
        return path.lower()
    from unicodedata import normalize  # noqa: PLC0415  a commit hook hardly ever meets a path that needs it

    return normalize("NFC", normalize("NFC", path).casefold())


class Hashes:
    """What very many names hash to, eight bytes each."""

    def __init__(self) -> None:
        from array import array  # noqa: PLC0415  as above: few paths are looked at without it

        self._shelves = [array("q") for _ in range(_SHELVES)]

    def note(self, name: str) -> None:
        """One more name."""
        number = hash(name)
        self._shelves[number % _SHELVES].append(number)

    def twice(self) -> AbstractSet[int]:
        """What more than one hashes to: a name that hashes to anything else is the only one of its kind."""
        found: set[int] = set()
        for shelf in self._shelves:
            ordered = sorted(shelf)
            found.update(one for one, other in pairwise(ordered) if one == other)
        return found


def twins(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different paths that some file system takes for one, folders on the way included: `A/x` and `a/y`."""
    known = paths if isinstance(paths, Collection) else list(paths)
    return _twins(known) if len(known) < AT_ONCE or may_be_twins(known) else []


def may_be_twins(paths: Iterable[str]) -> bool:
    """False where `twins` finds none among different paths; each is looked at once, and none is kept."""
    hashes, last = Hashes(), ""
    for path in paths:
        begin = path[: path.rfind("/") + 1]
        if begin != last:
            # Of paths in order, a folder is met once and then no more.
            for folder in _folders(path):
                if not last.startswith(f"{folder}/"):
                    hashes.note(twin_key(folder))
            last = begin
        hashes.note(twin_key(path))
    return bool(hashes.twice())


def _folders(path: str) -> Iterator[str]:
    end = path.find("/")
    while end != -1:
        yield path[:end]
        end = path.find("/", end + 1)


def _twins(paths: Iterable[str]) -> list[tuple[str, str]]:
    """The same of paths that each have a place in memory."""
    seen: dict[str, str] = {}
    pairs = []
    for path in paths:
        folders = ((folder, seen.setdefault(twin_key(folder), folder)) for folder in _folders(path))
        pairs += [(first, path) for folder, first in folders if first != folder]
        first = seen.setdefault(twin_key(path), path)
        if first != path:
            pairs.append((first, path))
    return pairs
