"""What `arcgit restore` writes, what it leaves alone, and what it says of it."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arcgit.archive import crew
from arcgit.archive.context import open_context
from arcgit.archive.policy import policyfile
from arcgit.cli.app import run
from arcgit.model import canonical
from arcgit.model.fixity import FixityEntry, serialise
from tests.imports import recorded_import
from tests.world import MANIFEST, Person, World, dvc, git, invoke

ALL = {
    "model.pkl", "data/train/0.csv", "data/train/1.csv", "data/train/2.csv", "data/test/0.csv", "data/test/1.csv",
    "data/test/2.csv", "src/train.py", "metrics.json", "requirements.txt",
}  # fmt: skip


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def restored(document: dict[str, Any]) -> set[str]:
    return {row["path"] for row in document["files"]}


def test_a_whole_record_comes_out_as_it_was_sealed(world: World, tmp_path: Path) -> None:
    done = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), "-m", "For the audit.")
    assert (done["verdict"], done["whole"], files(tmp_path / "out")) == ("pass", True, ALL)
    for path in ALL:
        assert (tmp_path / "out" / path).read_bytes() == (world.work / path).read_bytes()
    assert [row["path"] for row in done["files"]] == sorted(ALL)
    assert stat.S_IMODE((tmp_path / "out" / "model.pkl").stat().st_mode) == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_an_older_record_comes_out_although_the_work_tree_moved_on(world: World, tmp_path: Path) -> None:
    assert world.arcgit("restore", "baseline", "--to", str(tmp_path / "out"))["counts"]["restored"]["files"] == 10
    assert b"epochs: 3" in (tmp_path / "out" / "model.pkl").read_bytes()


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["model"], {"model.pkl"}),
        (["model.pkl"], {"model.pkl"}),
        (["./model.pkl"], {"model.pkl"}),
        (["dataset"], {path for path in ALL if path.startswith("data/")}),
        (["train"], {path for path in ALL if path.startswith("data/train/")}),
        (["data"], {path for path in ALL if path.startswith("data/")}),
        (["data/train/"], {path for path in ALL if path.startswith("data/train/")}),
        (["data/train/1.csv"], {"data/train/1.csv"}),
        (["train/1.csv"], {"data/train/1.csv"}),
        (["data/*/1.csv"], {"data/train/1.csv", "data/test/1.csv"}),
        (["test/[01].csv", "code"], {"data/test/0.csv", "data/test/1.csv", "src/train.py"}),
        (["*.csv"], {path for path in ALL if path.endswith(".csv")}),
        (["**/train.py", "environment"], {"src/train.py", "requirements.txt"}),
    ],
)
def test_a_part_is_named_by_role_artifact_path_or_pattern(world: World, only: list[str], expected: set[str]) -> None:
    options = [word for choice in only for word in ("--only", choice)]
    shown = world.arcgit("restore", "deep", *options, "--dry-run")
    assert restored(shown) == expected
    assert restored(world.arcgit("restore", "deep", "--dry-run", "--only", *only)) == expected


def test_a_part_that_is_not_there_is_a_mistake_and_writes_nothing(world: World, tmp_path: Path) -> None:
    for only in ("modle", "data/train/9.csv", "*.parquet", "dat", "../data"):
        wrong = world.arcgit("restore", "deep", "--only", "model", "--only", only, "--to", str(tmp_path / "o"), code=2)
        assert wrong["error"]["code"] == "selection-unknown"
        assert only in wrong["error"]["message"]
    assert not (tmp_path / "o").exists()
    assert world.arcgit("restore", "nothing", "--to", str(tmp_path / "o"), code=2)["error"]["code"] == "record-unknown"
    assert world.arcgit("restore", "deep", code=2)["error"]["code"] == "usage"


def test_a_second_run_keeps_what_is_there_and_puts_back_what_is_not(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    world.arcgit("restore", "deep", "--to", str(out))
    before = (out / "model.pkl").stat()
    (out / "data" / "train" / "1.csv").unlink()
    again = world.arcgit("restore", "deep", "--to", str(out))
    assert again["counts"]["kept"]["files"] == 9
    assert [row["path"] for row in again["files"] if row["state"] == "restored"] == ["data/train/1.csv"]
    assert (out / "model.pkl").stat().st_mtime_ns == before.st_mtime_ns
    assert world.arcgit("restore", "deep", "--to", str(out))["event"] is None


def test_a_dry_run_shows_files_sizes_and_sources_and_writes_nothing(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refs = git(world.work, "for-each-ref")
    shown = world.arcgit("restore", "deep", "--dry-run", "--to", str(tmp_path / "out"))
    assert shown["counts"]["planned"] == {"files": 10, "bytes": sum((world.work / path).stat().st_size for path in ALL)}
    assert {row["source"] for row in shown["files"]} == {"git", "DVC's cache"}
    shutil.rmtree(world.work / ".dvc" / "cache")
    world.object_path("model.pkl").unlink()
    missing = world.arcgit("restore", "deep", "--dry-run", code=1)
    assert [(row["path"], row["state"]) for row in missing["files"] if row["state"] != "planned"] == [
        ("model.pkl", "failed")
    ]
    capsys.readouterr()
    assert run(["-C", str(world.work), "restore", "deep", "--dry-run", "--only", "train"]) == 0
    text = capsys.readouterr().out
    assert "planned  data/train/0.csv  76 B  from storage" in text
    assert "3 files to restore (227 B)" in text
    assert git(world.work, "for-each-ref") == refs
    assert not (tmp_path / "out").exists()


def test_a_dry_run_says_what_stands_in_the_way(world: World, tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_text("mine")
    (tmp_path / "requirements.txt").write_text("pyyaml\n")
    shown = world.arcgit("restore", "deep", "--dry-run", "--to", str(tmp_path), code=1)
    assert [item["code"] for item in shown["findings"]] == ["destination-occupied"]
    assert [row["path"] for row in shown["files"] if row["state"] == "kept"] == ["requirements.txt"]


def test_the_event_says_who_what_and_why(world: World, tmp_path: Path) -> None:
    done = world.arcgit("restore", "deep", "--only", "model", "--to", str(tmp_path / "a"), "-m", "For the audit.")
    event = world.arcgit("log", "deep")["events"][-1]
    assert (event["seq"], event["type"], event["actor"]) == (done["event"]["seq"], "restored", "ada")
    assert event["data"] == {
        "artifacts": ["model"], "bytes": 219, "files": 1, "outcome": "complete", "reason": "For the audit.",
        "sources": ["DVC's cache"], "whole": False,
    }  # fmt: skip
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") == done["event"]["oid"]
    assert world.verify(code=0) == []


def test_somebody_whom_the_policy_does_not_know_restores_unlogged(
    world: World, mallory: Person, tmp_path: Path
) -> None:
    mallory.sign_as(world.work)
    tip = git(world.work, "rev-parse", "refs/notes/arcgit")
    done = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"))
    assert done["counts"]["restored"]["files"] == 10
    assert done["event"] is None
    assert "is not in the archive's policy" in done["unlogged"]
    assert [item["code"] for item in done["findings"]] == ["restore-unlogged"]
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == tip


def test_who_may_not_push_is_told_so_and_no_event_is_left_behind(world: World, tmp_path: Path) -> None:
    hook = world.hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    tip = git(world.work, "rev-parse", "refs/notes/arcgit")
    done = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"))
    assert done["counts"]["restored"]["files"] == 10
    assert done["event"] is None
    assert "refused the push" in done["unlogged"]
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == tip
    hook.unlink()
    world.arcgit("sync")


def test_no_event_is_written_where_none_is_wanted_or_it_stays_here(world: World, tmp_path: Path) -> None:
    assert world.arcgit("restore", "deep", "--to", str(tmp_path / "a"), "--no-log")["unlogged"] == "--no-log was given"
    here = world.arcgit("restore", "deep", "--to", str(tmp_path / "b"), "--no-push")["event"]
    assert here["pushed"] == []
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") != here["oid"]


def demand(world: World, weight: str) -> None:
    """Adopt a policy with this severity for a restore that is not logged."""
    path = world.work / policyfile.POLICY_FILE
    text = (
        path.read_text()
        .replace("version: 1\n", "version: 2\n")
        .replace("  {}\n", f"  {{restore-unlogged: {weight}}}\n")
    )
    assert f"restore-unlogged: {weight}" in text
    path.write_text(text)
    world.arcgit("policy", "adopt")


def test_a_policy_may_want_the_event_before_anything_is_written(world: World, mallory: Person, tmp_path: Path) -> None:
    demand(world, "error")
    out = tmp_path / "out"
    assert (
        world.arcgit("restore", "deep", "--to", str(out), "--no-log", "-m", "x", code=1)["error"]["code"]
        == "restore-unlogged"
    )
    assert world.arcgit("restore", "deep", "--to", str(out), code=2)["error"]["code"] == "usage"
    hook = world.hub / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    tip = git(world.work, "rev-parse", "refs/notes/arcgit")
    assert world.arcgit("restore", "deep", "--to", str(out), "-m", "x", code=1)["error"]["code"] == "restore-unlogged"
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == tip
    hook.unlink()
    assert not out.exists()
    done = world.arcgit("restore", "deep", "--to", str(out), "-m", "Asked for by the auditor.")
    event = world.arcgit("log", "deep")["events"][-1]
    assert (event["seq"], event["data"]["outcome"], event["data"]["files"]) == (done["event"]["seq"], "begun", 10)
    assert files(out) == ALL
    mallory.sign_as(world.work)
    other = tmp_path / "other"
    assert world.arcgit("restore", "deep", "--to", str(other), "-m", "x", code=1)["error"]["code"] == "restore-unlogged"
    assert not other.exists()


def test_a_policy_may_not_want_to_hear_of_it(world: World, mallory: Person, tmp_path: Path) -> None:
    demand(world, "off")
    mallory.sign_as(world.work)
    done = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"))
    assert (done["event"], done["findings"]) == (None, [])


def test_a_list_that_is_not_in_the_clone_costs_that_directory_alone(world: World, tmp_path: Path) -> None:
    for ref in git(world.work, "for-each-ref", "--format=%(refname)", "refs/arcgit").split():
        git(world.work, "update-ref", "-d", ref)
    done = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), "--no-push", code=3)
    assert {item["code"] for item in done["findings"]} == {"fixity-list"}
    assert "git fetch origin" in done["findings"][0]["hint"]
    assert files(tmp_path / "out") == {path for path in ALL if not path.startswith("data/")}
    assert world.arcgit("restore", "deep", "--only", "model", "--to", str(tmp_path / "b"))["verdict"] == "pass"


def test_a_clone_without_a_key_or_cache_restores(world: World, tmp_path: Path) -> None:
    clone = world.clone()
    git(clone, "config", "user.signingKey", "nobody")
    git(
        clone,
        "fetch",
        "--quiet",
        "origin",
        "+refs/notes/arcgit:refs/notes/origin/arcgit",
        "+refs/arcgit/fixity:refs/arcgit/remotes/origin/fixity",
    )
    done = invoke(clone, "restore", "deep", "--to", "restored")
    assert done["counts"]["restored"]["files"] == 10
    assert files(clone / "restored") == ALL
    assert done["event"] is None


def test_purged_data_does_not_come_back(world: World, tmp_path: Path) -> None:
    from arcgit.archive.events.append import Exchange, append, subject_of  # noqa: PLC0415
    from arcgit.cli.clock import now  # noqa: PLC0415
    from arcgit.cli.events import signer_of  # noqa: PLC0415

    context = open_context(world.work, state_dir=world.state / "arcgit")
    append(
        context, signer_of(context), kind="purged", exchange=Exchange(push=False), now=now(),
        decide=lambda view: (subject_of(context, view, "deep"), {"reason": "Asked for."}),
    )  # fmt: skip
    refused = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), code=1)
    assert refused["error"]["code"] == "record-purged"
    assert not (tmp_path / "out").exists()


def test_what_may_be_run_in_git_may_be_run_again_and_folders_in_git_come_whole(world: World, tmp_path: Path) -> None:
    (world.work / "src" / "run.sh").write_text("#!/bin/sh\n")
    (world.work / "src" / "run.sh").chmod(0o755)
    (world.work / "empty.bin").write_bytes(b"")
    dvc(world.work, "add", "--quiet", "empty.bin")
    manifest = MANIFEST.format(experiment="scripts").replace("path: src/train.py", "path: src")
    (world.work / "arcgit.yaml").write_text(
        manifest + "  script: {role: other, path: run.sh}\n  empty: {role: other, path: empty.bin}\n"
    )
    (world.work / "run.sh").write_text("#!/bin/sh\n")
    (world.work / "run.sh").chmod(0o755)
    world.commit("scripts")
    tag = world.arcgit("record")["tag"]
    out = tmp_path / "out"
    world.arcgit("restore", tag, "--to", str(out))
    assert {"src/run.sh", "src/train.py", "src/prepare.py", "run.sh", "empty.bin"} < files(out)
    runs = {path for path in files(out) if os.access(out / path, os.X_OK)}
    assert runs == {"src/run.sh", "run.sh"}


def test_an_import_comes_from_its_source(world: World, tmp_path: Path) -> None:
    other, tag = recorded_import(world)
    done = world.arcgit("restore", tag, "--only", "words", "--to", str(tmp_path / "out"))
    assert (tmp_path / "out" / "words.txt").read_text() == "imported words"
    assert str(other) in done["files"][0]["source"]


def test_very_many_failures_of_one_kind_are_counted(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "MAX_WARNINGS", 2)
    shutil.copytree(world.store, world.root / "second")
    shutil.rmtree(world.work / ".dvc" / "cache")
    dvc(world.work, "remote", "add", "--quiet", "second", "../second")
    for name in ("data/train", "data/test"):
        for entry in json.loads(world.object_path(name).read_bytes()):
            (world.store / "files" / "md5" / entry["md5"][:2] / entry["md5"][2:]).unlink()
    done = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"))
    assert [item["code"] for item in done["findings"]] == ["object-missing"] * 3
    assert any("4 more objects in `storage`" in item["message"] for item in done["findings"])


def test_ten_thousand_names_cost_little_more_than_the_bytes_of_their_list(world: World) -> None:
    """The plan of a directory is its list; nothing of it is made into a value for each file."""
    import tracemalloc  # noqa: PLC0415

    from arcgit.archive.restoring.restoreplan import Part, _require_safe  # noqa: PLC0415
    from arcgit.model import fixity  # noqa: PLC0415
    from tests.samples import folder  # noqa: PLC0415

    rows = [FixityEntry(canonical.sha256(b"%d" % number), number, f"part-{number:06d}.csv") for number in range(10_000)]
    from arcgit.model.record import ArtifactFact  # noqa: PLC0415

    blob = serialise(rows)
    del rows
    fact = msgspec.convert(folder("data"), ArtifactFact)
    tracemalloc.start()
    entries = fixity.parse(blob)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    _require_safe([Part("data", fact, entries, entries)])
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 8 * len(entries)
    assert after - held < 2 * len(entries)
    assert peak - held < 24 * len(entries)


def test_plain_text_says_what_is_there_and_what_is_not(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(world.work / ".dvc" / "cache")
    world.object_path("model.pkl").unlink()
    capsys.readouterr()
    assert run(["-C", str(world.work), "restore", "deep", "--to", str(tmp_path / "out")]) == 1
    text = capsys.readouterr().out
    assert "9 files restored (653 B), 1 file not restored" in text
    assert "object-missing" in text
    assert "train  data/train  3 files from storage" in text


def test_a_project_below_the_root_has_a_cache_and_remote_of_its_own(world: World, tmp_path: Path) -> None:
    sub = world.work / "sub"
    sub.mkdir()
    dvc(sub, "init", "--quiet", "--subdir")
    dvc(sub, "remote", "add", "--quiet", "--default", "below", "../../below")
    (sub / "weights.bin").write_text("weights of a subproject")
    dvc(sub, "add", "--quiet", "weights.bin")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(MANIFEST.format(experiment="sub") + "  weights: {role: other, path: sub/weights.bin}\n")
    world.commit("subproject")
    tag = world.arcgit("record")["tag"]
    first = world.arcgit("restore", tag, "--only", "weights", "--to", str(tmp_path / "a"))
    assert first["files"][0]["source"] == "DVC's cache"
    shutil.rmtree(sub / ".dvc" / "cache")
    second = world.arcgit("restore", tag, "--only", "weights", "--to", str(tmp_path / "b"))
    assert second["files"][0]["source"] == "below"
    assert (tmp_path / "b" / "sub" / "weights.bin").read_text() == "weights of a subproject"
