"""Storages that teams keep data in, as DVC remotes of a small world, with the hands of whoever runs them.

A storage is behind a real server; what an attacker, an administrator or an accident does to it is done behind the server's
back, by the path of an object below the remote: `files/md5/…`.
"""

from __future__ import annotations

import abc
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.certificates import Certificate
from tests.servers import KEY, SECRET, SshServer, WebServer, free_port
from tests.world import World

KINDS = ("local", "s3", "ssh", "webdav", "http")
"""What each kind of storage is called where tests are named after it."""
SHARED = {"url", "method", "version_aware", "worktree"}


def _section(settings: dict[str, str]) -> str:
    lines = "".join(f"    {key} = {value}\n" for key, value in settings.items())
    return f"['remote \"storage\"']\n{lines}"


class Storage(abc.ABC):
    """One DVC remote, named `storage`. `lists` is false where the server has no way to list what it has."""

    kind = ""
    lists = True

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name

    @abc.abstractmethod
    def settings(self) -> dict[str, str]:
        """What DVC is told about the remote."""

    @abc.abstractmethod
    def read(self, key: str) -> bytes: ...

    @abc.abstractmethod
    def write(self, key: str, data: bytes) -> None: ...

    @abc.abstractmethod
    def remove(self, key: str) -> None: ...

    @abc.abstractmethod
    def put_folder(self, key: str) -> None:
        """A folder in the place of an object."""

    @abc.abstractmethod
    def objects(self) -> set[str]:
        """The paths of all objects."""

    def make_unreadable(self, key: str) -> None:
        """Take the right to read an object from whoever asks."""
        raise NotImplementedError

    @abc.abstractmethod
    def lose_root(self) -> None:
        """Take away the folder or bucket of the remote as a whole."""

    def use(self) -> None:
        """Make it the remote of the world, with all that the world's own store has."""
        for path in sorted((self.world.store / "files").rglob("*")):
            if path.is_file():
                self.write(path.relative_to(self.world.store).as_posix(), path.read_bytes())
        shutil.rmtree(self.world.store)
        self.configure({})

    def configure(self, changes: dict[str, str]) -> None:
        """As `dvc remote modify` writes it: what everybody shares into `config`, the rest with `--local`."""
        settings = {**self.settings(), **changes}
        shared = {key: settings[key] for key in SHARED & settings.keys()}
        own = {key: value for key, value in settings.items() if key not in SHARED}
        folder = self.world.work / ".dvc"
        (folder / "config").write_text(f"[core]\n    remote = storage\n{_section(shared)}")
        (folder / "config.local").write_text(_section(own))

    def unplug(self) -> None:
        """Point the remote to where nobody listens."""
        self.configure({"url": self.elsewhere()})

    def elsewhere(self) -> str:
        raise NotImplementedError

    def forget_password(self) -> None:
        """Put wrong credentials where the right ones were."""
        self.configure({"password": "wrong"})


class Folder(Storage):
    """A folder of this machine."""

    kind = "local"

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.folder = world.root / name
        self.folder.mkdir()

    def settings(self) -> dict[str, str]:
        return {"url": str(self.folder)}

    def read(self, key: str) -> bytes:
        return (self.folder / key).read_bytes()

    def write(self, key: str, data: bytes) -> None:
        path = self.folder / key
        for folder in reversed(path.relative_to(self.folder).parents):
            if not (self.folder / folder).exists():
                (self.folder / folder).mkdir()
                self._give(self.folder / folder)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        path.chmod(0o444)
        self._give(path)

    def _give(self, path: Path) -> None:
        """Let the server have what was put there behind its back."""

    def remove(self, key: str) -> None:
        (self.folder / key).unlink()

    def put_folder(self, key: str) -> None:
        self.remove(key)
        (self.folder / key).mkdir()
        self._give(self.folder / key)

    def objects(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}

    def make_unreadable(self, key: str) -> None:
        """A loop of links, which nobody can read, not even root."""
        (self.folder / key).unlink()
        (self.folder / key).symlink_to(self.folder / key)

    def lose_root(self) -> None:
        shutil.rmtree(self.folder)

    def elsewhere(self) -> str:
        return str(self.world.root / "unmounted" / "disk")


class OfServer(Folder):
    """A folder that only a server on loopback gives out."""

    def __init__(self, world: World, name: str, folder: Path, user: str) -> None:
        Storage.__init__(self, world, name)
        self._user = user
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        self._give(folder)
        self._give(self.folder)

    def _give(self, path: Path) -> None:
        if os.getuid() == 0:
            shutil.chown(path, self._user, self._user)


