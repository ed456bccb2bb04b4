"""Which objects a replica is to have: held to a plain reading of the records and of the listings in the remote."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from arcgit.archive.context import Context, open_context
from arcgit.archive.fixity import Shelf, entries
from arcgit.archive.holders import Remotes
from arcgit.archive.holdings import Stores
from arcgit.archive.replicas.replicaobjects import ReplicaPlan
from arcgit.archive.replicas.replicaplan import plan
from arcgit.archive.verify import verify
from arcgit.model.names import RecordName
from arcgit.model.record import ArtifactFact, DvcRef, Record
from tests.world import World

ALL = ("baseline", "deep", "wide")
Sound = list[tuple[RecordName, Record]]


@pytest.fixture
def context(world: World) -> Context:
    return open_context(world.work, state_dir=world.state)


@pytest.fixture
def sound(context: Context) -> Sound:
    return verify(context, ALL).sound


def planned(context: Context, records: Sequence[tuple[RecordName, Record]]) -> ReplicaPlan:
    view = verify(context, ALL).view
    assert view is not None
    return plan(context, Stores(Remotes(context, view.ledger.require_policy()), context.root), records, imports=False)


def dvc_facts(record: Record) -> dict[str, tuple[ArtifactFact, DvcRef]]:
    found = record.predicate.artifacts.items()
    return {key: (fact, fact.dvc) for key, fact in found if fact.dvc is not None and fact.dvc.origin is None}


def needed(world: World, context: Context, records: Sound) -> dict[str, tuple[str, int, set[str]]]:
    """By the name of each object that was sealed: sha256, size, and the records that need it."""
    found: dict[str, tuple[str, int, set[str]]] = {}
    shelf = Shelf(context)
    for name, record in records:
        for fact, reference in dvc_facts(record).values():
            rows = {reference.md5: (fact.sha256, fact.size)}
            if fact.kind == "directory":
                path = world.store / "files" / "md5" / reference.md5[:2] / reference.md5[2:]
                md5s = {row["relpath"]: row["md5"] for row in json.loads(path.read_bytes())}
                rows = {md5s[row.path]: (row.sha256, row.size) for row in entries(context, shelf, fact.sha256, "x")}
            for oid, (sha256, size) in rows.items():
                found.setdefault(oid, (sha256, size, set()))[2].add(name.refname)
    return found


def test_every_object_is_wanted_once_and_for_every_record_that_needs_it(
    world: World, context: Context, sound: Sound
) -> None:
    found = planned(context, sound)
    assert not found.findings
    wanted = [found[number] for number in range(len(found))]
    names = [one.oid.value for one in wanted]
    assert len(set(names)) == len(names) > len(sound)
    assert [one.number for one in wanted] == list(range(len(found)))
    by_name = dict(zip(names, wanted, strict=True))
    for oid, (sha256, size, records) in needed(world, context, sound).items():
        one = by_name[oid]
        assert (one.sha256, one.size, one.sealed) == (sha256, size, True)
        assert records <= found.records(found.wanting(one.number)) <= {name.refname for name, _ in sound}
        assert found.size(one.number) == size
        assert [source.label for source, _ in one.holdings.candidates(one.relpath)]
    listings = list(found.numbers(listings=True))
    assert {wanted[number].oid.value for number in listings} == {name for name in names if name.endswith(".dir")}
    assert sorted([*found.numbers(listings=False), *listings]) == list(range(len(found)))
    for number in listings:
        data = world.store / "files" / "md5" / names[number][:2] / names[number][2:]
        members = {names[member] for member in found.members(number)}
        assert members == {row["md5"] for row in json.loads(data.read_bytes())}
        assert not found.blocked(number)


def test_a_directory_that_two_records_have_is_gone_through_once(context: Context, sound: Sound) -> None:
    once = planned(context, sound)
    other = [(replace_name(name), record) for name, record in sound]
    twice = planned(context, [*sound, *other])
    assert len(twice) == len(once)
    for number in range(len(once)):
        records = once.records(once.wanting(number))
        assert twice[number].oid == once[number].oid
        assert twice[number].subject == once[number].subject
        assert twice.records(twice.wanting(number)) == records | {again(refname) for refname in records}


def again(refname: str) -> str:
    return refname.replace("refs/tags/exp/", "refs/tags/exp/again-")


def replace_name(name: RecordName) -> RecordName:
    found = RecordName.parse(again(name.refname))
    assert found is not None
    return found


def with_fact(record: Record, key: str, fact: ArtifactFact) -> Record:
    predicate = record.statement.predicate
    changed = replace(predicate, artifacts={**predicate.artifacts, key: fact})
    return replace(record, statement=replace(record.statement, predicate=changed))


@pytest.mark.parametrize("first", ["the directory", "the file"])
def test_other_bytes_under_the_name_of_a_file_are_an_attack_on_the_later_record(
    world: World, context: Context, sound: Sound, first: str
) -> None:
    (name, record), *_ = [
        row for row in sound if any(fact.kind == "directory" for fact, _ in dvc_facts(row[1]).values())
    ]
    _, reference = next(pair for pair in dvc_facts(record).values() if pair[0].kind == "directory")
    key, (single, own) = next(pair for pair in dvc_facts(record).items() if pair[1][0].kind == "file")
    listing = world.store / "files" / "md5" / reference.md5[:2] / reference.md5[2:]
    member = json.loads(listing.read_bytes())[0]["md5"]
    forged = with_fact(record, key, replace(single, sha256="f" * 64, dvc=replace(own, md5=member)))
    only = {key: forged.predicate.artifacts[key]}
    predicate = replace(forged.statement.predicate, artifacts=only)
    alone = replace(forged, statement=replace(forged.statement, predicate=predicate))
    records = [(name, record), (replace_name(name), alone)]
    found = planned(context, records if first == "the directory" else records[::-1])
    later = replace_name(name) if first == "the directory" else name
    assert [one.code for one in found.findings if one.severity.value == "error"] == ["md5-collision"]
    assert found.faulty == {later.refname}
    # The listing does not go without all of its files.
    listed = next(number for number in found.numbers(listings=True) if found[number].oid.value == reference.md5)
    members = {found[number].oid.value for number in found.members(listed)}
    assert found.blocked(listed) or members == {row["md5"] for row in json.loads(listing.read_bytes())}
