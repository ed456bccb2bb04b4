"""Attacks on objects while they are read, many at a time: nothing slips through between looking and reading."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import verify
from arcgit.archive.context import Context, open_context
from arcgit.archive.fixity import Shelf
from arcgit.archive.looking import examine, pieces
from arcgit.archive.looking.pieces import Bad, Done, load
from arcgit.archive.looking.reading import Reader
from arcgit.archive.looking.selection import Choice, choose
from arcgit.archive.looking.targets import Store, Targets, Unit
from arcgit.archive.wanted import Wanted
from arcgit.dvc.listing import members_of
from arcgit.dvc.objects import ObjectId, ObjectProblem
from arcgit.dvc.opening import open_remote
from arcgit.dvc.remote import DataRemote
from arcgit.errors import RefusedError
from arcgit.model import fixity, proven
from arcgit.model.finding import Finding
from arcgit.model.fixity import FixityEntry
from arcgit.model.names import RecordName
from arcgit.model.proven import ProvenObject
from arcgit.model.record import Record
from arcgit.rules.chain import Ledger
from arcgit.rules.proof import Proofs
from arcgit.rules.sampling import Sample, parse_sample, rank
from tests.attacks.test_data import WANG_A, WANG_B, change
from tests.rules.test_proof import said, verified
from tests.rules.test_state import A
from tests.world import World, dvc, git

COUNT = 40
SIZES = (0, 1, 100, 5000)


@pytest.fixture(scope="module")
def empty(isolated_home: Path) -> Iterator[Path]:
    """A repository with a real DVC remote, made once; everybody may enter it, unlike the folders of pytest."""
    del isolated_home
    folder = Path(tempfile.mkdtemp(prefix="arcgit-place-"))
    git(folder, "init", "--quiet", "made")
    dvc(folder / "made", "init", "--quiet")
    (folder / "made" / "store").mkdir()
    dvc(folder / "made", "remote", "add", "--quiet", "--default", "storage", "store")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def store(empty: Path) -> Iterator[Store]:
    """The remote with forty objects, each of them wanted as it is."""
    place = shutil.copytree(empty / "made", empty / "copy")
    made = Store("storage", "dvc", "md5", open_remote(place, None))
    for number in range(COUNT):
        add(made, bytes([number]) * SIZES[number % 4] + str(number).encode(), number)
    yield made
    shutil.rmtree(place)


def add(store: Store, data: bytes, number: int) -> Path:
    """An object of these bytes, wanted by artifact `number`."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    wanted = Wanted(md5, hashlib.sha256(data).hexdigest(), len(data), number, "")
    store.objects.want(wanted)
    path = path_of(store, wanted)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o444)
    return path


def path_of(store: Store, wanted: Wanted) -> Path:
    remote = store.remote
    assert remote is not None
    return Path(remote.path(ObjectId("md5", wanted.oid)))


def opened(store: Store) -> Context:
    """The repository around a store."""
    where = path_of(store, store.objects[0]).parents[3]
    return open_context(where.parent, state_dir=Path("/nonexistent"))


