"""Which of the objects behind records are looked at in this run, in which order, and by whose word others are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from arcgit.archive.fixity import Shelf
from arcgit.errors import ArcgitError
from arcgit.model import proven
from arcgit.model.proven import ProvenError
from arcgit.rules.proof import Proof, Proofs
from arcgit.rules.sampling import Sample, rank

if TYPE_CHECKING:  # a choice can be told without what it is made among
    from arcgit.archive.looking.targets import Store, Targets


@dataclass(frozen=True)
class Choice:
    """What is asked: a sample by a seed, and only what nobody proved between `since` and `now`. Nothing: everything."""

    sample: Sample | None = None
    seed: str = ""
    since: datetime | None = None
    now: datetime | None = None


@dataclass
class Chosen:
    """The numbers of the objects of each store, in the order of reading; and the proofs by which others are left out."""

    numbers: list[Sequence[int]]
    proven: int = 0
    proofs: dict[int, Proof] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(map(len, self.numbers))


def choose(targets: Targets, choice: Choice, proofs: Proofs, shelf: Shelf) -> Chosen:
    """The objects to look at; oldest proof first where it is asked what was not proven since."""
    everything = [range(len(store.objects)) for store in targets.stores]
    if choice.since is None and choice.sample is None:
        return Chosen([*everything])
    numbers: list[list[int]] = [[] for _ in targets.stores]
    chosen = Chosen([*numbers])
    rows: list[tuple[str, bytes, int, int]] = []
    word = _Words(targets, proofs, shelf) if choice.since is not None else None
    for place, store in enumerate(targets.stores):
        for number, last in enumerate(word.of(store) if word is not None else ((None,) * len(store.objects))):
            if last is not None and _counts(last, choice):
                chosen.proven += 1
                chosen.proofs[last.seq] = last
                continue
            order = rank(choice.seed, store.name, store.objects[number].sha256) if choice.sample is not None else b""
            rows.append((last.time if last is not None else "", order, place, number))
    rows.sort()
    if choice.sample is not None:
        total = sum(map(len, everything))
        rows = rows[: choice.sample.of(total)]
    for _, _, place, number in rows:
        numbers[place].append(number)
    return chosen


def _counts(last: Proof, choice: Choice) -> bool:
    return choice.since is not None and choice.now is not None and last.since(choice.since, choice.now)


class _Words:
    """The last claim about each object, from the ledger's events and the lists that they name."""

    def __init__(self, targets: Targets, proofs: Proofs, shelf: Shelf) -> None:
        self._targets = targets
        self._proofs = proofs
        self._shelf = shelf
        self._lists: dict[str, dict[str, set[str]]] = {}

    def of(self, store: Store) -> Iterator[Proof | None]:
        """Of each object of a store, in their order."""
        parts: dict[str, Proof] = {}
        units: list[Proof | None] = []
        for unit in self._targets.units:
            whole: Proof | None = None
            for record, _ in unit.subjects:
                standing = self._proofs.of(self._targets.records[record], store.name)
                failed = standing.failed.seq if standing.failed is not None else 0
                if standing.whole is not None and not failed:
                    whole = _later(whole, standing.whole)
                for part in standing.parts:
                    # A list says what was good; what a later failure was about, it does not know.
                    if part.seq >= failed:
                        for sha256 in self._listed(part, store.name):
                            parts[sha256] = _later(parts.get(sha256), part)
            units.append(whole)
        for number, wanted in enumerate(store.objects):
            last = parts.get(wanted.sha256) if not store.objects.shared(number) else None
            for demand in store.objects.demands(number):
                if (whole := units[demand.unit]) is not None:
                    last = _later(last, whole)
            yield last

    def _listed(self, part: Proof, remote: str) -> Iterable[str]:
        digest = part.proven or ""
        if digest not in self._lists:
            found: dict[str, set[str]] = {}
            try:
                for entry in proven.parse(self._shelf.read(digest) or b""):
                    found.setdefault(entry.remote, set()).add(entry.sha256)
            except (ArcgitError, ProvenError):
                pass  # what cannot be read proves nothing
            self._lists[digest] = found
        return self._lists[digest].get(remote, ())


def _later(one: Proof | None, other: Proof) -> Proof:
    return other if one is None or other.seq > one.seq else one
