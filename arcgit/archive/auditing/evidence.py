"""The records behind experiments: which one matches, which came before, who sealed it, and what changed between them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timezone
from itertools import chain
from typing import overload

from arcgit.archive import read, unsynced
from arcgit.archive.claims import claims
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.lists import Lists
from arcgit.archive.read import Page
from arcgit.archive.row import Row
from arcgit.archive.standing import standing_of
from arcgit.errors import ArcgitError
from arcgit.git.refs import Ref
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding
from arcgit.model.names import LEDGER_REF, RECORD_PREFIX, RecordName, tracking_ref
from arcgit.model.record import Record
from arcgit.model.summary import Summary
from arcgit.report.audit import Signer, Splits
from arcgit.rules import copies, overlap, waivers
from arcgit.rules.changes import Changes, between_records, since_record
from arcgit.rules.copies import Copies
from arcgit.rules.history import NOTHING, Histories
from arcgit.rules.matching import matches
from arcgit.rules.overlap import Contents
from arcgit.rules.reviews import Standing, standing
from arcgit.rules.runs import RunCount
from arcgit.rules.state import RecordState
from arcgit.rules.survival import Clocks

AT_HAND = 64
"""How many records are kept after reading: the next question is mostly about one of the last."""


class Evidence:
    """What tags, ledger and fixity lists of this clone say. A record counts if its tag is the one on the ledger.

    `clocks` count the records whose pages were asked for, by when their data was last proven before the end of the day.
    """

    def __init__(self, context: Context, view: LedgerView | None, today: date | None = None) -> None:
        self.view = view
        self._today = today
        moment = datetime.combine(today or date(9999, 1, 1), time.max, timezone.utc)
        self.clocks = Clocks(moment)
        # By the number of the event that recorded it, whether a record was counted.
        self._counted = bytearray((view.ledger.seq if view else 0) + 1)
        self._histories = Histories(view.ledger if view else None)
        self._context = context
        self._refs = context.repo.refs(RECORD_PREFIX)
        self._lists = Lists(context)
        self._read: dict[str, tuple[Record, str, Summary] | None] = {}
        # By experiment the short ids, in the order of the ledger.
        self._ids: dict[tuple[str, str], list[str]] = {}
        for refname in view.ledger.records if view else ():
            project, experiment, short_id = refname.removeprefix(RECORD_PREFIX).split("/")
            self._ids.setdefault((project, experiment), []).append(short_id)
        self._pushed = self._pushed_events()
        known = view.ledger if view else None
        policy = known.policy if known else None
        self._counter = copies.Counter(claims(context, known), known.doubts, policy) if known and policy else None

    def _pushed_events(self) -> int:
        """How many events of the ledger in force the remote has, as last fetched; all of them without a remote."""
        view, remote = self.view, self._context.remote
        if view is None or remote is None or view.ref != LEDGER_REF:
            return view.ledger.seq if view else 0
        oids = view.ledger.oids
        seen = self._context.repo.ref(tracking_ref(remote))
        return oids.index(seen) + 1 if seen is not None and seen in oids else 0

    def tags(self) -> Iterator[RecordName]:
        """The names of the tags that can be read as a record, latest on the ledger first, unrecorded ones before."""
        known = self.view.ledger.records if self.view else {}
        seqs, bare = array("Q"), []
        for ref in self._refs:
            state = known.get(ref.name)
            seqs.append(state.seq if state is not None else 0)
            if state is None and (name := RecordName.parse(ref.name)) is not None:
                bare.append(name)
        recorded = (place for place in sorted(range(len(seqs)), key=seqs.__getitem__, reverse=True) if seqs[place])
        found = (RecordName.parse(self._refs[place].name) for place in recorded)
        for name in chain(sorted(bare), found):
            if name is not None and (under := self._refs.find(name.refname)) and self._under(under) is not None:
                yield name

    def _under(self, ref: Ref) -> tuple[Record, str, Summary] | None:
        """The record in the tag under a ref, its tagger line and its summary, or None where it cannot be read."""
        if ref.oid not in self._read:
            while len(self._read) >= AT_HAND:
                del self._read[next(iter(self._read))]
            try:
                self._read[ref.oid] = read.sealed_under(self._context, ref)
            except (ArcgitError, ValueError):
                self._read[ref.oid] = None
        return self._read[ref.oid]

    def state(self, name: RecordName) -> RecordState | None:
        """What the ledger says of a record."""
        return self.view.ledger.records.get(name.refname) if self.view else None

    def sealed(self, state: RecordState) -> Record | None:
        """The record as it was recorded, or None where its tag is not here, is another one, or cannot be read."""
        ref = self._refs.find(state.name.refname)
        if ref is None or ref.oid != state.subject.oid:
            return None
        found = self._under(ref)
        return found[0] if found is not None else None

    def matching(self, found: Experiment) -> RecordState | None:
        """The latest record of exactly this content, a living one before one that was retired or purged."""
        states = self._of(found)
        hits = (state for state in states if (sealed := self.sealed(state)) is not None and matches(sealed, found))
        return max(hits, key=lambda state: (not state.ended, state.seq), default=None)

    @property
    def whole(self) -> bool:
        """True where the ledger is here and holds to its end, so that what it does not know was never recorded."""
        return self.view is not None and not self.view.faults

    def hidden(self, found: Experiment) -> bool:
        """True where a record of this experiment may be there that this clone does not show."""
        return not self.whole or any(self.sealed(state) is None for state in self._of(found) if not state.ended)

    def latest(self, found: Experiment) -> RecordState | None:
        """The last record of an experiment that is in force, whatever its content."""
        same = self._of(found)
        return _last_in_force(same, len(same))

    def before(self, state: RecordState) -> RecordState | None:
        """The last record of the same experiment before this one that is in force, as `arcgit diff` takes it."""
        same = _States(self, state.name.project, state.name.experiment)
        return _last_in_force(same, bisect_left(same, state.seq, key=lambda one: one.seq))

    def ids(self, project: str, experiment: str) -> Sequence[str]:
        """The short ids of an experiment's records, in the order of the ledger."""
        return self._ids.get((project, experiment), ())

    def unpushed(self, state: RecordState) -> bool:
        """True where the remote, as last fetched, does not have the record."""
        return state.seq > self._pushed

    @property
    def fetched(self) -> bool:
        """True where this clone has seen a ledger of its remote, so that it can say what the remote lacks."""
        remote = self._context.remote
        return remote is not None and self._context.repo.ref(tracking_ref(remote)) is not None

    def _of(self, found: Experiment) -> Sequence[RecordState]:
        return _States(self, found.manifest.project, found.manifest.experiment)

    def changes(self, before: RecordState, after: Record) -> Changes | None:
        """What a record has otherwise than an earlier one, or None where that one cannot be read."""
        sealed = self.sealed(before)
        if sealed is None:
            return None
        lists = self._lists
        return between_records(before.name.tag, sealed, after, files=lists.files, lineage=lists.lineage)

    def changes_at_rev(self, before: RecordState, found: Experiment) -> Changes | None:
        """What an experiment without a record has otherwise than an earlier one."""
        sealed = self.sealed(before)
        return since_record(before.name.tag, sealed, found, self._lists.lineage(sealed)) if sealed is not None else None

    def page(self, name: RecordName, findings: Sequence[Finding]) -> tuple[Page, Record]:
        """Everything about the record under a tag; `findings` are those about it."""
        ref = self._refs.find(name.refname)
        if ref is None:
            raise KeyError(name.refname)
        sealed, tagger, summary = self._under(ref) or read.sealed_under(self._context, ref)
        state = self.state(name)
        row = Row(
            ref, name, summary, standing_of(state, self._histories.people) if state else None, waits=self._waits(ref)
        )
        events, history = (list(state.events), self._histories.of(state)) if state else ([], NOTHING)
        found = [*findings, *self.remarks(name, sealed)]
        said = read.proofs_of(state)
        page = Page(row, sealed, ref.oid, tagger, events, found, row.signer, row.amended, history, self._today, said)
        if state is not None and state.status != "purged" and not self._counted[state.seq]:
            self._counted[state.seq] = 1
            self.clocks.add(sealed.predicate.time, page.held)
        return page, sealed

    def _waits(self, ref: Ref) -> bool:
        return self.view is not None and unsynced.find(self._context, self.view, ref) is not None

    def waiting(self, found: Experiment) -> RecordState | None:
        """The record of exactly this content that was sealed in this clone and waits there for `arcgit sync`."""
        if self.view is None:
            return None
        prefix = f"{RECORD_PREFIX}{found.manifest.project}/{found.manifest.experiment}/"
        for ref in self._refs.below(prefix):
            state = unsynced.find(self._context, self.view, ref)
            under = self._under(ref) if state is not None else None
            if state is not None and under is not None and matches(under[0], found):
                return state
        return None

    def remarks(self, name: RecordName, sealed: Record) -> list[Finding]:
        """What the day makes of a record in force: waivers inside it that have ended."""
        state = self.state(name)
        if self._today is None or (state is not None and state.ended):
            return []
        return [*waivers.ended(name.tag, sealed.predicate.waivers, self._today), *self._short(state, sealed)]

    def _short(self, state: RecordState | None, sealed: Record) -> Iterator[Finding]:
        found, policy = self.copies(state, sealed), self.view.ledger.policy if self.view else None
        if state is not None and found is not None and policy is not None:
            yield from copies.finding(state.name.tag, found, policy)

    def copies(self, state: RecordState | None, sealed: Record) -> Copies | None:
        """In how many remotes the data of a record is proven; None where the ledger does not say."""
        if state is None or self._counter is None:
            return None
        return self._counter.of(state, sealed.predicate.retention, copies.homes(sealed))

    def review_of(self, state: RecordState) -> Standing:
        """What the reviews of a record add up to."""
        return standing(state, self._histories.people)

    def runs_of(self, project: str, experiment: str) -> RunCount:
        """The runs of an experiment, also of one without a record."""
        return self._histories.runs_of(project, experiment)

    def splits(self, sealed: Record) -> Splits:
        """Which splits of a record have files in common, by sha256."""
        known, names, unread = [], set(), []
        for name, fact in sealed.predicate.artifacts.items():
            split = overlap.usual_name(fact.split) if fact.role == "dataset" else ""
            if not split:
                continue
            names.add(split)
            files = {fact.path: fact.sha256} if fact.kind == "file" else self._contents(fact.sha256)
            if files is None:
                unread.append(name)
            else:
                known.append(Contents(name, fact.path, split, files))
        pairs = ((one.name, other.name, number) for one, other, number in overlap.shared(known))
        return Splits(tuple(sorted(names)), tuple(pairs), tuple(unread))

    def _contents(self, digest: str) -> dict[str, str] | None:
        entries = self._lists.files(digest)
        return {entry.path: entry.sha256 for entry in entries} if entries is not None else None


