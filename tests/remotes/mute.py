"""An SFTP server that keeps its connections alive and does not answer some requests: `python -m tests.remotes.mute FILE`.

FILE says which, as `what about`: of paths with `about` in them, requests of the kind `what`. `drip` stands for reading,
which is answered then with one byte at a time. Its port is the first line that it prints.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import asyncssh

PAUSE = 0.05
UNANSWERED = Path(sys.argv[1]) if __name__ == "__main__" else Path()


class Files(asyncssh.SFTPServer):
    """The files of this machine."""

    def __init__(self, channel: Any) -> None:
        super().__init__(channel)
        self._paths: dict[object, str] = {}

    async def _answer(self, what: str, path: str) -> None:
        kind, _, about = UNANSWERED.read_text().partition(" ")
        if kind == what and about in path:
            await asyncio.Event().wait()

    async def stat(self, path: bytes) -> Any:
        await self._answer("stat", path.decode())
        return super().stat(path)

    async def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
        await self._answer("open", path.decode())
        file = super().open(path, pflags, attrs)
        self._paths[file] = path.decode()
        return file

    async def read(self, file_obj: object, offset: int, size: int) -> Any:
        path = self._paths[file_obj]
        await self._answer("read", path)
        kind, _, about = UNANSWERED.read_text().partition(" ")
        if kind == "drip" and about in path:
            await asyncio.sleep(PAUSE)
            return super().read(file_obj, offset, 1)
        return super().read(file_obj, offset, size)

    async def close(self, file_obj: object) -> Any:
        await self._answer("close", self._paths[file_obj])
        return super().close(file_obj)


class Door(asyncssh.SSHServer):
    """Lets everybody in."""

    def begin_auth(self, username: str) -> bool:
        return not username


async def main() -> None:
    """Serve until somebody ends the process."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    made = await asyncssh.listen("127.0.0.1", 0, server_host_keys=[key], server_factory=Door, sftp_factory=Files)
    sys.stdout.write(f"{made.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
