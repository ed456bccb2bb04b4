"""Data that an earlier record has hashed is not hashed again, if nobody can have touched it since."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arcgit.archive import known, ledger
from arcgit.archive.context import Context, open_context
from arcgit.archive.kept import hashed
from arcgit.archive.kept.hashed import Hashed
from arcgit.archive.sealedbefore import SealedBefore
from arcgit.dvc.objects import ObjectId
from arcgit.dvc.remote import DataRemote
from arcgit.model.record import Record
from arcgit.rules.state import RecordState
from tests.attacks.test_data import WANG_A, WANG_B
from tests.world import MANIFEST, World, dvc, git

OID = ObjectId("md5", "0" * 32)
SHA = "ab" * 32
WANG_MD5 = "79054025255fb1a26e4bc422aef54eb4"


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a test are new; this takes them for old ones."""
    monkeypatch.setattr(hashed, "SETTLED_NS", -(10**12))


def renamed(world: World, experiment: str) -> None:
    """The same data under another experiment's name."""
    (world.work / "arcgit.yaml").write_text(MANIFEST.format(experiment=experiment))
    git(world.work, "commit", "--quiet", "--all", "-m", experiment)


def storage(world: World) -> dict[str, int]:
    """What the last event says of the data of its record."""
    message = git(world.work, "show", "--no-patch", "--format=%B", "refs/notes/arcgit")
    found: dict[str, int] = json.loads(message.split("Arcgit-Event: ")[1].splitlines()[0])["data"]["storage"]
    return found


def cached(world: World, path: str) -> Path:
    remote = world.object_path(path)
    return world.work / ".dvc" / "cache" / "files" / "md5" / remote.parent.name / remote.name


@contextmanager
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Objects that are read in DVC's cache meanwhile."""
    read: list[str] = []
    real = DataRemote.cache_open

    def noted(self: DataRemote, oid: ObjectId) -> Any:
        read.append(oid.value)
        return real(self, oid)

    with monkeypatch.context() as patch:
        patch.setattr(DataRemote, "cache_open", noted)
        yield read


@pytest.mark.usefixtures("settled")
def test_bytes_of_an_earlier_record_are_not_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed(world, "second")
    world.arcgit("record")
    assert "unread" not in storage(world)
    renamed(world, "third")
    with reading(monkeypatch) as read:
        world.arcgit("record")
    assert [value for value in read if not value.endswith(".dir")] == []
    assert storage(world)["unread"] > 1
    assert world.verify("--level", "fixity", code=0) == []


@pytest.mark.usefixtures("settled")
def test_a_touched_file_is_read_again_though_its_size_and_time_are_as_before(world: World) -> None:
    renamed(world, "second")
    world.arcgit("record")
    model = cached(world, "model.pkl")
    before = model.stat()
    data = bytearray(model.read_bytes())
    data[0] ^= 1
    model.chmod(0o644)
    model.write_bytes(data)
    model.chmod(before.st_mode)
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = model.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)
    renamed(world, "third")
    assert world.arcgit("record", code=1)["error"]["code"] == "object-corrupt"


@pytest.mark.usefixtures("settled")
def test_a_colliding_file_in_the_cache_is_refused(world: World) -> None:
    """DVC names both files by one md5; the remote has the first."""
    weights = world.work / "weights.bin"
    weights.write_bytes(WANG_A)
    dvc(world.work, "add", "--quiet", "weights.bin")
    for experiment in ("second", "third"):
        text = MANIFEST.format(experiment=experiment)
        (world.work / "arcgit.yaml").write_text(f"{text}  weights: {{role: other, path: weights.bin}}\n")
        git(world.work, "add", "--all")
        git(world.work, "commit", "--quiet", "-m", experiment)
        if experiment == "second":
            world.arcgit("record")
    place = world.work / ".dvc" / "cache" / "files" / "md5" / WANG_MD5[:2] / WANG_MD5[2:]
    before = place.stat()
    place.chmod(0o644)
    place.write_bytes(WANG_B)
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert world.arcgit("record", code=1)["error"]["code"] == "md5-collision"


def test_a_file_that_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    """Within one tick of the file system's clock it could change once more without another time."""
    file = tmp_path / "new"
    file.write_bytes(b"1")
    kept = Hashed(tmp_path / "state", {SHA})
    kept.note(OID, file.stat(), SHA)
    kept.close()
    assert Hashed(tmp_path / "state", {SHA}).sha256(OID, file.stat()) is None


