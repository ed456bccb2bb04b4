"""DVC remotes and the local cache, through DVC's own configuration, credentials and file systems.

The only place that imports DVC. Of its object database only the paths and the file system are used: DVC's own presence
and hash checks can delete what they look at, and take a directory's contents for granted.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from arcgit import crash, durable
from arcgit.dvc import faults, hostkeys, redirects, versioned
from arcgit.dvc.files import LEGACY_HASH
from arcgit.dvc.pinned import RemoteSettings
from arcgit.dvc.reach import Reach
from arcgit.dvc.streams import CHUNK, Stream, opened_file, put_local
from arcgit.dvc.versioned import Version
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError

BLOCK = 4 * 1024 * 1024
_SERVER = ("host", "port", "endpoint_url", "endpoint", "account_name", "account_host")
Require = Callable[[RemoteSettings], None]


class ObjectId(NamedTuple):
    """How DVC names an object: `md5` or `md5-dos2unix`, and the hash value, with `.dir` for a directory listing.

    `version` is where a cloud-versioned remote keeps it, which has nothing by its hash.
    """

    hash_name: str
    value: str
    version: Version | None = None

    @property
    def label(self) -> str:
        """The object for a message: by its hash, or as the version that it is."""
        return f"version {self.version.id} of {self.version.path}" if self.version else f"object {self.value}"


@dataclass(frozen=True)
class ObjectProblem:
    """An object that is neither plainly there nor plainly absent: unreadable, or not a file."""

    reason: str


NO_FILE = ObjectProblem("it is not a file")
Presence = int | ObjectProblem | None
"""Size in bytes, a problem, or None where the object is not there."""


class Pushed(NamedTuple):
    """What was copied into a remote, and how all the objects that were asked for are there afterwards."""

    copied: set[ObjectId]
    states: dict[ObjectId, Presence]


class DataRemote:
    """One DVC remote with the local cache beside it."""

    def __init__(self, name: str, url: str, repo: Any, remote: Any) -> None:
        self.name = name
        self.url = url
        self._repo = repo
        self._root = str(remote.path)
        self._odbs = {"md5": remote.odb, LEGACY_HASH: remote.legacy_odb}
        self._fs = remote.fs
        self.versioned = versioned.is_versioned(remote)
        self._caches = {"md5": repo.cache.local, LEGACY_HASH: repo.cache.legacy}
        self._reach = Reach(name, remote.fs, self._root)

    @property
    def local(self) -> bool:
        """True for a folder of this machine."""
        return bool(self._fs.protocol == "local")

    @property
    def root(self) -> str:
        """The folder or prefix that the remote's address names."""
        return str(self._odbs[LEGACY_HASH].path)

    @property
    def site(self) -> tuple[str, ...]:
        """What tells two remotes apart, however they are named: the storage, its server, and the place there."""
        fs = self._odbs["md5"].fs
        if self.local:
            return ("local", os.path.realpath(self.root))
        said = {**fs.fs_args, **(fs.fs_args.get("client_kwargs") or {})}
        server = [f"{key}={said[key]}" for key in _SERVER if said.get(key)]
        return (str(fs.protocol), *server, self.root.rstrip("/"))

    def path(self, oid: ObjectId) -> str:
        """Where the object lies in the remote."""
        if self.versioned:
            return versioned.path_of(self._fs, self._root, self.name, oid.version)
        return str(self._odbs[oid.hash_name].oid_to_path(oid.value))

    def require_there(self) -> None:
        """Raise UndeterminedError where the folder or bucket of the remote is not there, or nobody answers."""
        self._reach.require_root()

    def presence(self, oids: Iterable[ObjectId]) -> dict[ObjectId, Presence]:
        """Size of each object, None where it is absent, a problem where that cannot be told. Changes nothing.

        Raises UndeterminedError where the remote itself is not there or does not answer.
        """
        states = self._states(oids)
        if None in states.values():
            self._reach.require_root()
        return states

    def _states(self, oids: Iterable[ObjectId]) -> dict[ObjectId, Presence]:
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
            return NO_FILE
        return status.st_size

    def _info(self, oid: ObjectId) -> Presence:
        self._reach.require()
        try:
            info = self._fs.info(self.path(oid))
        except Exception as error:  # noqa: BLE001  every storage library has exceptions of its own
            if faults.absent(error):
                self._reach.answered()
                return None
            self._reach.failed(error)
            return ObjectProblem(f"it cannot be looked at: {faults.words(error)}")
        self._reach.answered()
        if info.get("type") != "file":
            return NO_FILE
        size = info.get("size")
        return size if isinstance(size, int) else ObjectProblem("the remote does not tell its size")

    @contextmanager
    def open(self, oid: ObjectId) -> Iterator[BinaryIO]:
        """Stream the object from the remote. Raises FileNotFoundError, UndeterminedError, also while it is read."""
        stack = ExitStack()
        try:
            file = stack.enter_context(self._opened(oid))
        except Exception as error:
            if faults.absent(error):
                self._reach.require_root()
                raise FileNotFoundError(errno.ENOENT, "it is not there", oid.value) from error
            raise self._unread(oid, error) from error
        self._reach.answered()
        try:
            yield cast("BinaryIO", Stream(file, lambda error: self._unread(oid, error)))
        finally:
            # What was read is judged by its bytes; how a connection ends says nothing about them.
            with suppress(Exception):
                stack.close()

    def _opened(self, oid: ObjectId) -> Any:
        if self.local:
            return opened_file(self.path(oid))
        self._reach.require()
        # A FIFO in the place of an object must not hang the judge: an SFTP server would wait for a writer.
        if self._fs.protocol == "ssh" and isinstance(state := self._info(oid), ObjectProblem):
            raise OSError(errno.EINVAL, state.reason)
        return self._fs.open(self.path(oid), "rb", **_how_to_read(str(self._fs.protocol)))

    def _unread(self, oid: ObjectId, error: Exception) -> ArcgitError:
        if isinstance(error, ArcgitError):
            return error
        if faults.unreached(error):
            try:
                self._reach.failed(error)
            except UndeterminedError as fault:
                return fault
            return self._reach.unreachable(error)
        message = f"{oid.value} in `{self.name}` cannot be read: {faults.words(error)}"
        return UndeterminedError("object-unreadable", message, self._reach.hint())

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
            return _stamp(self._fs.info(self.path(oid)))
        except Exception:  # noqa: BLE001  what cannot be told is read
            return ()

    def hash(self, oid: ObjectId, progress: Callable[[int], None] = lambda count: None) -> tuple[str, str, int]:
        """sha256 and md5 in hex, and size in bytes, of the object in the remote, in one streaming read.

        Raises UndeterminedError where it cannot be read to its end.
        """
        with self._read_whole(oid) as file:
            return digest(file, progress)

    def sha256(self, oid: ObjectId) -> tuple[str, int]:
        """sha256 in hex, and size in bytes, of the object in the remote: `hash` without what only finds objects."""
        sha, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
        with self._read_whole(oid) as file:
            while count := file.readinto(buffer):  # type: ignore[attr-defined]
                sha.update(buffer[:count])
                size += count
        return sha.hexdigest(), size

    @contextmanager
    def _read_whole(self, oid: ObjectId) -> Iterator[BinaryIO]:
        try:
            with self.open(oid) as file:
                yield file
        except FileNotFoundError as error:
            message = f"{oid.value} in `{self.name}` is not there any more"
            raise UndeterminedError("object-unreadable", message, self._reach.hint()) from error

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
        with opened_file(str(self.cache_path(oid))) as file:
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
            put_local(Path(copy.name), target)

    def push(self, oids: Iterable[ObjectId]) -> Pushed:
        """Copy what the remote lacks from the local cache; never overwrites.

        Listings go last: DVC takes the contents for granted once the `.dir` object is there. Raises RefusedError
        `object-corrupt` for a cache object that is not what its name says. Into a cloud-versioned remote only DVC pushes,
        since it writes the versions into its own files.
        """
        wanted = list(oids)
        if self.versioned:
            return Pushed(set(), self.presence(wanted))
        # Before the first push the folder of a remote need not be there.
        states = self._states(wanted)
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

    def upload(self, oid: ObjectId, path: Path) -> None:
        """Put a file into the remote, which is no folder here, as an object; half of it never has the object's name.

        Raises UndeterminedError.
        """
        odb = self._odbs[oid.hash_name]
        target = self.path(oid)
        beside = f"{self.root.rstrip('/')}/{durable.PREFIX}{secrets.token_hex(8)}"
        try:
            if _whole_or_not_at_all(odb.fs):
                odb.makedirs(odb.fs.parent(target))
                odb.fs.put_file(os.fspath(path), target)
                return
            odb.makedirs(odb.fs.parent(target))
            odb.fs.put_file(os.fspath(path), beside)
            odb.fs.mv(beside, target)
        except Exception as error:
            raise self._reach.unreachable(error) from error

    def sweep(self, now: datetime) -> None:
        """Remove what uploads that were killed more than a day ago have left beside the objects."""
        fs = self._odbs["md5"].fs
        if _whole_or_not_at_all(fs):
            return
        with suppress(Exception):
            for path in list(fs.fs.ls(self.root, detail=False)):
                ours = str(path).rpartition("/")[2].startswith(durable.PREFIX)
                if ours and now - fs.fs.modified(path) > timedelta(days=1):
                    fs.fs.rm_file(path)

    def _put(self, oid: ObjectId, path: Path) -> None:
        with opened_file(str(path)) as file:
            _, md5, _ = digest(file)
        if oid.hash_name == "md5" and md5 != oid.value.removesuffix(".dir"):
            message = f"the object {oid.value} in DVC's cache has other bytes than its name says"
            raise RefusedError("object-corrupt", message, f"rm {path}, then dvc fetch or dvc repro")
        target = self.path(oid)
        odb = self._odbs[oid.hash_name]
        try:
            if self.local:
                put_local(path, Path(target))
            else:
                odb.makedirs(odb.fs.parent(target))
                odb.fs.put_file(os.fspath(path), target)
        except Exception as error:
            raise self._reach.unreachable(error) from error


