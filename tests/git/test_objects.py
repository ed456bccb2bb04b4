"""Objects through git: very many in one go give what each alone gives, and stop where that would refuse."""

from __future__ import annotations

import random
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git import plumbing
from arcgit.git.child import Child
from arcgit.git.objects import AT_ONCE, Objects
from arcgit.git.packs import LaidObject
from arcgit.git.repository import HistoryBrokenError, Repository
from arcgit.model.gitobject import MAX_OBJECT_BYTES, object_id
from arcgit.model.notetree import RawObject
from arcgit.spool import Pile
from tests.world import git

MISSING = "0123456789" * 4


def commits(folder: Path, count: int) -> list[str]:
    """So many commits, made without a work tree; the newest is the branch `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    stream = "".join(
        f"commit refs/heads/main\nmark :{n}\ncommitter A <a@example.org> {n + 1} +0000\ndata 2\n{n % 10}\n\n"
        for n in range(1, count + 1)
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=stream.encode(), check=True)
    return git(folder, "rev-list", "--reverse", "main").split()


def blob(folder: Path, data: bytes) -> str:
    done = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=folder, input=data, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def read(folder: Path, kind: str, oids: list[str]) -> list[bytes | None]:
    with closing(Repository(folder).batch()) as objects:
        return list(objects.stream(oids, kind))


def test_a_batch_reads_what_single_reads_give(tmp_path: Path) -> None:
    oids = commits(tmp_path, AT_ONCE * 2 + 3)
    repo = Repository(tmp_path)
    assert read(tmp_path, "commit", oids) == [repo.read(oid, "commit") for oid in oids]


@pytest.mark.parametrize("bad", [MISSING, "main", "HEAD^{tree}", "-x", "", "0" * 39 + "\n"])
def test_nothing_is_read_from_a_name_that_is_no_object_of_the_kind(bad: str, tmp_path: Path) -> None:
    oids = commits(tmp_path, 3)
    found = read(tmp_path, "commit", [oids[0], bad, oids[1]])
    assert found[1:] == [None, None]


def test_an_object_of_another_kind_ends_the_batch(tmp_path: Path) -> None:
    oids = commits(tmp_path, 2)
    assert read(tmp_path, "tag", oids) == [None, None]


def test_an_object_beyond_the_bound_is_not_taken_into_memory(tmp_path: Path) -> None:
    commits(tmp_path, 1)
    small, large = blob(tmp_path, b"small"), blob(tmp_path, b"x" * (MAX_OBJECT_BYTES + 1))
    assert read(tmp_path, "blob", [small, large, small]) == [b"small", None, None]


def test_an_object_whose_bytes_have_another_name_ends_the_batch(tmp_path: Path) -> None:
    commits(tmp_path, 1)
    good, other = blob(tmp_path, b"good"), blob(tmp_path, b"other")
    places = [tmp_path / ".git" / "objects" / oid[:2] / oid[2:] for oid in (good, other)]
    places[0].chmod(0o644)
    places[0].write_bytes(places[1].read_bytes())
    assert read(tmp_path, "blob", [other, good]) == [b"other", None]


def test_a_history_comes_from_its_beginning_to_its_tip(tmp_path: Path) -> None:
    oids = commits(tmp_path, AT_ONCE + 1)
    assert [oid for oid, _ in Repository(tmp_path).history(oids[-1])] == oids


def test_a_graft_gives_no_other_history(tmp_path: Path) -> None:
    oids = commits(tmp_path, 5)
    (tmp_path / ".git" / "info" / "grafts").write_text(f"{oids[4]} {oids[1]}\n")
    assert git(tmp_path, "rev-list", "--count", "main").strip() == "3", "stock git follows the graft"
    assert [oid for oid, _ in Repository(tmp_path).history(oids[-1])] == oids


def test_a_commit_graph_gives_no_other_history(tmp_path: Path) -> None:
    oids = commits(tmp_path, 5)
    git(tmp_path, "commit-graph", "write", "--reachable")
    graph = tmp_path / ".git" / "objects" / "info" / "commit-graph"
    data = bytearray(graph.read_bytes())
    graph.chmod(0o644)
    for place in range(len(data) - 200, len(data) - 20):
        data[place] ^= 0xFF
    graph.write_bytes(bytes(data))
    assert [oid for oid, _ in Repository(tmp_path).history(oids[-1])] == oids


def test_a_replaced_commit_gives_no_other_history(tmp_path: Path) -> None:
    oids = commits(tmp_path, 5)
    git(tmp_path, "replace", oids[3], oids[0])
    assert [oid for oid, _ in Repository(tmp_path).history(oids[-1])] == oids


def test_a_history_that_is_cut_off_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    commits(tmp_path / "whole", 5)
    git(tmp_path, "clone", "-q", "--depth", "2", f"file://{tmp_path / 'whole'}", str(tmp_path / "cut"))
    tip = git(tmp_path / "cut", "rev-parse", "HEAD").strip()
    with pytest.raises(HistoryBrokenError):
        list(Repository(tmp_path / "cut").history(tip))


ODD = {
    "no message": b"",
    "no line end": b"title",
    "many line ends": b"title\n\n\n\n",
    "white space for a line": b"title\n   \n\t\nbody\n",
    "indented": b"title\n\n    four\n        eight\n one\n",
    "empty lines first": b"\n\ntitle\n",
    "white space at the ends of lines": b"title  \n\nbody \t\n",
    "carriage returns": b"title\r\n\r\nbody\r\n",
    "bytes that are no text": b"\xff\xfe title\n\n\x80\n",
    "a zero byte": b"title\n\nbody\0more\n",
    "the name of another": b"title\0" + b"0" * 40 + b"\ntree " + b"0" * 40 + b"\n\n    x\n",
    "the name of another without its end": b"title\0" + b"0" * 40 + b"tree " + b"0" * 40 + b"\n\n    x\n",
}


@pytest.mark.parametrize("encoding", [b"", b"encoding ISO-8859-1\n", b"encoding x\n"])
@pytest.mark.parametrize("settings", [(), ("i18n.logOutputEncoding", "ISO-8859-1"), ("log.showSignature", "true")])
@pytest.mark.parametrize("message", ODD.values(), ids=ODD)
def test_a_history_has_the_bytes_of_commits_as_they_are_stored(
    tmp_path: Path, message: bytes, settings: tuple[str, ...], encoding: bytes
) -> None:
    """However git would show them."""
    before = commits(tmp_path, 2)[-1]
    tree = git(tmp_path, "rev-parse", "HEAD^{tree}").strip()
    head = f"tree {tree}\nparent {before}\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\n".encode()
    signed = b"gpgsig -----BEGIN X-----\n \n    deep\n -----END X-----\n"
    raw = head + encoding + signed + b"\n" + message
    tip = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--literally", "--stdin"],
        cwd=tmp_path, input=raw, check=True, capture_output=True,
    ).stdout.decode().strip()  # fmt: skip
    if settings:
        git(tmp_path, "config", *settings)
    repo = Repository(tmp_path)
    try:
        found = list(repo.history(tip))
    except HistoryBrokenError:
        assert b"\0" in message, "only what git shows no end of is left to be read one by one"
        return
    assert found == list(repo.first_parents(tip))[::-1]
    assert found[-1] == (tip, raw)


def test_a_history_is_read_where_no_file_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oids = commits(tmp_path, 3)

    def full(**given: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert [oid for oid, _ in Repository(tmp_path).history(oids[-1])] == oids


def test_a_full_disk_is_no_end_of_a_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read one by one then, as after everything else that one go cannot do."""
    oids = commits(tmp_path, 3)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **given: open("/dev/full", "r+b", **given))  # noqa: PTH123, SIM115
    with pytest.raises(HistoryBrokenError):
        list(Repository(tmp_path).history(oids[-1]))


