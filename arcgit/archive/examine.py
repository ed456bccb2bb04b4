"""The bytes behind records, looked at where they lie: presence, or fixity of every byte.

Evidence-preserving: nothing is written, repaired or deleted. Objects that several records share are looked at once, and
the findings are in the same order however many are read at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from arcgit.archive import targets
from arcgit.archive.context import Context
from arcgit.archive.reading import Bad, Done, Reader
from arcgit.archive.targets import Store, Targets, Wanted
from arcgit.dvc.remote import ObjectId
from arcgit.errors import ArcgitError
from arcgit.model.finding import Finding, error, unknown
from arcgit.model.names import RecordName
from arcgit.model.policy import Policy
from arcgit.model.record import Record

Progress = Callable[[str, int, int], None]


@dataclass
class Examined:
    """What a check of the data found, and how much of it was looked at.

    `objects` were looked at in this run, of `total`; `skipped` were left out, and `hidden` lie where nobody could look.
    `good` says of each object of each store whether it was found to be what was sealed.
    """

    targets: Targets
    findings: list[Finding] = field(default_factory=list)
    total: int = 0
    objects: int = 0
    skipped: int = 0
    hidden: int = 0
    bytes_read: int = 0
    good: list[bytearray] = field(default_factory=list)


def examine(
    context: Context,
    policy: Policy,
    records: Iterable[tuple[RecordName, Record]],
    *,
    level: str,
    progress: Progress,
    jobs: int | None = None,
) -> Examined:
    """Presence or fixity of the data of `records`, in remotes as `policy` pins them."""
    wanted = targets.gather(context, policy, records)
    result = Examined(wanted, list(wanted.findings()), hidden=wanted.hidden)
    result.good = [bytearray(len(store.objects)) for store in wanted.stores]
    result.total = wanted.hidden + sum(len(store.objects) for store in wanted.stores)
    work = [(store, range(len(store.objects))) for store in wanted.stores]
    places = {id(store): place for place, store in enumerate(wanted.stores)}
    size = sum(store.objects[number].size for store, numbers in work for number in numbers)
    bad: list[tuple[int, Bad]] = []
    fixity = level == "fixity"

    def take(done: Done) -> None:
        place = places[id(done.store)]
        flags = result.good[place]
        for number, _ in done.good:
            flags[number] = 1
        bad.extend((place, one) for one in done.bad)
        result.objects += len(done.good) + len(done.bad)
        result.bytes_read += done.read
        if not fixity:
            progress(level, result.objects, result.total)

    Reader(context.repo, fixity, jobs).run(work, take, lambda read: progress(level, read, size) if fixity else None)
    said: set[tuple[str, str]] = set()
    for place, one in sorted(bad, key=lambda row: (row[0], row[1].number)):
        result.findings += _findings(wanted, wanted.stores[place], one, said)
    return result


def _findings(wanted: Targets, store: Store, bad: Bad, said: set[tuple[str, str]]) -> Iterator[Finding]:
    """What is wrong with one object, for everybody who wants it; of whole artifacts what was not `said` yet."""
    md5 = _md5(store, bad)
    for demand in store.demands(bad.number):
        if (demand.sha256, demand.size) == (bad.sha256, bad.presence):
            continue
        for _, subject in wanted.units[demand.unit].subjects:
            if bad.fault is not None:
                # The source of an import that cannot be read is one thing, however many files it has.
                if (subject, bad.fault.message) not in said:
                    yield targets.as_finding(bad.fault, subject)
                said.add((subject, bad.fault.message))
                continue
            yield _finding(store, bad, demand, f"{subject}/{demand.path}" if demand.path else subject, md5)


def _finding(store: Store, bad: Bad, wanted: Wanted, subject: str, md5: str) -> Finding:
    if store.remote is None:
        return _beside(store, bad, wanted, subject)
    oid, name = ObjectId(store.hash_name, wanted.oid), store.remote.name
    if not isinstance(bad.presence, int):
        return targets.as_finding(targets.absent(store.remote, oid, bad.presence), subject)
    if bad.presence != wanted.size:
        message = f"the object {oid.value} in `{name}` has another size"
        expected = f"{wanted.size} bytes"
        found = (
            f"{bad.presence} bytes" if bad.presence <= wanted.size or bad.sha256 else f"{bad.presence} bytes or more"
        )
        return error("object-corrupt", subject, message, expected=expected, found=found, hint=targets.REPAIR)
    same_md5 = oid.hash_name == "md5" and md5 == oid.value
    code = "md5-collision" if same_md5 else "object-corrupt"
    why = "it has the right md5 and the wrong sha256" if same_md5 else "its bytes are not those recorded"
    message = f"the object {oid.value} in `{name}` was changed: {why}"
    hint = "restore it from a good copy; never dvc push over it"
    return error(code, subject, message, expected=wanted.sha256, found=bad.sha256, hint=hint)


def _beside(store: Store, bad: Bad, wanted: Wanted, subject: str) -> Finding:
    """The same for git and for the source of an import."""
    if bad.presence is not None and not isinstance(bad.presence, int):
        return unknown("object-unreadable", subject, bad.presence.reason)
    what = f"the import from {store.source.label}" if store.source is not None else "the file in git"
    message = f"{what} has other bytes than the record says"
    found = "no file" if bad.presence is None else bad.sha256 or f"{bad.presence} bytes or more"
    return error("object-corrupt", subject, message, expected=wanted.sha256, found=found)


def _md5(store: Store, bad: Bad) -> str:
    """The md5 of changed bytes: only there does it matter whether DVC would have noticed."""
    if not bad.sha256 or store.remote is None:
        return ""
    try:
        return store.remote.hash(ObjectId(store.hash_name, store.objects[bad.number].oid))[1]
    except (ArcgitError, OSError):
        return ""
