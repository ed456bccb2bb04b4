"""Copies on an SSH server: the data in a DVC remote there, records and ledger in a git repository there."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arcgit.dvc import uploads
from tests.remotes.storages import Ssh
from tests.remotes.test_pushing import DIES_HALFWAY
from tests.servers import SshServer, ssh_server
from tests.world import World, dvc, git, invoke

LEDGER = "refs/notes/arcgit"
NUMBERS = iter(range(10**6))


@pytest.fixture
def mirror(world: World, ssh: SshServer) -> Ssh:
    """A second remote of the world, `mirror`, on the SSH server; nothing is in it."""
    made = Ssh(world, f"mirror-{next(NUMBERS)}", ssh)
    configure(world, made.settings())
    return made


def configure(world: World, settings: dict[str, str]) -> None:
    dvc(world.work, "remote", "add", "--quiet", "--force", "mirror", settings["url"])
    for key in settings.keys() - {"url"}:
        dvc(world.work, "remote", "modify", "--quiet", "--local", "mirror", key, settings[key])


def codes(document: dict[str, Any]) -> list[str]:
    return [item["code"] for item in document["findings"]]


def events(world: World) -> list[dict[str, Any]]:
    return [event for event in world.arcgit("log")["events"] if event["type"] == "replicated"]


def stored(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def name_in(world: World, path: str) -> str:
    return world.object_path(path).relative_to(world.store).as_posix()


def test_every_object_goes_over_ssh_is_read_back_and_dvc_alone_pulls_it(world: World, mirror: Ssh) -> None:
    done = world.arcgit("replicate", "mirror")
    assert codes(done) == []
    assert done["read_back"]["objects"] == done["counts"]["copied"]["objects"] == len(done["objects"])
    assert {key: mirror.read(key) for key in mirror.objects()} == stored(world.store)
    assert events(world)[-1]["data"]["objects"] == len(mirror.objects())
    assert git(world.hub, "rev-parse", LEDGER) == done["event"]["oid"]
    shutil.rmtree(world.store)
    shutil.rmtree(world.work / ".dvc" / "cache")
    for path in ("model.pkl", "data/raw.csv"):
        (world.work / path).unlink()
    dvc(world.work, "pull", "--quiet", "-r", "mirror")
    assert (world.work / "data" / "raw.csv").is_file()
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert world.verify("--level", "fixity", "--remote", "mirror", code=0) == []


@pytest.mark.parametrize("what", ["other bytes", "another length", "a folder", "a FIFO"])
def test_what_stands_there_already_is_never_overwritten(world: World, mirror: Ssh, what: str) -> None:
    key = name_in(world, "model.pkl")
    good = world.object_path("model.pkl").read_bytes()
    mirror.write(key, good[::-1] if what == "other bytes" else good[:-1])
    if what in {"a folder", "a FIFO"}:
        mirror.put_folder(key)
    if what == "a FIFO":
        (mirror.folder / key).rmdir()
        os.mkfifo(mirror.folder / key)
    before = (mirror.folder / key).lstat()
    done = world.arcgit("replicate", "mirror", code=1)
    assert set(codes(done)) == {"object-corrupt"}
    assert {row["tag"] for row in done["records"] if not row["proven"]} == {world.tag("deep")}
    after = (mirror.folder / key).lstat()
    assert (before.st_ino, before.st_mode, before.st_size) == (after.st_ino, after.st_mode, after.st_size)
    assert not [name for name in mirror.objects() if uploads.PREFIX in name]


def test_a_folder_that_may_not_be_written_gets_no_event_and_the_next_run_goes_on(world: World, mirror: Ssh) -> None:
    mirror.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    done = world.arcgit("replicate", "mirror", code=3)
    assert set(codes(done)) == {"replica-unwritable"}
    assert (done["event"], events(world)) == (None, [])
    mirror.folder.chmod(0o755)
    assert world.arcgit("replicate", "mirror")["event"] is not None


@pytest.mark.parametrize("trouble", ["another key", "nobody listens", "another host"])
def test_a_server_that_lets_nobody_in_or_is_another_gets_nothing(world: World, mirror: Ssh, trouble: str) -> None:
    settings, known = mirror.settings(), Path.home() / ".ssh" / "known_hosts"
    if trouble == "another key":
        settings["keyfile"] = str(shutil.copy(mirror.server.folder / "host", world.root / "key"))
        Path(settings["keyfile"]).chmod(stat.S_IRUSR)
    if trouble == "nobody listens":
        settings["url"] = mirror.elsewhere()
    configure(world, settings)
    known.parent.mkdir(exist_ok=True)
    try:
        if trouble == "another host":
            other = (mirror.server.folder / "ours.pub").read_text().split()[1]
            known.write_text(f"{mirror.server.host_key.split()[0]} ssh-ed25519 {other}\n")
        done = world.arcgit("replicate", "mirror", "deep", code=3)
    finally:
        known.unlink(missing_ok=True)
    assert set(codes(done)) == {"replica-unwritable"}
    assert (done["event"], events(world), mirror.objects()) == (None, [], set())


def test_killed_in_the_middle_of_an_object_it_leaves_no_half_and_the_next_run_goes_on(
    world: World, mirror: Ssh
) -> None:
    """What is put is a file of the staging folder, so the one that dies is told by its bytes."""
    script = DIES_HALFWAY.replace("not path.endswith(sys.argv[1])", "sys.argv[1].encode() not in data")
    victim = world.object_path("model.pkl").read_text()[:40]
    start = [sys.executable, "-c", script, victim, "-C", str(world.work), "replicate", "mirror"]
    died = subprocess.run(start, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    found = {key: mirror.read(key) for key in mirror.objects()}
    whole = {name: data for name, data in found.items() if uploads.PREFIX not in name}
    assert whole.items() < stored(world.store).items()
    assert len(whole) < len(found), "or the test tests nothing"
    assert events(world) == []
    done = world.arcgit("replicate", "mirror")
    assert done["event"] is not None
    assert done["counts"]["kept"]["objects"] == len(whole)
    assert list((world.work / ".git" / "arcgit" / "replicas").iterdir()) == []


@pytest.fixture(scope="module")
def host(isolated_home: Path) -> Iterator[SshServer]:
    with ssh_server(programs=True) as server:
        yield server


@pytest.fixture
def second(world: World, host: SshServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare repository on the server, as the git remote `second` of the world."""
    place = host.data / f"second-{next(NUMBERS)}.git"
    git(host.data, "init", "--quiet", "--bare", place.name)
    git(world.work, "remote", "add", "second", f"ssh://{host.user}@127.0.0.1:{host.port}{place}")
    monkeypatch.setenv("GIT_SSH_COMMAND", host.command)
    return place


