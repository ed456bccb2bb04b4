"""The files of the index, of a rev or of the work tree, read through git's plumbing and without any filter.

Light enough for a commit hook: no library but the standard one. In a hook, `extra` carries the variables that git set
for it, so that a partial commit is judged by its own index.
"""

from __future__ import annotations

import os
import stat
import subprocess
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, NamedTuple

from arcgit.errors import RefusedError
from arcgit.git import plumbing
from arcgit.model.gitobject import object_id

MAX_FILE_BYTES = 64 * 1024 * 1024
REGULAR = frozenset({"100644", "100755"})


class Entry(NamedTuple):
    """A path's git mode and blob oid; the oid is empty for an untracked file of the work tree."""

    mode: str
    oid: str


class Snapshot:
    """The files of one state of the repository by repository-relative POSIX path."""

    def __init__(self, label: str, entries: Mapping[str, Entry], reader: _Reader) -> None:
        self.label = label
        self.entries = entries
        self._reader = reader

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.entries)

    def __contains__(self, path: str) -> bool:
        return path in self.entries

    def is_file(self, path: str) -> bool:
        """True for a regular file, not for a link or a submodule."""
        entry = self.entries.get(path)
        return entry is not None and entry.mode in REGULAR

    def below(self, folder: str) -> list[str]:
        """The paths inside a folder, sorted."""
        if not folder:
            return list(self._sorted)
        # "0" is the character after "/".
        return self._sorted[bisect_left(self._sorted, f"{folder}/") : bisect_left(self._sorted, f"{folder}0")]

    def tree_oid(self, folder: str) -> str:
        """The oid that git gives the tree of a folder with exactly these files."""
        prefix = f"{folder}/" if folder else ""
        rows: dict[bytes, bytes] = {}
        for path in self.below(folder):
            name, slash, _ = path[len(prefix) :].partition("/")
            key = os.fsencode(name)
            if not slash:
                entry = self.entries[path]
                rows[key] = b"%s %s\0%s" % (entry.mode.encode(), key, bytes.fromhex(entry.oid))
            elif key + b"/" not in rows:
                # git orders a folder as if its name ended with a slash
                rows[key + b"/"] = b"40000 %s\0%s" % (key, bytes.fromhex(self.tree_oid(prefix + name)))
        return object_id("tree", b"".join(rows[key] for key in sorted(rows)))

    def named(self, *names: str) -> list[str]:
        """The paths whose last component is one of `names` or, for a name such as `*.dvc`, ends with it."""
        ends = tuple(name[1:] for name in names if name.startswith("*"))
        exact = frozenset(names)
        return sorted(
            path for path in self.entries if path.rpartition("/")[2] in exact or (ends and path.endswith(ends))
        )

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes | None:
        """The bytes of a regular file, None where there is none. Raises RefusedError above `limit` bytes."""
        entry = self.entries.get(path)
        if entry is None or entry.mode not in REGULAR:
            return None
        return self._reader.read(path, entry, limit)


class _Reader:
    def __init__(self, root: Path, extra: Mapping[str, str]) -> None:
        self.root = root
        self.extra = extra
        self.process: subprocess.Popen[bytes] | None = None

    def read(self, path: str, entry: Entry, limit: int) -> bytes | None:
        return self.blob(path, entry.oid, limit)

    def blob(self, path: str, oid: str, limit: int) -> bytes:
        stdin, stdout = self._pipes()
        stdin.write(f"{oid}\n".encode())
        stdin.flush()
        header = stdout.readline().split()
        if len(header) != 3:
            raise plumbing.PlumbingError("git-object-missing", f"{path}: its blob {oid} is missing", "git fetch --all")
        size = int(header[2])
        if size > limit:
            raise RefusedError("file-too-large", f"{path} has {size} bytes, more than the {limit} that are read")
        data = stdout.read(size + 1)
        return data[:-1]

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self.process is None:
            self.process = subprocess.Popen(
                plumbing.command(["cat-file", "--batch"]),
                cwd=self.root,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=plumbing.environment(self.extra),
            )
        if self.process.stdin is None or self.process.stdout is None:  # pragma: no cover  both are pipes
            raise plumbing.PlumbingError("git-failed", "git cat-file has no pipes")
        return self.process.stdin, self.process.stdout

    def close(self) -> None:
        if self.process is not None:
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
            self.process.terminate()
            self.process.wait()
            self.process = None


class _WorktreeReader(_Reader):
    def read(self, path: str, entry: Entry, limit: int) -> bytes | None:  # noqa: ARG002  the disk is asked, not git
        try:
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return None
            if status.st_size > limit:
                raise RefusedError("file-too-large", f"{path} has {status.st_size} bytes, more than {limit}")
            return file.read(limit)


@contextmanager
def of_index(root: Path, extra: Mapping[str, str] | None = None) -> Iterator[Snapshot]:
    """What is staged. Unmerged paths are left out: git makes no commit of them."""
    out = plumbing.run(["ls-files", "--stage", "--full-name", "-z", ":/"], cwd=root, extra=extra)
    with _opened("index", _index_entries(out), _Reader(root, dict(extra or {}))) as snapshot:
        yield snapshot


@contextmanager
def of_commit(root: Path, commit: str) -> Iterator[Snapshot]:
    """The tree of a commit oid."""
    out = plumbing.run(["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit], cwd=root)
    entries = {}
    for line in _lines(out):
        meta, path = line.split("\t", 1)
        mode, _, oid = meta.split(" ")
        entries[path] = Entry(mode, oid)
    with _opened(commit, entries, _Reader(root, {})) as snapshot:
        yield snapshot


@contextmanager
def of_worktree(root: Path) -> Iterator[Snapshot]:
    """The files on disk: those that git tracks and those that it neither tracks nor ignores."""
    tracked = _index_entries(plumbing.run(["ls-files", "--stage", "--full-name", "-z", ":/"], cwd=root))
    others = plumbing.run(["ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/"], cwd=root)
    entries = {path: entry for path, entry in tracked.items() if (root / path).is_symlink() or (root / path).exists()}
    entries |= {path: Entry("100644", "") for path in _lines(others)}
    with _opened("work tree", entries, _WorktreeReader(root, {})) as snapshot:
        yield snapshot


def _index_entries(out: bytes) -> dict[str, Entry]:
    entries = {}
    for line in _lines(out):
        meta, path = line.split("\t", 1)
        mode, oid, stage = meta.split(" ")
        if stage == "0":
            entries[path] = Entry(mode, oid)
    return entries


def _lines(out: bytes) -> list[str]:
    return [line.decode(errors="surrogateescape") for line in out.split(b"\0") if line]


@contextmanager
def _opened(label: str, entries: Mapping[str, Entry], reader: _Reader) -> Iterator[Snapshot]:
    try:
        yield Snapshot(label, entries, reader)
    finally:
        reader.close()
