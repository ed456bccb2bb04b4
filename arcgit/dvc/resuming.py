"""WebDAV: how fast an object must come, and how it goes on where the connection ended early.

DVC's client gathers as much as was asked for before it gives any of it, asks for the rest for as often as it takes, and
takes whatever comes then for the rest.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

from arcgit.dvc.patience import Pace

RESUMED = 3
"""So often a connection may end early without another byte in between."""
_WHOLE = 200


def hold_to_few(fs: Any) -> None:
    """Make a WebDAV file system of DVC, not connected yet, ask for the same rest only so often, and give up what trickles.

    No other is touched.
    """
    if not str(fs.protocol).startswith("webdav"):
        return
    tries = _Tries()

    def answered(response: Any) -> None:
        wanted = response.request.headers.get("range", "")
        if wanted and response.status_code == _WHOLE:
            raise OSError(errno.EIO, "the connection ended early, and the storage does not go on where it was")
        place = (str(response.request.url), wanted)
        tries.require(place)
        response.stream = _paced(response.stream, lambda fault: tries.note(place, fault))

    fs.fs_args.setdefault("event_hooks", {}).setdefault("response", []).append(answered)


class _Tries:
    """How often the connection ended early in an answer, by address and range. May be used by several threads."""

    def __init__(self) -> None:
        self._failed: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def require(self, place: tuple[str, str]) -> None:
        """Raise OSError where that happened too often, one after the other."""
        with self._lock:
            if self._failed.get(place, 0) > RESUMED:
                # Whoever asks for it later has a chance of their own.
                del self._failed[place]
                raise OSError(errno.EIO, "the connection ended early, and time and again at the same place")

    def note(self, place: tuple[str, str], fault: Exception | None) -> None:
        with self._lock:
            if fault is None:
                self._failed.pop(place, None)
            else:
                self._failed[place] = self._failed.get(place, 0) + 1


def _paced(stream: Any, ended: Callable[[Exception | None], None]) -> Any:
    """The body of an answer, in the pieces in which it comes. `ended` is told how it ended, if anybody read on to there."""
    import httpx  # noqa: PLC0415  only with such a remote

    class Paced(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            pace, pieces = Pace(), iter(stream)
            while True:
                try:
                    with pace.waiting():
                        piece = next(pieces, None)
                    if piece:
                        pace.came(len(piece))
                except Exception as fault:
                    ended(fault)
                    raise
                if piece is None:
                    ended(None)
                    return
                yield piece

        def close(self) -> None:
            stream.close()

    return Paced()
