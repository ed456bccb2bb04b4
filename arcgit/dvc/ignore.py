"""`.dvcignore`: which paths DVC does not see, decided as DVC decides it, without importing DVC.

The rules are those of `.gitignore`: the last rule that matches counts, deeper files after those above them, and what lies
in a hidden folder stays hidden. A file of rules speaks for its own DVC project alone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class _Rule(NamedTuple):
    regex: re.Pattern[str]
    hides: bool
    folders_only: bool


class Ignore:
    """The rules of one project: lines by the folder of their file, folders with a final slash or empty for the root."""

    def __init__(self, lines: Mapping[str, Iterable[str]]) -> None:
        self._rules = {folder: _compile(lines[folder]) for folder in sorted(lines, key=len, reverse=True)}
        self._hidden = functools.cache(self._decide)

    def hides(self, path: str) -> bool:
        """True where DVC does not see the file at `path`."""
        parts = path.split("/")
        folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return any(self._hidden(folder, True) for folder in folders) or self._hidden(path, False)

    def _decide(self, path: str, is_folder: bool) -> bool:  # noqa: FBT001  a key of the cache
        for folder, rules in self._rules.items():
            if not path.startswith(folder) or path == folder.rstrip("/"):
                continue
            name = path[len(folder) :]
            for rule in reversed(rules):
                if rule.folders_only and not is_folder:
                    continue
                if rule.regex.match(name) or (is_folder and rule.regex.match(f"{name}/")):
                    return rule.hides
        return False


def _compile(lines: Iterable[str]) -> list[_Rule]:
    kept = [line.strip() for line in lines]
    kept = [line for line in kept if line and not line.startswith("#")]
    if not kept:
        return []
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  DVC's own matcher; most repositories have no rules

    patterns = zip(GitIgnoreSpec.from_lines(kept).patterns, kept, strict=True)
    return [
        _Rule(re.compile(pattern.regex), bool(pattern.include), line.endswith("/"))
        for pattern, line in patterns
        if pattern.include is not None and pattern.regex is not None
    ]