def offline(world: World) -> None:
    (world.root / "offline").mkdir()
    dvc(world.work, "remote", "add", "--quiet", "offline", "../offline")


def test_records_and_ledger_go_over_ssh_and_the_archive_verifies_there(world: World, second: Path) -> None:
    offline(world)
    done = world.arcgit("replicate", "offline", "--git-remote", "second")
    assert codes(done) == []
    assert (done["refs"]["place"], done["refs"]["there"]) == ("second", 5)
    for name in (
        LEDGER,
        "refs/arcgit/fixity",
        *(f"refs/tags/{world.tag(one)}" for one in ("baseline", "deep", "wide")),
    ):
        assert git(second, "rev-parse", name) == git(world.work, "rev-parse", name)
    assert invoke(second, "verify")["findings"] == []
    again = world.arcgit("replicate", "offline", "--git-remote", "second")
    assert again["refs"]["pushed"] == []


def test_what_stands_on_the_server_under_a_name_is_not_moved(world: World, second: Path) -> None:
    offline(world)
    tag = f"refs/tags/{world.tag('deep')}"
    git(world.work, "push", "--quiet", "--no-verify", "second", f"HEAD:{tag}")
    refused = world.arcgit("replicate", "offline", "--git-remote", "second", code=1)
    assert codes(refused) == ["tag-not-as-recorded"]
    assert git(second, "for-each-ref", "--format=%(refname)") == tag


@pytest.mark.parametrize("trouble", ["another key", "another host", "nobody listens", "a hook refuses"])
def test_a_git_server_that_does_not_let_in_is_another_or_refuses_is_named_and_the_data_is_proven_all_the_same(
    world: World, second: Path, host: SshServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    offline(world)
    if trouble == "another key":
        key = shutil.copy(host.folder / "host", world.root / "key")
        Path(key).chmod(stat.S_IRUSR)
        monkeypatch.setenv("GIT_SSH_COMMAND", host.command.replace(str(host.keyfile), str(key)))
    if trouble == "another host":
        other = (host.folder / "ours.pub").read_text().split()[1]
        (world.root / "known").write_text(f"{host.host_key.split()[0]} ssh-ed25519 {other}\n")
        changed = host.command.replace(f"{host.folder}/known", f"{world.root}/known")
        monkeypatch.setenv("GIT_SSH_COMMAND", changed)
    if trouble == "nobody listens":
        git(world.work, "remote", "set-url", "second", f"ssh://{host.user}@127.0.0.1:9{second}")
    if trouble == "a hook refuses":
        hook = second / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho 'not today' >&2\nexit 1\n")
        hook.chmod(0o755)
    code = 1 if trouble == "a hook refuses" else 3
    refused = world.arcgit("replicate", "offline", "--git-remote", "second", code=code)["error"]
    assert refused["code"] == ("push-refused" if trouble == "a hook refuses" else "remote-unreachable")
    assert git(second, "for-each-ref") == ""
    assert len(events(world)) == 1
    assert world.verify("--level", "fixity", "--remote", "offline", code=0) == []
