"""Copies in a second remote: what lies there already, what lies about it, who writes there too, and what ends midway."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from arcgit import durable, staging
from arcgit.archive.context import open_context
from arcgit.archive.events.append import Exchange, append
from arcgit.archive.replicas.replicaplace import FolderPlace
from arcgit.signing.signer import signer_from_config
from tests.archive.test_pushing import Log, broken
from tests.attacks.test_data import WANG_A, WANG_B
from tests.attacks.test_events import subject
from tests.attacks.test_ledger import signed_event
from tests.attacks.test_remotes import pin
from tests.world import Person, World, dvc, git, invoke

LEDGER = "refs/notes/arcgit"
ALL = ("baseline", "deep", "wide")


def add_remote(world: World, name: str = "offline") -> Path:
    """A second remote that is a folder."""
    folder = world.root / name
    folder.mkdir()
    dvc(world.work, "remote", "add", "--quiet", name, f"../{name}")
    return folder


def codes(document: dict[str, Any], severity: str = "") -> list[str]:
    return [item["code"] for item in document["findings"] if severity in {"", item["severity"]}]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def events(world: World, kind: str = "replicated") -> list[dict[str, Any]]:
    return [event for event in world.arcgit("log")["events"] if event["type"] == kind]


def in_target(world: World, folder: Path, path: str) -> Path:
    """Where the target keeps the object of an out at HEAD."""
    return folder / world.object_path(path).relative_to(world.store)


def cold(world: World) -> None:
    shutil.rmtree(world.work / ".dvc" / "cache")


def test_every_object_is_copied_read_back_and_on_the_ledger_and_dvc_alone_pulls_it(world: World) -> None:
    folder = add_remote(world)
    done = world.arcgit("replicate", "offline")
    assert codes(done) == []
    assert {row["tag"] for row in done["records"] if row["proven"]} == {world.tag(name) for name in ALL}
    assert done["read_back"]["objects"] == len(done["objects"]) == done["counts"]["copied"]["objects"]
    assert all(row["proven"] for row in done["objects"])
    assert files(folder) == files(world.store)
    event = events(world)[-1]
    assert (event["seq"], event["data"]["remote"]) == (done["event"]["seq"], "offline")
    assert event["data"]["records"] == [f"refs/tags/{world.tag(name)}" for name in ALL]
    assert (event["data"]["objects"], event["data"]["bytes"]) == tuple(done["read_back"].values())
    assert git(world.hub, "rev-parse", LEDGER) == done["event"]["oid"], "the event was pushed"
    shutil.rmtree(world.store)
    cold(world)
    for path in ("model.pkl", "data/raw.csv"):
        (world.work / path).unlink()
    dvc(world.work, "pull", "--quiet", "-r", "offline")
    assert (world.work / "data" / "raw.csv").is_file()
    assert world.verify(code=0) == []


def test_what_is_proven_there_is_left_out_and_read_back_again_where_it_is_asked_for(world: World) -> None:
    add_remote(world)
    world.arcgit("replicate", "offline", "deep")
    rest = world.arcgit("replicate", "offline")
    assert {row["tag"] for row in rest["records"]} == {world.tag("baseline"), world.tag("wide")}
    nothing = world.arcgit("replicate", "offline")
    assert (nothing["records"], nothing["proven_before"], nothing["event"]) == ([], 3, None)
    again = world.arcgit("replicate", "offline", "--all")
    assert again["counts"]["copied"]["objects"] == 0
    assert again["read_back"]["objects"] == again["counts"]["kept"]["objects"] > 0
    by_query = world.arcgit("replicate", "offline", "--query", "experiment=wide")
    assert [row["tag"] for row in by_query["records"]] == [world.tag("wide")]
    assert world.arcgit("replicate", "offline", "-q", "experiment=none", code=2)["error"]["code"] == "record-unknown"
    assert world.arcgit("replicate", "offline", "-q", "((", code=2)["error"]["code"] == "query-invalid"
    assert len(events(world)) == 4


def test_a_dry_run_says_what_would_come_from_where_and_writes_nothing(world: World) -> None:
    folder = add_remote(world)
    before = git(world.work, "for-each-ref")
    shown = world.arcgit("replicate", "offline", "--dry-run")
    assert {row["source"] for row in shown["objects"]} == {"DVC's cache"}
    cold(world)
    shown = world.arcgit("replicate", "offline", "--dry-run")
    assert {row["source"] for row in shown["objects"]} == {"storage"}
    assert shown["counts"]["planned"]["bytes"] == sum(len(data) for data in files(world.store).values())
    assert list(folder.iterdir()) == []
    assert git(world.work, "for-each-ref") == before
    assert not (world.work / ".dvc" / "cache" / "files" / "md5").exists()


def elsewhere(world: World, victim: Path, place: Path) -> None:
    outside = world.root / "outside"
    outside.mkdir()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)


def folder_is_a_link(world: World, folder: Path, place: Path) -> None:
    elsewhere(world, folder, place.parent)


def files_is_a_link(world: World, folder: Path, place: Path) -> None:
    elsewhere(world, folder, folder / "files")


def object_is_a_link(world: World, folder: Path, place: Path) -> None:
    """Even one that leads to the right bytes: they could be gone tomorrow."""
    place.parent.mkdir(parents=True)
    place.symlink_to(world.object_path("model.pkl"))


def object_is_a_dangling_link(world: World, folder: Path, place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.symlink_to(world.root / "outside")


def object_is_a_fifo(world: World, folder: Path, place: Path) -> None:
    place.parent.mkdir(parents=True)
    os.mkfifo(place)


def object_is_a_folder(world: World, folder: Path, place: Path) -> None:
    place.mkdir(parents=True)


def object_is_empty(world: World, folder: Path, place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.touch()


def object_has_a_flipped_bit(world: World, folder: Path, place: Path) -> None:
    place.parent.mkdir(parents=True)
    good = world.object_path("model.pkl").read_bytes()
    place.write_bytes(bytes([good[0] ^ 1]) + good[1:])


def folder_is_a_file(world: World, folder: Path, place: Path) -> None:
    place.parent.parent.mkdir(parents=True)
    place.parent.write_bytes(b"x")


PLANTED = [
    folder_is_a_link, files_is_a_link, object_is_a_link, object_is_a_dangling_link, object_is_a_fifo, object_is_a_folder,
    object_is_empty, object_has_a_flipped_bit, folder_is_a_file,
]  # fmt: skip


@pytest.mark.parametrize("planted", PLANTED)
def test_what_stands_in_the_place_of_an_object_is_named_and_neither_followed_nor_repaired(
    world: World, planted: Callable[[World, Path, Path], None]
) -> None:
    folder = add_remote(world)
    place = in_target(world, folder, "model.pkl")
    planted(world, folder, place)
    before = {path: path.lstat().st_mode for path in folder.rglob("*")}
    done = world.arcgit("replicate", "offline", "deep", code=1)
    assert set(codes(done, "error")) == {"object-corrupt"}
    assert (done["event"], events(world)) == (None, [])
    assert {path: path.lstat().st_mode for path in before} == before
    assert not list(folder.glob(".arcgit*"))
    outside = world.root / "outside"
    assert not outside.exists() or list(outside.iterdir()) == []
    if planted is object_has_a_flipped_bit:
        assert place.read_bytes() != world.object_path("model.pkl").read_bytes()


def test_one_bad_object_keeps_only_the_records_that_need_it_from_being_proven(world: World) -> None:
    folder = add_remote(world)
    object_is_empty(world, folder, in_target(world, folder, "model.pkl"))
    done = world.arcgit("replicate", "offline", code=1)
    assert {row["tag"] for row in done["records"] if not row["proven"]} == {world.tag("deep")}
    assert events(world)[-1]["data"]["records"] == [f"refs/tags/{world.tag(name)}" for name in ("baseline", "wide")]


def test_a_listing_does_not_go_where_one_of_its_files_did_not(world: World) -> None:
    """DVC takes the contents of a directory for granted once its listing is there."""
    folder = add_remote(world)
    listing = json.loads(world.object_path("data/train").read_bytes())
    md5 = listing[0]["md5"]
    object_is_empty(world, folder, folder / "files" / "md5" / md5[:2] / md5[2:])
    world.arcgit("replicate", "offline", code=1)
    assert not in_target(world, folder, "data/train").exists()
    assert in_target(world, folder, "data/test").exists()


def test_a_listing_that_leads_out_of_the_target_is_not_followed(world: World) -> None:
    """A `.dir` object whose md5 fits: whoever made the directory made it so."""
    folder = add_remote(world)
    cold(world)
    path = world.object_path("data/train")
    rows = json.loads(path.read_bytes())
    for relpath, md5 in (("../../../../evil", rows[0]["md5"]), (rows[0]["relpath"], "../../../../../evil")):
        path.chmod(0o644)
        path.write_text(json.dumps([{"relpath": relpath, "md5": md5}, *rows[1:]]))
        done = world.arcgit("replicate", "offline", "deep", code=1)
        assert "object-corrupt" in codes(done, "error")
        assert not in_target(world, folder, "data/train").exists()
    assert not list(world.root.rglob("evil*"))
    assert events(world) == []


def colliding(world: World) -> tuple[str, str]:
    """A record with a file whose md5 another content has too; the tag, and where stores keep the object."""
    (world.work / "weights.bin").write_bytes(WANG_A)
    dvc(world.work, "add", "--quiet", "weights.bin")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  weights: {role: other, path: weights.bin}\n")
    world.commit("a colliding file")
    md5 = "79054025255fb1a26e4bc422aef54eb4"
    return world.arcgit("record")["tag"], f"files/md5/{md5[:2]}/{md5[2:]}"


def test_two_contents_with_one_md5_are_told_apart_in_the_target_and_at_the_source(world: World) -> None:
    tag, name = colliding(world)
    folder = add_remote(world)
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(WANG_B)
    done = world.arcgit("replicate", "offline", tag, code=1)
    assert codes(done, "error") == ["md5-collision"]
    assert (folder / name).read_bytes() == WANG_B
    (folder / name).unlink()
    cold(world)
    (world.store / name).chmod(0o644)
    (world.store / name).write_bytes(WANG_B)
    done = world.arcgit("replicate", "offline", tag, code=1)
    assert codes(done, "error") == ["md5-collision"]
    assert not (folder / name).exists()
    (world.work / ".dvc" / "cache" / name).parent.mkdir(parents=True)
    (world.work / ".dvc" / "cache" / name).write_bytes(WANG_A)
    done = world.arcgit("replicate", "offline", tag)
    assert (folder / name).read_bytes() == WANG_A


def test_a_source_with_other_bytes_is_passed_over_for_the_next(world: World) -> None:
    folder = add_remote(world)
    name = world.object_path("model.pkl").relative_to(world.store)
    good = world.object_path("model.pkl").read_bytes()
    cached = world.work / ".dvc" / "cache" / name
    for bad in (good[:-1], good + b"x", good[::-1], b"<html>sign in</html>"):
        cached.chmod(0o644)
        cached.write_bytes(bad)
        done = world.arcgit("replicate", "offline", "deep")
        assert codes(done) == ["object-corrupt"]
        assert {row["source"] for row in done["objects"] if row["subject"].endswith(": model")} == {"storage"}
        assert (folder / name).read_bytes() == good
        (folder / name).unlink()
    world.object_path("model.pkl").unlink()
    failed = world.arcgit("replicate", "offline", "deep", code=1)
    assert codes(failed, "error") == ["object-corrupt"]
    assert failed["event"] is None
    assert not (folder / name).exists()


def test_a_record_that_does_not_verify_is_not_copied_and_the_others_are(world: World) -> None:
    add_remote(world)
    tag = world.tag("wide")
    other = git(world.work, "rev-parse", f"refs/tags/{world.tag('deep')}")
    for place in (world.work, world.hub):
        git(place, "update-ref", f"refs/tags/{tag}", other)
    done = world.arcgit("replicate", "offline", code=1)
    assert {row["tag"] for row in done["records"]} == {world.tag("baseline"), world.tag("deep")}
    assert f"refs/tags/{tag}" not in events(world)[-1]["data"]["records"]


def test_nothing_is_copied_by_a_stranger(world: World, mallory: Person) -> None:
    folder = add_remote(world)
    mallory.sign_as(world.work)
    assert world.arcgit("replicate", "offline", code=1)["error"]["code"] == "signer-unknown"
    assert list(folder.iterdir()) == []


def test_a_reviewer_may_not_say_that_data_was_copied(world: World, ada: Person, bob: Person) -> None:
    folder = add_remote(world)
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 1", "version: 2").replace("[recorder, reviewer]", "[reviewer]"))
    world.arcgit("policy", "adopt")
    bob.sign_as(world.work)
    refused = world.arcgit("replicate", "offline", code=1)
    assert refused["error"]["code"] == "signer-role"
    assert list(folder.iterdir()) == []
    data = {"remote": "offline", "records": [f"refs/tags/{world.tag()}"]}
    signed_event(world, bob, type="replicated", actor="bob", subject=None, data=data)
    assert world.verify(code=1)[0] == "signer-role"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"records": ["refs/tags/exp/churn/baseline/000000000000"]}, "ledger-state"),
        ({"records": []}, "ledger-event-invalid"),
        ({}, "ledger-event-invalid"),
        ({"records": ["TAG", "TAG"]}, "ledger-event-invalid"),
        ({"records": ["TAG"], "remote": ""}, "ledger-event-invalid"),
        ({"records": ["TAG"], "bytes": -1}, "ledger-event-invalid"),
        ({"records": ["TAG"], "objects": "many"}, "ledger-event-invalid"),
    ],
)
def test_an_event_about_what_never_was_or_out_of_its_form_does_not_hold(
    world: World, ada: Person, data: dict[str, Any], code: str
) -> None:
    listed = [f"refs/tags/{world.tag()}" if name == "TAG" else name for name in data.get("records", ())]
    said = {"remote": "offline", **data, **({"records": listed} if "records" in data else {})}
    signed_event(world, ada, type="replicated", actor="ada", subject=None, data=said)
    assert world.verify(code=1)[0] == code


def test_an_event_about_another_tag_object_does_not_hold(world: World, ada: Person) -> None:
    about = subject(world, "baseline", oid="0" * 40)
    signed_event(world, ada, type="replicated", actor="ada", subject=about, data={"remote": "offline"})
    assert world.verify(code=1)[0] == "ledger-state"


def test_a_remote_that_the_policy_does_not_pin_gets_nothing(world: World) -> None:
    folder = add_remote(world)
    pin(world, {"storage": "../store"})
    refused = world.arcgit("replicate", "offline", code=1)
    assert refused["error"]["code"] == "remote-not-pinned"
    assert list(folder.iterdir()) == []
    pin(world, {"storage": "../store", "offline": "../offline"})
    assert codes(world.arcgit("replicate", "offline")) == []


@pytest.mark.parametrize("address", ["../store", "../store/", "../link", "./.dvc/cache"])
def test_the_place_where_the_data_lies_is_no_second_place(world: World, address: str) -> None:
    """However it is written: a second name would count as a second copy."""
    (world.root / "link").symlink_to("store")
    dvc(world.work, "remote", "add", "--quiet", "twin", address)
    assert world.arcgit("replicate", "twin", code=1)["error"]["code"] == "replica-not-apart"
    assert world.arcgit("replicate", "storage", code=1)["error"]["code"] == "replica-not-apart"
    assert events(world) == []


INSIDE = ("store/replica", "link/replica", "work/replica", "work/.git/replica", "work/.dvc/cache/replica")


@pytest.mark.parametrize("where", INSIDE)
def test_a_place_inside_the_first_one_or_inside_the_clone_is_no_second_place(where: str, world: World) -> None:
    (world.root / "link").symlink_to(world.store)
    (world.root / where).mkdir(parents=True)
    dvc(world.work, "remote", "add", "--quiet", "inside", f"../{where}")
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    for more in ([], ["deep"], ["--all"], ["--dry-run"]):
        refused = world.arcgit("replicate", "inside", *more, code=1)["error"]
        assert refused["code"] == "replica-not-apart"
        assert "takes" in refused["message"]
    looked = world.arcgit("verify", "--level", "fixity", "--remote", "inside", code=1)
    assert looked["error"]["code"] == "replica-not-apart"
    assert list((world.root / where).iterdir()) == []
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


def test_a_place_around_the_first_one_is_no_second_place(world: World) -> None:
    dvc(world.work, "remote", "add", "--quiet", "around", "..")
    assert world.arcgit("replicate", "around", code=1)["error"]["code"] == "replica-not-apart"


def test_a_first_place_inside_of_the_clone_gets_back_what_it_lost(world: World) -> None:
    world.store.rename(world.work / "store")
    config = world.work / ".dvc" / "config"
    config.write_text(config.read_text().replace("../../store", "../store"))
    path = world.work / world.object_path("model.pkl").relative_to(world.root)
    path.unlink()
    assert world.arcgit("replicate", "storage", "deep")["counts"]["copied"]["objects"] == 1
    assert path.is_file()


def test_a_mirror_of_hard_links_is_no_second_place(world: World) -> None:
    """One flipped bit would be in both; so it is where a folder inside is mounted or linked."""
    shutil.copytree(world.store, world.root / "mirror", copy_function=os.link)
    (world.root / "through").mkdir()
    (world.root / "through" / "files").symlink_to(world.store / "files")
    for name in ("mirror", "through"):
        dvc(world.work, "remote", "add", "--quiet", name, f"../{name}")
        assert world.arcgit("replicate", name, code=1)["error"]["code"] == "replica-not-apart"
    assert events(world) == []
    shutil.copytree(world.store, world.root / "copied")
    dvc(world.work, "remote", "add", "--quiet", "copied", "../copied")
    world.arcgit("replicate", "copied")


@pytest.mark.parametrize("twin", ["../store/", "../link", "../mirror"])
def test_a_check_of_the_first_place_by_another_name_is_no_proof_of_a_second(world: World, twin: str) -> None:
    (world.root / "link").symlink_to("store")
    shutil.copytree(world.store, world.root / "mirror", copy_function=os.link)
    dvc(world.work, "remote", "add", "--quiet", "twin", twin)
    looked = world.arcgit("verify", "--level", "fixity", "--remote", "twin", "--log", code=1)
    assert looked["error"]["code"] == "replica-not-apart"
    world.arcgit("verify", "--level", "fixity", "--remote", "storage", "--log")
    report = world.arcgit("audit-report", "--format", "json")
    assert {tuple(record["copies"]["remotes"]) for record in report["records"]} == {("storage",)}


def test_a_disk_that_is_not_plugged_in_is_not_made_up(world: World) -> None:
    """A folder on the system's own disk would pass for the copy on the other one."""
    folder = add_remote(world)
    folder.rmdir()
    refused = world.arcgit("replicate", "offline", code=3)
    assert refused["error"]["code"] == "remote-unreachable"
    assert "mkdir" in refused["error"]["hint"]
    assert not folder.exists()
    assert world.arcgit("replicate", "nowhere", code=3)["error"]["code"] == "remote-missing"


