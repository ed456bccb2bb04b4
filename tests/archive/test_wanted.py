"""The objects that are wanted of one place: held to a list and dictionaries that keep every demand as a value."""

from __future__ import annotations

import hashlib
import json
from array import array
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from arcgit.archive import wanted
from arcgit.archive.wanted import Objects, Wanted
from arcgit.dvc.listing import Members, members_of
from arcgit.dvc.versioned import Version
from arcgit.model import fixity
from arcgit.model.fixity import FixityEntry, FixityList


class Plain:
    """The same in the plainest way."""

    def __init__(self) -> None:
        self.demands: dict[str, list[Wanted]] = {}

    def want(self, wanted: Wanted) -> None:
        self.demands.setdefault(wanted.key, []).append(wanted)


def md5_of(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def listed(rows: dict[str, int]) -> FixityList:
    return fixity.parse(fixity.serialise(FixityEntry(f"{number:064x}", number, path) for path, number in rows.items()))


def members(rows: dict[str, int]) -> Members:
    """A directory as DVC lists it: files of the same number have the same bytes."""
    data = [{"md5": md5_of(number), "relpath": path} for path, number in sorted(rows.items())]
    found = members_of(json.dumps(data).encode(), listed(rows))
    assert isinstance(found, Members)
    return found


numbers = st.integers(0, 40)
directory = st.dictionaries(st.integers(0, 99).map("f{}".format), numbers, max_size=60)
oid = st.one_of(
    numbers.map(md5_of),
    st.sampled_from(["0" * 40, "f1", "no file 1 f1", "A" * 32, "0" * 31, "data/x.csv", md5_of(1) + ".dir"]),
)
version = st.one_of(st.none(), st.builds(Version, st.just("r"), st.just("p"), st.sampled_from(["1", "2"])))
alone = st.builds(Wanted, oid, st.just("a" * 64), numbers, numbers, st.sampled_from(["", "x"]), version)


@given(st.lists(st.one_of(alone, directory), max_size=12))
def test_every_demand_is_kept_in_the_order_in_which_it_came(asked: list[Wanted | dict[str, int]]) -> None:
    ours, plain = Objects(), Plain()
    for unit, one in enumerate(asked):
        if isinstance(one, Wanted):
            ours.want(one)
            plain.want(one)
            continue
        ours.want_all(unit, members(one))
        for path, number in sorted(one.items()):
            plain.want(Wanted(md5_of(number), f"{number:064x}", number, unit, path))
    groups = list(plain.demands.values())
    assert len(ours) == len(groups)
    assert list(ours) == [ours[place] for place in range(len(ours))] == [group[0] for group in groups]
    assert ours[1:3] == [group[0] for group in groups[1:3]]
    for number, group in enumerate(groups):
        assert list(ours.demands(number)) == group
        assert ours.shared(number) == (len(group) > 1)
        assert ours.facts(number) == group[0][:3]
        assert ours.size(number) == group[0].size
    assert ours.units() == {wanted.unit for group in groups for wanted in group}


@given(
    st.lists(st.one_of(alone, directory), max_size=12), st.lists(st.integers(0, 400), max_size=60), st.integers(1, 9)
)
def test_what_is_known_of_any_objects_is_what_is_known_of_each(
    asked: list[Wanted | dict[str, int]], chosen: list[int], at_once: int
) -> None:
    ours = Objects()
    for unit, one in enumerate(asked):
        if isinstance(one, Wanted):
            ours.want(one)
        else:
            ours.want_all(unit, members(one))
    some = [number % len(ours) for number in chosen] if len(ours) else []
    for numbers in (range(len(ours)), range(len(ours) // 2, len(ours)), range(0, len(ours), 2), some, array("I", some)):
        with mock.patch.object(wanted, "AT_ONCE", at_once):
            facts, sizes = list(ours.facts_of(numbers)), list(ours.sizes(numbers))
        assert facts == [(number, *ours[number][:3]) for number in numbers]
        assert sizes == [ours[number].size for number in numbers]
        assert list(ours.any_shared(numbers)) == [number for number in numbers if ours.shared(number)]


def test_very_many_demands_for_one_object_are_all_kept() -> None:
    ours = Objects()
    ours.want_all(7, members({f"{place:05}": 1 for place in range(3000)}))
    assert len(ours) == 1
    assert [wanted.path for wanted in ours.demands(0)] == [f"{place:05}" for place in range(3000)]


def test_an_object_of_a_directory_costs_few_bytes() -> None:
    ours, number = Objects(), 10_000
    ours.want_all(0, members({f"{place:06}": place for place in range(number)}))
    kept = (ours._begins, ours._firsts, ours._more, ours._last, ours._before, ours._md5s._slots)
    assert sum(len(part) * part.itemsize for part in kept) <= 9 * number
    assert not ours._alone
    assert not ours._named
