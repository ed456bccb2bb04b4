"""A fixity list that is read from its bytes: held to a reader that makes a value of every line and looks at all of them."""

from __future__ import annotations

import json
import mmap
import re
import tempfile
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arcgit.model import fixity, paths
from arcgit.model.canonical import dumps
from arcgit.model.fixity import FixityEntry, FixityError, FixityList

LINE = re.compile(rb'([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) (".*")')


def plain_reader(data: bytes) -> list[FixityEntry]:
    """Every rule of the format, one after the other. Raises FixityError with the words of the real one."""
    body = data.removeprefix(fixity.HEADER)
    found: list[FixityEntry] = []
    for number, line in enumerate(body.split(b"\n")[:-1], 2):
        match = LINE.fullmatch(line)
        if match is None:
            raise FixityError(f"line {number} is malformed")
        try:
            path = json.loads(match[3].decode())
        except ValueError as fault:
            raise FixityError(f"line {number}: the path is malformed") from fault
        if reason := paths.unsafe_reason(path):
            raise FixityError(f"line {number}: the path is unsafe, {reason}")
        if (found and path.encode() <= found[-1].path.encode()) or dumps(path) != match[3]:
            raise FixityError(f"line {number}: out of order, repeated or not canonical")
        found.append(FixityEntry(match[1].decode(), int(match[2]), path))
    names = {entry.path for entry in found}
    for entry in found:
        parts = entry.path.split("/")
        if any("/".join(parts[:end]) in names for end in range(1, len(parts))):
            raise FixityError(f"{entry.path} lies inside a file")
    return found


names = st.lists(
    st.sampled_from(["a", "b", "aa", "A", "-", "a-", "é", '"', "\U0001d504", "\uffee", "..", ".git"]),
    min_size=1,
    max_size=3,
)
listed = st.lists(st.tuples(names.map("/".join), st.integers(0, 10**18)), max_size=30)
damage = st.tuples(
    st.sampled_from(["", "swap", "twice", "byte"]), st.integers(0, 10_000), st.sampled_from(list(b'a0" \n\\/\x80'))
)


def spoiled(data: bytes, how: tuple[str, int, int]) -> bytes:
    """A list with one thing wrong in it, maybe."""
    kind, at, byte = how
    lines = data.removeprefix(fixity.HEADER).splitlines(keepends=True)
    if kind == "byte" and len(data) > len(fixity.HEADER) + 1:
        place = len(fixity.HEADER) + at % (len(data) - len(fixity.HEADER) - 1)
        return data[:place] + bytes([byte]) + data[place + 1 :]
    if kind and lines:
        place = at % len(lines)
        lines.insert(0 if kind == "swap" else place, lines.pop(place) if kind == "swap" else lines[place])
    return fixity.HEADER + b"".join(lines)


@given(listed, damage, st.sampled_from([1, 2, 3, fixity.AT_ONCE]))
@example([("a", 1), ("a-", 1), ("a/b", 1)], ("", 0, 0), 2)
@example([("a", 1), ("a-", 1), ("a/b", 1)], ("", 0, 0), 3)
@example([("a", 1), ("aa", 1), ("aa/b", 1), ("a/b", 1)], ("", 0, 0), 3)
@example([("a-/b", 1), ("a/b", 1), ("aa", 1)], ("", 0, 0), 3)
def test_every_list_is_read_or_refused_as_by_a_reader_that_looks_at_all_lines_at_once(
    rows: list[tuple[str, int]], how: tuple[str, int, int], at_once: int
) -> None:
    with mock.patch.object(fixity, "AT_ONCE", at_once):
        _read_or_refused(rows, how)


