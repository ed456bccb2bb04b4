"""Many objects through one `git cat-file`, hashed again after reading: for hooks, which have no time for a library.

It runs under the environment that git gave the hook, so that it sees what a push has brought and not yet left in
quarantine.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git import plumbing
from arcgit.git.child import Child
from arcgit.model.gitobject import MAX_OBJECT_BYTES, object_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_AHEAD = 400
"""How many are asked for before the first answer is read: their names fit into a pipe, so nobody waits for ever."""
_CHUNK = 1024 * 1024


class _Found(NamedTuple):
    kind: str
    raw: bytes


class Objects:
    """A reader of objects by oid. What was asked for with `prefetch` is kept until it is read."""

    def __init__(self, extra: Mapping[str, str], folder: str = "") -> None:
        self._extra = extra
        self._folder = folder
        self._child: Child | None = None
        self._ahead: dict[str, _Found] = {}

    def prefetch(self, oids: Iterable[str]) -> None:
        """Ask for small objects together: an answer at a time would cost a change of process each."""
        wanted = [oid for oid in dict.fromkeys(oids) if oid not in self._ahead]
        for start in range(0, len(wanted), _AHEAD):
            part = wanted[start : start + _AHEAD]
            child = self._running()
            child.stdin.write("".join(f"{oid}\n" for oid in part).encode())
            for oid in part:
                kind, size = self._header(oid, child)
                if kind is None:
                    continue
                if size > MAX_OBJECT_BYTES:
                    # The rest of this answer must not be taken for the next one; what follows is asked for anew.
                    self.close()
                    break
                self._ahead[oid] = _Found(kind, self._body(oid, size, child))

    def kind(self, oid: str) -> str | None:
        """The type of an object, None where it is missing."""
        if oid in self._ahead:
            return self._ahead[oid].kind
        child = self._running()
        child.stdin.write(f"{oid}\n".encode())
        kind, size = self._header(oid, child)
        if kind is None:
            return None
        if size > MAX_OBJECT_BYTES:
            self.close()
        else:
            self._ahead[oid] = _Found(kind, self._body(oid, size, child))
        return kind

    def read(self, oid: str, kind: str, limit: int = MAX_OBJECT_BYTES) -> bytes:
        """The raw bytes of an object. Raises UndeterminedError where it is missing, RefusedError where it is another."""
        found = self._ahead.pop(oid, None)
        if found is None:
            child = self._running()
            child.stdin.write(f"{oid}\n".encode())
            there, size = self._header(oid, child)
            if there is None:
                raise UndeterminedError("git-object-missing", f"{kind} {oid} is not in this repository", "git fsck")
            if there != kind or size > limit:
                self.close()
                raise _unfit(oid, there, size, kind)
            found = _Found(there, self._body(oid, size, child))
        if found.kind != kind or len(found.raw) > limit:
            raise _unfit(oid, found.kind, len(found.raw), kind)
        if object_id(kind, found.raw) != oid:
            raise RefusedError("object-corrupt", f"the bytes of {kind} {oid} have another name", "git fsck")
        return found.raw

    def blob_sha256(self, oid: str, limit: int) -> str:
        """The sha256 of a blob of any size up to `limit`, which is never held as a whole. Raises as `read` does."""
        child = self._running()
        child.stdin.write(f"{oid}\n".encode())
        kind, size = self._header(oid, child)
        if kind is None:
            raise UndeterminedError("git-object-missing", f"blob {oid} is not in this repository", "git fsck")
        if kind != "blob" or size > limit:
            self.close()
            raise _unfit(oid, kind, size, "blob")
        named = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        digest, left = hashlib.sha256(), size
        while left:
            data = child.stdout.read(min(_CHUNK, left))
            if not data:
                raise _ended(oid)
            named.update(data)
            digest.update(data)
            left -= len(data)
        child.stdout.read(1)
        if named.hexdigest() != oid:
            raise RefusedError("object-corrupt", f"the bytes of blob {oid} have another name", "git fsck")
        return digest.hexdigest()

    def close(self) -> None:
        """End the child. What was read ahead stays."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _running(self) -> Child:
        if self._child is None:
            self._child = plumbing.start(["cat-file", "--batch"], folder=self._folder, extra=self._extra)
        return self._child

    @staticmethod
    def _header(oid: str, child: Child) -> tuple[str | None, int]:
        words = child.stdout.readline().split()
        if len(words) == 2 and words[1] == b"missing":
            return None, 0
        if len(words) != 3 or words[0].decode(errors="replace") != oid:
            raise UndeterminedError("git-failed", f"git cannot read {oid}", "git fsck")
        return words[1].decode(), int(words[2])

    @staticmethod
    def _body(oid: str, size: int, child: Child) -> bytes:
        data = child.stdout.read(size + 1)
        if len(data) != size + 1:
            raise _ended(oid)
        return data[:-1]


def _unfit(oid: str, kind: str, size: int, wanted: str) -> RefusedError:
    return RefusedError("object-corrupt", f"{oid} is a {kind} of {size} bytes, not a {wanted} to read")


def _ended(oid: str) -> UndeterminedError:
    return UndeterminedError("git-failed", f"git ended before {oid} did", "git fsck")
