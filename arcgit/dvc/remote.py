"""DVC remotes and the local cache, through DVC's own configuration, credentials and file systems.

The only place that imports DVC. Of its object database only the paths and the file system are used: DVC's own presence
and hash checks can delete what they look at, and take a directory's contents for granted.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from arcgit import crash, durable
from arcgit.dvc.files import LEGACY_HASH
from arcgit.dvc.pinned import RemoteSettings
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError

CHUNK = 1024 * 1024
BLOCK = 4 * 1024 * 1024
Require = Callable[[RemoteSettings], None]


class ObjectId(NamedTuple):
    """How DVC names an object: `md5` or `md5-dos2unix`, and the hash value, with `.dir` for a directory listing."""

    hash_name: str
    value: str


@dataclass(frozen=True)
class ObjectProblem:
    """An object that is neither plainly there nor plainly absent: unreadable, or not a file."""

    reason: str


Presence = int | ObjectProblem | None
"""Size in bytes, a problem, or None where the object is not there."""


class Pushed(NamedTuple):
    """What was copied into a remote, and how all the objects that were asked for are there afterwards."""

    copied: set[ObjectId]
    states: dict[ObjectId, Presence]


class DataRemote:
    """One DVC remote with the local cache beside it."""

    def __init__(self, name: str, url: str, repo: Any, odbs: dict[str, Any]) -> None:
        self.name = name
        self.url = url
        self._repo = repo
        self._odbs = odbs
        self._caches = {"md5": repo.cache.local, LEGACY_HASH: repo.cache.legacy}

    @property
    def local(self) -> bool:
        """True for a folder of this machine."""
        return bool(self._odbs["md5"].fs.protocol == "local")

    def path(self, oid: ObjectId) -> str:
        """Where the object lies in the remote."""
        return str(self._odbs[oid.hash_name].oid_to_path(oid.value))

    def presence(self, oids: Iterable[ObjectId]) -> dict[ObjectId, Presence]:
        """Size of each object, None where it is absent, a problem where that cannot be told. Changes nothing."""
        look = self._stat if self.local else self._info
        return {oid: look(oid) for oid in oids}

    def _stat(self, oid: ObjectId) -> Presence:
        try:
            status = os.stat(self.path(oid))  # noqa: PTH116  of very many files
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            return ObjectProblem(f"it cannot be looked at: {error.strerror}")
        if not stat.S_ISREG(status.st_mode):
            return ObjectProblem("it is not a file")
        return status.st_size

    def _info(self, oid: ObjectId) -> Presence:
        try:
            info = self._odbs[oid.hash_name].fs.info(self.path(oid))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001  every storage library has exceptions of its own
            return ObjectProblem(f"it cannot be looked at: {_words(error)}")
        if info.get("type") == "directory":
            return ObjectProblem("it is not a file")
        size = info.get("size")
        return size if isinstance(size, int) else ObjectProblem("the remote does not tell its size")

    @contextmanager
    def open(self, oid: ObjectId) -> Iterator[BinaryIO]:
        """Stream the object from the remote. Raises FileNotFoundError, UndeterminedError."""
        if self.local:
            # O_NONBLOCK: a FIFO in the place of an object must not hang the judge.
            with _opened_file(self.path(oid)) as file:
                yield file
            return
        try:
            fs = self._odbs[oid.hash_name].fs
            # The S3 client would keep 50 MiB of every open file in memory.
            blocks = {"block_size": BLOCK} if fs.protocol == "s3" else {}
            stream = fs.open(self.path(oid), "rb", **blocks)
        except FileNotFoundError:
            raise
        except Exception as error:
            raise self._unreachable(error) from error
        with stream:
            yield stream

    @staticmethod
    def stamp_of(file: BinaryIO) -> tuple[str, ...]:
        """What a storage tells of an opened object that changes when it is written anew; empty where it tells nothing."""
        return _stamp(getattr(file, "details", None))

    def stamp(self, oid: ObjectId) -> tuple[int | str, ...]:
        """The same of an object without opening it; of a file of this machine its times and its inode."""
        try:
            if self.local:
                status = os.stat(self.path(oid))  # noqa: PTH116  of very many files
                return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            return _stamp(self._odbs[oid.hash_name].fs.info(self.path(oid)))
        except Exception:  # noqa: BLE001  what cannot be told is read
            return ()

    def hash(self, oid: ObjectId, progress: Callable[[int], None] = lambda count: None) -> tuple[str, str, int]:
        """sha256 and md5 in hex, and size in bytes, of the object in the remote, in one streaming read."""
        try:
            with self.open(oid) as file:
                return digest(file, progress)
        except OSError as error:
            raise UndeterminedError("object-unreadable", f"{oid.value} in `{self.name}`: {_words(error)}") from error

    def sha256(self, oid: ObjectId) -> tuple[str, int]:
        """sha256 in hex, and size in bytes, of the object in the remote: `hash` without what only finds objects."""
        sha, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
        try:
            with self.open(oid) as file:
                while count := file.readinto(buffer):  # type: ignore[attr-defined]
                    sha.update(buffer[:count])
                    size += count
        except OSError as error:
            raise UndeterminedError("object-unreadable", f"{oid.value} in `{self.name}`: {_words(error)}") from error
        return sha.hexdigest(), size

    def cache_path(self, oid: ObjectId) -> Path:
        """Where the object lies in DVC's local cache."""
        return Path(self._caches[oid.hash_name].oid_to_path(oid.value))

    def cached(self, oid: ObjectId) -> os.stat_result | None:
        """What the system says of the file in DVC's local cache, None where there is none."""
        try:
            return os.stat(self._caches[oid.hash_name].oid_to_path(oid.value))  # noqa: PTH116  called for every file
        except OSError:
            return None

    @contextmanager
    def cache_open(self, oid: ObjectId) -> Iterator[BinaryIO]:
        """Open the object in the local cache. Raises FileNotFoundError."""
        with _opened_file(str(self.cache_path(oid))) as file:
            yield file

    def fetch(self, oid: ObjectId) -> None:
        """Copy an object into the local cache if it has the md5 of its name. Raises as `open` does, RefusedError."""
        target = self.cache_path(oid)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".arcgit-") as copy, self.open(oid) as file:
            while chunk := file.read(CHUNK):
                copy.write(chunk)
            copy.seek(0)
            if oid.hash_name == "md5" and digest(copy)[1] != oid.value.removesuffix(".dir"):  # type: ignore[arg-type]
                message = f"object {oid.value} in `{self.name}` has other bytes than its name says"
                raise RefusedError("object-corrupt", message, "repair the remote from a good copy")
            copy.flush()
            _put_local(Path(copy.name), target)

    def push(self, oids: Iterable[ObjectId]) -> Pushed:
        """Copy what the remote lacks from the local cache; never overwrites.

        Listings go last: DVC takes the contents for granted once the `.dir` object is there. Raises RefusedError
        `object-corrupt` for a cache object that is not what its name says.
        """
        wanted = list(oids)
        states = self.presence(wanted)
        missing = [oid for oid in wanted if states[oid] is None]
        pushed: set[ObjectId] = set()
        folders = {Path(self.path(oid)).parent for oid in missing} if self.local else set()
        # What a run that died left there; it lies above the folders of objects, where DVC looks for none.
        one_of_each = {oid.hash_name: oid for oid in wanted}.values() if self.local else ()
        for place in {Path(self.path(oid)).parent.parent for oid in one_of_each}:
            durable.sweep(place)
        for oid in sorted(missing, key=lambda oid: oid.value.endswith(".dir")):
            path = self.cache_path(oid)
            if not path.is_file():
                message = f"object {oid.value} is neither in the remote `{self.name}` nor in DVC's cache"
                raise UndeterminedError("object-missing", message, "dvc repro, or dvc push from the clone that has it")
            self._put(oid, path)
            pushed.add(oid)
        for folder in sorted(folders | {folder.parent for folder in folders}):
            durable.settle_folder(folder)
        crash.point("data-pushed")
        return Pushed(pushed, states | self.presence(pushed))

    def _put(self, oid: ObjectId, path: Path) -> None:
        with _opened_file(str(path)) as file:
            _, md5, _ = digest(file)
        if oid.hash_name == "md5" and md5 != oid.value.removesuffix(".dir"):
            message = f"the object {oid.value} in DVC's cache has other bytes than its name says"
            raise RefusedError("object-corrupt", message, f"rm {path}, then dvc fetch or dvc repro")
        target = self.path(oid)
        odb = self._odbs[oid.hash_name]
        try:
            if self.local:
                _put_local(path, Path(target))
            else:
                odb.makedirs(odb.fs.parent(target))
                odb.fs.put_file(os.fspath(path), target)
        except Exception as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> UndeterminedError:
        hint = f"check it with: dvc remote list; dvc push -r {self.name}"
        return UndeterminedError("remote-unreachable", f"the DVC remote `{self.name}`: {_words(error)}", hint)


