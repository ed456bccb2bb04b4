"""Many objects in one reading: git inflates them in a process of its own while they are looked at here.

The hardened environment leaves no room for another history or other bytes under a name: replace refs, grafts and the
commit graph are ignored, and every object is hashed again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from arcgit.git import plumbing
from arcgit.git.child import Child
from arcgit.model.gitobject import MAX_OBJECT_BYTES
from arcgit.model.oid import object_id
from arcgit.model.oids import Oids

PORTION = 512
"""How many oids are asked for at once: so few that they fit into a pipe, and asking never has to wait for an answer."""
_OID = re.compile("[0-9a-f]{40}")
_LITTLE = ("-c", "core.deltaBaseCacheLimit=1m")
"""Beyond this git would keep up to 96 MB, which saves nothing where each object is read once."""


class Batch:
    """Objects of one kind, through one `git cat-file` that is started with the first of them."""

    def __init__(self, folder: str, kind: str) -> None:
        self._folder = folder
        self._kind = kind.encode()
        self._child: Child | None = None
        self._over = False

    def read(self, oids: Sequence[str]) -> Iterator[bytes | None]:
        """The raw bytes of each object; None from the first on that git does not simply hand over, for this batch's life.

        That one is missing, of another kind, too large or not what its name says; reading it alone says which of these.
        """
        for start in range(0, len(oids), PORTION):
            portion = oids[start : start + PORTION]
            self._ask(portion)
            yield from map(self._answer, portion)

    def _ask(self, oids: Sequence[str]) -> None:
        self._over = self._over or not all(map(_OID.fullmatch, oids))
        if self._over:
            return
        if self._child is None:
            self._child = plumbing.start([*_LITTLE, "cat-file", "--batch"], folder=self._folder)
        try:
            self._child.stdin.write("".join(f"{oid}\n" for oid in oids).encode())
        except BrokenPipeError:
            self.close()

    def _answer(self, oid: str) -> bytes | None:
        if self._over or self._child is None:
            return None
        answer = self._child.stdout.readline().split()
        if len(answer) == 3 and answer[1] == self._kind and int(answer[2]) <= MAX_OBJECT_BYTES:
            raw = self._child.stdout.read(int(answer[2]) + 1)[:-1]
            if object_id(self._kind.decode(), raw) == oid:
                return raw
        self.close()
        return None

    def close(self) -> None:
        """No more will be read."""
        self._over = True
        if self._child is not None:
            self._child.close()


def first_parents(folder: str, tip: str) -> Oids:
    """The oids of the first-parent history of a commit, oldest first; empty where git cannot walk it."""
    child = plumbing.start(["rev-list", "--first-parent", "--reverse", "--end-of-options", tip], folder=folder)
    out = child.output()
    return Oids(out.decode() if child.code == 0 else "")
