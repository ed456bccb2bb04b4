"""One repository: its places, its objects and single refs through pygit2, the rest of its refs through git's plumbing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from arcgit import crash
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git import objects, opening, packs, plumbing
from arcgit.git.loose import LooseObjects
from arcgit.git.objects import Objects
from arcgit.git.obstacles import LockHeldError, obstacle, plainly
from arcgit.git.refs import BARE_FORMAT, FORMAT, Refs, with_kinds
from arcgit.model.gitobject import MAX_OBJECT_BYTES, object_id
from arcgit.model.notetree import RawObject

ZERO = "0" * 40
WRITES = 10
_PARENT = re.compile(rb"^parent ([0-9a-f]{40})$", re.MULTILINE)
_OID = re.compile("[0-9a-f]{40}")
_KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


class MissingObjectError(UndeterminedError):
    """An object that a ref or another object names is not in this clone."""


class WrongKindError(RefusedError):
    """An object is of another type than what names it needs, or too large: `oid` is of type `kind`."""

    def __init__(self, oid: str, message: str, kind: str) -> None:
        super().__init__("object-corrupt", message)
        self.oid, self.kind = oid, kind


class HistoryBrokenError(Exception):
    """A history cannot be read in one go."""


class RefMovedError(RefusedError):
    """A ref is not what it was when the update was made: read it again and decide anew."""


@dataclass(frozen=True)
class RefUpdate:
    """One part of a transaction: `old` is what the ref must be now, `ZERO` for absent; `new` is `ZERO` to delete."""

    ref: str
    new: str
    old: str


class Repository:
    """A git repository. `root` is the top of the work tree, or the git folder where there is none.

    What is read is always hashed again. Unless it is `only_read`, libgit2 also looks for SHA-1 collisions made by known
    attacks; that takes longer than the rest of the reading, and a list judges nothing.
    """

    def __init__(self, start: Path, *, only_read: bool = False) -> None:
        bare, self.object_format, shallow, git_dir, common, *top = opening.where(start)
        self.bare = bare == "true"
        self.shallow = shallow == "true"
        self.git_dir = Path(git_dir)
        self.common_dir = (start / common).resolve()
        if self.object_format != "sha1":
            message = f"the repository uses {self.object_format} object names, which arcgit cannot seal or check yet"
            hint = "a copy with sha1 names: git init --object-format=sha1 COPY && "
            hint += "git fast-export --all --signed-tags=strip | git -C COPY fast-import"
            raise UndeterminedError("object-format-unsupported", message, hint)
        self.root = self.git_dir if self.bare else Path(*top)
        self._loose = LooseObjects(self.common_dir)
        opened = opening.opened(self.common_dir, strict=not only_read)
        self._odb, self._find_ref = opened.odb, opened.lookup_reference

    @property
    def private_dir(self) -> Path:
        """Where arcgit keeps what may be deleted at any time."""
        return self.common_dir / "arcgit"

    def kind_and_size(self, oid: str) -> tuple[str, int] | None:
        """Type and size in bytes of an object, or None where it is missing."""
        if not _OID.fullmatch(oid):
            return None
        if not hasattr(self._odb, "read_header"):  # pygit2 before 1.19, the last for Python 3.10
            return self._ask_git(oid) if self._odb.exists(oid) else None
        try:
            kind, size = self._odb.read_header(oid)
        except KeyError:
            return None
        return _KINDS.get(kind, "unknown"), size

    def _ask_git(self, oid: str) -> tuple[str, int]:
        answer = plumbing.run(["cat-file", "--batch-check"], cwd=self.common_dir, stdin=f"{oid}\n".encode()).split()
        if len(answer) != 3:
            raise RefusedError("object-corrupt", f"git cannot read the header of {oid}", "git fsck")
        return answer[1].decode(), int(answer[2])

    def read(self, oid: str, kind: str, limit: int = MAX_OBJECT_BYTES) -> bytes:
        """The raw bytes of an object, hashed again after reading.

        Raises MissingObjectError where it is not there, RefusedError `object-corrupt` where it is not what it says.
        """
        try:
            if _OID.fullmatch(oid) and (fault := self._loose.fault(oid)):
                raise RefusedError("object-corrupt", f"git cannot read {kind} {oid}: {fault}", "git fsck")
            found = self.kind_and_size(oid)
            if found is None:
                raise MissingObjectError("git-object-missing", f"{kind} {oid} is not in this clone", self.fetch_hint())
            if found[0] != kind or found[1] > limit:
                raise WrongKindError(oid, f"{oid} is a {found[0]} of {found[1]} bytes, not a {kind} to read", found[0])
            raw: bytes = self._odb.read(oid)[1]
        except (KeyError, ValueError, OSError, opening.git_error()) as error:
            raise RefusedError("object-corrupt", f"git cannot read {kind} {oid}: {error}", "git fsck") from error
        if object_id(kind, raw) != oid:
            raise RefusedError("object-corrupt", f"the bytes of {kind} {oid} have another name", "git fsck")
        return raw

    @property
    def partial(self) -> bool:
        """True where some objects were left with the remote (`git clone --filter`); a plain fetch leaves them too."""
        return any((self.common_dir / "objects" / "pack").glob("*.promisor"))

    def fetch_hint(self) -> str:
        """The command that completes a shallow or partial clone."""
        if self.shallow:
            return "git fetch --unshallow --tags"
        if self.partial:
            # Any other fetch of a partial clone leaves out what the first one left out.
            return "git fetch --refetch --no-filter --tags"
        return "git fetch --all --tags"

    @contextmanager
    def held(self, objects: Sequence[RawObject | packs.LaidObject]) -> Iterator[None]:
        """Write objects, and keep git's garbage collection off them while the refs that shall name them are made.

        Raises UndeterminedError `git-write-failed` where they cannot be written; nothing is left of them then.
        """
        folder = self.common_dir / "objects" / "pack"
        # What is large is then no more in git's memory as a whole than in this one.
        arguments = ["-c", "core.bigFileThreshold=1m", "index-pack", "--stdin", f"--keep={packs.reason()}"]
        data = packs.pack(objects)
        code, out, err = plumbing.try_run(arguments, cwd=self.root, stdin=data)
        for _ in range(WRITES):
            # `git gc --prune=now` takes away even a temporary file that is just being written.
            if code == 0 or b"No such file or directory" not in err:
                break
            code, out, err = plumbing.try_run(arguments, cwd=self.root, stdin=data)
        if code != 0:
            # On a full disk git may have made this file and could not write into it whose it is.
            with suppress(OSError):
                (folder / f"pack-{data[-20:].hex()}.keep").unlink(missing_ok=True)
            words = err.decode(errors="replace") + ("" if code > 0 else f" (signal {-code})")
            hint = "look at space and rights: df . ; ls -ld .git/objects"
            failed = UndeterminedError("git-write-failed", f"git cannot write objects: {words.strip()}", hint)
            raise obstacle(words, self.root) or failed
        crash.point("objects-held")
        kept, _, name = out.decode().strip().partition("\t")
        try:
            yield
        finally:
            if kept == "keep":
                (folder / f"pack-{name}.keep").unlink(missing_ok=True)
        crash.point("objects-released")

    def release(self) -> None:
        """Give back to garbage collection what a run that died had held."""
        packs.sweep(self.common_dir / "objects" / "pack")

    def write(self, kind: str, raw: bytes) -> str:
        """Write one object, which nothing keeps from garbage collection, and return its oid; `held` is for a ledger."""
        import pygit2

        codes = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
        try:
            return str(self._odb.write(pygit2.enums.ObjectType(codes[kind]), raw))
        except (OSError, pygit2.GitError) as error:
            raise UndeterminedError("git-write-failed", f"git cannot write an object: {error}") from error

    def refs(self, *prefixes: str) -> Refs:
        """Every ref below the prefixes, read once. The type of one whose object cannot be read is `missing`."""
        code, out, _ = plumbing.try_run(["for-each-ref", f"--format={FORMAT}", *prefixes], cwd=self.root)
        return Refs(out) if code == 0 else self._damaged_refs(prefixes)

    def _damaged_refs(self, prefixes: tuple[str, ...]) -> Refs:
        """One object that is gone must not keep all others from being judged."""
        listed = plumbing.run(["for-each-ref", f"--format={BARE_FORMAT}", *prefixes], cwd=self.root)
        oids = b"".join(line.partition(b" ")[0] + b"\n" for line in listed.split(b"\n") if line)
        return with_kinds(listed, plumbing.run(["cat-file", "--batch-check"], cwd=self.root, stdin=oids))

    def ref(self, name: str) -> str | None:
        """The oid of one full refname, or None where it is not there or names an object that is not.

        A ref of another name that git would take it for does not count. A refname that each linked work tree has for
        itself (`HEAD`) is that of the main one.
        """
        try:
            found = self._find_ref(name)
            oid = str(found.resolve().target)
        except (KeyError, ValueError, opening.git_error()):
            return None
        return oid if found.name == name and self._odb.exists(oid) else None

    def commit_of(self, rev: str) -> str:
        """The commit that user input names. Raises UndeterminedError where there is none."""
        arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}"]
        code, out, _ = plumbing.try_run(arguments, cwd=self.root)
        if code != 0:
            hint = "git log shows the revisions there are"
            raise UndeterminedError("rev-unknown", f"`{rev}` is not a commit of this repository", hint)
        return out.decode().strip()

    def tree_of(self, commit: str) -> str:
        """The tree oid of a commit."""
        raw = self.read(commit, "commit")
        return raw[5:45].decode()

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """True where `descendant` is `ancestor` or has it in its history."""
        arguments = ["merge-base", "--is-ancestor", ancestor, descendant]
        code, _, err = plumbing.try_run(arguments, cwd=self.root)
        if code not in {0, 1}:
            raise plumbing.failure(arguments, err)
        return code == 0

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits, or None where this clone shows none."""
        arguments = ["merge-base", one, other]
        code, out, err = plumbing.try_run(arguments, cwd=self.root)
        if code not in {0, 1}:
            raise plumbing.failure(arguments, err)
        return out.decode().strip() or None

    def first_parents(self, tip: str) -> Iterator[tuple[str, bytes]]:
        """The commits from `tip` back along first parents, with their raw bytes. Raises as `read` does."""
        oid: str | None = tip
        while oid is not None:
            raw = self.read(oid, "commit")
            yield oid, raw
            oid = _parent(raw)

    def batch(self) -> Objects:
        """For reading very many objects in one go."""
        return Objects(folder=str(self.common_dir))

    def history(self, tip: str) -> Iterator[tuple[str, bytes]]:
        """The commits from the first to `tip` along first parents, with their raw bytes, read in one go.

        Raises HistoryBrokenError as soon as that is not possible; `first_parents` says why.
        """
        before = None
        with closing(objects.history(str(self.common_dir), tip)) as commits:
            for oid, shown in commits:
                raw = shown if shown is not None else self._commit(oid)
                if len(raw) > MAX_OBJECT_BYTES or _parent(raw) != before:
                    raise HistoryBrokenError(oid)
                yield oid, raw
                before = oid
        if before != tip:
            raise HistoryBrokenError(tip)

    def _commit(self, oid: str) -> bytes:
        try:
            return self.read(oid, "commit")
        except ArcgitError as fault:
            raise HistoryBrokenError(oid) from fault

    def update_refs(self, updates: Iterable[RefUpdate]) -> None:
        """Apply all updates in one transaction, or none.

        git moves the refs one after the other, in this order, and deletes last: killed in between, it leaves the first of
        them moved and the others locked. A symbolic ref in the place of one becomes a plain one: what it leads to, a branch
        perhaps, is not touched. Raises RefMovedError where a ref has changed or its owner is writing it,
        LockHeldError for a lock that was left behind, UndeterminedError where nothing can be written.
        """
        lines = ["start"]
        for update in updates:
            if update.new == ZERO:
                lines.append(f"delete {update.ref} {update.old}")
            else:
                lines.append(f"update {update.ref} {update.new} {update.old}")
        script = "\n".join([*lines, "prepare", "commit", ""]).encode(errors="surrogateescape")
        code, _, err = plumbing.try_run(["update-ref", "--no-deref", "--stdin"], cwd=self.root, stdin=script)
        if code != 0:
            raise self._not_moved(err.decode(errors="replace"))
        crash.point("refs-moved")

    def _not_moved(self, err: str) -> ArcgitError:
        words = plainly(err)
        found = obstacle(err, self.root)
        if isinstance(found, LockHeldError) and found.busy:
            return RefMovedError(found.code, found.message, found.hint)
        if found is not None:
            return found
        if "; cannot create" in words:
            return RefusedError(
                "bad-ref-name", f"git refused to update the refs: {words}", "git for-each-ref shows them"
            )
        return RefMovedError("ref-moved", f"git refused to update the refs: {words}", "run the command again")


def _parent(commit: bytes) -> str | None:
    """The first parent of a raw commit."""
    found = _PARENT.search(commit.partition(b"\n\n")[0])
    return found[1].decode() if found else None