def read(
    store: Store, *, fixity: bool = True, jobs: int | None = None, context: Context | None = None
) -> tuple[set[int], dict[int, Bad]]:
    """The numbers of the good objects, and the bad ones."""
    good: set[int] = set()
    bad: dict[int, Bad] = {}

    def take(done: Done) -> None:
        good.update(number for number, _ in done.good)
        bad.update((one.number, one) for one in done.bad)

    context = context or opened(store)
    Reader(context.repo, fixity, jobs).run([load(store, range(len(store.objects)))], take, lambda read: None)
    assert good.isdisjoint(bad)
    assert len(good) + len(bad) == len(store.objects)
    return good, bad


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of reading: in one go, and as a stream beside others in small pieces."""
    if request.param == "large":
        monkeypatch.setattr(pieces, "SMALL", -1)
        monkeypatch.setattr(pieces, "BUFFER", 7)
    return str(request.param)


JOBS = pytest.mark.parametrize("jobs", [None, 1, 4])


@JOBS
@pytest.mark.usefixtures("size")
def test_good_objects_are_good_however_they_are_read(store: Store, jobs: int | None) -> None:
    assert read(store, jobs=jobs) == (set(range(COUNT)), {})
    assert read(store, fixity=False, jobs=jobs) == (set(range(COUNT)), {})


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    change(path, bytes(data))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def no_folder(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("a file in the place of a folder")


OPERATIONS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a bit flipped": (flip, "changed"),
    "cut": (lambda path: change(path, path.read_bytes()[:-1]), "size"),
    "emptied": (lambda path: change(path, b""), "size"),
    "longer": (lambda path: change(path, path.read_bytes() + b"x"), "size"),
    "gone": (lambda path: path.unlink(), "missing"),
    "a link to nowhere": (dangling, "missing"),
    "a file for its folder": (no_folder, "missing"),
    "a folder": (folder, "problem"),
    "a FIFO": (fifo, "problem"),
    "a link to itself": (loop, "problem"),
}


@JOBS
@pytest.mark.usefixtures("size")
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_one_of_many_damaged_objects_is_found_and_no_other(store: Store, name: str, jobs: int | None) -> None:
    operate, kind = OPERATIONS[name]
    damaged = set(range(1, COUNT, 3))
    for number in damaged:
        operate(path_of(store, store.objects[number]))
    # Some of the forty lie in the same folder.
    gone = {n for n, wanted in enumerate(store.objects) if not os.path.lexists(path_of(store, wanted))}
    good, bad = read(store, jobs=jobs)
    assert set(bad) == damaged | gone
    for number in damaged - gone:
        found = bad[number]
        if kind == "missing":
            assert found.presence is None
        elif kind == "problem":
            assert isinstance(found.presence, ObjectProblem)
        elif kind == "size":
            assert found.presence != store.objects[number].size
        else:
            assert found.presence == store.objects[number].size
            assert found.sha256 not in {"", store.objects[number].sha256}
    assert good == set(range(COUNT)) - set(bad)


@pytest.mark.usefixtures("size")
def test_an_object_that_may_not_be_read_is_told_from_one_that_is_gone(store: Store) -> None:
    """In a process of somebody who is not root, for whom rights count."""
    path = path_of(store, store.objects[5])
    path.chmod(0)
    path_of(store, store.objects[6]).parent.chmod(0)
    context = opened(store)
    there, here = os.pipe()
    if (child := os.fork()) == 0:  # pragma: no cover  another process
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            _, bad = read(store, context=context)
            told = {number: type(one.presence).__name__ for number, one in bad.items()}
            os.write(here, json.dumps(told).encode())
        finally:
            os._exit(0)
    os.close(here)
    with os.fdopen(there) as pipe:
        found = json.loads(pipe.read())
    os.waitpid(child, 0)
    path_of(store, store.objects[6]).parent.chmod(0o755)
    assert found["5"] == found["6"] == "ObjectProblem"


@pytest.mark.usefixtures("size")
def test_an_object_that_grows_or_shrinks_after_it_was_opened_is_found(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {path_of(store, wanted).stat().st_ino: path_of(store, wanted) for wanted in store.objects[:9]}
    real = os.fstat

    def and_then(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        if (path := paths.pop(status.st_ino, None)) is not None:
            change(path, path.read_bytes() + b"x" if status.st_ino % 2 else path.read_bytes()[:-1])
        return status

    monkeypatch.setattr(os, "fstat", and_then)
    _, bad = read(store)
    assert set(bad) == set(range(9))


def test_nothing_is_looked_at_before_it_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is swapped after a first look cannot matter where there is none."""

    def never(*_: object) -> None:
        raise AssertionError("it was looked at")

    monkeypatch.setattr(DataRemote, "presence", never)
    assert read(store)[1] == {}


@pytest.mark.usefixtures("size")
def test_one_object_that_is_wanted_with_two_contents_is_good_for_neither(store: Store) -> None:
    """Two records that sealed other bytes under one md5: at most one of them can be right."""
    add(store, WANG_A, COUNT)
    wanted = store.objects[COUNT]
    other = Wanted(wanted.oid, hashlib.sha256(WANG_B).hexdigest(), len(WANG_B), COUNT + 1, "")
    store.objects.want(other)
    _, bad = read(store)
    assert {number: one.sha256 for number, one in bad.items()} == {COUNT: wanted.sha256}


