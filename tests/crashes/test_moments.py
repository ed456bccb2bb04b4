"""What happens to others' work at the worst moment: garbage collection, power loss, a reader in the middle of a record."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import shares
from tests.crashes import shim
from tests.crashes.scenes import LEDGER, SCENES, Killable, arguments, half, require_done, types
from tests.world import World, git, invoke

SceneWorld = Callable[[str], World]
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["record", "sync"])
def test_garbage_collection_between_objects_and_refs_takes_nothing_away(
    scene: SceneWorld, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scene(name)
    gc = '"$GIT" gc --quiet --prune=now && "$GIT" prune --expire=now && echo x >>"$0.done"'
    shim.install(tmp_path / "bin", monkeypatch, f'case " $* " in *" update-ref "*) {gc} || exit 99;; esac')
    world.arcgit(*arguments(SCENES[name], world))
    assert (tmp_path / "bin" / "git.done").exists()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(world.state))
    require_done(world, SCENES[name])


def test_garbage_collection_in_a_loop_takes_nothing_away(world: World) -> None:
    stop = world.root / "stop"
    loop = f"while [ ! -e {stop} ]; do git gc --quiet --prune=now || exit 1; done"
    collector = subprocess.Popen(["sh", "-c", loop], cwd=world.work, stderr=subprocess.PIPE)
    try:
        for n in range(12):
            world.arcgit("amend", world.tag(), "--purpose", f"w {n}", "--reason", "Counting.", "--no-push")
    finally:
        stop.touch()
        _, err = collector.communicate()
    assert collector.returncode == 0, err
    world.arcgit("sync")
    assert types(world.hub).count("amended") == 12
    git(world.work, "fsck", "--strict", "--no-dangling")
    assert world.verify(code=0) == []


def test_a_pack_that_a_dead_run_kept_is_given_back_and_others_are_not(scene: SceneWorld, killable: Killable) -> None:
    world = scene("review")
    command = arguments(SCENES["review"], world)
    assert killable.run(world, *command, crash_at="objects-held") == -9
    packs = world.work / ".git" / "objects" / "pack"
    (kept,) = packs.glob("*.keep")
    others = [packs / "pack-0.keep", packs / "pack-1.keep", packs / "pack-2.keep"]
    for path, text in zip(others, ("", "fetch-pack 1 on somewhere\n", "arcgit 1 on another-host\n"), strict=True):
        path.write_text(text)
    assert killable.run(world, *command) == 0
    assert not kept.exists()
    assert all(path.exists() for path in others)


def test_objects_and_refs_are_flushed_to_disk_before_they_count(
    scene: SceneWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By git's own count of flushes: the pack with its index before the refs, and every ref."""
    world = scene("record")
    trace = tmp_path / "trace"
    shim.install(tmp_path / "bin", monkeypatch, f"export GIT_TRACE2_EVENT={trace}")
    world.arcgit("record", "--no-push")
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    commands = {event["sid"]: event["argv"] for event in events if event["event"] == "start"}
    flushes = [
        (
            next(word for word in ("index-pack", "update-ref", "") if word in commands[event["sid"]] or not word),
            int(event["value"]),
        )
        for event in events
        if event["event"] == "data" and event["key"] == "fsync/hardware-flush" and "/" not in event["sid"]
    ]
    assert flushes == [("index-pack", 2), ("update-ref", 3)]


def test_a_record_that_is_written_while_others_verify_is_no_fault(
    scene: SceneWorld, killable: Killable, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scene("record")
    true: Any = shares.judge
    waiting = [("record", "--no-push")]

    def judge(*given: Any, **options: Any) -> Any:
        while waiting:
            assert killable.run(world, *waiting.pop()) == 0
        return true(*given, **options)

    monkeypatch.setattr(shares, "judge", judge)
    assert world.verify(code=0) == []
    assert world.last["scope"]["records_checked"] == 4
    monkeypatch.undo()


def test_what_was_judged_and_is_another_at_the_end_is_no_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    true: Any = shares.judge

    def judge(*given: Any, **options: Any) -> Any:
        found = true(*given, **options)
        git(world.work, "update-ref", LEDGER, f"{LEDGER}~1")
        return found

    monkeypatch.setattr(shares, "judge", judge)
    assert world.verify(code=3) == ["ref-moved"]


def test_verify_in_a_loop_passes_while_events_are_written(world: World) -> None:
    command = [sys.executable, "-m", "tests.crashes.worker", str(world.work), world.tag(), "10", "w", "0"]
    writer = subprocess.Popen(command, cwd=ROOT)
    rounds = 0
    while writer.poll() is None or not rounds:
        assert world.verify(code=0) == []
        rounds += 1
    assert writer.returncode == 0
    assert types(world.work).count("amended") == 10


@pytest.mark.parametrize("seed", range(6))
def test_a_kill_at_any_child_of_git_is_finished_by_the_next_run(
    scene: SceneWorld, killable: Killable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The moment is a number of git's children, before or after one has done its work; `make stress` takes any moment."""
    name = list(SCENES)[seed % len(SCENES)]
    numbers, at = tmp_path / "numbers", tmp_path / "at"
    before = "" if seed % 2 else '"$GIT" "$@"; '
    body = f"echo x >>{numbers}\nif [ $(wc -l <{numbers}) -eq $(cat {at}) ]; then {before}kill -9 $PPID; exit 1; fi"
    at.write_text("0")
    with pytest.MonkeyPatch.context() as patch:
        whole = scene(name)
        command = arguments(SCENES[name], whole)
        shim.install(tmp_path / "bin", patch, body)
        assert killable.run(whole, *command) == 0
        most = len(numbers.read_text().splitlines())
    for folder in (whole.root, whole.state):
        shutil.rmtree(folder)
    numbers.unlink()
    world = scene(name)
    with pytest.MonkeyPatch.context() as patch:
        shim.install(tmp_path / "bin", patch, body)
        at.write_text(str(1 + (seed + 1) * (most - 1) // 7))
        assert killable.run(world, *command) == -9
    world.verify()
    assert not (world.last["verdict"] == "pass" and half(world.work))
    assert half(world.hub) == []
    invoke(world.work, *arguments(SCENES[name], world))
    require_done(world, SCENES[name])
