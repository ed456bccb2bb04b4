"""Splits that share files, on a real repository: checked without a download, judged again when sealing."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.world import World, dvc, git, invoke


def overlapping(world: World, *, name: str = "other.csv") -> None:
    """Make the pipeline put one training file into the test data as well, and run it."""
    script = world.work / "src" / "prepare.py"
    more = f'(pathlib.Path("data/test") / "{name}").write_bytes(pathlib.Path("data/train/0.csv").read_bytes())\n'
    script.write_text(script.read_text() + more)
    dvc(world.work, "repro", "--quiet")
    git(world.work, "add", "--all")


def codes(work: Path, *arguments: str, code: int) -> list[str]:
    return [finding["code"] for finding in invoke(work, "check", *arguments, code=code)["findings"]]


def test_a_training_file_in_the_test_data_is_refused_by_check_hook_and_record(world: World) -> None:
    overlapping(world)
    document = invoke(world.work, "check", code=1)
    (finding,) = document["findings"]
    assert (finding["code"], finding["path"]) == ("split-overlap", "arcgit.yaml")
    assert "other.csv (there 0.csv)" in finding["message"]
    lines = (world.work / "arcgit.yaml").read_text().splitlines()
    assert lines[finding["line"] - 1].startswith("  test:")
    done = subprocess.run(["git", "commit", "-m", "x"], cwd=world.work, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "split-overlap" in done.stderr
    world.commit()
    assert world.arcgit("record", code=1)["error"]["code"] == "incomplete"


def test_without_the_list_check_says_so_and_record_refuses(world: World) -> None:
    overlapping(world)
    world.commit()
    dvc(world.work, "push", "--quiet")
    shutil.rmtree(world.work / ".dvc" / "cache")
    document = invoke(world.work, "check", code=0)
    assert {finding["code"] for finding in document["findings"]} == {"split-overlap-unchecked"}
    assert [finding["hint"].partition(";")[0] for finding in document["findings"]] == ["dvc fetch data/train data/test"]
    before = git(world.work, "for-each-ref")
    assert world.arcgit("record", code=1)["error"]["code"] == "incomplete"
    assert git(world.work, "for-each-ref") == before
    dvc(world.work, "fetch", "--quiet", "data/test", "data/train")
    assert codes(world.work, code=1) == ["split-overlap"]


def test_record_says_nothing_of_what_it_has_judged_itself(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    text = (world.work / "arcgit.yaml").read_text()
    (world.work / "arcgit.yaml").write_text(text.replace("experiment: deep", "experiment: again"))
    world.commit()
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert world.arcgit("record")["created"]
    assert "split-overlap-unchecked" not in capfd.readouterr().err


def test_a_waived_overlap_is_sealed_with_its_waiver_although_the_list_was_not_at_hand(world: World) -> None:
    overlapping(world)
    text = (world.work / "arcgit.yaml").read_text().replace("experiment: deep", "experiment: waived")
    row = "{code: split-overlap, subject: test, reason: A smoke test., owner: Ada, expires: 2999-01-01}"
    (world.work / "arcgit.yaml").write_text(f"{text}waivers: [{row}]\n")
    assert "waiver-invalid" in codes(world.work, code=1)
    day = subprocess.run(["date", "-u", "-d", "+20 days", "+%F"], capture_output=True, text=True, check=True).stdout
    path = world.work / "arcgit.yaml"
    path.write_text(path.read_text().replace("2999-01-01", day.strip()))
    world.commit()
    dvc(world.work, "push", "--quiet")
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert "waiver-unused" not in codes(world.work, code=0)
    made = world.arcgit("record")
    shown = world.arcgit("show", made["run_id"])["record"]
    assert [waiver["subject"] for waiver in shown["waivers"]] == ["test"]


def test_one_file_in_two_splits_counts_without_any_cache(world: World) -> None:
    for name in ("one.csv", "two.csv"):
        (world.work / "data" / name).write_text("1\n2\n")
        dvc(world.work, "add", "--quiet", f"data/{name}")
    path = world.work / "arcgit.yaml"
    extra = "  one: {role: dataset, path: data/one.csv, split: val}\n  two: {role: dataset, path: data/two.csv, split: dev2}\n"
    path.write_text(path.read_text() + extra)
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert "split-overlap" in codes(world.work, code=1)


def test_the_whole_directory_in_two_splits_counts_without_any_cache(world: World) -> None:
    for name in ("one", "two"):
        shutil.copytree(world.work / "data" / "train", world.work / "data" / name)
        dvc(world.work, "add", "--quiet", f"data/{name}")
    path = world.work / "arcgit.yaml"
    extra = (
        "  one: {role: dataset, path: data/one, split: fold1}\n  two: {role: dataset, path: data/two, split: fold2}\n"
    )
    path.write_text(path.read_text() + extra)
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert "split-overlap" in codes(world.work, code=1)


def test_a_folder_and_a_part_of_it_as_two_splits_do_not_crash(world: World) -> None:
    path = world.work / "arcgit.yaml"
    path.write_text(path.read_text() + "  part: {role: dataset, path: data/train/0.csv, split: test}\n")
    assert codes(world.work, code=1).count("artifact-untracked") >= 1


def test_folders_in_git_are_compared_by_content_too(world: World) -> None:
    for name in ("one", "two"):
        (world.work / name).mkdir()
        (world.work / name / f"{name}.csv").write_text("1\n2\n")
        (world.work / name / "empty").write_text("")
    git(world.work, "add", "one", "two")
    path = world.work / "arcgit.yaml"
    extra = "  one: {role: dataset, path: one, split: a}\n  two: {role: dataset, path: two, split: b}\n"
    path.write_text(path.read_text() + extra)
    document = invoke(world.work, "check", code=1)
    message = next(f["message"] for f in document["findings"] if f["code"] == "split-overlap")
    assert message.startswith("1 file ")
    assert "empty files are not counted" in message


def test_a_damaged_list_in_the_cache_is_not_believed(world: World) -> None:
    lock = yaml.safe_load((world.work / "dvc.lock").read_text())
    md5 = next(out["md5"] for out in lock["stages"]["prepare"]["outs"] if out["path"] == "data/test")
    path = world.work / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    path.chmod(0o644)
    path.write_text("[]")
    assert codes(world.work, code=0) == ["split-overlap-unchecked"]


def test_a_list_that_names_unsafe_paths_is_a_finding(world: World) -> None:
    """DVC writes no such list; whoever does has the matching md5 as well."""
    bad = b'[{"md5": "d41d8cd98f00b204e9800998ecf8427e", "relpath": "../../.bashrc"}]'
    md5 = hashlib.md5(bad, usedforsecurity=False).hexdigest()
    place = world.work / ".dvc" / "cache" / "files" / "md5" / md5[:2]
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{md5[2:]}.dir").write_bytes(bad)
    (world.work / "evil.dvc").write_text(f"outs:\n- md5: {md5}.dir\n  path: evil\n  hash: md5\n")
    path = world.work / "arcgit.yaml"
    path.write_text(path.read_text() + "  evil: {role: dataset, path: evil, split: validation}\n")
    document = invoke(world.work, "check", code=1)
    assert "path-unsafe" in {finding["code"] for finding in document["findings"]}


def test_nothing_is_fetched_and_nothing_is_written_by_a_check(world: World) -> None:
    overlapping(world)
    world.commit()
    dvc(world.work, "push", "--quiet")
    shutil.rmtree(world.work / ".dvc" / "cache")
    before = sorted(os.walk(world.work / ".dvc"))
    codes(world.work, code=0)
    codes(world.work, "--rev", "HEAD", code=0)
    assert sorted(os.walk(world.work / ".dvc")) == before