@pytest.mark.parametrize("sharing", [10, 300])
def test_an_object_over_a_network_is_read_no_further_than_anybody_wants(
    store: Store, monkeypatch: pytest.MonkeyPatch, sharing: int
) -> None:
    """A storage that never stops sending."""
    monkeypatch.setattr(DataRemote, "local", False)

    class Endless:
        read = 0

        def readinto(self, buffer: memoryview) -> int:
            Endless.read += len(buffer)
            return len(buffer)

    monkeypatch.setattr(DataRemote, "open", lambda self, oid: nullcontext(Endless()))
    _, bad = read(store, jobs=sharing)
    assert set(bad) == set(range(COUNT))
    assert Endless.read == COUNT * pieces.BUFFER


@pytest.mark.parametrize("fault", [OSError("reset"), ValueError("html"), RuntimeError("gone"), KeyError("x")])
def test_whatever_a_storage_library_raises_is_one_object_that_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    monkeypatch.setattr(DataRemote, "local", False)
    real = DataRemote.open

    def raising(remote: DataRemote, oid: ObjectId) -> object:
        if oid.value == store.objects[3].oid:
            raise fault
        return real(remote, oid)

    monkeypatch.setattr(DataRemote, "open", raising)
    _, bad = read(store)
    assert set(bad) == {3}
    assert isinstance(bad[3].presence, ObjectProblem)


@pytest.mark.usefixtures("size")
def test_a_run_that_is_broken_off_hands_over_what_it_has_and_ends(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Done] = []
    monkeypatch.setattr(pieces, "CHUNK", 1)

    def take(done: Done) -> None:
        seen.append(done)
        if len(seen) == 3:
            raise KeyboardInterrupt

    context = opened(store)
    with pytest.raises(KeyboardInterrupt):
        Reader(context.repo, fixity=True).run([load(store, range(COUNT))], take, lambda read: None)
    assert 3 <= len(seen) < COUNT


Sealed = tuple[Context, Ledger, list[tuple[RecordName, Record]]]


@pytest.fixture
def sealed(world: World) -> Sealed:
    """The ledger of an archive and its record `deep`, judged."""
    context = open_context(world.work, state_dir=world.state / "arcgit")
    judged = verify.verify(context, ["deep"])
    assert judged.view is not None
    return context, judged.view.ledger, judged.sound


def found(sealed: Sealed, jobs: int | None = None) -> list[Finding]:
    """What a look at every byte finds."""
    context, ledger, records = sealed
    asked = examine.Request(jobs=jobs)
    return examine.examine(
        context, ledger, records, level="fixity", progress=lambda what, done, total: None, asked=asked
    ).findings


def test_a_flip_of_any_byte_is_found(world: World, sealed: Sealed) -> None:
    path = world.object_path("data/train")
    entries = json.loads(path.read_bytes())
    member = world.store / "files" / "md5" / entries[0]["md5"][:2] / entries[0]["md5"][2:]
    good = member.read_bytes()
    assert found(sealed) == []
    for position in range(len(good)):
        change(member, good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        codes = [one.code for one in found(sealed)]
        assert codes == ["object-corrupt"], position
    change(member, good)
    assert found(sealed) == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: rows[::-1],
        lambda rows: [*rows, rows[0]],
        lambda rows: [{**rows[0], "relpath": rows[1]["relpath"]}, *rows[1:]],
        lambda rows: [{**rows[0], "md5": rows[1]["md5"]}, {**rows[1], "md5": rows[0]["md5"]}, *rows[2:]],
        lambda rows: [{**rows[0], "md5": f"{rows[0]['md5']}.dir"}, *rows[1:]],
        lambda rows: [{**row, "md5": "0" * 32} for row in rows],
        lambda rows: [{"relpath": row["relpath"]} for row in rows],
        lambda rows: {"rows": rows},
        lambda rows: [],
        lambda rows: [{**rows[0], "relpath": "/etc/passwd"}, *rows[1:]],
        lambda rows: [{**row, "more": 1} for row in rows],
    ],
    ids=[
        "reordered",
        "twice",
        "renamed",
        "swapped",
        "a listing",
        "zeros",
        "no md5",
        "a mapping",
        "none",
        "absolute",
        "more",
    ],
)
def test_a_listing_edited_in_any_way_is_found(world: World, sealed: Sealed, edit: Callable[[object], object]) -> None:
    path = world.object_path("data/train")
    change(path, json.dumps(edit(json.loads(path.read_bytes()))).encode())
    findings = found(sealed)
    assert [one.code for one in findings] == ["object-corrupt"]
    assert findings[0].subject.endswith(": train")


