"""Locks that were left behind, disks that are full, folders that may not be written to: named, and nothing half done."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from arcgit.archive import pin, retry, turn
from arcgit.git import exchange
from tests.crashes.scenes import LEDGER, SCENES, Killable, arguments, half, require_done, types
from tests.world import World, git, invoke

SceneWorld = Callable[[str], World]
OLD = 3 * 86400 + 60
LIBC = ctypes.CDLL(None, use_errno=True)


def lock(path: Path) -> Path:
    """A lock file that was left behind three days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (path.stat().st_mtime - OLD,) * 2)
    return path


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("record", f"{LEDGER}.lock"),
        ("record", "packed-refs.lock"),
        ("review", f"{LEDGER}.lock"),
        ("sync", f"{LEDGER}.lock"),
        ("sync", "refs/notes/origin/arcgit.lock"),
    ],
)
def test_a_lock_of_git_that_was_left_behind_is_named_with_its_age_and_the_way_on(
    scene: SceneWorld, name: str, left: str
) -> None:
    world = scene(name)
    path = lock(world.work / ".git" / left)
    told = invoke(world.work, *arguments(SCENES[name], world), code=1)["error"]
    assert told["code"] == "lock-held"
    for part in (str(path), "3 days old", "its owner has died"):
        assert part in told["message"]
    assert told["hint"] == f"when no git is at work here: rm {path}"
    assert path.exists(), "git's locks are not arcgit's to remove"
    assert half(world.hub) == []
    path.unlink()
    invoke(world.work, *arguments(SCENES[name], world))
    require_done(world, SCENES[name])


def test_a_lock_on_the_index_is_no_matter(scene: SceneWorld) -> None:
    world = scene("record")
    path = lock(world.work / ".git" / "index.lock")
    world.arcgit("record")
    path.unlink()
    require_done(world, SCENES["record"])


def test_a_lock_on_the_configuration_is_named(world: World) -> None:
    path = lock(world.work / ".git" / "config.lock")
    git(world.work, "remote", "-v")
    (world.work / ".git" / "config").write_text(
        (world.work / ".git" / "config")
        .read_text()
        .replace("\ttagOpt = --tags\n", "")
        .replace("\ttagopt = --tags\n", "")
    )
    told = invoke(world.work, "init", code=1)["error"]
    assert told["code"] == "lock-held"
    assert str(path) in told["message"]