def open_remote(
    root: Path, name: str | None, require: Require = lambda settings: None, *, pinned: bool = False
) -> DataRemote:
    """The DVC remote of that name, or the default one. Raises UndeterminedError where it cannot be used.

    `require` is called with its settings before anything is made of them, and raises where they may not be used. A
    `pinned` one is talked to where its address leads, and nowhere else.
    """
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    try:
        repo = Repo(str(root))
        if (settings := _settings(repo, name)) is not None:
            require(settings)
        remote = repo.cloud.get_remote(name, "push")
        url = str(repo.config["remote"].get(remote.name, {}).get("url", remote.path))
        versioned.require_supported(remote)
        if remote.fs.protocol == "ssh":
            hostkeys.hold_to_known(remote.fs)
        redirects.hold_to_server(remote.fs, pinned=pinned)
        found = DataRemote(remote.name, url, repo, remote)
    except ArcgitError:
        raise
    except NotDvcRepoError as error:
        message = f"{root} has no DVC configuration, so nothing says where the data lies"
        raise UndeterminedError("remote-missing", message, "use a clone with its branch checked out") from error
    except (ConfigError, DvcException) as error:
        hint = "dvc remote add -d storage PATH_OR_URL"
        raise UndeterminedError("remote-missing", faults.words(error).partition(" Create")[0], hint) from error
    except Exception as error:
        raise UndeterminedError(
            "remote-unreachable", f"the DVC remote cannot be opened: {faults.words(error)}"
        ) from error
    return found


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


def _how_to_read(protocol: str) -> dict[str, int]:
    if protocol.startswith("http"):
        # As one stream: otherwise only as much is read as an earlier answer said that there is.
        return {"block_size": 0}
    # The S3 client would keep 50 MiB of every open file in memory.
    return {"block_size": BLOCK} if protocol == "s3" else {}


def _whole_or_not_at_all(fs: Any) -> bool:
    """True where an object that is being put has no name before it is whole."""
    from dvc_objects.fs.base import ObjectFileSystem

    return isinstance(fs, ObjectFileSystem) or str(fs.protocol).startswith("http")


def digest(file: BinaryIO, progress: Callable[[int], None] = lambda count: None) -> tuple[str, str, int]:
    """sha256 and md5 in hex, and size in bytes, of a stream read to its end."""
    sha, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    while chunk := file.read(CHUNK):
        sha.update(chunk)
        md5.update(chunk)
        size += len(chunk)
        progress(len(chunk))
    return sha.hexdigest(), md5.hexdigest(), size


def _stamp(details: object) -> tuple[str, ...]:
    if not isinstance(details, dict):
        return ()
    return tuple(f"{key}={details[key]}" for key in ("ETag", "etag", "LastModified", "mtime") if details.get(key))
