"""What records need is listed, and `arcgit gc` deletes what `dvc gc` would delete, less than that or nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import gc as collecting
from arcgit.archive.context import open_context
from arcgit.archive.events.append import Exchange, append, subject_of
from arcgit.archive.gccopies import Copies
from arcgit.archive.protected import protected
from arcgit.cli.app import run
from arcgit.cli.clock import now
from arcgit.cli.events import signer_of
from arcgit.dvc import gc as dvcgc
from arcgit.dvc.gc import Flags
from arcgit.dvc.objects import ObjectId
from arcgit.errors import RefusedError
from arcgit.model import canonical
from tests.world import World, copy_world, dvc, git, invoke, next_experiment


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


@pytest.mark.parametrize(
    "flags",
    [
        ["--rev", "HEAD", "-n", "2"],
        ["--date", "2099-01-01", "--cloud"],
        ["--all-branches", "-n", "2", "--cloud", "--remote", "second"],
        ["--workspace", "--cloud", "--remote", "second"],
        ["--all-tags", "--not-in-remote", "--remote", "second"],
    ],
    ids=" ".join,
)
def test_what_goes_from_which_remote_is_foretold_with_the_records_that_need_it(world: World, flags: list[str]) -> None:
    second = world.root / "second"
    shutil.copytree(world.store, second)
    dvc(world.work, "remote", "add", "--quiet", "second", "../second")
    world.commit("a second remote")
    forget(world)
    places = {None: cache(world), "storage": world.store, "second": second}
    before = {name: objects(folder) for name, folder in places.items()}
    assert before["second"]
    shown = _gc(world, *flags, "--dry")
    assert {name: objects(folder) for name, folder in places.items()} == before
    dvc(world.work, "gc", *flags, "--force")
    gone = {name: before[name] - objects(folder) for name, folder in places.items()}
    assert {name: {row["md5"] for row in shown["objects"] if row["remote"] == name} for name in places} == gone
    hurt = {tag for row in shown["objects"] if row["needed"] for tag in row["records"]}
    assert {found["subject"] for found in shown["findings"]} == hurt
    needed = {row["md5"] for row in shown["objects"] if row["remote"] is not None and row["records"]}
    assert needed == {row["md5"] for row in shown["objects"] if row["needed"] and row["remote"] is not None}


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


def corrupt(path: Path) -> None:
    """One bit, and nothing else that anybody could see without reading."""
    path.chmod(0o644)
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def held(document: dict[str, Any]) -> dict[str, str]:
    return {row["md5"]: row["held"] for row in document["objects"] if row["needed"]}


def model_of(world: World) -> str:
    """The object of a model that only an older record needs."""
    return next(str(row["md5"]) for row in world.arcgit("protected")["objects"] if row["path"] == "model.pkl")


def test_the_last_good_bytes_do_not_go_while_the_remote_has_others_of_the_same_size(world: World) -> None:
    forget(world)
    model = model_of(world)
    corrupt(world.store / "files" / "md5" / model[:2] / model[2:])
    before = objects(cache(world))
    refused = world.arcgit("gc", "--workspace", "--force", code=1)
    assert held(refused) == {model: "corrupt"}
    assert [found["code"] for found in refused["findings"]] == ["protected-object"]
    assert "other bytes under that name" in refused["findings"][0]["message"]
    assert refused["deleted"] == 0
    assert objects(cache(world)) == before


def test_a_file_of_a_directory_and_a_listing_are_read_as_well(world: World) -> None:
    next_experiment(world.work, "other", "lr: 0.1\nepochs: 1\n")
    (world.work / "data" / "raw.csv").write_text("\n".join(map(str, range(7, 107))))
    dvc(world.work, "repro", "--quiet")
    world.commit("other data, so that what the records have is used by nothing here")
    rows = {row["path"]: row["md5"] for row in world.arcgit("protected")["objects"]}
    wanted = {rows["data/train/0.csv"], rows["data/test"], rows["data/raw.csv"]}
    for oid in wanted:
        corrupt(world.store / "files" / "md5" / oid[:2] / oid[2:])
    refused = world.arcgit("gc", "--workspace", "--force", code=1)
    assert held(refused) == dict.fromkeys(wanted, "corrupt")


def test_who_trusts_sizes_says_so(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    forget(world)
    model = model_of(world)
    corrupt(world.store / "files" / "md5" / model[:2] / model[2:])
    capsys.readouterr()
    assert run(["-C", str(world.work), "gc", "--workspace", "--trust-sizes", "--dry"]) == 0
    assert "told by name and size; without --trust-sizes it is read" in capsys.readouterr().out
    done = world.arcgit("gc", "--workspace", "--trust-sizes", "--force")
    assert {row["held"] for row in done["objects"] if row["records"]} == {"by-size"}
    assert model not in objects(cache(world))


def test_a_remote_that_only_leads_back_to_the_cache_is_no_copy(world: World) -> None:
    """The store is the very folder of the cache, or a link in it leads there: what goes from one goes from both."""
    forget(world)
    model = model_of(world)
    stored = world.store / "files" / "md5" / model[:2] / model[2:]
    stored.unlink()
    stored.symlink_to(cache(world) / "files" / "md5" / model[:2] / model[2:])
    for more in ((), ("--trust-sizes",)):
        refused = world.arcgit("gc", "--workspace", "--force", *more, code=1)
        assert held(refused) == {model: "itself"}
        assert "leads back" in refused["findings"][0]["message"]
    shutil.rmtree(world.store)
    world.store.symlink_to(cache(world))
    for more in ((), ("--trust-sizes",)):
        refused = world.arcgit("gc", "--workspace", "--force", *more, code=1)
        assert set(held(refused).values()) == {"itself"}
    assert model in objects(cache(world))


def test_hard_links_into_the_cache_are_copies_in_the_remote(world: World) -> None:
    """DVC can make them: the bytes stay where one name goes."""
    forget(world)
    model = model_of(world)
    here = cache(world) / "files" / "md5" / model[:2] / model[2:]
    stored = world.store / "files" / "md5" / model[:2] / model[2:]
    stored.unlink()
    os.link(here, stored)
    assert world.arcgit("gc", "--workspace", "--force")["deleted"] > 0
    assert world.verify("--level", "fixity", code=0) == []


def test_a_remote_that_cannot_be_read_keeps_the_cache(world: World) -> None:
    forget(world)
    model = model_of(world)
    stored = world.store / "files" / "md5" / model[:2] / model[2:]
    stored.unlink()
    stored.symlink_to(stored)
    assert held(world.arcgit("gc", "--workspace", "--force", code=1)) == {model: "unreadable"}
    stored.unlink()
    os.mkfifo(stored)
    assert held(world.arcgit("gc", "--workspace", "--force", code=1)) == {model: "unreadable"}
    world.store.rename(world.root / "unmounted")
    refused = world.arcgit("gc", "--workspace", "--force", code=1)
    assert set(held(refused).values()) == {"unreadable"}
    assert model in objects(cache(world))


def test_two_contents_under_one_name_are_no_copies_of_each_other(world: World) -> None:
    """A record has one of them in the remote, another record the other one, which is in the cache alone."""
    forget(world)
    context = open_context(world.work, state_dir=world.state / "arcgit")
    model = model_of(world)
    needed = protected(context)
    need = next(need for oid, need in needed.objects.items() if oid.value == model)
    assert len(need.sealed) == 1
    here = cache(world) / "files" / "md5" / model[:2] / model[2:]
    data = b"x" * here.stat().st_size
    need.sealed.add((canonical.sha256(data), len(data)))
    here.chmod(0o644)
    here.write_bytes(data)
    assert needed.remotes is not None
    item = dvcgc.Doomed(None, ObjectId("md5", model), str(here))
    assert Copies(needed.remotes).held([(item, need)]) == {item: "corrupt"}


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


def test_what_another_clone_recorded_since_is_not_taken_for_unused(world: World) -> None:
    """Two clones, one store: the one that cleans up has not heard of the other's record."""
    stale = world.clone()
    invoke(stale, "sync")
    next_experiment(world.work, "fresh", "lr: 0.9\nepochs: 1\n")
    world.arcgit("record")
    before = objects(world.store)
    for more in (("--all-tags",), ("--all-commits",)):
        refused = invoke(stale, "gc", *more, "--cloud", "--force", code=3)
        assert [found["code"] for found in refused["findings"]] == ["notes-missing"]
        assert refused["findings"][0]["hint"] == "arcgit sync"
    world.hub.rename(world.root / "away")
    unreached = invoke(stale, "gc", "--all-tags", "--cloud", "--force", code=3)
    assert unreached["error"]["code"] == "remote-unreachable"
    (world.root / "away").rename(world.hub)
    assert objects(world.store) == before
    invoke(stale, "sync")
    assert invoke(stale, "gc", "--all-tags", "--cloud", "--force")["verdict"] == "pass"
    assert objects(world.store) >= listed(world.arcgit("protected"))
    assert world.verify("--level", "fixity", code=0) == []


