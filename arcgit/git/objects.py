"""Objects through one `git cat-file`, hashed again after reading: for hooks, and for very many in one reading.

A hook has no time for a library, and lends the environment that git gave it, so that it sees what a push has brought and
not yet left in quarantine. Very many are inflated by git in a process of its own while they are looked at here. The rest of
the environment leaves no room for another history or other bytes: replace refs, grafts and the commit graph are ignored.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from typing import IO, NamedTuple

from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git import plumbing
from arcgit.git.child import Child
from arcgit.model.gitobject import MAX_OBJECT_BYTES, object_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

AT_ONCE = 400
"""How many are asked for before the first answer is read: their names fit into a pipe, so nobody waits for ever."""
_CHUNK = 1024 * 1024
_LITTLE = ("-c", "core.deltaBaseCacheLimit=1m", "-c", "core.bigFileThreshold=1m")
"""Beyond this git would keep up to 96 MB, which saves nothing where each object is read once; and it hands over what is
larger as it inflates it, unless it keeps it as the difference to another."""
_OID = re.compile("[0-9a-f]{40}")


class _Found(NamedTuple):
    kind: str
    raw: bytes


class Objects:
    """A reader of objects by oid; `folder` is where git runs, by default here. One child answers all, in their order.

    `read` and its kin are for few, and say what is wrong; `stream` is for very many of a kind, and only says that something
    is. What was asked for with `prefetch` is kept until it is read.
    """

    def __init__(self, extra: Mapping[str, str] | None = None, folder: str = "") -> None:
        self._extra = extra
        self._folder = folder
        self._child: Child | None = None
        self._ahead: dict[str, _Found] = {}

    def stream(self, oids: Sequence[str], kind: str) -> Iterator[bytes | None]:
        """The raw bytes of each object; None from the first on that git does not simply hand over.

        That one is missing, of another kind, too large or not what its name says; `read` of it says which of these.
        """
        sound, whole = True, False
        try:
            for start in range(0, len(oids), AT_ONCE):
                part = oids[start : start + AT_ONCE]
                sound = sound and all(map(_OID.fullmatch, part)) and self._asked(part)
                for oid in part:
                    raw = self._handed_over(oid, kind) if sound else None
                    sound = raw is not None
                    yield raw
            whole = sound
        finally:
            if not whole:
                # Answers that nobody has read must not be taken for the next ones.
                self.close()

    def prefetch(self, oids: Iterable[str]) -> None:
        """Ask for small objects together: an answer at a time would cost a change of process each."""
        wanted = [oid for oid in dict.fromkeys(oids) if oid not in self._ahead and _OID.fullmatch(oid)]
        for start in range(0, len(wanted), AT_ONCE):
            part = wanted[start : start + AT_ONCE]
            self._ask(part)
            for oid in part:
                kind, size = self._header(oid)
                if kind is None:
                    continue
                if size > MAX_OBJECT_BYTES:
                    # The rest of this answer must not be taken for the next one; what follows is asked for anew.
                    self.close()
                    break
                self._ahead[oid] = _Found(kind, self._body(oid, size))

    def kind(self, oid: str) -> str | None:
        """The type of an object, None where it is missing."""
        if oid in self._ahead:
            return self._ahead[oid].kind
        kind, size = self._found(oid)
        if kind is None:
            return None
        if size > MAX_OBJECT_BYTES:
            self.close()
        else:
            self._ahead[oid] = _Found(kind, self._body(oid, size))
        return kind

    def read(self, oid: str, kind: str, limit: int = MAX_OBJECT_BYTES) -> bytes:
        """The raw bytes of an object. Raises UndeterminedError where it is missing, RefusedError where it is another."""
        found = self._ahead.pop(oid, None)
        if found is None:
            size = self._size(oid, kind, limit)
            found = _Found(kind, self._body(oid, size))
        if found.kind != kind or len(found.raw) > limit:
            raise _unfit(oid, found.kind, len(found.raw), kind)
        if object_id(kind, found.raw) != oid:
            raise _other_name(kind, oid)
        return found.raw

    def blob_sha256(self, oid: str, limit: int) -> str:
        """The sha256 of a blob of any size up to `limit`, which is never held as a whole. Raises as `read` does."""
        digest = hashlib.sha256()
        for data in self.parts(oid, limit):
            digest.update(data)
        return digest.hexdigest()

    def parts(self, oid: str, limit: int) -> Iterator[bytes]:
        """The bytes of a blob piece by piece. Raises as `read` does; whether they are its own shows at the end."""
        size = self._size(oid, "blob", limit)
        child = self._running()
        named = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        left = size
        while left:
            data = child.stdout.read(min(_CHUNK, left))
            if not data:
                raise _ended(oid)
            named.update(data)
            left -= len(data)
            yield data
        child.stdout.read(1)
        if named.hexdigest() != oid:
            raise _other_name("blob", oid)

    def close(self) -> None:
        """End the child; the next question starts another. What was read ahead stays."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _running(self) -> Child:
        if self._child is None:
            self._child = plumbing.start([*_LITTLE, "cat-file", "--batch"], folder=self._folder, extra=self._extra)
        return self._child

    def _ask(self, oids: Sequence[str]) -> None:
        try:
            self._running().stdin.write("".join(f"{oid}\n" for oid in oids).encode())
        except BrokenPipeError as error:
            self.close()
            raise _ended(oids[0]) from error

    def _asked(self, oids: Sequence[str]) -> bool:
        try:
            self._ask(oids)
        except ArcgitError:
            return False
        return True

    def _handed_over(self, oid: str, kind: str) -> bytes | None:
        stdout = self._running().stdout
        answer = stdout.readline().split()
        if len(answer) != 3 or answer[1] != kind.encode() or int(answer[2]) > MAX_OBJECT_BYTES:
            return None
        raw = stdout.read(int(answer[2]) + 1)[:-1]
        return raw if object_id(kind, raw) == oid else None

    def _found(self, oid: str) -> tuple[str | None, int]:
        if not _OID.fullmatch(oid):
            return None, 0
        self._ask([oid])
        return self._header(oid)

    def _size(self, oid: str, kind: str, limit: int) -> int:
        """The size of an object whose bytes are what git writes next."""
        there, size = self._found(oid)
        if there is None:
            raise UndeterminedError("git-object-missing", f"{kind} {oid} is not in this repository", "git fsck")
        if there != kind or size > limit:
            self.close()
            raise _unfit(oid, there, size, kind)
        return size

    def _header(self, oid: str) -> tuple[str | None, int]:
        words = self._running().stdout.readline().split()
        if len(words) == 2 and words[1] == b"missing":
            return None, 0
        if len(words) != 3 or words[0].decode(errors="replace") != oid:
            self.close()
            raise UndeterminedError("git-failed", f"git cannot read {oid}", "git fsck")
        return words[1].decode(), int(words[2])

    def _body(self, oid: str, size: int) -> bytes:
        data = self._running().stdout.read(size + 1)
        if len(data) != size + 1:
            raise _ended(oid)
        return data[:-1]