def test_a_remote_that_is_a_link_is_named(world: World) -> None:
    real = world.root / "real"
    real.mkdir()
    (world.root / "offline").symlink_to(real)
    dvc(world.work, "remote", "add", "--quiet", "offline", "../offline")
    refused = world.arcgit("replicate", "offline", code=1)
    assert str(real) in refused["error"]["hint"]
    assert list(real.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENODEV])
def test_a_disk_that_gives_out_midway_leaves_no_event_and_the_next_run_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    folder = add_remote(world)
    real, lock, written = staging.Temporary.write, threading.Lock(), [0]

    def full(self: staging.Temporary, data: bytes) -> None:
        with lock:
            written[0] += 1
            if written[0] > 4:
                raise OSError(number, os.strerror(number))
        real(self, data)

    monkeypatch.setattr(staging.Temporary, "write", full)
    done = world.arcgit("replicate", "offline", "-j", "1", code=3)
    assert codes(done) == ["replica-unwritable"]
    assert os.strerror(number) in done["findings"][0]["message"]
    assert (done["event"], events(world)) == (None, [])
    there = files(folder)
    assert len(there) == 4
    assert not list(folder.glob(".arcgit*"))
    monkeypatch.setattr(staging.Temporary, "write", real)
    again = world.arcgit("replicate", "offline")
    assert again["counts"]["kept"]["objects"] == 4
    assert files(folder) == files(world.store)