@pytest.fixture
def remembered(tmp_path: Path, settled: None) -> Path:
    """A file whose digest is kept in `state`."""
    del settled
    file = tmp_path / "file"
    file.write_bytes(b"1")
    kept = Hashed(tmp_path / "state", {SHA})
    kept.note(OID, file.stat(), SHA)
    kept.close()
    assert ask(file) == SHA
    return file


def ask(file: Path, oid: ObjectId = OID, proven: frozenset[str] = frozenset({SHA})) -> str | None:
    kept = Hashed(file.parent / "state", proven)
    try:
        return kept.sha256(oid, file.stat())
    finally:
        kept.close()


def test_only_digests_that_a_record_has_sealed_are_answered(remembered: Path) -> None:
    assert ask(remembered, proven=frozenset()) is None


def test_a_file_is_known_under_its_own_object_alone(remembered: Path) -> None:
    assert ask(remembered, ObjectId("md5", "1" * 32)) is None
    assert ask(remembered, ObjectId("md5-dos2unix", OID.value)) is None


@pytest.mark.parametrize("change", ["bytes", "size", "mode", "time", "copy"])
def test_any_change_of_the_file_forgets_it(remembered: Path, change: str) -> None:
    if change == "bytes":
        remembered.write_bytes(b"2")
    elif change == "size":
        remembered.write_bytes(b"12")
    elif change == "mode":
        remembered.chmod(0o600)
    elif change == "time":
        os.utime(remembered, ns=(1, 1))
    else:
        other = remembered.with_name("other")
        other.write_bytes(b"1")
        other.replace(remembered)
    assert ask(remembered) is None


@pytest.mark.parametrize("place", ["folder", "file"])
def test_what_others_may_write_is_not_believed(remembered: Path, place: str) -> None:
    state = remembered.parent / "state"
    (state if place == "folder" else state / hashed.NAME).chmod(0o777)
    assert ask(remembered) is None


def test_a_link_to_somebody_elses_folder_is_not_followed(remembered: Path) -> None:
    state = remembered.parent / "state"
    state.rename(state.with_name("elsewhere"))
    state.symlink_to("elsewhere")
    assert ask(remembered) is None


@pytest.mark.parametrize("how", ["garbled", "another version", "a trigger", "a blob"])
def test_a_damaged_file_counts_as_none(remembered: Path, how: str) -> None:
    path = remembered.parent / "state" / hashed.NAME
    if how == "garbled":
        path.write_bytes(b"no database" * 100)
    else:
        with sqlite3.connect(path) as connection:
            if how == "another version":
                connection.execute("UPDATE made SET by = 'another'")
            elif how == "a trigger":
                connection.execute("CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM files; END")
            else:
                connection.execute("UPDATE files SET sha256 = x'ff'")
        connection.close()
    assert ask(remembered) is None


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    os.utime(file, ns=(1, 1))
    kept = Hashed(file / "no folder", {SHA})
    kept.note(OID, file.stat(), SHA)
    kept.close()
    assert kept.sha256(OID, file.stat()) is None


def test_earlier_records_are_read_only_as_far_back_as_it_takes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    context = open_context(world.work, state_dir=world.state)
    view = ledger.require(context)
    states = list(view.ledger.records.values())
    read: list[str] = []
    real = known.sealed

    def sealed(context: Context, state: RecordState) -> Record:
        read.append(state.name.experiment)
        return real(context, state)

    latest, first = (real(context, state).predicate.artifacts["model"].sha256 for state in (states[-1], states[0]))
    monkeypatch.setattr(known, "sealed", sealed)
    before = SealedBefore(context, view)
    assert latest in before
    assert read == ["deep"]
    assert first in before
    assert read == ["deep", "wide", "baseline"]
    assert "0" * 64 not in before
    assert len(read) == len(states)
    for other in (latest.upper(), latest[:-1], f"{latest} ", "no digest", None):
        assert other not in before


@pytest.mark.parametrize("why", ["purged", "tainted", "not here"])
def test_a_record_that_counts_for_nothing_vouches_for_no_bytes(world: World, why: str) -> None:
    context = open_context(world.work, state_dir=world.state)
    view = ledger.require(context)
    state = list(view.ledger.records.values())[-1]
    digest = known.sealed(context, state).predicate.artifacts["model"].sha256
    assert digest in SealedBefore(context, view)
    if why == "purged":
        state.status = "purged"
    elif why == "tainted":
        state.doubted = frozenset({state.seq})
    else:
        state.subject = msgspec.structs.replace(state.subject, oid="1" * 40)
    assert digest not in SealedBefore(context, view)
