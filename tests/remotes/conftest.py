"""One server of each kind for the tests of this folder, started when a test first needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.certificates import certificate
from tests.remotes import storages
from tests.remotes.storages import KINDS, Storage
from tests.servers import SshServer, WebServer, s3_server, ssh_server, web_server
from tests.world import World

_NUMBERS = iter(range(10**6))


@pytest.fixture(scope="session")
def ssh(isolated_home: Path) -> Iterator[SshServer]:
    with ssh_server() as server:
        yield server


@pytest.fixture(scope="session")
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3_server(tmp_path_factory.mktemp("s3") / "server") as url:
        yield url


@pytest.fixture(scope="session")
def tls_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An S3 server behind TLS: its url, and the authority that its certificate is of."""
    folder = tmp_path_factory.mktemp("s3")
    shown = certificate(folder / "certificate")
    with s3_server(folder / "server", shown) as url:
        yield url, shown.authority


def made(kind: str, world: World, request: pytest.FixtureRequest) -> Storage:
    """A new empty storage of that kind."""
    name = f"store-{next(_NUMBERS)}"
    makers: dict[str, Callable[[], Storage]] = {
        "local": lambda: storages.Folder(world, name),
        "s3": lambda: storages.Bucket(world, name, request.getfixturevalue("endpoint")),
        "ssh": lambda: storages.Ssh(world, name, request.getfixturevalue("ssh")),
        "webdav": lambda: storages.WebDav(world, name, request.getfixturevalue("web")),
        "http": lambda: storages.Http(world, name, request.getfixturevalue("web")),
        "webdavs": lambda: storages.WebDavs(world, name, request.getfixturevalue("web")),
        "https": lambda: storages.Https(world, name, request.getfixturevalue("web")),
        "s3 over TLS": lambda: storages.Bucket(world, name, *request.getfixturevalue("tls_endpoint")),
    }
    return makers[kind]()


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, world: World) -> Storage:
    """Each kind of storage in turn, in use by a world whose records were sealed before."""
    found = made(request.param, world, request)
    found.use()
    return found