def _read_or_refused(rows: list[tuple[str, int]], how: tuple[str, int, int]) -> None:
    entries = {path: FixityEntry(f"{number:064x}", size, path) for number, (path, size) in enumerate(rows)}
    data = spoiled(fixity.serialise(entries.values()), how)
    try:
        wanted = plain_reader(data)
    except FixityError as fault:
        with pytest.raises(FixityError, match=f"^{re.escape(str(fault))}$"):
            fixity.parse(data)
        return
    found = fixity.parse(data)
    assert list(found) == wanted
    assert [found[place] for place in range(-len(found), len(found))] == wanted * 2
    assert found[1:3] == wanted[1:3]
    assert list(found.paths()) == [entry.path for entry in wanted]
    assert [digest.hex() for digest in found.digests()] == [entry.sha256 for entry in wanted]
    for place, entry in enumerate(wanted):
        assert found.content(place) == (entry.sha256, entry.size)
        assert found.find(entry.path) == found.find(entry.path, place) == found.find(entry.path, place + 1) == place
    for path in ("", "a/", "c", "\udcff", '"'):
        assert found.find(path) == next((place for place, entry in enumerate(wanted) if entry.path == path), -1)


@pytest.mark.parametrize("number", [999, 1000, 1001, 2000, 2001])
def test_a_fault_at_the_seam_of_what_is_judged_together_is_found(number: int) -> None:
    rows = [FixityEntry("0" * 64, 1, f"{place:06}") for place in range(3000)]
    assert len(fixity.parse(fixity.serialise(rows))) == 3000
    lines = fixity.serialise(rows).splitlines(keepends=True)
    lines[number], lines[number + 1] = lines[number + 1], lines[number]
    with pytest.raises(FixityError, match=f"line {number + 2}: out of order"):
        fixity.parse(b"".join(lines))
    inside = [*rows[:number], rows[number]._replace(path=f"{number - 1:06}/x"), *rows[number + 1 :]]
    with pytest.raises(FixityError, match=f"{number - 1:06}/x lies inside a file"):
        fixity.parse(fixity.serialise(inside))


@given(listed.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_files_may_be_listed_in_any_order(rows: tuple[list[tuple[str, int]], list[tuple[str, int]]]) -> None:
    entries = {path: FixityEntry(f"{size:064x}", size, path) for path, size in rows[0]}
    plainly = sorted(entries.values(), key=lambda entry: entry.path.encode())
    lines = [b"%s %d %s\n" % (entry.sha256.encode(), entry.size, dumps(entry.path)) for entry in plainly]
    shuffled = [entries[path] for path in dict.fromkeys(path for path, _ in rows[1])]
    assert fixity.serialise(shuffled) == fixity.HEADER + b"".join(lines)


def mapped(data: bytes) -> mmap.mmap:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return mmap.mmap(file.fileno(), len(data), prot=mmap.PROT_READ)


@pytest.mark.parametrize("names", ["{:06}.bin", "a b {:06}", "é{:06}", '"{:06}', "folder/{:04}/x"])
@pytest.mark.parametrize("number", [fixity.EACH - 1, fixity.EACH, fixity.EACH + 1, 3 * fixity.EACH, 1111])
def test_a_list_that_lies_in_a_file_is_read_there_from_any_place(names: str, number: int) -> None:
    rows = [FixityEntry(f"{place:064x}", place * 7 % 300_000, names.format(place)) for place in range(number)]
    data = fixity.serialise(rows)
    for found in (fixity.parse(data), fixity.parse(mapped(data))):
        assert (list(found), len(found)) == (rows, number)
        assert [found[place] for place in range(number)] == rows
        assert list(found.sizes()) == [row.size for row in rows]
        assert list(found.json_paths()) == [dumps(row.path) for row in rows]
        for first, last in ((0, number), (number // 2, number), (5, 5 + number // 3), (number, number), (7, 7)):
            assert list(found.contents(first, last)) == [row[:2] for row in rows[first:last]]
    with pytest.raises(FixityError, match=f"line {number + 2} is malformed"):
        fixity.parse(mapped(data + b"0\n"))


def test_a_list_keeps_little_more_than_its_bytes() -> None:
    data = fixity.serialise(FixityEntry("0" * 64, 1, f"{place:06}") for place in range(1000))
    found = fixity.parse(data)
    assert isinstance(found, FixityList)
    assert found._data is data
    assert found._begins.itemsize * len(found._begins) <= 1000
