"""Putting one file into a storage that is no folder of this machine, so that half of it never has the object's name."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from arcgit import durable, several
from arcgit.dvc import faults

PREFIX = durable.PREFIX.removeprefix(".")
"""How files are called that grow in a storage. nginx lists nothing over WebDAV that begins with a dot."""
OF_DVC = re.compile(r"\.[0-9A-Za-z_-]{22}\.tmp")
"""How DVC's file system for SSH calls what it puts before that is called as it was told to."""
PART = 8 * 1024 * 1024
UNFINISHED = timedelta(days=7)
PARTS = 9000
"""S3 takes 10,000 parts of a file. Whoever does not say how large they are gets ten of 50 MiB in memory, for every file."""


class Uploads:
    """The file system of one remote, and the folder or prefix that its address names."""

    def __init__(self, fs: Any, root: str) -> None:
        self._fs = fs
        self._beside = f"{root.rstrip('/')}/{PREFIX}"
        self._root = root

    def put(self, path: Path, target: str, lanes: int = several.NETWORK) -> None:
        """Put a file at `target`. `lanes` so many are put at a time. Raises whatever the storage's library does."""
        self._fs.makedirs(self._fs.parent(target))
        if self._whole_or_not_at_all():
            self._fs.put_file(os.fspath(path), target, **self._bounds(path, lanes))
            return
        beside = f"{self._beside}{secrets.token_hex(8)}"
        self._fs.put_file(os.fspath(path), beside)
        try:
            self._move(beside, target)
        except Exception as error:
            if faults.unreached(error):
                # Nobody answers: each further question would be waited for as long. A later run takes away what is left.
                raise
            # Somebody else was faster: reading back tells what they have put there.
            there = self._fs.exists(target)
            with suppress(Exception):
                self._fs.fs.rm_file(beside)
            if not there:
                raise

    def _move(self, beside: str, target: str) -> None:
        """Give the file its name at once. What DVC's file system for WebDAV calls moving is copying: half can be seen."""
        if str(self._fs.protocol).startswith("webdav"):
            self._fs.fs.client.move(beside, target, overwrite=False)
        else:
            self._fs.mv(beside, target)

    def sweep(self, now: datetime) -> None:
        """Remove what uploads that were killed more than a day ago have left beside the objects.

        In S3 they leave parts, which nothing lists among the objects and somebody pays for. They do not say whose they are,
        and the largest object takes days, so that they are left alone for a week.
        """
        if self._fs.protocol == "s3":
            with suppress(Exception):
                self._abort_before(now - UNFINISHED)
        if self._whole_or_not_at_all():
            return
        with suppress(Exception):
            for path in list(self._fs.fs.ls(self._root, detail=False)):
                name = str(path).rpartition("/")[2]
                ours = name.startswith((PREFIX, durable.PREFIX)) or OF_DVC.fullmatch(name)
                if ours and now - self._fs.fs.modified(path) > timedelta(days=1):
                    self._fs.fs.rm_file(path)

    def _abort_before(self, before: datetime) -> None:
        bucket, _, prefix = self._root.strip("/").partition("/")
        under = f"{prefix}/" if prefix else ""
        of_objects = re.compile(rf"{re.escape(under)}(files/md5/)?[0-9a-f]{{2}}/[0-9a-f]{{30}}(\.dir)?")
        found = self._fs.fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=under)
        for row in found.get("Uploads") or ():
            if row["Initiated"] < before and of_objects.fullmatch(row["Key"]):
                more = {"Bucket": bucket, "Key": row["Key"], "UploadId": row["UploadId"]}
                self._fs.fs.call_s3("abort_multipart_upload", **more)

    def _whole_or_not_at_all(self) -> bool:
        """True where an object that is being put has no name before it is whole."""
        from dvc_objects.fs.base import ObjectFileSystem

        return isinstance(self._fs, ObjectFileSystem) or str(self._fs.protocol).startswith("http")

    def _bounds(self, path: Path, lanes: int) -> dict[str, int]:
        """What keeps memory flat: no more parts of all files together than of two for each that may be put at a time."""
        if self._fs.protocol != "s3":
            return {}
        size = max(PART, -(-path.stat().st_size // PARTS))
        return {"chunksize": size, "max_concurrency": max(1, several.NETWORK // lanes)}
