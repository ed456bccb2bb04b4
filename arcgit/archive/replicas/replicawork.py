"""Copying the wanted objects into a replica, and reading each of them back from there.

Nothing here raises for one object: what went wrong is a finding, and the others go on. Where the place itself gives out
(full, read-only, gone) the run ends, and `stopped` says why.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, compress
from typing import Literal, NamedTuple

from arcgit import crash
from arcgit.archive.asking import first, require_size
from arcgit.archive.copying import copy, copy_by_md5
from arcgit.archive.crew import Counted, Crew, Noticed, Progress, StoppedError
from arcgit.archive.placing.destination import OccupiedError
from arcgit.archive.replicas import replicafindings
from arcgit.archive.replicas.replicaobjects import ReplicaPlan, Wanted
from arcgit.archive.replicas.replicaplace import Digests, Place, gives_out, unwritable
from arcgit.archive.sources import Fault, Source, SourceError
from arcgit.dvc.objects import ObjectId, ObjectProblem
from arcgit.errors import ArcgitError
from arcgit.model.finding import Finding, unknown
from arcgit.model.text import word

State = Literal["copied", "kept", "failed", "planned"]
_UNPROVEN = -1
_STATES: tuple[State, ...] = ("copied", "kept", "failed", "planned")


class ObjectResult(NamedTuple):
    """What became of one object, and where its bytes came from (or would come from)."""

    wanted: Wanted
    state: State
    source: str | None


@dataclass
class Tally:
    """Objects and bytes."""

    objects: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        self.objects += 1
        self.bytes += size


@dataclass
class ReplicaWork:
    """The objects on their way into places, by project; `jobs` go at a time. `stopped` is the error that ended it."""

    places: Mapping[str, Place]
    objects: ReplicaPlan
    jobs: int
    progress: Progress
    stopped: ArcgitError | None = None

    def __post_init__(self) -> None:
        self._crew, self._noticed = Crew(self.jobs, self.progress), Noticed()
        self._lock, self._stop, self._say = self._crew.lock, self._crew.stop, self._noticed.say
        self._wrong: set[int] = set()
        number = len(self.objects)
        # One more than the place of what it is among those that are known; 0 for nothing yet.
        self._states, self._sources = bytearray(number), array("H", bytes(2 * number))
        self._labels: list[str] = []
        self._proven = array("q", [_UNPROVEN]) * number

    def results(self) -> Iterator[ObjectResult]:
        """What became of the objects that anything became of."""
        for number, state in enumerate(self._states):
            if state:
                source = self._sources[number]
                label = self._labels[source - 1] if source else None
                yield ObjectResult(self.objects[number], _STATES[state - 1], label)

    def count(self, state: State) -> Tally:
        """How many objects ended so, and their bytes."""
        tally, wanted = Tally(), _STATES.index(state) + 1
        for number, found in enumerate(self._states):
            if found == wanted:
                tally.add(self.objects.size(number))
        return tally

    def proven(self, number: int) -> int | None:
        """The size of an object that was read back and is what it must be, None for any other."""
        size = self._proven[number]
        return None if size == _UNPROVEN else size

    def read_back_of(self, numbers: Iterable[int]) -> Tally:
        """Those of these objects that were read back and are what they must be."""
        tally = Tally()
        for size in map(self.proven, numbers):
            if size is not None:
                tally.add(size)
        return tally

    def copy(self) -> None:
        """Copy what is not there; the listings once everything else is."""
        missing = self._missing()
        self._begin("copying", _marked(missing))
        for listings in (False, True):
            self._each((number for number in self.objects.numbers(listings=listings) if missing[number]), self._bring)
            self._settle()
        if self.stopped is None:
            crash.point("replica-copied")

    def _settle(self) -> None:
        for place in self.places.values():
            try:
                place.settle()
            except OSError as fault:
                self._give_up(unwritable(place.name, str(fault.strerror or fault)))

    def rehearse(self) -> None:
        """Say of each object where it would come from, by size alone."""
        missing = self._missing()
        self._begin("looking", _marked(missing))
        self._each((number for number in self._in_order() if missing[number]), self._look_for)

    def read_back(self) -> None:
        """Read every object from its place and hash it."""
        there = bytearray(self._there(number) for number in range(len(self.objects)))
        self._begin("reading back", _marked(there))
        self._each((number for number in self._in_order() if there[number]), self._prove)
        if self.stopped is None:
            crash.point("replica-proven")

    def in_the_way(self, number: int) -> bool:
        """True where something else stands in the place under the name of the object."""
        return number in self._wrong

    def findings(self) -> list[Finding]:
        """Everything that was noticed, and what ended the run."""
        return [*self._noticed.said, *self._noticed.more()]

    def _there(self, number: int) -> bool:
        return self._states[number] in {_STATES.index("copied") + 1, _STATES.index("kept") + 1}

    def _in_order(self) -> Iterator[int]:
        return chain(self.objects.numbers(listings=False), self.objects.numbers(listings=True))

    def _missing(self) -> bytearray:
        """1 for each object that is to be brought."""
        found = bytearray(len(self.objects))

        def look(wanted: Wanted) -> None:
            found[wanted.number] = self._is_missing(wanted)

        self._each(self._in_order(), look)
        return found

    def _is_missing(self, wanted: Wanted) -> bool:
        """True where the object is to be brought; what stands there is kept, and read back like the others."""
        place = self.places[wanted.project]
        with self._guarded(place, wanted):
            state = place.look(wanted.oid)
            if state is None:
                return True
            if isinstance(state, ObjectProblem):
                self._in_the_way(place, wanted, state.reason)
            elif wanted.size is not None and state != wanted.size:
                self._in_the_way(place, wanted, f"it has {state} bytes instead of {wanted.size}")
            else:
                self._end(wanted, "kept", None)
        return False

    def _bring(self, wanted: Wanted) -> None:
        place = self.places[wanted.project]
        number = wanted.number
        if self.objects.blocked(number) or not all(map(self._there, self.objects.members(number))):
            # DVC takes the contents of a directory for granted once its listing is there.
            self._end(wanted, "failed", None)
            return
        with self._guarded(place, wanted):
            if not self._fetch(place, wanted):
                self._end(wanted, "failed", None)

    def _fetch(self, place: Place, wanted: Wanted) -> bool:
        """Have the bytes from the first source with good ones put into the place. False where none has them."""
        faults: list[Fault] = []
        for source, oid in self._candidates(wanted):
            counted = Counted(self._crew)
            with place.staged(wanted.sha256) as staged:
                try:
                    if wanted.sha256 is not None:
                        copy(source, oid, wanted.entry, staged, counted)
                    else:
                        copy_by_md5(source, wanted.oid, wanted.size, staged, counted)
                    _require_name(wanted, staged.digests())
                except SourceError as fault:
                    counted.take_back()
                    value = oid.value if oid is not None else ""
                    faults.append(Fault(source.label, source.replica, value, fault.kind, fault.words, fault.found))
                    continue
                crash.point("replica-staged")
                place.put(staged, wanted.oid, partial(self._placed, place, wanted, source.label))
            for earlier in faults:
                self._passed_over(wanted, earlier)
            return True
        self._nowhere(wanted, faults)
        return False

    def _placed(self, place: Place, wanted: Wanted, source: str, fault: OccupiedError | OSError | None) -> None:
        """An object has its name, or could not get it."""
        if fault is not None:
            self._went_wrong(place, wanted, fault)
            return
        crash.point("replica-placed")
        self._end(wanted, "copied", source)

    def _candidates(self, wanted: Wanted) -> Iterator[tuple[Source, ObjectId | None]]:
        """Every source but the place itself, which does not have it."""
        place = self.places[wanted.project]
        for source, oid in wanted.holdings.candidates(wanted.relpath):
            if source.label != place.name:
                yield source, oid

    def _look_for(self, wanted: Wanted) -> None:

        def take(source: Source, oid: ObjectId | None) -> None:
            try:
                size = source.size(oid, wanted.relpath)
            except (ArcgitError, OSError) as fault:
                raise SourceError("unreadable", str(fault)) from fault
            require_size(source, size, wanted.size)
            self._end(wanted, "planned", source.label)
            self._crew.count(size or wanted.size or 0)

        source, faults = first(self._candidates(wanted), take)
        if source is None:
            self._nowhere(wanted, faults)
            self._end(wanted, "failed", None)

    def _prove(self, wanted: Wanted) -> None:
        place = self.places[wanted.project]
        with self._guarded(place, wanted):
            try:
                found = place.read(wanted.oid, self._crew.go_on, md5=wanted.sha256 is None)
                if wanted.sha256 not in (None, found.sha256):
                    # Seldom, and only to tell what is wrong with it, whatever it is by now.
                    found = found._replace(md5=place.read(wanted.oid, lambda number: None, md5=True).md5)
            except FileNotFoundError:
                self._fail(wanted, replicafindings.lost(place.name, wanted))
                return
            wrong = replicafindings.mismatch(place.name, wanted, found)
            if wrong is None:
                self._proven[wanted.number] = found.size
                return
            self._wrong.add(wanted.number)
            self._fail(wanted, wrong)

    @contextmanager
    def _guarded(self, place: Place, wanted: Wanted) -> Iterator[None]:
        """What goes wrong with the place is about this object, or the end of the run."""
        try:
            yield
        except StoppedError:
            self._end(wanted, "failed", None)
        except (OccupiedError, OSError, ArcgitError) as fault:
            self._went_wrong(place, wanted, fault)

    def _went_wrong(self, place: Place, wanted: Wanted, fault: OccupiedError | OSError | ArcgitError) -> None:
        if isinstance(fault, OccupiedError):
            self._in_the_way(place, wanted, str(fault))
            return
        words = fault.message if isinstance(fault, ArcgitError) else str(fault.strerror or fault)
        if gives_out(fault):
            self._end(wanted, "failed", None)
            self._give_up(unwritable(place.name, words))
            return
        message = f"the object {wanted.oid.value} in `{place.name}`: {words}"
        hint = f"look at rights and connection there: dvc remote list; then arcgit replicate {word(place.name)}"
        self._fail(wanted, unknown("replica-unwritable", wanted.subject, message, hint=hint))

    def _give_up(self, fault: ArcgitError) -> None:
        self._stop.set()
        with self._lock:
            self.stopped = self.stopped or fault

    def _in_the_way(self, place: Place, wanted: Wanted, why: str) -> None:
        self._wrong.add(wanted.number)
        self._fail(wanted, replicafindings.in_the_way(place.name, wanted, why))

    def _nowhere(self, wanted: Wanted, faults: Iterable[Fault]) -> None:
        self._say(replicafindings.nowhere(wanted, list(faults)))

    def _passed_over(self, wanted: Wanted, fault: Fault) -> None:
        """A place did not give what it should have; a replica need not have everything."""
        if fault.kind == "missing" and fault.replica:
            return
        passed = replicafindings.passed_over(wanted, fault)
        self._noticed.passed_over(fault.source, passed)

    def _fail(self, wanted: Wanted, finding: Finding) -> None:
        self._say(finding)
        self._end(wanted, "failed", None)

    def _end(self, wanted: Wanted, state: State, source: str | None) -> None:
        with self._lock:
            if source is not None and source not in self._labels:
                self._labels.append(source)
            self._states[wanted.number] = _STATES.index(state) + 1
            self._sources[wanted.number] = self._labels.index(source) + 1 if source is not None else 0

    def _begin(self, what: str, numbers: Iterable[int]) -> None:
        self._crew.begin(what, sum(map(self.objects.size, numbers)))

    def _each(self, numbers: Iterable[int], work: Callable[[Wanted], None]) -> None:
        self._crew.each(map(self.objects.__getitem__, numbers), work)


def _marked(flags: bytearray) -> Iterator[int]:
    return compress(range(len(flags)), flags)


def _require_name(wanted: Wanted, found: Digests) -> None:
    """Raise SourceError where good bytes would stand under a name that DVC has for others."""
    if wanted.oid.hash_name == "md5" and found.md5 != wanted.oid.value.removesuffix(".dir"):
        raise SourceError(
            "corrupt", f"the bytes that were sealed have the md5 {found.md5}, and DVC's listing says another"
        )