def test_a_disk_that_is_unplugged_between_copying_and_reading_back_proves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_remote(world)
    real, lock = FolderPlace.read, threading.Lock()

    def unplugged(self: FolderPlace, *rest: Any, **named: Any) -> Any:
        with lock:
            _unplug(folder)
        return real(self, *rest, **named)

    monkeypatch.setattr(FolderPlace, "read", unplugged)
    done = world.arcgit("replicate", "offline", code=3)
    assert set(codes(done)) == {"replica-unwritable"}
    assert "not there any more" in done["findings"][0]["message"]
    assert (done["event"], events(world)) == (None, [])


def _unplug(folder: Path) -> None:
    """What is mounted at the folder goes; the folder below it is empty."""
    if folder.exists() and any(folder.iterdir()):
        folder.rename(folder.with_name("unplugged"))
        folder.mkdir()


def test_what_the_target_loses_between_copying_and_reading_back_is_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_remote(world)
    victim, real = in_target(world, folder, "model.pkl"), FolderPlace.read

    def losing(self: FolderPlace, *rest: Any, **named: Any) -> Any:
        victim.unlink(missing_ok=True)
        return real(self, *rest, **named)

    monkeypatch.setattr(FolderPlace, "read", losing)
    done = world.arcgit("replicate", "offline", "deep", code=1)
    assert codes(done) == ["object-missing"]
    assert done["event"] is None


