"""Redirects of a web server: DVC's libraries follow them anywhere, and take passwords and uploads along.

An answer that points to another server is not followed where a password or data would go with the request, or where the
policy pins the address. What is only read, with nothing secret, is proven by its sha256 wherever it comes from.
"""

from __future__ import annotations

import errno
from typing import Any
from urllib.parse import urljoin, urlsplit

READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND"})
_PORTS = {"http": 80, "https": 443}


class RedirectedError(OSError):
    """The server points to another one, which was not asked."""


def hold_to_server(fs: Any, *, pinned: bool) -> None:
    """Make a file system of DVC over HTTP or WebDAV that is not connected yet stay with its server. No other is touched."""
    protocol, arguments = str(fs.protocol), fs.fs_args
    if protocol.startswith("webdav"):
        strict = pinned or _has_secret(arguments)

        def answered(response: Any) -> None:
            if response.has_redirect_location:
                _judge(response.request.method, str(response.url), response.headers["location"], strict=strict)

        arguments["event_hooks"] = {"response": [answered]}
    elif protocol.startswith("http"):
        import aiohttp  # noqa: PLC0415  only with an HTTP remote

        client = arguments.setdefault("client_kwargs", {})
        strict = pinned or _has_secret(client)

        async def redirected(session: object, context: object, said: Any) -> None:
            del session, context
            _judge(said.method, str(said.response.url), said.response.headers.get("Location", ""), strict=strict)

        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(redirected)
        client["trace_configs"] = [trace]


def answered(file: Any) -> Any:
    """A file of DVC over HTTP that was opened, unless the server pointed somewhere else, to nowhere, instead of giving it.

    Raises OSError.
    """
    status = getattr(getattr(file, "r", None), "status", None)
    if isinstance(status, int) and 300 <= status < 400:
        file.close()
        raise OSError(errno.EIO, f"the server gave no object and the status {status}")
    return file


def _has_secret(arguments: dict[str, Any]) -> bool:
    return any(arguments.get(key) for key in ("auth", "headers", "cert"))


def _judge(method: str, asked: str, location: str, *, strict: bool) -> None:
    """Raise RedirectedError where the request may not be made again at `location`."""
    target = urljoin(asked, location)
    if (strict or method not in READING) and not _same_server(asked, target):
        parts = urlsplit(target)
        server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        raise RedirectedError(f"it points to another server, {server}, which was not asked")


def _same_server(asked: str, target: str) -> bool:
    """True for the same scheme, host and port, and for the same host over TLS instead of without."""
    try:
        before, after = (
            (part.scheme, part.hostname, part.port or _PORTS.get(part.scheme))
            for part in map(urlsplit, (asked, target))
        )
    except ValueError:
        return False
    return after in {before, ("https", before[1], 443) if before[::2] == ("http", 80) else before}
