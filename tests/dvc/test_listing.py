"""DVC's listings beside a fixity list: read in one go only where they say exactly the same files, otherwise with all care."""

from __future__ import annotations

import json
from collections.abc import Mapping
from unittest import mock

import pytest
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta
from dvc_data.hashfile.tree import Tree
from hypothesis import given
from hypothesis import strategies as st

from arcgit.dvc import listing
from arcgit.dvc.listing import DirListing, Members, members_of, parse_dir_listing
from arcgit.errors import RefusedError
from arcgit.model import fixity, paths
from arcgit.model.fixity import FixityEntry, FixityList

names = st.lists(
    st.sampled_from(["a", "b", "é", "\U0001d504", "\uffee", '"', "a b", "~", "\x7f"]), min_size=1, max_size=3
).map("/".join)
listings = st.dictionaries(names, st.integers(0, 2**128 - 1).map("{:032x}".format), max_size=8)


def files_of(rows: Mapping[str, str]) -> FixityList | None:
    """The fixity list of the same files, where they can have one."""
    try:
        return fixity.parse(fixity.serialise(FixityEntry("0" * 64, 1, path) for path in rows))
    except fixity.FixityError:
        return None


def by_dvc(rows: Mapping[str, str]) -> bytes:
    tree = Tree()
    for path, md5 in rows.items():
        tree.add(tuple(path.split("/")), Meta(), HashInfo("md5", md5))
    data: bytes = tree.as_bytes()
    return data


def told(read: object) -> object:
    return (read.code, read.message) if isinstance(read, RefusedError) else read


def carefully(data: bytes) -> object:
    try:
        return {row.relpath: row.md5 for row in parse_dir_listing(data)}
    except RefusedError as fault:
        return told(fault)


def ours(data: bytes, files: FixityList) -> object:
    try:
        return dict(members_of(data, files))
    except RefusedError as fault:
        return told(fault)


@given(listings)
def test_what_dvc_writes_of_the_same_files_is_read_in_one_go(rows: dict[str, str]) -> None:
    files = files_of(rows)
    if files is None or paths.twins(rows):
        return
    found = members_of(by_dvc(rows), files)
    assert isinstance(found, Members)
    assert dict(found) == rows
    assert [found[path] for path in sorted(rows, reverse=True)] == [rows[path] for path in sorted(rows, reverse=True)]
    assert list(found.digests()) == [bytes.fromhex(rows[path]) for path in sorted(rows, key=str.encode)]
    assert "no such file" not in found


def changed(data: bytes, place: int, byte: int) -> bytes:
    place %= len(data)
    return data[:place] + bytes([byte]) + data[place + 1 :]


@given(
    listings,
    listings,
    st.integers(0, 5000),
    st.sampled_from(list(b'a0"\\ ]}[{,\n\x80')),
    st.sampled_from([1, 2, 3, 1000]),
)
def test_any_other_listing_is_read_or_refused_as_one_that_nobody_expected(
    rows: dict[str, str], others: dict[str, str], place: int, byte: int, at_once: int
) -> None:
    files = files_of(rows)
    if files is None:
        return
    data = by_dvc(rows)
    with mock.patch.object(listing, "AT_ONCE", at_once):
        for one in (by_dvc(others), changed(data, place, byte), data + b" ", b" " + data, data[:-1], data + data):
            assert ours(one, files) == carefully(one)


@pytest.mark.parametrize("odd", ["", "é", '"', "~", "a b"])
@pytest.mark.parametrize("number", [999, 1000, 1001, 2000])
def test_rows_at_the_seam_of_what_is_compared_together_are_held_to_the_list(number: int, odd: str) -> None:
    """Each of these is what DVC would write, save for one row: nothing of it is taken in one go then."""
    rows = {f"{place:05}{odd if place % 7 == 3 else ''}": f"{place:032x}" for place in range(2500)}
    files = files_of(rows)
    assert files is not None
    data = by_dvc(rows)
    found = members_of(data, files)
    assert isinstance(found, Members)
    assert [md5.hex() for md5 in found.digests()] == list(rows.values())
    whole = json.loads(data)
    again, other = dict(whole[number]), dict(whole[number], relpath=f"{number - 1:05}{odd}!")
    upper = dict(whole[number], md5="A" * 32)
    for changed_rows in (
        whole[:number] + whole[number + 1 :],
        [*whole[:number], again, *whole[number:]],
        [*whole[:number], other, *whole[number + 1 :]],
        [*whole[:number], upper, *whole[number + 1 :]],
        whole[:number],
    ):
        one = json.dumps(changed_rows).encode()
        assert ours(one, files) == carefully(one)
        assert not isinstance(told_members(one, files), Members)
    for cut in (data.index(b"}, ", 64 * number) + 1, data.index(b"}, ", 64 * number) + 3):
        assert not isinstance(told_members(data[:cut] + b"]", files), Members)
    # What ends like the end of a listing in the middle of one is not its end.
    at = data.index(b"}, ", 64 * number)
    assert not isinstance(told_members(data[:at] + b"}]" + data[at + 3 :], files), Members)