def open_remote(root: Path, name: str | None, require: Require = lambda settings: None) -> DataRemote:
    """The DVC remote of that name, or the default one. Raises UndeterminedError where it cannot be used.

    `require` is called with its settings before anything is made of them, and raises where they may not be used.
    """
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    try:
        repo = Repo(str(root))
        if (settings := _settings(repo, name)) is not None:
            require(settings)
        remote = repo.cloud.get_remote(name, "push")
        odbs = {"md5": remote.odb, LEGACY_HASH: remote.legacy_odb}
    except ArcgitError:
        raise
    except NotDvcRepoError as error:
        message = f"{root} has no DVC configuration, so nothing says where the data lies"
        raise UndeterminedError("remote-missing", message, "use a clone with its branch checked out") from error
    except (ConfigError, DvcException) as error:
        hint = "dvc remote add -d storage PATH_OR_URL"
        raise UndeterminedError("remote-missing", _words(error).partition(" Create")[0], hint) from error
    except Exception as error:
        raise UndeterminedError("remote-unreachable", f"the DVC remote cannot be opened: {_words(error)}") from error
    if remote.worktree or getattr(remote.fs, "version_aware", False):
        message = f"the DVC remote `{remote.name}` is cloud-versioned, which arcgit cannot check yet"
        raise UndeterminedError("remote-unsupported", message, "dvc remote modify NAME version_aware false")
    url = str(repo.config["remote"].get(remote.name, {}).get("url", remote.path))
    return DataRemote(remote.name, url, repo, odbs)