def test_the_findings_are_in_one_order_however_many_are_read_at_a_time(
    world: World, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what was begun first ends last."""
    for path in sorted((world.store / "files" / "md5").glob("*/*")):
        if not path.name.endswith(".dir"):
            change(path, b"x" * path.stat().st_size)
    alone = found(sealed, 1)
    assert len(alone) == 7
    monkeypatch.setattr(pieces, "SMALL", -1)
    real, others = pieces.large, threading.Event()

    def late(store: Store, remote: DataRemote, number: int, *more: Any) -> Done:
        if number == 0:
            others.wait(60)
        done = real(store, remote, number, *more)
        if number == 5:
            others.set()
        return done

    monkeypatch.setattr(pieces, "large", late)
    for jobs in (2, 7):
        others.clear()
        assert found(sealed, jobs) == alone


def test_a_listing_that_names_a_file_twice_is_refused_also_where_the_names_are_right() -> None:
    rows = [{"md5": "0" * 32, "relpath": "a"}, {"md5": "1" * 32, "relpath": "a"}]
    with pytest.raises(RefusedError):
        members_of(json.dumps(rows).encode(), fixity.parse(fixity.serialise([FixityEntry("0" * 64, 1, "a")])))


def test_a_sample_is_as_likely_to_have_any_object_and_each_seed_draws_another() -> None:
    store = Store("storage", "dvc", "md5")
    for number in range(200):
        store.objects.want(
            Wanted(f"{number:032x}", hashlib.sha256(bytes([number])).hexdigest(), number * number, 0, "")
        )
    targets = Targets(["r"], [store], [Unit()])
    drawn = [0] * 200
    for seed in range(400):
        chosen = choose(targets, Choice(Sample(count=20), str(seed)), Proofs(), Shelf.__new__(Shelf))
        assert chosen.count == 20
        for number in chosen.numbers[0]:
            drawn[number] += 1
    # Forty times each is what is to be expected; five deviations on either side.
    assert min(drawn) > 40 - 5 * 6
    assert max(drawn) < 40 + 5 * 6


class OneList(Shelf):
    """A shelf with one list, under whatever name it is asked for."""

    def __init__(self, *listed: Wanted) -> None:
        self._data = proven.serialise(ProvenObject(one.sha256, one.size, "storage") for one in listed)

    def read(self, digest: str) -> bytes | None:
        del digest
        return self._data


def test_what_a_sample_proved_before_a_failure_is_read_again() -> None:
    """A later failure need not say which object it was about."""
    store = Store("storage", "dvc", "md5")
    store.objects.want(Wanted("0" * 32, "a" * 64, 1, 0, ""))
    unit = Unit([(0, "exp/x: model")])
    targets = Targets([A.refname], [store], [unit])
    part = verified(7, remotes=["storage"], records=[A.refname], sample=1, proven="d" * 64)
    failed = verified(9, remotes=["storage"], records=[A.refname], level="presence", outcome="fail")
    choice = Choice(since=datetime(2020, 1, 1, tzinfo=timezone.utc), now=datetime(2030, 1, 1, tzinfo=timezone.utc))
    shelf = OneList(*store.objects)
    assert choose(targets, choice, said(part), shelf).count == 0
    assert choose(targets, choice, said(part, failed), shelf).count == 1


@pytest.mark.parametrize(
    ("text", "total", "expected"),
    [("5", 10, 5), ("50", 10, 10), ("5%", 10, 1), ("5%", 1000, 50), ("0.1%", 1001, 2), ("100%", 7, 7), ("1", 0, 0)],
)
def test_how_many_a_sample_is(text: str, total: int, expected: int) -> None:
    sample = parse_sample(text)
    assert sample is not None
    assert sample.of(total) == expected


def test_the_rank_of_an_object_stays_what_it_is() -> None:
    """An auditor draws the sample of another version again."""
    digest = hashlib.sha256(b"tuesday\nstorage\n" + b"a" * 64).digest()
    assert rank("tuesday", "storage", "a" * 64) == digest
