"""`.dvcignore`: which paths DVC does not see, decided as DVC decides it, without importing DVC.

The rules are those of `.gitignore`: the last rule that matches counts, deeper files after those above them, and what lies
in a hidden folder stays hidden. A file of rules speaks for its own DVC project alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

FILE_NAME = ".dvcignore"
MAX_ANY_FOLDERS = 3
"""So many `**` may stand in a rule; one with more matches nothing, because matching it could take for ever."""
_STAR = "[^/]*"
_ANY_FOLDERS = ("(?:.+/)?", "(?:/.+)?")


class _Rule(msgspec.Struct, frozen=True):
    regex: re.Pattern[str]
    hides: bool
    folders_only: bool


class Ignore:
    """The rules of one project: lines by the folder of their file, folders with a final slash or empty for the root."""

    def __init__(self, lines: Mapping[str, Iterable[str]]) -> None:
        self._rules: list[_Rule] = []
        self._hidden = functools.cache(self._decide)
        for folder in sorted(lines, key=lambda name: (name.count("/"), name)):
            if not self.hides(folder + FILE_NAME):
                self._rules += _compile(_moved(line, folder) for line in lines[folder])
                self._hidden.cache_clear()

    def hides(self, path: str) -> bool:
        """True where DVC does not see the file at `path`."""
        parts = path.split("/")
        folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return any(self._hidden(folder, True) for folder in folders) or self._hidden(path, False)

    def _decide(self, path: str, is_folder: bool) -> bool:  # noqa: FBT001  a key of the cache
        for rule in reversed(self._rules):
            if rule.folders_only and not is_folder:
                continue
            if rule.regex.match(path) or (is_folder and rule.regex.match(f"{path}/")):
                return rule.hides
        return False


def _moved(line: str, folder: str) -> str:
    """A rule of the file in `folder` as a rule of the root, put as DVC puts it."""
    rule = line.strip()
    if not rule or rule.startswith("#") or not folder:
        return rule
    kept, rule = ("!", rule[1:]) if rule.startswith("!") else ("", rule)
    if "/" in rule[:-1] and not rule.startswith("**/"):
        return f"{kept}/{folder}{rule.removeprefix('/').removeprefix(_ESCAPE)}"
    return f"{kept}/{folder}**/{rule.removeprefix('**/').removeprefix(_ESCAPE)}"


_ESCAPE = "\\"


def _compile(lines: Iterable[str]) -> list[_Rule]:
    kept = [line for line in lines if line and not line.startswith("#")]
    if not kept:
        return []
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  DVC's own matcher; most repositories have no rules

    def read(line: str) -> list[Any]:
        try:
            return list(GitIgnoreSpec.from_lines([line]).patterns)
        except ValueError:
            # A line that is no pattern, such as one that ends in a backslash: for git too it matches nothing.
            return []

    patterns = [(pattern, line) for line in kept for pattern in read(line)]
    return [
        _Rule(_bounded(pattern.regex.pattern), bool(pattern.include), line.endswith("/"))
        for pattern, line in patterns
        if pattern.include is not None
        and pattern.regex is not None
        and sum(map(pattern.regex.pattern.count, _ANY_FOLDERS)) <= MAX_ANY_FOLDERS
    ]


def _bounded(regex: str) -> re.Pattern[str]:
    """The same rule, matched in bounded time however many `*` a name in it has.

    Inside a name, the first place where what follows a `*` fits is as good as any later one, so it is taken for good.
    """
    first, *chunks = regex.split(_STAR)
    if len(chunks) < 3:
        return re.compile(regex)
    parts = [first]
    for number, chunk in enumerate(chunks):
        plain = re.sub(r"\\.", "", chunk.replace("[^/]", ""))
        if number == len(chunks) - 1 or set(plain) & set("/($"):
            parts.append(_STAR + chunk)
        elif chunk:
            parts.append(f"(?=(?P<star{number}>[^/]*?{chunk}))(?P=star{number})")
    return re.compile("".join(parts))
