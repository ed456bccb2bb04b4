"""One object of an S3 storage as one answer that is read to its end.

The client's own files ask for as much as an earlier answer said that there is, so that whatever comes after that would
never be seen. Here what comes is what counts, and nothing is asked before it.
"""

from __future__ import annotations

import errno
from typing import Any

from arcgit.dvc.patience import Pace, TrickleError

RESUMED = 3
"""So often a connection may end early without another byte in between."""
TRIES = 1
"""How often s3fs asks by itself. The client below it asks five times already, or as AWS_MAX_ATTEMPTS says."""


def hold_to_few(fs: Any) -> None:
    """Keep an S3 file system of DVC from trying as often as two libraries do together: 25 times a quarter of a minute."""
    fs.fs.retries = TRIES


class WholeObject:
    """The bytes of a GET without a range. What ends early goes on where it was, in the very same object. Raises OSError."""

    def __init__(self, fs: Any, path: str) -> None:
        self._fs = fs
        self._bucket, self._key, self._version = fs.split_path(path)
        self._at = self._ended = 0
        self._over = False
        self._pace = Pace()
        answer = self._ask()
        self._etag = answer.get("ETag")
        self.details = {"ETag": self._etag, "LastModified": answer.get("LastModified")}

    def close(self) -> None:
        """Let the connection go."""
        self._fs.loop.call_soon_threadsafe(self._body.close)

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        from fsspec.asyn import sync  # noqa: PLC0415  only with such a remote

        parts: list[bytes] = []
        while not self._over:
            left = size - sum(map(len, parts)) if size >= 0 else -1
            try:
                sync(self._fs.loop, self._gather, parts, left)
            except TrickleError:
                raise
            except Exception as error:  # noqa: BLE001  raised again where nothing can be made of it
                self._ended += 1
                # Whatever checksum the storage says: all of it came, and the sha256 that was sealed tells what it is.
                self._over = type(error).__name__ == "FlexibleChecksumError"
                if not self._over:
                    self._go_on(error)
            else:
                break
        return b"".join(parts)

    async def _gather(self, parts: list[bytes], left: int) -> None:
        """Add what comes to `parts`; it gives what has arrived so far, a little at a time."""
        while left:
            with self._pace.waiting():
                data = await self._body.read(left if left > 0 else None)
            if not data:
                break
            self._pace.came(len(data))
            parts.append(data)
            self._at += len(data)
            self._ended = 0
            left -= len(data) if left > 0 else 0

    def _go_on(self, error: Exception) -> None:
        if self._ended > RESUMED or not self._etag:
            raise error
        self.close()
        answer = self._ask(Range=f"bytes={self._at}-", IfMatch=self._etag)
        begins = str(answer.get("ContentRange", "")).startswith(f"bytes {self._at}-")
        if not begins or answer.get("ETag") != self._etag:
            raise OSError(errno.EIO, "the connection ended early, and the storage does not go on where it was")

    def _ask(self, **more: str) -> Any:
        version = {"VersionId": self._version} if self._version else {}
        answer = self._fs.call_s3("get_object", Bucket=self._bucket, Key=self._key, **version, **more)
        self._body = answer["Body"]
        return answer