def test_a_commit_without_an_end_is_not_taken_into_memory(tmp_path: Path) -> None:
    before = commits(tmp_path, 1)[-1]
    tree = git(tmp_path, "rev-parse", "HEAD^{tree}").strip()
    head = f"tree {tree}\nparent {before}\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\n\n".encode()
    tip = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=tmp_path, input=head + b"x" * (3 * MAX_OBJECT_BYTES), check=True, capture_output=True,
    ).stdout.decode().strip()  # fmt: skip
    with pytest.raises(HistoryBrokenError):
        list(Repository(tmp_path).history(tip))


@pytest.fixture
def objects(tmp_path: Path) -> Iterator[Objects]:
    commits(tmp_path, 3)
    with closing(Objects(folder=str(tmp_path))) as made:
        yield made


def test_a_stream_that_is_left_early_leaves_nothing_for_the_next_question(tmp_path: Path, objects: Objects) -> None:
    oids = git(tmp_path, "rev-list", "main").split()
    with closing(cast("Generator[bytes | None]", objects.stream(oids, "commit"))) as stream:
        first = next(stream)
    assert first == objects.read(oids[0], "commit")
    assert objects.read(oids[2], "commit") == Repository(tmp_path).read(oids[2], "commit")


def test_a_stream_that_ended_badly_leaves_nothing_for_the_next_question(tmp_path: Path, objects: Objects) -> None:
    oids = git(tmp_path, "rev-list", "main").split()
    assert list(objects.stream([oids[0], MISSING, *oids], "commit"))[1:] == [None] * 4
    assert list(objects.stream(oids, "commit")) == [objects.read(oid, "commit") for oid in oids]


