"""The files of the index, of a rev or of the work tree, read through git's plumbing and without any filter.

Light enough for a commit hook: no library but the standard one, and of that no heavy part. In a hook, `extra` carries the
variables that git set for it, so that a partial commit is judged by its own index.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from arcgit.errors import RefusedError
from arcgit.git import plumbing
from arcgit.git.child import Child
from arcgit.git.trace import Trace
from arcgit.model.oid import object_id

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_LISTING_BYTES = 256 * 1024 * 1024
REGULAR = frozenset({"100644", "100755"})


class Entry(NamedTuple):
    """A path's git mode and blob oid; the oid is empty for an untracked file of the work tree."""

    mode: str
    oid: str


class Snapshot:
    """The files of one state of the repository by repository-relative POSIX path; `trace` has what was asked of it."""

    def __init__(self, label: str, entries: Mapping[str, Entry], reader: Reader) -> None:
        self.label = label
        self.trace = Trace()
        self.entries: Mapping[str, Entry] = _Watched(entries, self.trace)
        self._entries = entries
        self._in_order: list[str] | None = None
        self._reader = reader

    def prepare(self) -> None:
        """Get ready for reading while the caller does something else."""
        self._reader.start()

    @property
    def _sorted(self) -> list[str]:
        if self._in_order is None:
            self._in_order = sorted(self._entries)
        return self._in_order

    def __contains__(self, path: str) -> bool:
        return path in self.entries

    def is_file(self, path: str) -> bool:
        """True for a regular file, not for a link or a submodule."""
        entry = self.entries.get(path)
        return entry is not None and entry.mode in REGULAR

    def below(self, folder: str) -> list[str]:
        """The paths inside a folder, sorted."""
        self.trace.path(folder)
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
                entry = self._entries[path]
                rows[key] = b"%s %s\0%s" % (entry.mode.encode(), key, bytes.fromhex(entry.oid))
            elif key + b"/" not in rows:
                # git orders a folder as if its name ended with a slash
                rows[key + b"/"] = b"40000 %s\0%s" % (key, bytes.fromhex(self.tree_oid(prefix + name)))
        return object_id("tree", b"".join(rows[key] for key in sorted(rows)))

    def named(self, *names: str) -> list[str]:
        """The paths whose last component is one of `names` or, for a name such as `*.dvc`, ends with it."""
        for name in names:
            self.trace.name(name)
        ends = tuple(name[1:] for name in names if name.startswith("*"))
        exact = frozenset(names)
        return sorted(
            path for path in self._entries if path.rpartition("/")[2] in exact or (ends and path.endswith(ends))
        )

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes | None:
        """The bytes of a regular file, None where there is none. Raises RefusedError above `limit` bytes."""
        entry = self.entries.get(path)
        if entry is None or entry.mode not in REGULAR:
            return None
        return self._reader.read(path, entry, limit)


class _Watched(Mapping[str, Entry]):
    """The entries, with a note of every question: nothing about a snapshot is learnt past its trace."""

    def __init__(self, entries: Mapping[str, Entry], trace: Trace) -> None:
        self._entries = entries
        self._trace = trace

    def __getitem__(self, path: str) -> Entry:
        self._trace.path(path)
        return self._entries[path]

    def __iter__(self) -> Iterator[str]:
        self._trace.everything()
        return iter(self._entries)

    def __len__(self) -> int:
        self._trace.everything()
        return len(self._entries)


class Reader:
    """Blobs through one `git cat-file`, started with the first of them."""

    def __init__(self, folder: str, extra: Mapping[str, str]) -> None:
        self.folder = folder
        self.extra = extra
        self.child: Child | None = None

    def read(self, path: str, entry: Entry, limit: int) -> bytes | None:
        return self._object("blob", path, entry.oid, limit)

    def files_of(self, tree: str) -> dict[str, Entry]:
        """The files of one tree oid, one folder after the other: for few folders, as git makes a list of all at once.

        Raises PlumbingError, and RefusedError where they are too many.
        """
        found: dict[str, Entry] = {}
        folders, left, width = [("", tree)], MAX_LISTING_BYTES, len(tree) // 2
        while folders:
            folder, oid = folders.pop()
            rows = self._object("tree", folder or "the root", oid, left)
            begin = 0
            while begin < len(rows):
                end = rows.find(b"\0", begin)
                mode, _, name = rows[begin:end].partition(b" ")
                if end + width >= len(rows) or end < begin or not name:
                    raise plumbing.PlumbingError("git-object-missing", f"git cannot list the tree {oid}", "git fsck")
                begin += len(mode) + len(name) + 2 + width
                path = folder + name.decode(errors="surrogateescape")
                # As long as its line in the list would be.
                left -= len(path) + 2 * width + 13
                if mode == b"40000":
                    folders.append((f"{path}/", rows[begin - width : begin].hex()))
                else:
                    found[path] = Entry(mode.decode(), rows[begin - width : begin].hex())
        return found

    def start(self) -> Child:
        """The running `git cat-file`; called early, it starts while others work."""
        if self.child is None:
            self.child = plumbing.read_objects(folder=self.folder, extra=self.extra)
        return self.child

    def close(self) -> None:
        if self.child is not None:
            self.child.close()
            self.child = None

    def _object(self, kind: str, path: str, oid: str, limit: int) -> bytes:
        child = self.start()
        child.stdin.write(f"{oid}\n".encode())
        header = child.stdout.readline().split()
        if len(header) != 3 or header[1] != kind.encode():
            raise plumbing.PlumbingError(
                "git-object-missing", f"{path}: its {kind} {oid} is missing", "git fetch --all"
            )
        size = int(header[2])
        if size > limit:
            # The bytes that git still sends must not be taken for the next answer.
            self.close()
            raise RefusedError("file-too-large", f"{path} has {size} bytes, more than the {limit} that are read")
        data = child.stdout.read(size + 1)
        if len(data) != size + 1:
            raise plumbing.PlumbingError("git-failed", f"{path}: git ended before its {kind} {oid} did", "git fsck")
        return data[:-1]


