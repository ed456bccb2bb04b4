"""Which files of a record are to be restored, and whether their names may be written at all."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple, overload

from arcgit.archive import fixity as fixity_ref
from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf
from arcgit.archive.placing.destination import STAGING_PREFIX
from arcgit.errors import ArcgitError, RefusedError, UsageError
from arcgit.model import fixity, paths
from arcgit.model.finding import Finding, unknown
from arcgit.model.fixity import FixityEntry
from arcgit.model.names import RecordName
from arcgit.model.record import ArtifactFact, Record
from arcgit.model.text import escape

GLOB = frozenset("*?[")


class Part(NamedTuple):
    """One artifact with those of its files that are wanted; a file has one entry, whose path is empty."""

    name: str
    fact: ArtifactFact
    entries: Sequence[FixityEntry]
    files: Sequence[FixityEntry]

    def path(self, entry: FixityEntry) -> str:
        """Where a file goes below the destination."""
        return f"{self.fact.path}/{entry.path}" if entry.path else self.fact.path

    @property
    def size(self) -> int:
        """Bytes of the wanted files."""
        return sum(entry.size for entry in self.entries)


@dataclass(frozen=True)
class Plan:
    """What is to be restored; `findings` say which artifacts cannot be, because their list is not at hand."""

    parts: list[Part]
    findings: list[Finding]
    artifacts: int

    @property
    def whole(self) -> bool:
        """True where nothing of the record was left out by choice."""
        return len(self.parts) == self.artifacts and all(len(part.entries) == len(part.files) for part in self.parts)


def plan(context: Context, name: RecordName, record: Record, only: Sequence[str]) -> Plan:
    """The wanted files, every name of them safe. Raises UsageError where a choice names nothing, RefusedError."""
    shelf = Shelf(context)
    choices = [_Choice(text) for text in only]
    parts: list[Part] = []
    findings: list[Finding] = []
    for key, fact in record.predicate.artifacts.items():
        chosen = [choice for choice in choices if choice.reaches(key, fact)]
        if only and not chosen:
            continue
        try:
            files = _files(context, shelf, fact, f"{name.tag}: {key}")
        except ArcgitError as fault:
            if isinstance(fault, RefusedError):
                raise
            findings.append(unknown(fault.code, f"{name.tag}: {key}", fault.message, hint=fault.hint))
            for choice in chosen:
                choice.used = True
            continue
        entries = _chosen(files, chosen, key, fact) if only else files
        if entries or not only or any(choice.takes(key, fact) for choice in chosen):
            parts.append(Part(key, fact, entries, files))
    if unused := [choice.text for choice in choices if not choice.used]:
        facts = record.predicate.artifacts
        there = ", ".join(f"{key} ({fact.role}, {escape(fact.path)})" for key, fact in list(facts.items())[:20])
        message = f"the record has nothing that `{escape(unused[0])}` names; it has {there}"
        raise UsageError("selection-unknown", message, f"arcgit show {name.short_id}")
    _require_safe(parts)
    return Plan(parts, findings, len(record.predicate.artifacts))


class _Chosen(Sequence[FixityEntry]):
    """Some of the files of an artifact, in their order."""

    def __init__(self, files: Sequence[FixityEntry], places: array[int]) -> None:
        self._files = files
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> FixityEntry: ...
    @overload
    def __getitem__(self, place: slice) -> list[FixityEntry]: ...
    def __getitem__(self, place: int | slice) -> FixityEntry | list[FixityEntry]:
        if isinstance(place, slice):
            return [self._files[number] for number in self._places[place]]
        return self._files[self._places[place]]


def _chosen(
    files: Sequence[FixityEntry], chosen: Sequence[_Choice], key: str, fact: ArtifactFact
) -> Sequence[FixityEntry]:
    places = array("I", (place for place, entry in enumerate(files) if _wanted(chosen, key, fact, entry)))
    return files if len(places) == len(files) else _Chosen(files, places)


def _wanted(chosen: Sequence[_Choice], key: str, fact: ArtifactFact, entry: FixityEntry) -> bool:
    # Every choice is asked, so that each knows whether it was of use.
    return any([choice.wants(key, fact, entry) for choice in chosen])  # noqa: C419


class _Choice:
    """One `--only`: a role, an artifact's name, a path, a folder, or a pattern as in .gitignore."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.used = False
        self._path = text.removeprefix("./").rstrip("/")
        self._pattern = None
        if not GLOB.isdisjoint(text):
            from pathspec import GitIgnoreSpec  # noqa: PLC0415

            self._pattern = GitIgnoreSpec.from_lines([text.removeprefix("./")])

    def takes(self, key: str, fact: ArtifactFact) -> bool:
        """True where it means the whole artifact."""
        means = self._path in {key, fact.role, fact.path} or fact.path.startswith(f"{self._path}/")
        self.used = self.used or means
        return means

    def reaches(self, key: str, fact: ArtifactFact) -> bool:
        """True where it means the artifact or may mean something inside of it."""
        inside = fact.kind == "directory" and self._path.startswith((f"{fact.path}/", f"{key}/"))
        return self.takes(key, fact) or inside or self._pattern is not None

    def wants(self, key: str, fact: ArtifactFact, entry: FixityEntry) -> bool:
        """True where it means this file."""
        if self.takes(key, fact):
            return True
        whole = [f"{base}/{entry.path}" if entry.path else base for base in (fact.path, key)]
        means = any(path == self._path or path.startswith(f"{self._path}/") for path in whole)
        means = means or (self._pattern is not None and any(map(self._pattern.match_file, whole)))
        self.used = self.used or means
        return means


