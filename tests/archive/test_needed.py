"""What must be in a remote after recording, in few bytes for each file."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest

from arcgit.archive.needed import Needed, Proven
from arcgit.dvc.listing import Members
from arcgit.dvc.objects import NO_FILE, ObjectId, Presences
from arcgit.dvc.versioned import Version
from arcgit.model import fixity
from arcgit.model.fixity import FixityEntry

MANY = 5_000


def md5_of(number: int) -> bytes:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).digest()


def directory(number: int) -> Members:
    entries = (FixityEntry(f"{place:064x}", place, f"{place:06}.bin") for place in range(number))
    return Members(fixity.parse(fixity.serialise(entries)), b"".join(map(md5_of, range(number))))


def test_what_is_known_of_an_object_first_counts() -> None:
    needed = Needed("md5")
    needed.need_all(directory(3))
    listed = Proven(ObjectId("md5", "a" * 32 + ".dir"), 7, "b" * 64)
    needed.need(listed)
    for again in (*needed, ObjectId("md5", "c" * 32)):
        needed.need(Proven(again, None, None))
    assert not needed._objects._more, "what is needed once more is not kept once more"
    assert [needed.proven(number).size for number in range(5)] == [0, 1, 2, 7, None]
    assert needed.proven(2) == Proven(ObjectId("md5", md5_of(2).hex()), 2, f"{2:064x}")
    assert needed.proven(3) == listed
    assert needed.proven(4) == Proven(ObjectId("md5", "c" * 32), None, None)
    assert (len(needed), needed[-1], needed[3:]) == (5, ObjectId("md5", "c" * 32), list(needed)[3:])


def test_two_versions_of_the_same_bytes_are_two_objects() -> None:
    needed = Needed("md5")
    oids = [ObjectId("md5", "a" * 32, version) for version in (Version("r", "p", "1"), Version("r", "p", "2"), None)]
    for oid in (*oids, *oids):
        needed.need(Proven(oid, 1, "b" * 64))
    assert list(needed) == oids


def test_how_an_object_is_there_is_kept_whatever_it_is() -> None:
    states = Presences(4)
    states[0], states[1], states[2] = 0, 5, NO_FILE
    assert list(states) == states[:] == [0, 5, NO_FILE, None]
    assert states[-2] == NO_FILE
    states[2] = 9
    states[1] = None
    assert list(states) == [0, None, 9, None]
    with pytest.raises(IndexError):
        states[4]


def test_a_file_that_must_be_in_a_remote_costs_few_bytes() -> None:
    members = directory(MANY)
    tracemalloc.start()
    needed = Needed("md5")
    needed.need_all(members)
    states = Presences(len(needed))
    for number, oid in enumerate(needed):
        states[number] = len(oid.value)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(states) == MANY
    assert kept <= 64 * MANY
    assert most <= 96 * MANY