def test_nothing_is_deleted_unasked(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    forget(world)
    before = objects(cache(world))
    capsys.readouterr()
    assert run(["-C", str(world.work), "gc", "--workspace"]) == 0
    text = capsys.readouterr().out
    assert "copy    DVC's cache" in text
    assert "Of these copies, every byte was read in the remote." in text
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
        collecting.collect(context, world.work, plan)
    risks = collecting.plan(context, world.work, Flags(workspace=True, cloud=True)).findings
    assert {found.code for found in risks} == {"protected-object"}
    assert collecting.plan(context, world.work, Flags(all_tags=True, cloud=True)).findings == []


def _shared(world: World, other: World) -> None:
    """Give both the same remote and the same cache."""
    together = world.root / "together"
    shutil.copytree(world.store, together)
    shutil.copytree(cache(world), world.root / "one-cache")
    for one in (world, other):
        (one.work / ".dvc" / "config").write_text(
            f"[core]\n    remote = storage\n[cache]\n    dir = {world.root}/one-cache\n"
            f"['remote \"storage\"']\n    url = {together}\n"
        )


@pytest.mark.parametrize(
    "flags", [("--all-commits", "--cloud"), ("--all-tags", "--cloud"), ("--all-commits",)], ids=str
)
def test_what_another_repository_keeps_in_the_same_place_is_not_taken_for_unused(
    world: World, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    """Neither knows of the other; what goes is lost for the other's records."""
    other = copy_world(template, tmp_path / "other", tmp_path / "other-state")
    _shared(world, other)
    next_experiment(other.work, "theirs", "lr: 0.77\nepochs: 2\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(other.state))
    invoke(other.work, "record")
    monkeypatch.setenv("XDG_STATE_HOME", str(world.state))
    together, one_cache = world.root / "together", world.root / "one-cache"
    before = (objects(together), objects(one_cache))
    refused = world.arcgit("gc", *flags, "--force", code=3)
    assert {found["code"] for found in refused["findings"]} == {"gc-unclaimed"}
    assert (objects(together), objects(one_cache)) == before
    hint = refused["findings"][0]["hint"]
    assert hint.endswith(f"arcgit gc {' '.join(sorted(flags, key=lambda flag: flag == '--cloud'))} --not-shared")
    assert world.arcgit("gc", *flags, "--force", "--not-shared")["deleted"] > 0
    assert objects(one_cache) < before[1]


def test_what_only_a_cache_inside_the_repository_has_may_go_unnamed(world: World) -> None:
    (world.work / "left.txt").write_text("never committed")
    dvc(world.work, "add", "--quiet", "left.txt")
    (world.work / "left.txt.dvc").unlink()
    assert world.arcgit("gc", "--all-commits", "--force")["deleted"] > 0


def test_a_copy_where_another_project_keeps_it_is_no_copy_for_this_one(world: World, tmp_path: Path) -> None:
    """Two records have the same bytes, each in the remote of its own project."""
    context = open_context(world.work, state_dir=world.state / "arcgit")
    forget(world)
    model = model_of(world)
    needed = protected(context)
    oid = ObjectId("md5", model)
    need = needed.objects[oid]
    assert need.homes == {("", "storage"): {world.tag("baseline")}}
    (world.root / "second").mkdir()
    dvc(world.work, "remote", "add", "--quiet", "second", "../second")
    need.homes["", "second"] = {"exp/churn/other/0123456789ab"}
    here = cache(world) / "files" / "md5" / model[:2] / model[2:]
    assert needed.remotes is not None
    item = dvcgc.Doomed(None, oid, str(here))
    copies = Copies(needed.remotes)
    assert copies.held([(item, need)]) == {item: "missing"}
    assert copies.lacking == {item: {"exp/churn/other/0123456789ab"}}
    shutil.copytree(world.store / "files", world.root / "second" / "files")
    assert Copies(needed.remotes).held([(item, need)]) == {item: "proven"}


def test_a_record_that_is_made_while_somebody_thinks_it_over_stops_the_deleting(world: World) -> None:
    context = open_context(world.work, state_dir=world.state / "arcgit")
    next_experiment(world.work, "fresh", "lr: 0.9\nepochs: 1\n")
    dvc(world.work, "push", "--quiet")
    dvc(world.work, "repro", "--quiet")
    git(world.work, "switch", "--quiet", "--detach", "HEAD~1")
    plan = collecting.plan(context, world.work, Flags(workspace=True, cloud=True))
    assert plan.verdict.value == "fail"
    plan = collecting.plan(context, world.work, Flags(all_tags=True, cloud=True))
    assert plan.doomed
    assert plan.findings == []
    git(world.work, "switch", "--quiet", "main")
    world.arcgit("record")
    with pytest.raises(RefusedError, match="other records by now"):
        collecting.collect(context, world.work, plan)
    assert world.verify("--level", "fixity", code=0) == []


def test_what_is_put_into_the_place_while_dvc_deletes_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC lists what is there once more when it deletes."""
    forget(world)
    context = open_context(world.work, state_dir=world.state / "arcgit")
    plan = collecting.plan(context, world.work, Flags(workspace=True))
    late = cache(world) / "files" / "md5" / "aa" / ("0" * 30)
    before = dvcgc._delete_alone

    def appears(*arguments: Any) -> None:
        late.parent.mkdir(exist_ok=True)
        late.write_bytes(b"just now")
        before(*arguments)

    monkeypatch.setattr(dvcgc, "_delete_alone", appears)
    assert collecting.collect(context, world.work, plan) == len(plan.doomed) > 0
    assert late.read_bytes() == b"just now"


def test_what_was_imported_is_kept_and_the_way_out_that_is_named_leads_out(world: World) -> None:
    """DVC counts no import as used, also where it looks at the commit that has it."""
    source = world.root / "source"
    source.mkdir()
    git(source, "init", "--quiet")
    dvc(source, "init", "--quiet")
    (source / "rows.txt").write_text("1 2 3")
    dvc(source, "add", "--quiet", "rows.txt")
    dvc(source, "remote", "add", "--quiet", "--default", "s", "../source-store")
    dvc(source, "push", "--quiet")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "-m", "rows")
    dvc(world.work, "import", "--quiet", "../source", "rows.txt")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  rows: {role: other, path: rows.txt}\n")
    world.commit("imported")
    git(world.work, "push", "--quiet", "origin", "main")
    tag = world.arcgit("record")["tag"]
    (world.work / "rows.txt").unlink()
    git(world.work, "rm", "--quiet", "rows.txt.dvc")
    forget(world)
    refused = world.arcgit("gc", "--all-tags", "--force", code=1)
    (found,) = refused["findings"]
    assert (found["code"], found["subject"]) == ("protected-object", tag)
    command = f"arcgit replicate storage {tag} --imports"
    assert found["hint"].endswith(command)
    world.arcgit(*command.split()[1:])
    assert world.arcgit("gc", "--all-tags", "--dry")["verdict"] == "pass"
    cloud = world.arcgit("gc", "--all-tags", "--cloud", "--force", code=1)
    assert {one["hint"] for one in cloud["findings"]} == {"leave what is there: arcgit gc --all-tags"}
    assert world.arcgit("gc", "--all-tags", "--force")["deleted"] > 0
    assert world.arcgit("restore", tag, "--to", "../out")["verdict"] == "pass"