def load() -> None:
    """Import what `open_remote` needs, ahead of time: it takes longer than all the rest of a short command."""
    import dvc.repo  # noqa: F401


def remote_names(root: Path) -> list[str]:
    """The remotes that DVC has in its configuration, in its order; none where there is no DVC repository."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        return [str(name) for name in Repo(str(root)).config["remote"]]
    except DvcException:
        return []


def settings_of(root: Path) -> RemoteSettings | None:
    """The settings of a project's default remote, None where there is none or DVC cannot read them."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        return _settings(Repo(str(root)), None)
    except DvcException:
        return None


def _settings(repo: Any, name: str | None) -> RemoteSettings | None:
    """What DVC would open for a remote, through all its configurations and the remotes that it is based on."""
    from dvc.fs import get_fs_config

    default = repo.config["core"].get("remote")
    wanted = (name or default or "").lower()
    if not wanted:
        return None
    settings = {key: _text(value) for key, value in get_fs_config(repo.config, name=wanted).items()}
    levels = repo.config.load_one("repo")["remote"]
    tracked: set[str] = set()
    link = wanted
    for _ in repo.config["remote"]:
        own = {key: _text(value) for key, value in levels.get(link, {}).items()}
        tracked |= {key for key, value in own.items() if key == "url" or settings.get(key, "").lower() == value.lower()}
        scheme, _, rest = str(repo.config["remote"].get(link, {}).get("url", "")).partition("://")
        if scheme != "remote":
            break
        link = rest.partition("/")[0].lower()
    return RemoteSettings(wanted, wanted == (default or "").lower(), settings, frozenset(tracked))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def _opened_file(path: str) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file", path)
        yield cast("BinaryIO", file)


def digest(file: BinaryIO, progress: Callable[[int], None] = lambda count: None) -> tuple[str, str, int]:
    """sha256 and md5 in hex, and size in bytes, of a stream read to its end."""
    sha, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    while chunk := file.read(CHUNK):
        sha.update(chunk)
        md5.update(chunk)
        size += len(chunk)
        progress(len(chunk))
    return sha.hexdigest(), md5.hexdigest(), size


def _put_local(source: Path, target: Path) -> None:
    """Copy beside the target, make it durable, and link it into place: a name that is taken is never overwritten."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with durable.temporary(target.parent.parent) as (writer, temporary):
        with source.open("rb") as reader:
            while chunk := reader.read(CHUNK):
                writer.write(chunk)
        durable.settle(writer)
        os.fchmod(writer.fileno(), 0o444)
        crash.point("data-written")
        try:
            os.link(temporary, target)
        except FileExistsError:
            return
        except OSError:
            # A file system without hard links; the small race is closed by reading back.
            if not target.exists():
                temporary.rename(target)
        crash.point("data-placed")


def _stamp(details: object) -> tuple[str, ...]:
    if not isinstance(details, dict):
        return ()
    return tuple(f"{key}={details[key]}" for key in ("ETag", "etag", "LastModified", "mtime") if details.get(key))


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