class _States(Sequence[RecordState]):
    """The records of an experiment in the order of the ledger, each read when it is asked for."""

    def __init__(self, evidence: Evidence, project: str, experiment: str) -> None:
        self._records: Mapping[str, RecordState] = evidence.view.ledger.records if evidence.view else {}
        self._folder = f"{RECORD_PREFIX}{project}/{experiment}/"
        self._ids = evidence.ids(project, experiment)

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> RecordState: ...
    @overload
    def __getitem__(self, place: slice) -> list[RecordState]: ...
    def __getitem__(self, place: int | slice) -> RecordState | list[RecordState]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(len(self)))]
        return self._records[self._folder + self._ids[place]]


def _last_in_force(states: Sequence[RecordState], end: int) -> RecordState | None:
    """The last of the first `end` that is in force."""
    return next((state for place in range(end - 1, -1, -1) if not (state := states[place]).ended), None)


def signer_of(state: RecordState) -> Signer:
    """The person who sealed a record, as the policy had them then."""
    person = state.policy.people[state.recorder]
    return Signer(state.recorder, person.name, person.email, tuple(person.roles))


def by_record(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    """The findings by the tag that they are about; of an artifact they are called `<tag>: <artifact>`."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.subject.removeprefix("refs/tags/").partition(": ")[0], []).append(finding)
    return found