def test_what_the_target_changes_between_copying_and_reading_back_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_remote(world)
    victim, real = in_target(world, folder, "model.pkl"), FolderPlace.read

    def rotting(self: FolderPlace, *rest: Any, **named: Any) -> Any:
        victim.chmod(0o644)
        victim.write_bytes(victim.read_bytes()[:-1] + b"?")
        return real(self, *rest, **named)

    monkeypatch.setattr(FolderPlace, "read", rotting)
    done = world.arcgit("replicate", "offline", "deep", code=1)
    assert codes(done) == ["object-corrupt"]
    assert done["event"] is None


def test_what_is_wrong_when_it_is_read_back_and_right_when_it_is_looked_at_once_more_is_no_copy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_remote(world)
    victim, real = in_target(world, folder, "model.pkl"), FolderPlace.read
    good: list[bytes] = []

    def wavering(self: FolderPlace, *rest: Any, **named: Any) -> Any:
        victim.chmod(0o644)
        good.append(victim.read_bytes())
        victim.write_bytes(good[0] if len(good) > 1 else good[0][:-1] + b"?")
        return real(self, *rest, **named)

    monkeypatch.setattr(FolderPlace, "read", wavering)
    done = world.arcgit("replicate", "offline", "deep", "-j", "1", code=1)
    assert len(good) > 1
    assert done["event"] is None
    assert "object-corrupt" in codes(done) or "md5-collision" in codes(done)