def test_a_lock_whose_owner_may_be_at_work_is_waited_for_and_named(
    scene: SceneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scene("review")
    path = lock(world.work / ".git" / f"{LEDGER}.lock")
    waited: list[int] = []
    monkeypatch.setattr(retry, "wait", lambda attempt, longest: waited.append(attempt))
    owner = subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=world.work, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        told = invoke(world.work, *arguments(SCENES["review"], world), "--no-push", code=1)["error"]
    finally:
        owner.communicate()
    assert str(path) in told["message"]
    assert f"process {owner.pid}" in told["message"]
    assert waited == list(range(retry.ATTEMPTS - 1)), "tried again, but not for ever"


def test_a_lock_on_the_remote_is_named_after_a_few_attempts(scene: SceneWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = scene("record")
    path = lock(world.hub / f"{LEDGER}.lock")
    waited: list[int] = []
    monkeypatch.setattr(retry, "wait", lambda attempt, longest: waited.append(attempt))
    told = invoke(world.work, "record", code=1)["error"]
    assert told["code"] == "lock-held"
    assert f"{LEDGER}.lock" in told["message"]
    assert "3 days old" in told["message"]
    assert len(waited) == retry.REMOTE_LOCKED - 1
    assert world.verify(code=0) == []
    assert half(world.hub) == []
    path.unlink()
    world.arcgit("sync")
    require_done(world, SCENES["record"])


def test_a_remote_that_is_always_faster_ends_after_bounded_attempts(
    scene: SceneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scene("review")
    waited: list[int] = []
    monkeypatch.setattr(retry, "wait", lambda attempt, longest: waited.append(attempt))
    monkeypatch.setattr(retry, "REMOTE_ATTEMPTS", 6)
    with pytest.MonkeyPatch.context() as patch:

        def push(*_: object, **__: object) -> NoReturn:
            raise exchange.PushRejectedError("push-rejected", "`origin` has news", "arcgit sync")

        patch.setattr(exchange, "push", push)
        told = invoke(world.work, *arguments(SCENES["review"], world), code=1)["error"]
    assert (told["code"], told["hint"]) == ("push-rejected", "arcgit sync")
    assert len(waited) == 5
    assert types(world.work).count("reviewed") == 1
    world.arcgit("sync")
    require_done(world, SCENES["review"])


def test_waits_are_at_random_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    for attempt in range(retry.REMOTE_ATTEMPTS):
        retry.wait(attempt, retry.REMOTE_SECONDS)
    assert max(waits) <= retry.MOST_SECONDS
    assert min(waits) > 0
    assert len(set(waits)) == len(waits)


@contextmanager
def holding(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds arcgit's lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    code = f"import fcntl, sys; f = open({str(path)!r}, 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def test_the_lock_of_arcgit_that_lives_is_named_and_of_one_that_died_is_none(
    scene: SceneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scene("review")
    (pinned,) = (world.state / "arcgit" / "pins").glob("*.json")
    command = arguments(SCENES["review"], world)
    with holding(pinned.with_suffix(".lock")) as owner:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pin, "LOCK_SECONDS", 0.0)
            told = invoke(world.work, *command, code=1)["error"]
        assert told["code"] == "lock-held"
        assert f"process {owner.pid}, which has run for" in told["message"]
        assert str(pinned.with_suffix(".lock")) in told["message"]
        assert told["hint"].endswith(f"kill {owner.pid}")
        owner.kill()
        owner.wait()
        invoke(world.work, *command)
    require_done(world, SCENES["review"])


def test_a_turn_that_does_not_come_is_not_waited_for_for_ever(
    scene: SceneWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scene("review")
    monkeypatch.setattr(turn, "SECONDS", 0.0)
    with (
        holding(world.work / ".git" / "arcgit" / "writing.lock"),
        holding(world.work / ".git" / "arcgit" / "exchanging.lock"),
    ):
        invoke(world.work, *arguments(SCENES["review"], world))
    require_done(world, SCENES["review"])


def require_nothing(world: World, before: str) -> None:
    """No ref has moved, and what is there passes."""
    assert git(world.work, "for-each-ref") == before
    assert world.verify(code=0) == []


MOUNTS = os.geteuid() == 0 or bool(os.environ.get("CI"))
"""Only root may mount a disk, and in CI that is asked for. The other ways need nobody's leave and are always tried."""


def bound(world: World, *arguments: str, blocks: int | None = None) -> tuple[int, Any]:
    """Run arcgit as somebody whom the rights of files bind: exit code and document. `blocks` of 512 bytes limit its files.

    Root passes over them by a capability, so where root runs this it is given away first; the keys and the home stay theirs.
    """

    def give_away() -> None:
        drop, dac_override, dac_read_search = 24, 1, 2  # PR_CAPBSET_DROP
        if os.geteuid() == 0:
            failed = [LIBC.prctl(drop, capability, 0, 0, 0) for capability in (dac_override, dac_read_search)]
            assert failed == [0, 0]
        if blocks is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (blocks * 512, blocks * 512))

    command = [sys.executable, "-m", "arcgit", "-C", str(world.work), *arguments, "--json"]
    # Its output goes through pipes, which no limit on files concerns.
    done = subprocess.run(command, check=False, capture_output=True, text=True, preexec_fn=give_away)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout or "{}")


@contextmanager
def small_disk(world: World, room: int) -> Iterator[Path]:
    """The working clone on a disk of its own, with that many bytes left."""
    used = sum(-(-path.lstat().st_size // 4096) * 4096 + 4096 for path in world.work.rglob("*"))
    moved = world.work.rename(world.root / "moved")
    world.work.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={used + (8 << 20)}", "none", str(world.work)], check=True)
    try:
        shutil.copytree(moved, world.work, symlinks=True, dirs_exist_ok=True)
        filler = world.work / ".git" / "filler"
        free = shutil.disk_usage(world.work).free
        filler.write_bytes(bytes(max(0, free - room)))
        yield filler
    finally:
        subprocess.run(["umount", "-l", str(world.work)], check=True)


FULL = [("limit", 0), ("limit", 1), ("limit", 3), ("limit", 9)]
FULL += [("disk", room) for room in (0, 8192, 16384, 24576) if MOUNTS]


@pytest.mark.parametrize(("way", "room"), FULL)
def test_a_full_disk_leaves_nothing_half_done(scene: SceneWorld, killable: Killable, way: str, room: int) -> None:
    """A limit on the size of files is met as a full disk is: writes stop in the middle of a file."""
    world = scene("record")
    before = git(world.work, "for-each-ref")
    if way == "limit":
        code, _ = bound(world, "record", "--no-push", blocks=room)
        require_whole(world, before, code)
        return
    with small_disk(world, room) as filler:
        code = killable.run(world, "record", "--no-push")
        filler.unlink()
        require_whole(world, before, code)


def require_whole(world: World, before: str, code: int) -> None:
    assert code in {0, 3}
    if code:
        require_nothing(world, before)
    world.verify(code=0)
    invoke(world.work, "record")
    require_done(world, SCENES["record"])


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_a_limit_on_file_sizes_leaves_nothing_half_done(scene: SceneWorld, blocks: int) -> None:
    """As on a full disk, for an event alone."""
    world = scene("review")
    before = git(world.work, "for-each-ref")
    code, _ = bound(world, *arguments(SCENES["review"], world), "--no-push", blocks=blocks)
    assert code in {0, 3}
    if code:
        require_nothing(world, before)
    invoke(world.work, *arguments(SCENES["review"], world))
    require_done(world, SCENES["review"])


@contextmanager
def read_only(place: Path, way: str) -> Iterator[None]:
    """A folder that nobody can write to: by the rights of all that is in it, or by a mount that not even root passes over."""
    if way == "rights":
        modes = {path: path.lstat().st_mode for path in (place, *place.rglob("*")) if not path.is_symlink()}
        try:
            for path, mode in modes.items():
                path.chmod(mode & ~0o222)
            yield
        finally:
            for path, mode in modes.items():
                if path.exists():
                    path.chmod(mode)
        return
    subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


WAYS = ["rights", *(["mount"] if MOUNTS else [])]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["record", "sync"])
def test_a_read_only_repository_can_be_verified_and_not_written_to(scene: SceneWorld, name: str, way: str) -> None:
    world = scene(name)
    before = git(world.work, "for-each-ref")
    with read_only(world.work, way):
        code, told = bound(world, *arguments(SCENES[name], world))
        assert (code, told["error"]["code"]) == (3, "git-write-failed")
        found = bound(world, "verify")[1]["findings"]
        assert [finding["code"] for finding in found][:1] in ([], ["ledger-behind"])
        assert git(world.work, "for-each-ref") == before
    invoke(world.work, *arguments(SCENES[name], world))
    require_done(world, SCENES[name])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["record", "sync"])
def test_a_read_only_remote_leaves_a_whole_local_ledger(scene: SceneWorld, name: str, way: str) -> None:
    world = scene(name)
    with read_only(world.hub, way):
        code, told = bound(world, *arguments(SCENES[name], world))
        assert (code, told["error"]["code"]) == (1, "push-refused")
        assert any(word in told["error"]["message"] for word in ("unpack", "Read-only", "ermission denied"))
        assert world.verify(code=0) == []
    world.arcgit("sync")
    require_done(world, SCENES[name])


def test_a_server_without_atomic_pushes_is_told_apart_and_has_a_way(scene: SceneWorld) -> None:
    world = scene("record")
    git(world.hub, "config", "receive.advertiseAtomic", "false")
    told = invoke(world.work, "record", code=3)["error"]
    assert told["code"] == "push-not-atomic"
    assert "--non-atomic" in told["hint"]
    assert half(world.hub) == []
    world.arcgit("sync", "--non-atomic")
    require_done(world, SCENES["record"])
