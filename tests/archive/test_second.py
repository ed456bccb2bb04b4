"""Small files read by two processes: whichever reads a file, the same is said of it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive.looking import pieces, second
from arcgit.archive.looking.second import Second
from tests.attacks.test_data import change
from tests.world import World, dvc

FILES = 23


@pytest.fixture
def many(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """An archive with a directory of many files, which go to two processes in pieces of three."""
    folder = world.work / "many"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:02}.csv").write_text(f"row {number}\n")
    dvc(world.work, "add", "--quiet", "many")
    manifest = world.work / "arcgit.yaml"
    text = manifest.read_text().replace("experiment: deep", "experiment: many")
    manifest.write_text(text + "  many: {role: dataset, path: many, split: other}\n")
    world.commit("many files")
    world.arcgit("record")
    monkeypatch.setattr(pieces, "CHUNK", 3)
    monkeypatch.setattr(second, "MANY", 1)
    monkeypatch.setattr(second, "processors", lambda: 2)
    return world


def stored(world: World, number: int) -> Path:
    md5 = hashlib.md5(f"row {number}\n".encode(), usedforsecurity=False).hexdigest()
    return world.store / "files" / "md5" / md5[:2] / md5[2:]


def judged(world: World) -> dict[str, Any]:
    """The verdict with its findings, without what differs from run to run."""
    world.verify("--level", "fixity")
    return {key: value for key, value in world.last.items() if key in {"verdict", "findings", "scope"}}


def alone(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    with monkeypatch.context() as patch:
        patch.setattr(second, "processors", lambda: 1)
        return judged(world)


def started(monkeypatch: pytest.MonkeyPatch) -> list[Second]:
    """Every other process that is begun from here on."""
    found: list[Second] = []
    begin = Second.__init__

    def beginning(self: Second, *arguments: Any) -> None:
        begin(self, *arguments)
        found.append(self)

    monkeypatch.setattr(Second, "__init__", beginning)
    return found


def pipes() -> set[str]:
    """The pipes that this process holds."""
    held = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(str(link.readlink()))
    return {name for name in held if name.startswith("pipe:")}


def test_both_read_their_part_and_nothing_of_the_other_process_is_left(
    many: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, asked = started(monkeypatch), []
    take = Second.take

    def taken(self: Second, bench: pieces.Bench) -> pieces.Done | None:
        asked.append(take(self, bench))
        return asked[-1]

    monkeypatch.setattr(Second, "take", taken)
    whole, before = alone(many, monkeypatch), pipes()
    found = judged(many)
    assert found == whole
    assert found["verdict"] == "pass"
    assert len(begun) == 1
    assert len(asked) > 2
    assert all(done is not None and done.count for done in asked)
    assert not pipes() - before
    with pytest.raises(ChildProcessError):
        os.waitpid(begun[0]._child, os.WNOHANG)


@pytest.mark.parametrize("how", ["flipped", "longer", "gone", "link", "fifo"])
def test_a_damaged_file_is_said_in_the_same_words_whichever_process_meets_it(
    many: World, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = started(monkeypatch)
    for number in range(FILES):
        path = stored(many, number)
        data = path.read_bytes()
        if how == "flipped":
            change(path, bytes((data[0] ^ 1,)) + data[1:])
        elif how == "longer":
            change(path, data + b"x")
        else:
            path.unlink()
        if how == "link":
            path.symlink_to(stored(many, (number + 1) % FILES))
        elif how == "fifo":
            os.mkfifo(path)
        found = judged(many)
        assert found == alone(many, monkeypatch)
        assert f"many/{number:02}.csv" in str(found["findings"])
        if path.is_symlink() or path.exists():
            path.unlink()
        path.write_bytes(data)
        path.chmod(0o444)
    assert len(begun) == FILES


def test_where_the_other_process_dies_its_part_is_read_here(many: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, whole = Second.__init__, judged(many)

    def killed(self: Second, *arguments: Any) -> None:
        begin(self, *arguments)
        os.kill(self._child, signal.SIGKILL)

    with monkeypatch.context() as patch:
        patch.setattr(Second, "__init__", killed)
        assert judged(many) == whole
        change(stored(many, 4), b"row x\n")
        assert judged(many)["verdict"] == "fail"


def test_where_no_other_process_can_be_had_everything_is_read_here(
    many: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = judged(many)

    def none(self: Second, *_: Any) -> None:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(Second, "__init__", none)
    assert judged(many) == whole