class _WorktreeReader(Reader):
    def __init__(self, folder: str, left_out: frozenset[str]) -> None:
        super().__init__(folder, {})
        self._left_out = left_out

    def read(self, path: str, entry: Entry, limit: int) -> bytes | None:
        if path in self._left_out:
            return self._object("blob", path, entry.oid, limit)
        place = os.path.join(self.folder, path)
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            # A folder cannot even be opened as a file.
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            if status.st_size > limit:
                raise RefusedError("file-too-large", f"{path} has {status.st_size} bytes, more than {limit}")
            return file.read(limit)


@contextmanager
def of_tree(
    tree: str,
    *,
    folder: str = "",
    label: str = "index",
    extra: Mapping[str, str] | None = None,
    listing: Child | None = None,
    objects: Child | None = None,
) -> Iterator[Snapshot]:
    """The files of one tree or commit oid; `folder` is where git runs, by default here.

    `listing` is what `plumbing.list_tree` of it started earlier, so that git worked while others did; `objects` is what
    `plumbing.read_objects` started, where a tree oid has few folders.
    """
    if objects is not None:
        reader = Reader(folder, dict(extra or {}))
        reader.child = objects
        try:
            found = reader.files_of(tree)
        except BaseException:
            reader.close()
            raise
        with _opened(label, found, reader) as snapshot:
            yield snapshot
        return
    child = listing or plumbing.list_tree(tree, folder=folder, extra=extra)
    out = child.stdout.read(MAX_LISTING_BYTES + 1)
    child.close()
    if len(out) > MAX_LISTING_BYTES:
        # A few objects that name each other can stand for more files than any disk holds.
        raise RefusedError(
            "file-too-large", f"the list of the files of {tree} is longer than {MAX_LISTING_BYTES} bytes"
        )
    if child.code != 0:
        raise plumbing.PlumbingError("git-object-missing", f"git cannot list the tree {tree}", "git fsck")
    entries = {}
    for line in _lines(out):
        meta, path = line.split("\t", 1)
        mode, _, oid = meta.split(" ")
        entries[path] = Entry(mode, oid)
    with _opened(label, entries, Reader(folder, dict(extra or {}))) as snapshot:
        yield snapshot


@contextmanager
def of_commit(root: Path, commit: str) -> Iterator[Snapshot]:
    """The tree of a commit oid."""
    with of_tree(commit, folder=str(root), label=commit) as snapshot:
        yield snapshot


@contextmanager
def of_index(root: Path) -> Iterator[Snapshot]:
    """What is staged, as the next commit would have it.

    Where git cannot make a tree of it (a conflict is open, nothing can be written) it is read as it stands, without the
    unmerged paths.
    """
    code, out, _ = plumbing.try_run(plumbing.WRITE_TREE, cwd=root)
    if code == 0:
        with of_tree(out.decode().strip(), folder=str(root)) as snapshot:
            yield snapshot
        return
    out = plumbing.run(["ls-files", "--stage", "--full-name", "-z", ":/"], cwd=root)
    with _opened("index", _index_entries(out), Reader(str(root), {})) as snapshot:
        yield snapshot


@contextmanager
def of_worktree(root: Path) -> Iterator[Snapshot]:
    """The files on disk: those that git tracks and those that it neither tracks nor ignores.

    What a sparse checkout leaves out is as in the index: git calls it unchanged too.
    """
    listed = plumbing.run(["ls-files", "--stage", "-t", "--full-name", "-z", ":/"], cwd=root)
    lines = listed.split(b"\0")
    tracked = _index_entries(b"\0".join(line[2:] for line in lines))
    skipped = frozenset(_index_entries(b"\0".join(line[2:] for line in lines if line.startswith(b"S "))))
    others = plumbing.run(["ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/"], cwd=root)
    present = {path for path in tracked if (root / path).is_symlink() or (root / path).exists()}
    entries = {path: entry for path, entry in tracked.items() if path in present or path in skipped}
    entries |= {path: Entry("100644", "") for path in _lines(others)}
    with _opened("work tree", entries, _WorktreeReader(str(root), skipped - present)) as snapshot:
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
def _opened(label: str, entries: Mapping[str, Entry], reader: Reader) -> Iterator[Snapshot]:
    try:
        yield Snapshot(label, entries, reader)
    finally:
        reader.close()