def command(world: World, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "arcgit", "-C", str(world.work), "replicate", "offline", *arguments]


def test_two_at_once_copy_one_remote_and_both_prove_it(world: World) -> None:
    folder = add_remote(world)
    running = [
        subprocess.Popen(command(world, "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ends = [(*one.communicate(), one.returncode) for one in running]
    assert [code for _, _, code in ends] == [0, 0], ends
    assert files(folder) == files(world.store)
    assert not list(folder.glob(".arcgit*"))
    assert world.verify(code=0) == []
    assert 1 <= len(events(world)) <= 2
    assert git(world.work, "rev-parse", LEDGER) == git(world.hub, "rev-parse", LEDGER)


def test_interrupted_it_leaves_no_event_and_nothing_half(world: World) -> None:
    """Ctrl-C ends it though the server never answers. A FIFO in the place of the cache's object would not stop it."""
    from tests.servers import http_server  # noqa: PLC0415

    folder = add_remote(world)
    cold(world)
    model = world.object_path("model.pkl")
    reached, release = threading.Event(), threading.Event()

    def answer(method: str, path: str, before: int) -> tuple[int, bytes, int | None] | None:
        file = world.store / path.removeprefix("/store/")
        if file == model and method == "GET":
            reached.set()
            release.wait(60)
        return (200, file.read_bytes(), None) if file.is_file() else (404, b"", None)

    there: dict[str, bytes] = {}
    with http_server(answer) as url:
        dvc(world.work, "remote", "modify", "--quiet", "storage", "url", f"{url}/store")
        for number, code, jobs in ((signal.SIGINT, 130, "4"), (signal.SIGKILL, -9, "1")):
            reached.clear()
            release.clear()
            running = subprocess.Popen(command(world, "-j", jobs), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert reached.wait(60)
            os.kill(running.pid, number)
            running.communicate(timeout=60)
            release.set()
            assert running.returncode == code
            stored = files(world.store)
            there = {name: data for name, data in files(folder).items() if not name.startswith(".arcgit")}
            assert there.items() < stored.items()
            assert events(world) == []
        assert list(folder.glob(".arcgit*")), "what the killed run left"
        done = world.arcgit("replicate", "offline")
    assert done["counts"]["kept"]["objects"] == len(there)
    assert not list(folder.glob(".arcgit*"))
    assert files(folder) == files(world.store)


def test_an_event_that_a_killed_run_wrote_and_did_not_push_goes_with_the_next_run(world: World) -> None:
    add_remote(world)
    env = {**os.environ, "ARCGIT_CRASH_AT": "refs-moved"}
    killed = subprocess.run(command(world), env=env, capture_output=True, check=False)
    assert killed.returncode == -9
    assert len(events(world)) == 1
    assert git(world.work, "rev-parse", LEDGER) != git(world.hub, "rev-parse", LEDGER)
    done = world.arcgit("replicate", "offline")
    assert (done["records"], done["event"]) == ([], None)
    assert git(world.work, "rev-parse", LEDGER) == git(world.hub, "rev-parse", LEDGER)


def purge(world: World, person: Person, experiment: str) -> None:
    """A `purged` event, which no command writes yet."""
    config = {"gpg.format": person.format, "user.signingkey": person.key}
    context = open_context(world.work, state_dir=world.state / "arcgit")
    about = subject(world, experiment)
    append(
        context,
        lambda: signer_from_config(config, email=person.email),
        kind="purged",
        decide=lambda view: (about, {"reason": "asked for"}),
        exchange=Exchange(),
        now=datetime(2026, 12, 1, tzinfo=timezone.utc),
    )


def test_a_purged_record_is_not_copied(world: World, ada: Person) -> None:
    folder = add_remote(world)
    purge(world, ada, "deep")
    done = world.arcgit("replicate", "offline")
    assert world.tag("deep") not in {row["tag"] for row in done["records"]}
    assert not in_target(world, folder, "model.pkl").exists()
    assert world.arcgit("replicate", "offline", "deep", code=1)["error"]["code"] == "record-purged"


def test_refs_go_to_a_bare_repository_beside_the_data_and_the_archive_verifies_there(world: World) -> None:
    add_remote(world)
    done = world.arcgit("replicate", "offline", "--with-refs")
    place = world.root / "offline.git"
    assert done["refs"]["place"] == str(place)
    for name in (LEDGER, "refs/arcgit/fixity", *(f"refs/tags/{world.tag(one)}" for one in ALL)):
        assert git(place, "rev-parse", name) == git(world.work, "rev-parse", name)
    assert invoke(place, "verify")["findings"] == []
    again = world.arcgit("replicate", "offline", "--with-refs")
    assert (again["refs"]["pushed"], again["refs"]["there"]) == ([], 5)
    git(world.root, "clone", "--quiet", "offline.git", "back")


def test_a_repository_on_the_disk_runs_no_program_here(world: World) -> None:
    """Whoever had the disk could have put hooks and settings into it; git on the other side is this machine's own."""
    add_remote(world)
    place, marker = world.root / "offline.git", world.root / "marker"
    git(world.root, "init", "--quiet", "--bare", "offline.git")
    (place / "hooks").mkdir(exist_ok=True)
    for hook in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction", "pre-auto-gc"):
        (place / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (place / "hooks" / hook).chmod(0o755)
    (place / "objects" / "info" / "alternates").write_text(f"{world.hub}/objects\n")
    for key in ("core.alternateRefsCommand", "core.fsmonitor", "uploadpack.packObjectsHook"):
        git(place, "config", key, f"touch {marker};")
    git(place, "config", "gc.auto", "1")
    git(place, "config", "core.hooksPath", str(place / "hooks"))
    assert codes(world.arcgit("replicate", "offline", "--with-refs")) == []
    assert not marker.exists()
    git(world.work, "push", "--quiet", str(place), "HEAD:refs/heads/control")
    assert marker.exists(), "stock git runs them, so the test would have seen it"


@pytest.mark.parametrize("what", ["a link", "a file", "a folder"])
def test_what_stands_in_the_place_of_the_repository_is_named_and_left_alone(world: World, what: str) -> None:
    add_remote(world)
    place = world.root / "offline.git"
    if what == "a link":
        place.symlink_to(world.hub)
    elif what == "a file":
        place.write_text("x")
    else:
        place.mkdir()
    before = git(world.hub, "for-each-ref")
    refused = world.arcgit("replicate", "offline", "--with-refs", code=1)
    assert refused["error"]["code"] == "destination-occupied"
    assert not place.is_dir() or place.is_symlink() or list(place.iterdir()) == []
    assert before.splitlines()[-1].split()[0]


def test_refs_go_to_a_second_git_remote_and_what_stands_there_is_never_moved(world: World) -> None:
    add_remote(world)
    git(world.root, "init", "--quiet", "--bare", "second.git")
    git(world.work, "remote", "add", "second", "../second.git")
    tag = f"refs/tags/{world.tag('deep')}"
    git(world.work, "push", "--quiet", "--no-verify", "second", f"HEAD:{tag}")
    refused = world.arcgit("replicate", "offline", "--git-remote", "second", code=1)
    assert codes(refused) == ["tag-not-as-recorded"]
    assert refused["event"] is not None, "the data is proven there all the same"
    assert git(world.root / "second.git", "rev-parse", tag) == git(world.work, "rev-parse", "HEAD")
    assert git(world.root / "second.git", "for-each-ref", "--format=%(refname)") == tag
    git(world.root / "second.git", "update-ref", "-d", tag)
    done = world.arcgit("replicate", "offline", "--git-remote", "second")
    assert done["refs"]["there"] == 5
    assert invoke(world.root / "second.git", "verify")["findings"] == []
    git(world.root / "second.git", "update-ref", LEDGER, git(world.work, "rev-parse", "HEAD"))
    forked = world.arcgit("replicate", "offline", "--git-remote", "second", code=1)
    assert codes(forked) == ["ledger-fork"]
    for name, code in (("origin", "usage"), ("nowhere", "remote-missing"), (str(world.hub), "remote-missing")):
        assert world.arcgit("replicate", "offline", "--git-remote", name, code=2)["error"]["code"] == code


def test_no_copy_has_its_name_before_its_bytes_are_on_disk_nor_is_it_read_back_before_that_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = add_remote(world)
    with monkeypatch.context() as patch:
        log = Log(patch, folder)
        real = FolderPlace.read

        def read(self: FolderPlace, *rest: Any, **named: Any) -> Any:
            log.rows.append(("read", ""))
            return real(self, *rest, **named)

        patch.setattr(FolderPlace, "read", read)
        done = world.arcgit("replicate", "offline")
    settled = {name: at for at, (what, name) in enumerate(log.rows) if what == "settled"}
    rows = [(at, row[1].split()) for at, row in enumerate(log.rows) if row[0] == "named"]
    assert len(rows) == done["counts"]["copied"]["objects"]
    assert all(settled[source] < at for at, (source, _) in rows)
    members = [at for at, (_, target) in rows if not target.endswith(".dir")]
    listings = [at for at, (_, target) in rows if target.endswith(".dir")]
    assert any(max(members) < at < min(listings) for at in log.at("names")), "the files' names are on disk first"
    assert any(max(listings) < at < min(log.at("read")) for at in log.at("names"))
    assert list(folder.glob(".arcgit*")) == []


@pytest.mark.parametrize("step", ["settle_files", "settle_names"])
def test_a_disk_that_does_not_keep_what_it_took_is_no_replica(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """It says so last of all, when what was in memory is written."""
    folder = add_remote(world)
    with monkeypatch.context() as patch:
        patch.setattr(durable, step, broken(errno.EIO))
        done = world.arcgit("replicate", "offline", code=3)
    assert codes(done) == ["replica-unwritable"]
    assert os.strerror(errno.EIO) in done["findings"][0]["message"]
    assert (done["event"], events(world)) == (None, [])
    assert not [name for name in files(folder) if name.endswith(".dir")]
    assert world.arcgit("replicate", "offline")["event"] is not None
    assert files(folder) == files(world.store)
