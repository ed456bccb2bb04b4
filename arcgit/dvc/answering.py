"""SSH: a server that is alive and never answers a request over SFTP is given up; DVC's client would wait for ever.

Such is one whose disk hangs: the connection is looked after by one process, and the files by another. One that answers
with a few bytes at a time is given up as well: what is read as one piece is many requests, and each goes on where it was.
"""

from __future__ import annotations

import asyncio
from typing import Any

from arcgit.dvc import patience
from arcgit.dvc.patience import Pace, SilentError

_CLOSE, _READ = 4, 5
"""What requests to close a file and to read a part of it are called in SFTP."""


def hold_to_answers(fs: Any) -> None:
    """Make an SSH file system of DVC that is not connected yet wait for answers only so long."""
    from sshfs.pools import SFTPSoftChannelPool  # type: ignore[import-untyped]  # noqa: PLC0415  only with such a remote

    class Pool(SFTPSoftChannelPool):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **more: Any) -> None:
            self._answers: dict[Any, _Answers] = {}
            super().__init__(*arguments, **more)

        async def _maybe_new_channel(self) -> Any:
            found = await asyncio.wait_for(super()._maybe_new_channel(), patience.ANSWER_SECONDS)
            if found is not None:
                self._answers[found] = _Answers(found)
            return found

        def _least_used(self) -> Any:
            # OpenSSH answers the requests of a channel one after the other: what comes after the one that hangs, hangs.
            for channel in [one for one in self._channels if one in self._answers and self._answers[one].silent]:
                del self._channels[channel]
            return super()._least_used()

    fs.fs_args.setdefault("pool_type", Pool)


class _Answers:
    """The requests of one channel, and whether it is `silent`.

    Of those that wait, any answer counts: on a slow line each takes its turn.
    """

    def __init__(self, channel: Any) -> None:
        handler = channel._handler  # noqa: SLF001  it has no other way
        self._ask, handler._make_request = handler._make_request, self._asked  # noqa: SLF001
        self._last, self.silent = 0.0, False
        self._paces: dict[bytes, Pace] = {}

    async def _asked(self, kind: int | bytes, *arguments: bytes) -> object:
        if kind == _READ:
            return await self._read(*arguments)
        if kind == _CLOSE:
            self._paces.pop(arguments[0], None)
            if self.silent:
                raise SilentError("the server does not answer any more")
        return await self._answer(kind, *arguments)

    async def _read(self, handle: bytes, *place: bytes) -> object:
        """Data and whether it is the end. Raises TrickleError where too little of the file comes for the time."""
        pace = self._paces.setdefault(handle, Pace())
        with pace.waiting():
            found: Any = await self._answer(_READ, handle, *place)
        if found[0]:
            pace.came(len(found[0]))
        return found

    async def _answer(self, kind: int | bytes, *arguments: bytes) -> object:
        clock = asyncio.get_running_loop().time
        begun = clock()
        request = asyncio.ensure_future(self._ask(kind, *arguments))
        try:
            while not request.done():
                left = max(begun, self._last) + patience.ANSWER_SECONDS - clock()
                if left <= 0:
                    self.silent = True
                    raise SilentError(
                        f"the server is there, and did not answer within {patience.ANSWER_SECONDS} seconds"
                    )
                await asyncio.wait({request}, timeout=left)
        finally:
            if not request.done():
                request.cancel()
        self._last, self.silent = clock(), False
        return request.result()
