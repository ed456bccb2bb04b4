"""The ledger and the records judged, in as many processes as there are processors.

One process follows the ledger while the others check its signatures; then each judges its share of the records. Only where
nothing is wrong with the ledger do the shares add up to a judgement of all; otherwise one process judges everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import NamedTuple

import msgspec

from arcgit.archive import crosscheck, ledger
from arcgit.archive.aside import Aside, processors
from arcgit.archive.atcommit import Recent
from arcgit.archive.checkers import Checkers
from arcgit.archive.claims import claims
from arcgit.archive.context import Context
from arcgit.archive.judgeref import ref_steps
from arcgit.archive.ledger import LedgerView
from arcgit.archive.select import select
from arcgit.git.refs import Ref, Refs
from arcgit.lean import short_lived
from arcgit.model.finding import Finding, Severity
from arcgit.model.names import TAG_PREFIX, RecordName
from arcgit.model.oids import Oids
from arcgit.model.record import Record
from arcgit.rules import copies, waivers
from arcgit.rules.chain import Elsewhere
from arcgit.rules.doubting import used_late
from arcgit.rules.steps import together
from arcgit.signing import native

MANY = 1000
"""From so many tags on, a second process is worth what it takes to begin it."""
AT_ONCE, AT_ONCE_BYTES = 32, 512 * 1024
"""So many tags are judged side by side, and of larger ones fewer."""
Progress = Callable[[str, int, int], None]
Begin = Callable[[Elsewhere | None], "Judged"]
"""Reads the ledger and chooses the tags."""


class Part(NamedTuple):
    """One of several equal parts of all records; `number` counts from 0."""

    number: int
    of: int

    def places(self, total: int) -> range:
        """Which of so many are in it: neighbours, which are found in memory beside each other."""
        return range(total * self.number // self.of, total * (self.number + 1) // self.of)


@dataclass
class Judged:
    """The ledger in force, the records that were meant, their tags that are here, and what is wrong with these.

    `chosen` is None where all records were meant. `verifiers` are those that other processes have used. `sound` holds the
    records without a fault, where they were to be kept. With `today` it is looked for waivers that ended.
    """

    view: LedgerView | None
    chosen: set[RecordName] | None = None
    tags: Refs = field(default_factory=lambda: Refs(b""))
    findings: list[Finding] = field(default_factory=list)
    sound: list[tuple[RecordName, Record]] = field(default_factory=list)
    today: date | None = None
    verifiers: dict[str, str] = field(default_factory=dict)


class _Share(msgspec.Struct, frozen=True):
    """What one process found: the findings by the place of their tag, and what checked signatures."""

    findings: list[tuple[int, list[Finding]]]
    verifiers: dict[str, str]


def judge(
    context: Context,
    refs: Refs,
    wanted: Sequence[str],
    *,
    keep: bool,
    progress: Progress,
    today: date | None = None,
) -> Judged:
    """Judge the ledger and the records that `wanted` names, or all. Raises UsageError for a name that no record has.

    With `keep` the sound records are kept, and one process judges everything. With `today` it warns of waivers that ended.
    """
    parts = 1 if keep or len(refs) < MANY or native.incomplete() else processors()
    with short_lived():
        begin = partial(_begin, context, refs, wanted, today)
        together = _together(context, begin, parts, progress) if parts > 1 else None
        return together or _all(context, begin, progress, keep=keep)


def _all(context: Context, begin: Begin, progress: Progress, *, keep: bool) -> Judged:
    judged = begin(None)
    if judged.view is not None and native.incomplete():
        judged.view.judge.ask_ahead(crosscheck.tag_questions(context, judged.view, judged.tags))
    for _, ref, record, faults in _each(context, judged, Part(0, 1), progress):
        judged.findings += faults
        name = RecordName.parse(ref.name)
        sound = all(fault.severity is Severity.WARNING for fault in faults)
        if keep and record is not None and name is not None and sound:
            judged.sound.append((name, record))
    return judged


def _together(context: Context, begin: Begin, parts: int, progress: Progress) -> Judged | None:
    """The judgement of all parts together, or None where they do not add up to one."""
    judged = _relied_upon(begin, parts)
    if judged is None or judged.view is None:
        return None
    judged.view.ledger.settle()
    others = [Aside(partial(_part, context, judged, Part(number, parts))) for number in range(1, parts)]
    try:
        findings = dict(_share(context, judged, Part(0, parts), progress).findings)
        for other in others:
            share = msgspec.msgpack.decode(other.result(), type=_Share)
            findings.update(share.findings)
            judged.verifiers |= share.verifiers
        judged.findings = [finding for place in sorted(findings) for finding in findings[place]]
        return judged
    finally:
        for other in others:
            other.drop()


def _relied_upon(begin: Begin, parts: int) -> Judged | None:
    """The ledger with every signature and note checked, or None where anything is wrong with it or an event in doubt."""
    checkers = Checkers(parts - 1)
    try:
        judged = begin(checkers)
        if judged.view is None or judged.view.findings or judged.view.ledger.doubts:
            return None
        found = checkers.found()
    finally:
        checkers.drop()
    if not found.sound or any(used_late(judged.view.ledger, *end) for end in found.ends.items()):
        return None
    judged.verifiers |= found.verifiers
    return judged


def _part(context: Context, judged: Judged, part: Part) -> bytes:
    return msgspec.msgpack.encode(_share(context, judged, part, lambda *_: None))


def _begin(
    context: Context, refs: Refs, wanted: Sequence[str], today: date | None, elsewhere: Elsewhere | None
) -> Judged:
    view = ledger.in_force(context, remember="standing", elsewhere=elsewhere)
    if view is None or view.ledger.policy is None:
        return Judged(view)
    chosen = select(view, refs, wanted) if wanted else None
    named = ((place, RecordName.parse(ref.name)) for place, ref in enumerate(refs))
    meant = (place for place, name in named if name is not None and (chosen is None or name in chosen))
    return Judged(view, chosen, refs.only(meant), today=today)


def _share(context: Context, judged: Judged, part: Part, progress: Progress) -> _Share:
    found = [(place, faults) for place, _, _, faults in _each(context, judged, part, progress) if faults]
    return _Share(found, judged.view.judge.verifiers if judged.view is not None else {})


def _each(
    context: Context, judged: Judged, part: Part, progress: Progress
) -> Iterator[tuple[int, Ref, Record | None, list[Finding]]]:
    """The tags of one part, each with its place among all, its record where it has one, and what is wrong with it."""
    if judged.view is None:
        return
    places = part.places(len(judged.tags))
    counter, recent = _counter(context, judged), Recent(context.repo)
    oids = Oids()
    for place in places:
        oids.append(judged.tags.oid(place))
    with closing(context.repo.batch()) as objects:
        for some in _blocks(zip(places, objects.stream(oids, "tag"), strict=True)):
            progress("signatures", (some[0][0] - places.start) * part.of, len(judged.tags))
            refs = [judged.tags[place] for place, _ in some]
            judging = (
                ref_steps(context, judged.view, ref, raw, recent) for ref, (_, raw) in zip(refs, some, strict=True)
            )
            found = together(judging)
            for (place, _), ref, (record, faults) in zip(some, refs, found, strict=True):
                yield place, ref, record, [*faults, *_ended(judged, ref, record), *_short(judged, counter, ref, record)]
    progress("signatures", len(judged.tags), len(judged.tags))


def _blocks(tags: Iterable[tuple[int, bytes | None]]) -> Iterator[list[tuple[int, bytes | None]]]:
    """The tags with their places, as many together as are judged side by side."""
    some: list[tuple[int, bytes | None]] = []
    size = 0
    for place, raw in tags:
        some.append((place, raw))
        size += len(raw or b"")
        if len(some) == AT_ONCE or size > AT_ONCE_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some


def _ended(judged: Judged, ref: Ref, record: Record | None) -> Iterator[Finding]:
    if judged.today is None or record is None or not record.predicate.waivers:
        return
    known = judged.view.ledger.records.get(ref.name) if judged.view is not None else None
    if not (known and known.ended):
        yield from waivers.ended(ref.name.removeprefix(TAG_PREFIX), record.predicate.waivers, judged.today)


def _counter(context: Context, judged: Judged) -> copies.Counter | None:
    """What counts copies, where the policy asks for any and a person is to be told."""
    known = judged.view.ledger if judged.view is not None else None
    if known is None or known.policy is None or judged.today is None or not copies.asked_for(known.policy):
        return None
    return copies.Counter(claims(context, known), known.doubts, known.policy)


def _short(judged: Judged, counter: copies.Counter | None, ref: Ref, record: Record | None) -> Iterator[Finding]:
    known = judged.view.ledger if judged.view is not None else None
    state = known.records.get(ref.name) if known is not None else None
    if counter is None or known is None or known.policy is None or state is None or record is None:
        return
    found = counter.of(state, record.predicate.retention, copies.homes(record))
    yield from copies.finding(ref.name.removeprefix(TAG_PREFIX), found, known.policy)
