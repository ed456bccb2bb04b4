"""What records need is listed, and `arcgit gc` deletes what `dvc gc` would delete, less than that or nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import gc as collecting
from arcgit.archive.context import open_context
from arcgit.archive.events.append import Exchange, append, subject_of
from arcgit.cli.app import run
from arcgit.cli.clock import now
from arcgit.cli.events import signer_of
from arcgit.dvc import gc as dvcgc
from arcgit.dvc.gc import Flags
from arcgit.errors import RefusedError
from tests.world import World, dvc, git, invoke, next_experiment


def objects(folder: Path) -> set[str]:
    """The names of the objects in a store or cache."""
    return {path.parent.name + path.name for path in (folder / "files" / "md5").glob("??/*") if path.is_file()}


def cache(world: World) -> Path:
    return world.work / ".dvc" / "cache"


def listed(document: dict[str, Any]) -> set[str]:
    return {row["md5"] for row in document["objects"]}


def forget(world: World) -> None:
    """Another experiment in work tree and HEAD: what only records need is used by nothing that DVC looks at there."""
    next_experiment(world.work, "unsealed", "lr: 0.7\nepochs: 1\n")


def test_every_object_of_every_record_is_listed_with_the_records_that_need_it(world: World) -> None:
    found = world.arcgit("protected")
    assert (found["verdict"], found["records"]) == ("pass", 3)
    assert listed(found) == objects(world.store)
    by_path: dict[str, list[dict[str, Any]]] = {}
    for row in found["objects"]:
        by_path.setdefault(row["path"], []).append(row)
    assert len(by_path["model.pkl"]) == 3
    assert [len(row["records"]) for row in by_path["model.pkl"]] == [1, 1, 1]
    assert by_path["data/train/0.csv"][0]["records"] == sorted(world.tag(name) for name in ("baseline", "deep", "wide"))
    assert by_path["data/raw.csv"][0]["md5"] in objects(world.store)


def test_what_only_a_remote_knows_of_a_directory_is_listed_too(world: World) -> None:
    shutil.rmtree(cache(world))
    assert listed(world.arcgit("protected")) == objects(world.store)


def test_what_cannot_be_told_is_not_left_out_in_silence(world: World) -> None:
    shutil.rmtree(cache(world))
    world.object_path("data/train").unlink()
    found = world.arcgit("protected", code=3)
    assert {item["code"] for item in found["findings"]} == {"object-unreadable"}
    git(world.work, "update-ref", "-d", f"refs/tags/{world.tag('wide')}")
    assert "recorded-tag-missing" in {item["code"] for item in world.arcgit("protected", code=3)["findings"]}


def test_purged_records_need_nothing_and_retired_ones_everything(world: World) -> None:
    context = open_context(world.work, state_dir=world.state / "arcgit")
    world.arcgit("retire", "wide", "-m", "Replaced.")
    append(
        context, signer_of(context), kind="purged", exchange=Exchange(push=False), now=now(),
        decide=lambda view: (subject_of(context, view, "baseline"), {"reason": "Asked for."}),
    )  # fmt: skip
    found = world.arcgit("protected")
    assert {tag for row in found["objects"] for tag in row["records"]} == {world.tag("deep"), world.tag("wide")}


def test_what_dvc_gc_would_delete_is_told_exactly_and_nothing_is_deleted(world: World) -> None:
    forget(world)
    before = (objects(cache(world)), objects(world.store))
    for flags in (
        ["--workspace"],
        ["--workspace", "--cloud"],
        ["--all-commits", "--cloud"],
        ["--all-tags"],
        ["-w", "--not-in-remote"],
    ):
        shown = _gc(world, *flags, "--dry")
        assert (objects(cache(world)), objects(world.store)) == before
        copy = world.root / "copy"
        shutil.copytree(world.root, copy, symlinks=True, ignore=shutil.ignore_patterns("copy"))
        dvc(copy / "work", "gc", *flags, "--force")
        gone = (before[0] - objects(copy / "work" / ".dvc" / "cache"), before[1] - objects(copy / "store"))
        assert {row["md5"] for row in shown["objects"] if row["remote"] is None} == gone[0]
        assert {row["md5"] for row in shown["objects"] if row["remote"] == "storage"} == gone[1]
        shutil.rmtree(copy)


def _gc(world: World, *flags: str) -> dict[str, Any]:
    document: dict[str, Any] = invoke(world.work, "gc", *flags, code=None)
    return document


def test_a_remote_keeps_what_a_record_needs_even_when_forced(world: World) -> None:
    forget(world)
    before = (objects(cache(world)), objects(world.store))
    refused = world.arcgit("gc", "--workspace", "--cloud", "--force", code=1)
    assert refused["verdict"] == "fail"
    assert refused["deleted"] == 0
    assert {item["code"] for item in refused["findings"]} == {"protected-object"}
    assert {item["subject"] for item in refused["findings"]} == {
        world.tag(name) for name in ("baseline", "deep", "wide")
    }
    assert "model.pkl" in refused["findings"][0]["message"]
    assert "--all-tags" in refused["findings"][0]["hint"]
    assert (objects(cache(world)), objects(world.store)) == before


def test_a_copy_in_the_cache_may_go_and_the_only_one_may_not(world: World) -> None:
    forget(world)
    needed = listed(world.arcgit("protected"))
    model = next(row["md5"] for row in world.arcgit("protected")["objects"] if row["path"] == "model.pkl")
    stored = world.store / "files" / "md5" / model[:2] / model[2:]
    kept = stored.read_bytes()
    stored.unlink()
    refused = world.arcgit("gc", "--workspace", "--force", code=1)
    assert [row["md5"] for row in refused["objects"] if row["needed"]] == [model]
    assert "the only copy" in refused["findings"][0]["message"]
    stored.write_bytes(kept[:-1])
    assert world.arcgit("gc", "--workspace", "--force", code=1)["deleted"] == 0
    stored.chmod(0o644)
    stored.write_bytes(kept)
    done = world.arcgit("gc", "--workspace", "--force")
    assert done["deleted"] == len(done["objects"]) > 0
    assert objects(world.store) == needed
    assert model not in objects(cache(world))
    assert world.verify("--level", "fixity", code=0) == []


def test_all_tags_keeps_every_record_and_deletes_the_rest(world: World) -> None:
    next_experiment(world.work, "unsealed", "lr: 0.7\nepochs: 1\n")
    dvc(world.work, "push", "--quiet")
    next_experiment(world.work, "deep", "lr: 1e-3\nepochs: 9\n")
    extra = objects(world.store) - listed(world.arcgit("protected"))
    assert extra
    done = world.arcgit("gc", "--all-tags", "--cloud", "--force")
    assert {row["md5"] for row in done["objects"] if row["remote"] == "storage"} == extra
    assert objects(world.store) == listed(world.arcgit("protected"))
    assert world.verify("--level", "fixity", code=0) == []


def test_nothing_is_deleted_unasked(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    forget(world)
    before = objects(cache(world))
    capsys.readouterr()
    assert run(["-C", str(world.work), "gc", "--workspace"]) == 0
    text = capsys.readouterr().out
    assert "copy    DVC's cache" in text
    assert "told by name and size; arcgit verify --level fixity reads it" in text
    assert "Nothing was deleted; --force deletes." in text
    assert objects(cache(world)) == before
    assert run(["-C", str(world.work), "gc", "--workspace", "--cloud", "--force"]) == 1
    text = capsys.readouterr().out
    assert "needed  storage" in text
    assert world.tag("wide") in text


def test_what_dvc_refuses_is_refused(world: World) -> None:
    assert world.arcgit("gc", code=2)["error"]["code"] == "usage"
    assert world.arcgit("gc", "-w", "-c", "--not-in-remote", code=2)["error"]["code"] == "usage"
    assert world.arcgit("gc", "--rev", "nothing", code=3)["error"]["code"] == "gc-failed"


def test_without_the_ledger_nothing_is_deleted(world: World) -> None:
    clone = world.clone()
    dvc(clone, "pull", "--quiet")
    before = objects(clone / ".dvc" / "cache")
    refused = invoke(clone, "gc", "--workspace", "--force", code=3)
    assert refused["error"]["code"] == "ledger-missing"
    assert "git fetch origin" in refused["error"]["hint"]
    assert objects(clone / ".dvc" / "cache") == before


def test_planning_asks_the_remote_nothing_that_could_delete_there(world: World) -> None:
    """DVC has questions that delete damaged objects in a remote that is a folder."""
    shutil.rmtree(cache(world))
    path = world.object_path("data/train")
    path.chmod(0o644)
    path.write_bytes(b"[]")
    before = {str(file): file.read_bytes() for file in world.store.rglob("*") if file.is_file()}
    _gc(world, "--workspace", "--cloud", "--force")
    assert {str(file): file.read_bytes() for file in world.store.rglob("*") if file.is_file()} == before


def test_planning_brings_no_listing_into_the_cache_that_is_not_what_its_name_says(world: World) -> None:
    """DVC would install what the remote has, mark it as checked, and from then on take the files for unused."""
    shutil.rmtree(cache(world))
    path = world.object_path("data/train")
    path.chmod(0o644)
    path.write_bytes(b"[]")
    brought = cache(world) / path.relative_to(world.store)
    _gc(world, "--workspace", "--cloud", "--force")
    assert not brought.exists()
    other = world.object_path("data/test")
    assert (cache(world) / other.relative_to(world.store)).read_bytes() == other.read_bytes(), "a good one is brought"


def test_a_repository_that_changes_meanwhile_is_left_alone(world: World) -> None:
    forget(world)
    flags = Flags(workspace=True)
    shown = dvcgc.doomed(world.work, flags, lambda oid, remote: None)
    before = objects(cache(world))
    with pytest.raises(RefusedError, match="more would be deleted"):
        dvcgc.delete(world.work, flags, set(shown[1:]), lambda oid, remote: None)
    assert objects(cache(world)) == before


def test_a_plan_that_hurts_a_record_cannot_be_carried_out(world: World) -> None:
    forget(world)
    context = open_context(world.work, state_dir=world.state / "arcgit")
    plan = collecting.plan(context, world.work, Flags(workspace=True, cloud=True))
    with pytest.raises(ValueError, match="hurts a record"):
        collecting.collect(world.work, plan)
    risks = collecting.plan(context, world.work, Flags(workspace=True, cloud=True)).findings
    assert {found.code for found in risks} == {"protected-object"}
    assert collecting.plan(context, world.work, Flags(all_tags=True, cloud=True)).findings == []
