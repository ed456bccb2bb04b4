"""The places that bytes can be read from: DVC's remotes and cache, and the sources of imports."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from arcgit import spool
from arcgit.archive import fixity as fixity_ref
from arcgit.archive import versions
from arcgit.archive.context import Context
from arcgit.archive.kept.hashed import Hashed
from arcgit.dvc import certificates, pinned
from arcgit.dvc.objects import ObjectId
from arcgit.dvc.opening import open_remote
from arcgit.dvc.pinned import RemoteSettings
from arcgit.dvc.remote import DataRemote
from arcgit.dvc.source import ImportSource
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.model.experiment import Stored
from arcgit.model.finding import Finding, warning
from arcgit.model.policy import Policy
from arcgit.model.text import word

if TYPE_CHECKING:
    from mmap import mmap

Place = tuple[str, "str | None"]
"""A DVC project's folder, and the name of a remote in it (None for its default one)."""
CHUNK = 1024 * 1024


class Remotes:
    """The data remotes of one repository, opened when first asked for, if they are as the policy in force pins them.

    With `local_only` just those that are folders of this machine: nothing goes over a network.
    """

    def __init__(self, context: Context, policy: Policy, *, local_only: bool = False) -> None:
        self._context = context
        self._local_only = local_only
        self._pins = {name.lower(): remote.url for name, remote in policy.remotes.items()}
        self._open: dict[Place, DataRemote] = {}

    def get(self, place: Place) -> DataRemote:
        """The remote of a DVC project, by name or None for its default one. Raises UndeterminedError, RefusedError."""
        if place not in self._open:
            project, name = place
            root, pinned = self._context.root / project, bool(self._pins)
            self._open[place] = open_remote(root, name, self._require_pinned, pinned=pinned)
        return self._open[place]

    def _require_pinned(self, remote: RemoteSettings) -> None:
        if self._local_only and "://" in remote.settings.get("url", ""):
            message = f"the DVC remote `{remote.name}` is not on this machine, and was not asked"
            raise UndeterminedError("remote-unreachable", message, "arcgit doctor --network asks it")
        found = pinned.faults(remote, self._pins, root=str(self._context.root))
        if found:
            message = f"the DVC remote `{remote.name}` was not talked to: {'; '.join(found)}"
            hint = (
                "if nobody told you of a change, do not trust .dvc/config here (git log -p .dvc/config, dvc config --list);"
                " if it is right: change `remotes` in .arcgit/policy.yaml, then arcgit policy adopt"
            )
            raise RefusedError("remote-not-pinned", message, hint)

    def source(self, origin: Mapping[str, str]) -> ImportSource:
        """Where imported data came from."""
        return ImportSource(self._context.root, origin)


def unchecked(remote: DataRemote) -> Finding:
    """What is said of a remote behind TLS where nobody looks at the certificate of its server."""
    message = (
        f"{certificates.SETTING} is false, so that whoever answers is taken for its server: bytes that are read are proven "
        "all the same, and what is said to be there or missing need not be"
    )
    return warning("certificate-unchecked", f"remote {remote.name}", message, hint=certificates.how(remote.name))


def md5_hex(data: bytes | mmap) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


class Holder:
    """Where the bytes of one out can be read: DVC's cache, its remote and, for an import, the source."""

    def __init__(self, remotes: Remotes, stored: Stored, hashed: Hashed | None = None) -> None:
        self.remote = remotes.get(stored.place)
        self._hashed = hashed
        self._path = stored.path
        self._stored = stored
        self._source = remotes.source(stored.origin) if stored.origin is not None and stored.at_source else None

    def object_id(self, md5: str = "", relpath: str = "") -> ObjectId:
        """The object of the out, or of one file of a directory. Raises UndeterminedError `not-pushed`."""
        return versions.object_id(self.remote, self._stored, md5 or self._stored.oid, relpath)

    def require_pushed(self) -> None:
        """Raise UndeterminedError where only DVC can push the out, and has not."""
        for relpath, md5 in self._stored.members if self._stored.kind == "directory" else [("", self._stored.oid)]:
            self.object_id(md5, relpath)
        versions.listing(self.remote, self._stored)

    @contextmanager
    def open(self, oid: ObjectId, relpath: str = "") -> Iterator[BinaryIO]:
        """The object from the nearest place that has it; `relpath` is its path inside a directory."""
        path = f"{self._path}/{relpath}" if relpath else self._path
        if self.remote.cache_path(oid).is_file():
            source = self.remote.cache_open(oid)
        elif self._source is not None and not oid.value.endswith(".dir"):
            source = self._source.open(relpath)
        else:
            source = self.remote.open(oid)
        try:
            with source as file:
                yield file
        except FileNotFoundError as fault:
            hint = f"dvc repro, or bring the data back: dvc pull {word(path)}"
            message = f"the bytes of {path} are neither here nor in the remote"
            raise UndeterminedError("object-missing", message, hint) from fault

    def listing(self, oid: ObjectId) -> bytes | mmap:
        """A `.dir` object, whose md5 must be its name."""
        data: bytes | mmap | None = versions.listing(self.remote, self._stored)
        if data is None:
            with self.open(oid) as file:
                data = spool.aside(file, fixity_ref.MAX_BLOB_BYTES)
        if oid.hash_name == "md5" and md5_hex(data) != oid.value.removesuffix(".dir"):
            message = f"the listing of {self._path} has other bytes than its name says"
            raise RefusedError("object-corrupt", message, "dvc fetch")
        return data

    def digest(self, oid: ObjectId, relpath: str = "") -> tuple[str, int]:
        """sha256 and size of one object, whose md5 must be its name."""
        hashed = self._hashed
        if hashed is None or (status := self.remote.cached(oid)) is None:
            return self._read(oid, relpath)
        known = hashed.sha256(oid, status)
        if known is not None:
            return known, status.st_size
        digest, size = self._read(oid, relpath)
        if hashed.same(status, self.remote.cached(oid)):
            hashed.note(oid, status, digest)
        return digest, size

    def _read(self, oid: ObjectId, relpath: str) -> tuple[str, int]:
        sha, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        with self.open(oid, relpath) as file:
            while chunk := file.read(CHUNK):
                sha.update(chunk)
                md5.update(chunk)
                size += len(chunk)
        if oid.hash_name == "md5" and md5.hexdigest() != oid.value:
            path = f"{self._path}/{relpath}" if relpath else self._path
            message = f"the bytes of {path} are not what their md5 in DVC's files says"
            raise RefusedError(
                "object-corrupt", message, f"restore them: dvc fetch {word(path)} (or run the stage again)"
            )
        return sha.hexdigest(), size
