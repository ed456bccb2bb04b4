"""The bytes behind records, looked at where they lie: presence, or fixity of every byte.

Evidence-preserving: nothing is written, repaired or deleted. Objects that several records share are looked at once, and
the findings are in the same order however many are read at a time.
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from arcgit import several
from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf
from arcgit.archive.judge import ClaimReader
from arcgit.archive.looking import checkpoint, selection, targets
from arcgit.archive.looking.checkpoint import Checkpoint, Earlier
from arcgit.archive.looking.pieces import Bad, Done, load
from arcgit.archive.looking.reading import NETWORK_JOBS, Reader
from arcgit.archive.looking.selection import Choice, Chosen
from arcgit.archive.looking.targets import Store, Targets
from arcgit.archive.repair import Repairs
from arcgit.archive.wanted import Wanted
from arcgit.dvc.objects import ObjectId
from arcgit.errors import ArcgitError, UndeterminedError
from arcgit.model.finding import Finding, as_finding, error, unknown
from arcgit.model.names import RecordName
from arcgit.model.record import Record
from arcgit.model.text import count
from arcgit.rules.chain import Ledger
from arcgit.rules.proof import Proofs, proofs

Progress = Callable[[str, int, int], None]


EARLIER = 2
SEED_BYTES = 8


@dataclass(frozen=True)
class Request:
    """How to look: `jobs` objects at a time (None for what suits), which of them, and on with what was interrupted.

    `say` is told what a person should know at once; without `now` nothing is kept to go on with. `remote` names one to look
    in, as in a replica, and not in those that the records name.
    """

    jobs: int | None = None
    choice: Choice = field(default_factory=Choice)
    resume: bool = False
    now: datetime | None = None
    say: Callable[[str], None] = lambda text: None
    remote: str | None = None


@dataclass
class Examined:
    """What a check of the data found, and how much of it was looked at.

    `objects` were looked at in this run, of `total`; `earlier` by one that was interrupted at `started`; `skipped` were
    left out, `proven` of them by the word of events; `hidden` lie where nobody could look. `good` says of each object of
    each store whether it was found to be what was sealed: 1 in this run, 2 in the earlier one.
    """

    targets: Targets
    chosen: Chosen
    seed: str
    findings: list[Finding]
    total: int
    objects: int = 0
    earlier: int = 0
    started: str = ""
    bytes_read: int = 0
    good: list[bytearray] = field(default_factory=list)

    @property
    def skipped(self) -> int:
        return self.total - self.targets.hidden - self.chosen.count

    @property
    def whole(self) -> bool:
        """True where every object of every record was found to be what was sealed."""
        return not self.targets.hidden and not self.targets.faulty and all(all(flags) for flags in self.good)


def examine(
    context: Context,
    known: Ledger,
    records: Iterable[tuple[RecordName, Record]],
    *,
    level: str,
    progress: Progress,
    asked: Request | None = None,
) -> Examined:
    """Presence or fixity of the data of `records`, in remotes as the policy in force pins them."""
    asked = asked or Request()
    repairs = Repairs(context, known.require_policy(), lambda: _proofs(context, known))
    wanted = targets.gather(context, known.require_policy(), records, repairs)
    fixity = level == "fixity"
    run = _Kept(context, known, wanted, asked) if fixity and asked.now is not None else None
    seed = asked.choice.seed or (run.seed if run is not None else "") or secrets.token_hex(SEED_BYTES)
    if run is not None:
        run.kept.seed = seed
    said = _proofs(context, known) if asked.choice.since is not None else Proofs()
    chosen = selection.choose(wanted, replace(asked.choice, seed=seed), said, Shelf(context))
    total = wanted.hidden + sum(len(store.objects) for store in wanted.stores)
    result = Examined(wanted, chosen, seed, list(wanted.findings()), total)
    result.good = [bytearray(len(store.objects)) for store in wanted.stores]
    if run is not None:
        run.skip(result)
    bad = _read(context, result, asked.jobs, fixity=fixity, progress=progress, run=run)
    named: set[tuple[str, str]] = set()
    for place, one in sorted(bad, key=lambda row: (row[0], row[1].number)):
        result.findings += _findings(wanted, wanted.stores[place], one, named, repairs)
    return result


def _proofs(context: Context, known: Ledger) -> Proofs:
    """What the events claim. Whoever judged them need not have kept what each says, so they are read once more."""
    claimed = ledger.in_force(context, ClaimReader())
    if claimed is None or claimed.ledger.tip != known.tip:
        message = "the ledger changed while it was being judged"
        raise UndeterminedError("ref-moved", message, "run arcgit verify again")
    return proofs(claimed.ledger.events, known.doubts)


def _read(
    context: Context, result: Examined, jobs: int | None, *, fixity: bool, progress: Progress, run: _Kept | None
) -> list[tuple[int, Bad]]:
    """What is wrong, each with the place of its store."""
    stores = result.targets.stores
    places = {id(store): place for place, store in enumerate(stores)}
    work = [load(store, _unread(result, place)) for place, store in enumerate(stores)]
    size = sum(part.size for part in work)
    number = sum(len(part.numbers) for part in work)
    bad: list[tuple[int, Bad]] = []

    def take(done: Done) -> None:
        place = places[id(done.store)]
        flags = result.good[place]
        for at, _ in done.good:
            flags[at] = 1
        bad.extend((place, one) for one in done.bad)
        result.objects += done.count
        result.bytes_read += done.read
        if run is not None:
            run.kept.add(done)
        if not fixity:
            progress(level_words(fixity=False), result.objects, number)

    reader = Reader(context.repo, fixity, jobs)
    try:
        reader.run(work, take, lambda read: progress(level_words(fixity=True), read, size) if fixity else None)
    except BaseException:
        if run is not None:
            run.broken_off(result)
        raise
    if run is not None:
        run.kept.end()
    return bad


def level_words(*, fixity: bool) -> str:
    """What a progress bar says."""
    return "reading" if fixity else "looking"


def _unread(result: Examined, place: int) -> Sequence[int]:
    flags, numbers = result.good[place], result.chosen.numbers[place]
    return array("I", (number for number in numbers if not flags[number])) if any(flags) else numbers


class _Kept:
    """What is kept of a fixity run for the case that it is interrupted, and what such a run has left."""

    def __init__(self, context: Context, known: Ledger, wanted: Targets, asked: Request) -> None:
        if asked.now is None:  # pragma: no cover  without a time there is no run to go on with
            raise ValueError
        scope = checkpoint.scope_of(context.root, wanted)
        self.kept = Checkpoint(context.state_dir, known.archive, scope, asked.now)
        self._asked = asked
        self._earlier: Earlier | None = None
        found = self.kept.earlier()
        self.seed = ""
        if found is None:
            if asked.resume:
                asked.say("there is no interrupted run to go on with")
            return
        if not asked.resume:
            number = count(len(found.rows), "object")
            asked.say(f"a run of {_clock(found)} was interrupted after {number}; --resume goes on with it")
            return
        self._earlier = found
        self.kept.go_on(found)
        self.seed = found.seed

    def skip(self, result: Examined) -> None:
        """Take for read what the interrupted run found good and nobody wrote since."""
        if self._earlier is None:
            return
        earlier = self._earlier
        for place, store in enumerate(result.targets.stores):
            numbers = [number for number in result.chosen.numbers[place] if checkpoint.knows(store, number, earlier)]
            beside = store.remote is None or store.remote.local
            look = partial(checkpoint.unchanged, store, earlier=earlier)
            alike: dict[int, bool] = {}
            several.each(numbers, look, 1 if beside else self._asked.jobs or NETWORK_JOBS, alike.__setitem__)
            for number, same in alike.items():
                result.good[place][number] = EARLIER if same else 0
        result.earlier = sum(flags.count(EARLIER) for flags in result.good)
        result.started = earlier.started
        total = f"{result.chosen.count:,}"
        words = f"going on with a run of {_clock(earlier)} that was interrupted: {result.earlier:,} of {total} objects"
        self._asked.say(f"{words} were read then")

    def broken_off(self, result: Examined) -> None:
        """Keep what was read so far."""
        self.kept.keep()
        done = sum(len(flags) - flags.count(0) for flags in result.good)
        if self.kept.kept:
            self._asked.say(f"{done:,} of {result.chosen.count:,} objects were read; the same with --resume goes on")


def _clock(earlier: Earlier) -> str:
    return earlier.started.replace("T", " ")[:16] + " UTC"


def _findings(
    wanted: Targets, store: Store, bad: Bad, said: set[tuple[str, str]], repairs: Repairs
) -> Iterator[Finding]:
    """What is wrong with one object, for everybody who wants it; of whole artifacts what was not `said` yet."""
    md5 = _md5(store, bad)
    for demand in store.objects.demands(bad.number):
        if (demand.sha256, demand.size) == (bad.sha256, bad.presence):
            continue
        for _, subject in wanted.units[demand.unit].subjects:
            if bad.fault is not None:
                # A remote or the source of an import that cannot be read is one thing, however many files it has.
                whole = store.remote is not None and bad.fault.code in targets.OF_REMOTE
                named = f"remote {store.name}" if whole else subject
                if (named, bad.fault.message) not in said:
                    yield as_finding(bad.fault, named)
                said.add((named, bad.fault.message))
                continue
            yield _finding(store, bad, demand, f"{subject}/{demand.path}" if demand.path else subject, md5, repairs)


def _finding(store: Store, bad: Bad, wanted: Wanted, subject: str, md5: str, repairs: Repairs) -> Finding:
    if store.remote is None:
        return _beside(store, bad, wanted, subject)
    remote, name = store.remote, store.remote.name
    oid = ObjectId(store.hash_name, wanted.oid, wanted.version)
    which = (remote, store.project, oid, wanted.size, targets.tag_of(subject))
    if not isinstance(bad.presence, int):
        return as_finding(targets.absent(remote, oid, bad.presence, lambda: repairs.missing(*which)), subject)
    if bad.presence != wanted.size:
        message = f"the object {oid.value} in `{name}` has another size"
        expected = f"{wanted.size} bytes"
        found = (
            f"{bad.presence} bytes" if bad.presence <= wanted.size or bad.sha256 else f"{bad.presence} bytes or more"
        )
        return error("object-corrupt", subject, message, expected=expected, found=found, hint=repairs.changed(*which))
    same_md5 = oid.hash_name == "md5" and md5 == oid.value
    code = "md5-collision" if same_md5 else "object-corrupt"
    why = "it has the right md5 and the wrong sha256" if same_md5 else "its bytes are not those recorded"
    message = f"the object {oid.value} in `{name}` was changed: {why}"
    hint = repairs.changed(*which)
    return error(code, subject, message, expected=wanted.sha256, found=bad.sha256, hint=hint)


def _beside(store: Store, bad: Bad, wanted: Wanted, subject: str) -> Finding:
    """The same for git and for the source of an import."""
    if bad.presence is not None and not isinstance(bad.presence, int):
        return unknown("object-unreadable", subject, bad.presence.reason)
    what = f"the import from {store.source.label}" if store.source is not None else "the file in git"
    message = f"{what} has other bytes than the record says"
    found = "no file" if bad.presence is None else bad.sha256 or f"{bad.presence} bytes or more"
    # An import may still lie in a cache or a replica; what git has under an oid is nothing that could be put back.
    tag = targets.tag_of(subject)
    hint = (
        f"what was sealed, from a cache or replica: arcgit restore {tag} --to DIR" if store.source is not None else ""
    )
    return error("object-corrupt", subject, message, expected=wanted.sha256, found=found, hint=hint)


def _md5(store: Store, bad: Bad) -> str:
    """The md5 of changed bytes: only there does it matter whether DVC would have noticed.

    Empty where the bytes are others than those that were judged.
    """
    if not bad.sha256 or store.remote is None:
        return ""
    try:
        sha256, md5, _ = store.remote.hash(store.object_id(bad.number))
    except (ArcgitError, OSError):
        return ""
    return md5 if sha256 == bad.sha256 else ""