class Ssh(OfServer):
    kind = "ssh"

    def __init__(self, world: World, name: str, server: SshServer) -> None:
        super().__init__(world, name, server.data, server.user)
        self.server = server

    def settings(self) -> dict[str, str]:
        return {
            "url": f"ssh://127.0.0.1:{self.server.port}{self.folder}",
            "user": self.server.user,
            "keyfile": str(self.server.keyfile),
        }

    def make_unreadable(self, key: str) -> None:
        (self.folder / key).chmod(0)

    def elsewhere(self) -> str:
        return f"ssh://127.0.0.1:{free_port()}{self.folder}"

    def forget_password(self) -> None:
        """The host's own key is one that nobody is let in with."""
        key = self.world.root / "other-key"
        shutil.copy(self.server.folder / "host", key)
        key.chmod(stat.S_IRUSR)
        self.configure({"keyfile": str(key)})


class Web(OfServer):
    """An nginx; what it may give out is decided by a file beside its data."""

    def __init__(self, world: World, name: str, server: WebServer, part: str) -> None:
        super().__init__(world, name, server.data / part, server.user)
        self.server = server
        self._part = part

    def settings(self) -> dict[str, str]:
        return {"url": self._url(self.server.port), "auth": "basic", "user": KEY, "password": SECRET}

    def _url(self, port: int) -> str:
        raise NotImplementedError

    def elsewhere(self) -> str:
        return self._url(free_port())

    def answer(self, key: str, how: str) -> None:
        """Let the server say `closed` (403) or `broken` (500) for an object."""
        path = self.server.folder / how / self._part / self.name / key
        path.parent.mkdir(parents=True)
        path.touch()

    def make_unreadable(self, key: str) -> None:
        self.answer(key, "closed")


class WebDav(Web):
    kind = "webdav"

    def __init__(self, world: World, name: str, server: WebServer) -> None:
        super().__init__(world, name, server, "dav")

    def _url(self, port: int) -> str:
        return f"webdav://127.0.0.1:{port}/dav/{self.name}"

    def settings(self) -> dict[str, str]:
        return {"url": self._url(self.server.port), "user": KEY, "password": SECRET}


class Http(Web):
    kind = "http"
    lists = False

    def __init__(self, world: World, name: str, server: WebServer) -> None:
        super().__init__(world, name, server, "http")

    def _url(self, port: int) -> str:
        return f"http://127.0.0.1:{port}/http/{self.name}"

    def settings(self) -> dict[str, str]:
        return {**super().settings(), "method": "PUT"}


class OverTls(Web):
    """The same behind TLS. `shown` says which certificate the server shows; DVC is told which authority it is of."""

    shown = "good"

    @property
    def certificate(self) -> Certificate:
        return self.server.tls[self.shown][1]

    def settings(self) -> dict[str, str]:
        port = self.server.tls[self.shown][0]
        return {**super().settings(), "url": self._url(port), "ssl_verify": str(self.certificate.authority)}

    def _url(self, port: int) -> str:
        scheme, _, rest = super()._url(port).partition("://")
        return f"{scheme}s://{rest}"


class WebDavs(OverTls, WebDav):
    kind = "webdavs"


class Https(OverTls, Http):
    kind = "https"


class Bucket(Storage):
    """A bucket of an S3 server, with the client of a person who may do everything there."""

    kind = "s3"

    def __init__(self, world: World, name: str, endpoint: str, authority: Path | None = None) -> None:
        import s3fs  # type: ignore[import-untyped]  # noqa: PLC0415

        super().__init__(world, name)
        self._authority = authority
        options = {"endpoint_url": endpoint, **({"verify": str(authority)} if authority else {})}
        self.fs: Any = s3fs.S3FileSystem(key=KEY, secret=SECRET, client_kwargs=options, use_listings_cache=False)
        self.fs.mkdir(name)
        self._endpoint = endpoint

    def settings(self) -> dict[str, str]:
        return {
            "url": f"s3://{self.name}/of/team",
            "endpointurl": self._endpoint,
            "access_key_id": KEY,
            "secret_access_key": SECRET,
            **({"ssl_verify": str(self._authority)} if self._authority else {}),
        }

    def answered_by(self, endpoint: str) -> None:
        """Have DVC reach it at another address; the person who may do everything there goes on as before."""
        self._endpoint = endpoint

    def _path(self, key: str) -> str:
        return f"{self.name}/of/team/{key}"

    def read(self, key: str) -> bytes:
        return bytes(self.fs.cat_file(self._path(key)))

    def write(self, key: str, data: bytes) -> None:
        self.fs.pipe_file(self._path(key), data)

    def remove(self, key: str) -> None:
        self.fs.rm_file(self._path(key))

    def put_folder(self, key: str) -> None:
        self.remove(key)
        self.fs.pipe_file(f"{self._path(key)}/inside", b"x")

    def objects(self) -> set[str]:
        found: Iterator[str] = iter(self.fs.find(f"{self.name}/of/team"))
        return {path.removeprefix(f"{self.name}/of/team/") for path in found}

    def lose_root(self) -> None:
        self.configure({"url": f"s3://{self.name}-gone/of/team"})

    def unplug(self) -> None:
        self.configure({"endpointurl": f"http://127.0.0.1:{free_port()}"})

    def forget_password(self) -> None:
        self.configure({"secret_access_key": "wrong"})