def _files(context: Context, shelf: Shelf, fact: ArtifactFact, subject: str) -> Sequence[FixityEntry]:
    """Every file of an artifact. Raises RefusedError for a list that is none, UndeterminedError without one."""
    if fact.kind == "file":
        return (FixityEntry(fact.sha256, fact.size, ""),)
    try:
        return fixity_ref.entries(context, shelf, fact.sha256, subject)
    except fixity.FixityError as fault:
        hint = "nothing was written; ask who sealed it"
        raise RefusedError("fixity-list", f"{subject}: {fault}", hint) from fault


def _require_safe(parts: Sequence[Part]) -> None:
    """Raise RefusedError where a name could lead elsewhere, or two names be one file, here or on another system."""
    for part in parts:
        _require_name(part.fact.path)
        for entry in part.entries:
            _require_name(part.path(entry))
    twice = _twice(parts)
    if twice:
        alike = ((part, entry) for part in parts for entry in part.entries)
        _require_apart(
            parts, [item for item in alike if any(hash(key) in twice for key in _keys(item[0].path(item[1])))]
        )


def _twice(parts: Sequence[Part]) -> AbstractSet[int]:
    """What the keys of names hash to that more than one file or folder may have. A key that is not in it is the only one.

    Nothing of very many names is kept but eight bytes each.
    """
    hashes = paths.Hashes()
    folders: set[str] = set()

    def note(name: str) -> None:
        hashes.note(paths.twin_key(name))

    for part in parts:
        folder = part.fact.kind == "directory"
        above = {*_folders(part.fact.path), *([part.fact.path] if folder else [])}
        for name in sorted(above - folders):
            note(name)
        folders |= above
        # In the order of their paths the files of a folder stand together: it is met where they begin.
        last = f"{part.fact.path}/"
        for entry in part.entries:
            path = part.path(entry)
            begin = path[: path.rfind("/") + 1]
            if folder and begin != last:
                for name in _folders(path):
                    if not last.startswith(f"{name}/"):
                        note(name)
                last = begin
            note(path)
    return hashes.twice()


def _keys(path: str) -> Iterator[str]:
    """What a file and the folders on its way are called on file systems that take several names for one."""
    return (paths.twin_key(name) for name in (*_folders(path), path))


def _require_apart(parts: Sequence[Part], items: Iterable[tuple[Part, FixityEntry]]) -> None:
    """Raise RefusedError where two of these files cannot both be there."""
    seen: dict[str, FixityEntry] = {}
    for part, entry in items:
        path = part.path(entry)
        other = seen.setdefault(path, entry)
        if (other.sha256, other.size) != (entry.sha256, entry.size):
            raise _unsafe(f"two artifacts of the record have other bytes for {escape(path)}")
    if pairs := paths.twins(seen):
        first, second = (escape(path) for path in pairs[0])
        raise _unsafe(f"some file systems take {first} and {second} for one file")
    if clash := next((path for path in seen if any(folder in seen for folder in _folders(path))), None):
        raise _unsafe(f"{escape(clash)} lies inside a file of the record")
    if clash := next(
        (part.fact.path for part in parts if part.fact.kind == "directory" and part.fact.path in seen), ""
    ):
        raise _unsafe(f"{escape(clash)} is a file and a folder of the record")


def _require_name(path: str) -> None:
    reason = paths.unsafe_reason(path)
    if not reason and paths.twin_key(path).startswith(STAGING_PREFIX):
        reason = "it is a name that arcgit needs itself"
    if reason:
        raise _unsafe(f"the record names {escape(path)}: {reason}")


def _unsafe(message: str) -> RefusedError:
    return RefusedError("path-unsafe", message, "nothing was written; --only restores what is named safely")


def _folders(path: str) -> Iterator[str]:
    at = path.find("/")
    while at != -1:
        yield path[:at]
        at = path.find("/", at + 1)
