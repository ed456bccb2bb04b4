"""What the errors of storage libraries mean: that an object is not there, that nobody answered, or neither.

Each library has exceptions of its own, and some say "not found" for whatever went wrong; the error behind it tells.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from arcgit.dvc.redirects import RedirectedError

GONE = frozenset({404, 410})
SILENCE = frozenset({("asyncssh.misc", "DisconnectError"), ("asyncio.exceptions", "TimeoutError")})
"""By their names, since few remotes need them: no answer, or another host key than the known one."""


def absent(error: Exception) -> bool:
    """True where the storage said that there is no such object; not where it refused, failed or gave no answer."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        return False
    return not any(_is_of_network(behind) or _says_else(behind) for behind in chain(error))


def unreached(error: Exception) -> bool:
    """True where no server was reached at all: no route, name, listener, time left, or certificate of anybody known."""
    return any(_is_of_network(behind) for behind in chain(error))


def words(error: Exception) -> str:
    """The error for a message, on one line. Where an error only says "not found", what is behind it speaks."""
    behind = list(chain(error))
    speaking = behind[1] if isinstance(error, FileNotFoundError) and len(behind) > 1 and not absent(error) else error
    silent = "no answer came in time" if isinstance(speaking, TimeoutError) else type(speaking).__name__
    return " ".join(str(speaking).split())[:300] or silent


def chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _is_of_network(error: BaseException) -> bool:
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError):
        return True
    return any((of.__module__, of.__name__) in SILENCE for of in type(error).__mro__)


def _says_else(error: BaseException) -> bool:
    """True for an answer of a server that is not "there is no such thing"."""
    status = _status(error)
    # DVC's HTTP makes "not found" of whatever went wrong: of redirects without an end or to nowhere, too.
    of_http = type(error).__module__.partition(".")[0] == "aiohttp"
    return isinstance(error, RedirectedError) or (status not in GONE and (of_http or status is not None))


def _status(error: BaseException) -> int | None:
    """The status of an answer over HTTP, as aiohttp (`status`), httpx and botocore (`response`) carry it."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(error, "status", None) or getattr(response, "status_code", None)
    return found if isinstance(found, int) else None
