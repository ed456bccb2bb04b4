"""What is kept in few bytes reads as what was put there."""

from __future__ import annotations

import random
from pathlib import Path
from typing import IO

import pytest

from arcgit.archive import ledger
from arcgit.archive.context import open_context
from arcgit.archive.judge import ClaimReader
from arcgit.git.refs import Refs
from arcgit.model.notetree import Rows
from arcgit.model.oids import Oids
from arcgit.rules.packed import OF_STANDING, Records
from arcgit.spool import Spool
from tests.compat.test_compat import CASES, unpacked


@pytest.mark.parametrize(("version", "name"), CASES)
def test_a_ledger_that_is_kept_in_short_says_the_same_of_every_record(
    version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = open_context(unpacked(version, name, tmp_path, monkeypatch), state_dir=tmp_path / "state")
    whole = ledger.in_force(context, ClaimReader())
    records = ledger.in_force(context, ClaimReader(), remember="records")
    short = ledger.in_force(context, ClaimReader(), remember="standing")
    if whole is None or records is None or short is None:
        assert (whole, records, short) == (None, None, None)
        return
    assert dict(records.ledger.records) == whole.ledger.records
    assert list(records.ledger.records.values()) == list(whole.ledger.records.values())
    for refname, state in short.ledger.records.items():
        known = whole.ledger.records[refname]
        assert state.events == [event for event in known.events if event.type in OF_STANDING]
        known.events = state.events
        assert (state, short.ledger.records.get(refname)) == (known, known)
    assert len(short.ledger.records) == len(whole.ledger.records)
    assert list(short.ledger.oids) == whole.ledger.oids == [oid for oid, _ in short.ledger.events]
    told = [(event.seq, event.type, event.actor, event.time) for _, event in short.ledger.events]
    assert told == [(event.seq, event.type, event.actor, event.time) for _, event in whole.ledger.events]
    assert short.findings == records.findings == whole.findings


def test_a_record_with_a_commit_of_another_hash_is_kept_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing has such a commit, but a recorder may sign one."""
    version, name = CASES[0]
    context = open_context(unpacked(version, name, tmp_path, monkeypatch), state_dir=tmp_path / "state")
    view = ledger.in_force(context, ClaimReader())
    assert view is not None
    refname, state = next(iter(view.ledger.records.items()))
    packed = Records(whole=True)
    packed[refname] = state
    state.commit = "f" * 64
    packed[refname] = state
    assert (packed[refname], packed.get(refname), len(packed), list(packed)) == (state, state, 1, [refname])
    state.commit = "e" * 40
    packed[refname] = state
    assert list(packed.items()) == [(refname, state)]


def test_rows_are_the_bytes_of_a_tree_in_its_order() -> None:
    chance = random.Random(2)  # noqa: S311  no secret
    rows, known = Rows("100644", 4), dict[str, tuple[str, bytes]]()
    for number in range(3000):
        name, oid, text = f"{chance.randrange(500):04x}", f"{number:040x}", b"x" * chance.randrange(9)
        before = rows.having(name, oid)
        rows.put(name, oid, text)
        known[name] = oid, text
        assert before == rows.raw
    tree = (b"100644 %s\0%s" % (name.encode(), bytes.fromhex(oid)) for name, (oid, _) in sorted(known.items()))
    assert rows.raw == b"".join(tree)
    assert all((rows.oid(name), rows.text(name)) == told for name, told in known.items())
    assert (rows.oid("ffff"), rows.text("ffff")) == (None, b"")


def test_object_names_are_found_where_they_stand() -> None:
    names = [f"{number * 2**150:040x}" for number in range(1, 50)]
    oids = Oids(" ".join(names))
    assert (list(oids), oids[3:7], oids[-1], oids[::-9]) == (names, names[3:7], names[-1], names[::-9])
    assert [oids.index(name) for name in names] == list(range(49))
    # Twenty bytes that two neighbours have between them are nobody's name.
    assert (names[0] + names[1])[20:60] not in oids
    assert "x" not in oids
    with pytest.raises(ValueError, match="f" * 40):
        oids.index("f" * 40)


def test_refs_are_found_by_name_and_by_what_they_begin_with() -> None:
    names = [f"refs/notes/{n}" for n in "ab"] + [f"refs/tags/exp/{n:03}" for n in range(99)] + ["refs/tags/exp\udcff"]
    lines = [f"{number:040x} tag {name}\n" for number, name in enumerate(names)]
    refs = Refs("".join(lines).encode(errors="surrogateescape"))
    assert [ref.name for ref in refs] == list(refs.names()) == names
    found = [refs.find(name) for name in names]
    assert [ref.name for ref in found if ref] == names
    assert [refs.find(name) for name in ("refs", "refs/tags/exp/0010", "z")] == [None] * 3
    assert list(refs.below("refs/tags/exp/").names()) == names[2:-1]
    assert refs == Refs("".join(lines).encode(errors="surrogateescape"))
    assert refs != refs.only(range(5))
    assert refs.only([1, 4]).names()[:] == [names[1], names[4]]
    assert refs.oid(7) == refs[7].oid == f"{7:040x}"


def full(**_: object) -> IO[bytes]:
    return Path("/dev/full").open("r+b", buffering=0)


@pytest.mark.parametrize("place", ["disk", "nowhere", "full"])
def test_pieces_come_back_whatever_becomes_of_the_disk(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [bytes([number % 256]) * (number * 37 % 3000) for number in range(900)]
    if place == "nowhere":
        monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    if place == "full":  # every write fails there
        monkeypatch.setattr("tempfile.TemporaryFile", full)
    spool = Spool()
    for number, piece in enumerate(pieces):
        spool.append(piece)
        assert spool[number // 2] == pieces[number // 2]
    assert list(spool) == pieces
    assert spool[-3:] == pieces[-3:]
    spool.close()