def history(folder: str, tip: str) -> Generator[tuple[str, bytes | None], None, None]:
    """The first-parent history of a commit, oldest first, with raw bytes.

    It is empty or ends early where git cannot go on, or where there is no room to put it aside. None for a commit that git
    does not show as it is stored (another encoding, odd white space), which is read otherwise.
    """
    # It takes what hooks do without.
    from array import array  # noqa: PLC0415

    # One walk that shows what it finds: a list of oids for `cat-file` would have git inflate everything twice. From the
    # first on git could show them only if it held them all; so they are put aside as they come, the last one first.
    child = plumbing.start([*_LITTLE, "rev-list", "--first-parent", "--header", "--end-of-options", tip], folder=folder)
    places = array("Q", [0])
    file = _unnamed()
    try:
        rest = b""
        while (data := child.stdout.read1(_CHUNK)) and len(rest) <= 2 * MAX_OBJECT_BYTES:
            *shown, rest = (rest + data).split(b"\0")
            for name, raw in map(_as_stored, shown):
                places.append(places[-1] + file.write(name[:40].ljust(40) + raw))
        child.close()
        file.flush()
        for number in range(len(places) - 1, 0, -1):
            begin, end = places[number - 1], places[number]
            kept = os.pread(file.fileno(), end - begin, begin)
            yield kept[:40].decode(errors="replace"), kept[40:] or None
    except OSError:
        # The disk is full: whoever asks reads one after the other then.
        return
    finally:
        child.close()
        # What was not written is written once more when a file is closed, and does not fit then either.
        with suppress(OSError):
            file.close()


def _unnamed() -> IO[bytes]:
    """A file that is gone with this process; in memory where none can be made. Raises UndeterminedError."""
    import tempfile  # noqa: PLC0415

    try:
        return tempfile.TemporaryFile(buffering=_CHUNK)
    except OSError as error:
        if hasattr(os, "memfd_create"):
            return os.fdopen(os.memfd_create("history"), "w+b", buffering=_CHUNK)
        hint = "have TMPDIR name a folder that can be written"
        raise UndeterminedError("git-failed", f"no temporary file can be made: {error.strerror}", hint) from error


def _as_stored(shown: bytes) -> tuple[bytes, bytes]:
    """Oid and bytes of a commit of `rev-list --header`, whose message has four spaces in front of each line; else none."""
    oid, _, commit = shown.partition(b"\n")
    head, _, message = commit.partition(b"\n\n")
    raw = b"%s\n\n%s" % (head, message[4:].replace(b"\n    ", b"\n"))
    return oid, raw if object_id("commit", raw).encode() == oid else b""


def _unfit(oid: str, kind: str, size: int, wanted: str) -> RefusedError:
    return RefusedError("object-corrupt", f"{oid} is a {kind} of {size} bytes, not a {wanted} to read")


def _other_name(kind: str, oid: str) -> RefusedError:
    return RefusedError("object-corrupt", f"the bytes of {kind} {oid} have another name", "git fsck")


def _ended(oid: str) -> UndeterminedError:
    return UndeterminedError("git-failed", f"git ended before {oid} did", "git fsck")
