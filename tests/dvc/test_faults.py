"""What an error of a storage library is taken for: absent only where nothing says otherwise."""

from __future__ import annotations

import errno
import socket
from types import SimpleNamespace

import pytest

from arcgit.dvc import faults


class HttpError(Exception):
    """As aiohttp's: the status is the error's own."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status}, message='…'")
        self.status = status


class ClientError(Exception):
    """As botocore's: the status is in a mapping; as httpx's: in a response."""

    def __init__(self, response: object) -> None:
        super().__init__("what the server said")
        self.response = response


def behind(cause: BaseException) -> FileNotFoundError:
    """`not found`, as a library says it for whatever went wrong."""
    found = FileNotFoundError(errno.ENOENT, "No such file", "object")
    found.__cause__ = cause
    return found


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(),
        NotADirectoryError(),
        behind(HttpError(404)),
        behind(HttpError(410)),
        behind(ClientError({"ResponseMetadata": {"HTTPStatusCode": 404}})),
        behind(ClientError(SimpleNamespace(status_code=404))),
        behind(KeyError("anything")),
    ],
)
def test_not_found_is_absent_where_nothing_says_otherwise(error: Exception) -> None:
    assert faults.absent(error)
    assert not faults.unreached(error)


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(),
        OSError(errno.EIO, "Input/output error"),
        behind(HttpError(401)),
        behind(HttpError(403)),
        behind(HttpError(500)),
        behind(ClientError({"ResponseMetadata": {"HTTPStatusCode": 503}})),
        behind(ClientError(SimpleNamespace(status_code=502))),
        behind(ConnectionRefusedError(errno.ECONNREFUSED, "refused")),
        behind(TimeoutError()),
        behind(behind(HttpError(403))),
    ],
)
def test_what_was_refused_or_failed_is_not_absent(error: Exception) -> None:
    assert not faults.absent(error)
    assert faults.words(error)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        socket.gaierror(-2, "Name or service not known"),
        behind(BrokenPipeError()),
    ],
)
def test_a_network_that_leads_nowhere_is_told(error: Exception) -> None:
    assert faults.unreached(error)


def test_errors_that_are_each_others_cause_end() -> None:
    one, other = behind(KeyError()), behind(KeyError())
    one.__cause__, other.__cause__ = other, one
    assert faults.absent(one)
