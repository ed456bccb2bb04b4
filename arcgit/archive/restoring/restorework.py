"""Going through the files of a record: each from the first place that has its bytes, proven, then given its name.

Nothing here raises for one file: what went wrong is a finding, and the others go on.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from arcgit.archive import repair, versions
from arcgit.archive.asking import first, require_size
from arcgit.archive.context import Context
from arcgit.archive.copying import copy
from arcgit.archive.crew import Counted, Crew, Noticed, Progress, StoppedError
from arcgit.archive.fixity import Shelf
from arcgit.archive.holders import Remotes
from arcgit.archive.holdings import Holdings, Stores
from arcgit.archive.placing import opening
from arcgit.archive.placing.destination import Destination, OccupiedError
from arcgit.archive.restoring.gitfiles import GitFile, files_of
from arcgit.archive.restoring.restoreplan import Part, Plan
from arcgit.archive.restoring.restoretally import FileResult, State, Tally
from arcgit.archive.sources import Fault, GitSource, Source, SourceError
from arcgit.dvc.objects import ObjectId
from arcgit.errors import ArcgitError
from arcgit.model.finding import Finding, Severity, as_finding, error, unknown, warning
from arcgit.model.fixity import FixityEntry, FixityList
from arcgit.model.policy import Policy
from arcgit.model.versions import VersionsError

_ENDS_IT_ALL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


@dataclass(frozen=True)
class Settings:
    """How to go about it: `jobs` files at a time; with `force` what is in the way is replaced."""

    tag: str
    tree: str
    force: bool
    jobs: int


class Work:
    """Going through the files, several at a time; what each gave is counted under one lock."""

    def __init__(
        self,
        context: Context,
        policy: Policy,
        settings: Settings,
        wanted: Plan,
        tallies: Mapping[str, Tally],
        progress: Progress,
        on_file: Callable[[FileResult], None],
    ) -> None:
        self._context = context
        self._settings = settings
        self._wanted = wanted
        self._tallies = tallies
        self._progress = progress
        self._on_file = on_file
        self._shelf = Shelf(context)
        self._stores = Stores(Remotes(context, policy), context.root)
        self._crew, self._noticed = Crew(settings.jobs, progress), Noticed()
        self._lock, self._stop, self._say = self._crew.lock, self._crew.stop, self._noticed.say
        self._unlisted: set[str] = set()
        self._in_git: dict[str, dict[str, GitFile]] = {}
        self._total = sum(part.size for part in wanted.parts)

    def run(self, target: Destination) -> None:
        """Restore every wanted file."""
        self._each(lambda part, holdings, entry: self._restore(target, part, holdings, entry))
        target.settle()
        for part in self._wanted.parts:
            if part.fact.kind == "directory" and not part.files:
                try:
                    target.make_folder(part.fact.path)
                except OccupiedError as fault:
                    self._say(_occupied(part.fact.path, str(fault)))
                except OSError as fault:
                    message = f"it cannot be made: {fault.strerror}"
                    self._say(unknown("destination-unwritable", part.fact.path, message))

    def rehearse(self, folder: Path | None) -> None:
        """Say for every wanted file where its bytes would come from, by size alone."""
        there = opening.existing(folder, repo=self._context.repo) if folder is not None else None
        try:
            self._each(lambda part, holdings, entry: self._rehearse(there, part, holdings, entry))
        finally:
            if there is not None:
                there.close()

    def findings(self) -> list[Finding]:
        """Everything that was noticed. A place that could not be opened weighs only where files are missing for it."""
        found = list(self._noticed.said)
        for label, fault in self._stores.faults():
            weighs = any(tally.files.get("failed") for tally in self._tallies.values())
            told = as_finding(fault, f"remote {label}")
            found.append(told if weighs else replace(told, severity=Severity.WARNING))
        return [*found, *self._noticed.more(self._settings.tag)]

    def _each(self, work: Callable[[Part, Holdings, FixityEntry], None]) -> None:
        self._crew.begin("restoring", self._total)
        self._crew.each(
            self._items(), lambda item: work(*item), lambda item: self._record(item[0], item[2], "failed", None)
        )
        self._progress("restoring", self._total, self._total)

    def _items(self) -> Iterator[tuple[Part, Holdings, FixityEntry]]:
        for part in self._wanted.parts:
            holdings = self._holdings(part)
            yield from ((part, holdings, entry) for entry in part.entries)

    def _holdings(self, part: Part) -> Holdings:
        fact = part.fact
        if fact.dvc is None:
            return Holdings(iter([self._git_source(part)]))
        origin = fact.dvc.origin
        stores = self._stores.of(fact.dvc.project or "", fact.dvc.remote, imported=origin is not None)
        files = part.files if isinstance(part.files, FixityList) else None
        oid = ObjectId(fact.dvc.hash, fact.dvc.md5, versions.of_file(fact))
        known = self._versions(part)
        sources = _then(stores, self._stores, origin)
        return Holdings(sources, oid, files, lambda fault: self._passed_over(part, fault), known)

    def _versions(self, part: Part) -> Mapping[str, ObjectId] | None:
        subject = f"{self._settings.tag}: {part.name}"
        try:
            return versions.of_directory(self._context, self._shelf, part.fact, subject)
        except ArcgitError as fault:
            self._say(unknown(fault.code, subject, fault.message, hint=fault.hint))
        except VersionsError as fault:
            self._say(error("fixity-list", subject, str(fault)))
        # Its files may still be found by their hashes, where anybody has a listing of them.
        return None

    def _git_source(self, part: Part) -> Source:
        try:
            files = files_of(self._context.repo, part.fact, self._settings.tree)
        except ArcgitError as fault:
            # Each of its files is found to be missing as well; this says why.
            self._say(as_finding(fault, f"{self._settings.tag}: {part.name}"))
            files = {}
        self._in_git[part.name] = files
        return GitSource(self._context.repo, {path: file.oid for path, file in files.items()})

    def _restore(self, target: Destination, part: Part, holdings: Holdings, entry: FixityEntry) -> None:
        path = part.path(entry)
        try:
            standing = target.look(path, entry.sha256, entry.size)
            if standing.state == "same":
                self._record(part, entry, "kept", None)
                self._crew.count(entry.size)
                return
            if standing.state == "other" and not self._settings.force:
                raise OccupiedError(standing.what)
            if not self._fetch(target, part, holdings, entry, path):
                self._record(part, entry, "failed", None)
        except StoppedError:
            self._record(part, entry, "failed", None)
        except (OccupiedError, OSError) as fault:
            self._placed(part, entry, "", fault)

    def _placed(self, part: Part, entry: FixityEntry, source: str, fault: OccupiedError | OSError | None) -> None:
        """A file has its name, or could not get it."""
        path = part.path(entry)
        if isinstance(fault, OccupiedError):
            self._say(_occupied(path, str(fault)))
        elif fault is not None:
            over = fault.errno in _ENDS_IT_ALL
            hint = "make room or write access there, then run the same command again: it goes on" if over else ""
            self._say(unknown("destination-unwritable", path, f"it cannot be written: {fault.strerror}", hint=hint))
            if over:
                self._stop.set()
        self._record(part, entry, "restored" if fault is None else "failed", source or None)

    def _fetch(self, target: Destination, part: Part, holdings: Holdings, entry: FixityEntry, path: str) -> bool:
        """Have the bytes from the first source with good ones put in place. False where none has them."""

        def take(source: Source, oid: ObjectId | None) -> None:
            counted = Counted(self._crew)
            with target.temporary(executable=self._executable(part, entry)) as new:
                try:
                    copy(source, oid, entry, new, counted)
                except SourceError:
                    counted.take_back()
                    raise
                placed = partial(self._placed, part, entry, source.label)
                target.queue(new, path, entry.sha256, entry.size, placed)

        source, faults = first(holdings.candidates(entry.path), take)
        if source is None:
            self._nowhere(part, holdings, entry, faults)
            return False
        for earlier in faults:
            self._passed_over(part, earlier, entry=entry)
        return True

    def _rehearse(self, there: Destination | None, part: Part, holdings: Holdings, entry: FixityEntry) -> None:
        path = part.path(entry)
        try:
            standing = there.look(path, entry.sha256, entry.size) if there is not None else None
        except OSError as fault:
            self._say(unknown("destination-unwritable", path, f"it cannot be read: {fault.strerror}"))
            standing = None
        if standing is not None and standing.state == "same":
            self._record(part, entry, "kept", None)
            return
        if standing is not None and standing.state == "other" and not self._settings.force:
            self._say(_occupied(path, standing.what))
            self._record(part, entry, "failed", None)
            return

        def take(source: Source, oid: ObjectId | None) -> None:
            try:
                size = source.size(oid, entry.path)
            except (ArcgitError, OSError) as fault:
                words = fault.message if isinstance(fault, ArcgitError) else str(fault.strerror)
                raise SourceError("unreadable", words) from fault
            require_size(source, size, entry.size)
            self._record(part, entry, "planned", source.label)
            self._crew.count(entry.size)

        source, faults = first(holdings.candidates(entry.path), take)
        if source is None:
            self._nowhere(part, holdings, entry, faults)
            self._record(part, entry, "failed", None)

    def _executable(self, part: Part, entry: FixityEntry) -> bool:
        file = self._in_git.get(part.name, {}).get(entry.path)
        return file is not None and file.executable

    def _nowhere(self, part: Part, holdings: Holdings, entry: FixityEntry, faults: Sequence[Fault]) -> None:
        """No place had the bytes of a file: the finding says of each what it had instead."""
        path, what = part.path(entry), "the bytes that were sealed"
        if not faults and holdings.faults:
            # Without a listing nobody knows which objects to ask for; it is said once for all files.
            faults, path, what = holdings.faults, part.fact.path, "the listing of this directory"
            with self._lock:
                if part.name in self._unlisted:
                    return
                self._unlisted.add(part.name)
        kinds = {fault.kind for fault in faults}
        each = "; ".join(dict.fromkeys(f"{fault.source}: {fault.words}" for fault in faults)) or "nothing names a place"
        message = f"no place has {what}: {each}"
        subject = f"{self._settings.tag}: {path}"
        found = next((fault.found for fault in faults if fault.found), "")
        if "unreadable" in kinds or not faults:
            hint = "look at address, access and credentials: dvc remote list"
            self._say(unknown("object-unreadable", subject, message, expected=entry.sha256, found=found, hint=hint))
        elif kinds == {"missing"}:
            hint = self._elsewhere(part)
            self._say(error("object-missing", subject, message, expected=entry.sha256, hint=hint))
        else:
            code = "md5-collision" if "collision" in kinds else "object-corrupt"
            hint = f"{self._elsewhere(part)}; never dvc push over it"
            self._say(error(code, subject, message, expected=entry.sha256, found=found, hint=hint))

    def _elsewhere(self, part: Part) -> str:
        """Where good bytes may still be when every place that this clone knows was asked."""
        if part.fact.dvc is None:
            return "git fetch from a clone that has this commit whole"
        if part.fact.dvc.version is not None or part.fact.dvc.versions is not None:
            return f"in a clone that still has good bytes in DVC's cache: arcgit restore {self._settings.tag} --to DIR"
        return repair.elsewhere(part.fact.dvc.remote or "REMOTE", self._settings.tag)

    def _passed_over(self, part: Part, fault: Fault, entry: FixityEntry | None = None) -> None:
        """A place did not give what it should have; a replica need not have everything."""
        if fault.kind == "missing" and fault.replica:
            return
        path = part.path(entry) if entry is not None else part.fact.path
        what = f"the object {fault.oid}" if fault.oid else "it"
        message = f"{what} in `{fault.source}` was passed over: {fault.words}"
        expected = entry.sha256 if entry is not None and fault.found else ""
        hint = "repair it from a good copy; never dvc push over it" if fault.kind in {"corrupt", "collision"} else ""
        subject = f"{self._settings.tag}: {path}"
        passed = warning(fault.code, subject, message, expected=expected, found=fault.found, hint=hint)
        self._noticed.passed_over(fault.source, passed)

    def _record(self, part: Part, entry: FixityEntry, state: State, source: str | None) -> None:
        result = FileResult(part.path(entry), part.name, entry.size, entry.sha256, state, source)
        with self._lock:
            self._tallies[part.name].add(result)
            self._on_file(result)


def _then(stores: Iterator[Source], opened: Stores, origin: Mapping[str, str] | None) -> Iterator[Source]:
    yield from stores
    if origin is not None:
        yield from opened.imported(origin)


def _occupied(path: str, what: str) -> Finding:
    hint = "move it away, restore into another folder, or replace it: --force"
    return error("destination-occupied", path, f"it was not written: {what}", hint=hint)
