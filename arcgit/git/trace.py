"""Which questions about a state of the repository have been asked, as git pathspecs that cover all of them.

Two states that agree on these pathspecs give the same answers, so whoever judged one by nothing else has judged the other.
"""

from __future__ import annotations

EVERYTHING = ":/"


class Trace:
    """Collects questions; each only ever widens what the pathspecs cover."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._paths: set[str] = set()

    def path(self, path: str) -> None:
        """Somebody asked about one path: whether it is there, what it holds, or what lies below it."""
        self._paths.add(path)

    def name(self, name: str) -> None:
        """Somebody asked where files of a name, or of an ending such as `*.dvc`, lie."""
        self._names.add(name)

    def everything(self) -> None:
        """Somebody went through all paths."""
        self._paths.add("")

    def covers(self, path: str) -> bool:
        """True where what stands at this path may have made a difference to an answer."""
        if "" in self._paths or path in self._paths:
            return True
        if any(path.endswith(name[1:]) if name[0] == "*" else path.rpartition("/")[2] == name for name in self._names):
            return True
        return any(path[:at] in self._paths for at, char in enumerate(path) if char == "/")

    def pathspecs(self) -> list[str]:
        """The pathspecs, sorted; a literal path covers what lies below it too."""
        if "" in self._paths:
            return [EVERYTHING]
        found = [f":(top,glob)**/{name}" for name in self._names]
        return sorted(found + [f":(top,literal){path}" for path in self._paths])
