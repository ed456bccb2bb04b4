"""Which paths inside a repository or a directory artifact are safe to read, record and write back anywhere.

Judged the same on every platform: a record made on Linux must not turn into an attack, or two files into one, on
another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import islice

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_PLAIN_PART = r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./]|\Z))[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"
_PLAINLY_SAFE = re.compile(f"{_PLAIN_PART}(?:/{_PLAIN_PART})*")
_DOT_GIT = re.compile(r"(?i)(\.git|git~[0-9]+)")
_IGNORED_BY_SOME = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")

_PLAIN_PART = r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])[./\n])[a-z0-9_][a-z0-9_.+=@-]*(?<!\.)"
_PLAIN = re.compile(rf"(?:{_PLAIN_PART}(?:/{_PLAIN_PART})*\n)*", re.IGNORECASE | re.ASCII)
"""Paths, each with a newline, that are safe at first sight; it need not know every safe one."""
AT_ONCE = 1_000
"""So many paths are matched in one go: for each, the library keeps where it could go back to."""


def all_safe(paths: Iterable[str]) -> bool:
    """True where `unsafe_reason` has nothing to say about any of them."""
    rest = iter(paths)
    return all(map(_safe, iter(lambda: list(islice(rest, AT_ONCE)), [])))


def _safe(paths: list[str]) -> bool:
    lines = "".join(f"{path}\n" for path in paths)
    return (lines.count("\n") == len(paths) and _PLAIN.fullmatch(lines) is not None) or not any(
        map(unsafe_reason, paths)
    )


def unsafe_reason(path: str) -> str:
    """Why `path` (relative, POSIX) is unsafe, or an empty string where it is safe."""
    return "" if _PLAINLY_SAFE.fullmatch(path) else _reason(path)


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
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def twins(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different paths that some file system takes for one, folders on the way included: `A/x` and `a/y`."""
    seen: dict[str, str] = {}
    pairs = []
    for path in paths:
        end = path.find("/")
        while end != -1:
            folder = path[:end]
            if seen.setdefault(twin_key(folder), folder) != folder:
                pairs.append((seen[twin_key(folder)], path))
            end = path.find("/", end + 1)
        first = seen.setdefault(twin_key(path), path)
        if first != path:
            pairs.append((first, path))
    return pairs
