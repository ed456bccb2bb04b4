"""Bytes on their way from a source that nobody trusts: hashed while they are read, and held to what they must be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from arcgit.archive.sources import CHUNK, Kind, Source, SourceError
from arcgit.dvc.objects import ObjectId
from arcgit.errors import ArcgitError
from arcgit.model.fixity import FixityEntry

UNSIZED = 2**40
"""Bytes that are read at most of an object whose size nobody has noted."""


class Reading:
    """The stream of an object of a source. What goes wrong at the source, and only that, is a SourceError."""

    def __init__(self, source: Source, oid: ObjectId | None, relpath: str) -> None:
        self._source = source
        try:
            self._opened = source.open(oid, relpath)
            self._file = self._opened.__enter__()
        except Exception as fault:
            raise _source_error(source, fault) from fault

    def __enter__(self) -> Callable[[int], bytes]:
        return self.read

    def __exit__(self, *_: object) -> None:
        # What was read is judged by its bytes; how a connection ends says nothing about them.
        with suppress(Exception):
            self._opened.__exit__(None, None, None)

    def read(self, size: int) -> bytes:
        """At most so many bytes, none at the end."""
        try:
            return self._file.read(size)
        except Exception as fault:
            raise _source_error(self._source, fault) from fault


def _source_error(source: Source, fault: Exception) -> SourceError:
    if isinstance(fault, FileNotFoundError | NotADirectoryError):
        return SourceError("missing", "it is not there")
    if isinstance(fault, ArcgitError):
        kind: Kind = "corrupt" if fault.code == "object-corrupt" else "unreadable"
        source.note(kind)
        return SourceError(kind, fault.message)
    source.note("unreadable")
    return SourceError("unreadable", f"it cannot be read: {_words(fault)}")


class Sink(Protocol):
    """Where bytes are written to before they are proven."""

    def write(self, data: bytes) -> None:
        """Append. Raises OSError."""

    def md5(self) -> str:
        """The md5 of what was written, in hex."""


def copy(
    source: Source, oid: ObjectId | None, wanted: FixityEntry, sink: Sink, progress: Callable[[int], None]
) -> None:
    """Write an object and prove that what was written is what was sealed. Raises SourceError, and OSError of the sink."""
    sha, left = hashlib.sha256(), wanted.size
    with Reading(source, oid, wanted.path) as read:
        while chunk := read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise SourceError("corrupt", f"it has more than the {wanted.size} bytes that were sealed")
            sha.update(chunk)
            sink.write(chunk)
            progress(len(chunk))
    if left:
        raise SourceError("corrupt", f"it ends after {wanted.size - left} of {wanted.size} bytes")
    found = sha.hexdigest()
    if found != wanted.sha256:
        same = oid is not None and oid.hash_name == "md5" and sink.md5() == oid.value.removesuffix(".dir")
        words = "it has the right md5 and the wrong sha256" if same else "its bytes are not those that were sealed"
        raise SourceError("collision" if same else "corrupt", words, found)
    source.note(None)


def copy_by_md5(source: Source, oid: ObjectId, size: int | None, sink: Sink, progress: Callable[[int], None]) -> None:
    """As `copy`, for an object of which only the md5 in its name is known, and its size where that is. Bounded."""
    left = size if size is not None else UNSIZED
    with Reading(source, oid, "") as read:
        while chunk := read(min(CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise SourceError("corrupt", "it has more bytes than it may have")
            sink.write(chunk)
            progress(len(chunk))
    if sink.md5() != oid.value.removesuffix(".dir"):
        raise SourceError("corrupt", "it has other bytes than its name says")
    source.note(None)


def _words(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return " ".join(str(reason or error).split())[:300] or type(error).__name__