@pytest.mark.parametrize("bad", [MISSING, "main", "HEAD^{tree}", "-x", "0" * 39 + "\n"])
def test_what_a_stream_leaves_out_is_told_apart_when_it_is_read_alone(objects: Objects, bad: str) -> None:
    with pytest.raises(UndeterminedError):
        objects.read(bad, "commit")
    objects.prefetch([bad])
    with pytest.raises(UndeterminedError):
        objects.read(bad, "commit")


def test_a_child_that_has_died_is_an_error_with_words(
    tmp_path: Path, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where git itself was killed, or could not start in a folder that is gone."""
    oids = git(tmp_path, "rev-list", "main").split()
    objects.read(oids[0], "commit")
    monkeypatch.setattr(plumbing, "start", lambda *_, **__: Child(["false"], {}))
    objects.close()
    for _ in range(3):
        with pytest.raises(UndeterminedError):
            objects.read(oids[0], "commit")
    assert list(objects.stream(oids, "commit")) == [None] * 3


@pytest.mark.parametrize("size", [0, 1, 15, 16, 2047, 2048, 3 << 20])
def test_objects_of_any_size_come_back_from_the_pack_that_was_written_of_them(tmp_path: Path, size: int) -> None:
    """What is large is given as the file that it lies in, and taken piece by piece on its way back."""
    git(tmp_path, "init", "--quiet", "made")
    repo = Repository(tmp_path / "made")
    raw = random.Random(size).randbytes(size)  # noqa: S311  no secret
    pile = Pile()
    pile.add(raw)
    small, large = (
        RawObject("blob", object_id("blob", b"a"), b"a"),
        LaidObject("blob", object_id("blob", raw), pile.whole()),
    )
    tree = repo.write("tree", b"")
    with repo.held([small, large, small]):
        git(tmp_path / "made", "fsck", "--full", "--strict")
    assert repo.read(small.oid, "blob") == b"a"
    assert repo.read(large.oid, "blob", 8 << 20) == raw
    with closing(repo.batch()) as objects:
        assert b"".join(objects.parts(large.oid, 8 << 20)) == raw
        assert b"".join(objects.parts(small.oid, 1)) == b"a"
        with pytest.raises(RefusedError, match="not a blob to read"):
            list(objects.parts(large.oid, size - 1))
        with pytest.raises(RefusedError, match="not a blob to read"):
            list(objects.parts(tree, 9))
        with pytest.raises(UndeterminedError, match="is not in this repository"):
            list(objects.parts(MISSING, 1))
        assert b"".join(objects.parts(small.oid, 1)) == b"a"