def told_members(data: bytes, files: FixityList) -> object:
    try:
        return members_of(data, files)
    except RefusedError as fault:
        return told(fault)


@pytest.mark.parametrize(
    "data",
    [
        b'[{"md5": "%b", "relpath": "a"}, ]',
        b'[{"md5": "%b", "relpath": "a"}]]',
        b'[{"md5": "%b", "relpath": "a"}, {"md5": "%b", "relpath": "a"}]',
        b'[{"md5": "%b", "relpath": "a"}, {"md5": "%b", "relpath": "b"}]',
        b'[{"md5": "%b", "relpath": "a", "md5": "11111111111111111111111111111111"}]',
        b'[{"md5": "%b", "relpath": "a"}',
        b'{{"md5": "%b", "relpath": "a"}]',
        b"[]",
        b"",
    ],
)
def test_nothing_but_the_very_listing_is_read_in_one_go(data: bytes) -> None:
    files = files_of({"a": "0" * 32})
    assert files is not None
    data = data.replace(b"%b", b"0" * 32)
    try:
        assert not isinstance(members_of(data, files), Members)
    except RefusedError:
        assert isinstance(carefully(data), tuple)


def test_a_listing_of_nothing_is_that_of_no_files() -> None:
    files = files_of({})
    assert files is not None
    assert isinstance(members_of(json.dumps([]).encode(), files), Members)


def told_slowly(data: bytes) -> object:
    try:
        return listing._slowly(data)
    except RefusedError as fault:
        return told(fault)


@given(listings, st.integers(0, 5000), st.sampled_from(list(b'a0"\\ ]}[{,\n\x80')))
def test_rows_read_from_their_bytes_are_those_of_a_reader_that_makes_values_of_all(
    rows: dict[str, str], place: int, byte: int
) -> None:
    data = by_dvc(rows)
    for one in (data, changed(data, place, byte), data + b" ", b" " + data, data[:-1], data + data):
        found = listing._plainly(one)
        if found is not None:
            assert tuple(found) == told_slowly(one)
            assert [found[number] for number in range(len(found))] == list(found) == found[:]


def test_a_plain_listing_is_kept_as_its_bytes() -> None:
    rows = {f"{number:06}.bin": f"{number:032x}" for number in range(3 * listing.AT_ONCE)}
    found = parse_dir_listing(by_dvc(rows))
    assert isinstance(found, DirListing)
    assert {row.relpath: row.md5 for row in found} == rows
    assert found._begins.itemsize <= 8


@pytest.mark.parametrize(
    "names",
    [
        ["b", "a"],
        ["a", "a"],
        ["A", "a"],
        ["A/c", "a/b"],
        ["a/\u00e9", "a/\u0065\u0301"][::-1],
        ["..", "a"],
        ["a", "b/../c"],
        ["a", ".git/x"],
        ["nul"],
    ],
)
@pytest.mark.parametrize("before", [0, listing.AT_ONCE - 1, listing.AT_ONCE])
def test_names_that_need_a_closer_look_are_given_one_wherever_they_stand(names: list[str], before: int) -> None:
    whole = [*(f" {number:05}x" for number in range(before)), *names]
    data = json.dumps([{"md5": "0" * 32, "relpath": name} for name in whole]).encode()
    assert listing._plainly(data) is None


def test_a_listing_of_too_many_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = by_dvc({"a": "0" * 32, "b": "1" * 32})
    assert len(parse_dir_listing(data)) == 2
    monkeypatch.setattr(listing, "MAX_ENTRIES", 1)
    with pytest.raises(RefusedError, match="more than 1"):
        parse_dir_listing(data)
