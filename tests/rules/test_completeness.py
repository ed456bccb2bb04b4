"""The completeness gate: each gap gives its code, all at once, in the manifest as in the files behind it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from arcgit.cli.app import run
from tests.world import World, dvc, git, invoke


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    """A change of one file that must apply."""

    def apply(work: Path) -> None:
        text = (work / name).read_text()
        assert old in text
        (work / name).write_text(text.replace(old, new))

    return apply


def drop(word: str) -> Callable[[Path], object]:
    """Take the lines with a word out of the manifest."""

    def apply(work: Path) -> None:
        path = work / "arcgit.yaml"
        kept = [line for line in path.read_text().splitlines() if word not in line]
        path.write_text("\n".join(kept) + "\n")

    return apply


OTHER_DATA = "outs:\n- md5: 0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d\n  size: 1\n  hash: md5\n  path: raw.csv\n"

GAPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no owner": (drop("owner:"), "owner-missing"),
    "an owner yet to be filled in": (
        edit("arcgit.yaml", "owner: Ada Lovelace <ada@example.org>", 'owner: ""'),
        "owner-missing",
    ),
    "a placeholder for an owner": (edit("arcgit.yaml", "Ada Lovelace <ada@example.org>", "TODO"), "owner-missing"),
    "no purpose": (drop("purpose:"), "purpose-missing"),
    "no retention class": (drop("retention:"), "retention-class-unknown"),
    "a retention class that the policy lacks": (
        edit("arcgit.yaml", "retention: standard", "retention: eternal"),
        "retention-class-unknown",
    ),
    "no model": (drop("role: model"), "model-missing"),
    "no dataset": (drop("role: dataset"), "dataset-version-missing"),
    "no metrics": (drop("role: metrics"), "metrics-missing"),
    "empty metrics": (lambda work: (work / "metrics.json").write_text("{}"), "metrics-missing"),
    "no environment": (drop("role: environment"), "environment-missing"),
    "a params file that git does not have": (
        edit("arcgit.yaml", "params: [params.yaml]", "params: [other.yaml]"),
        "hyperparameters-missing",
    ),
    "an artifact that nothing tracks": (
        edit("arcgit.yaml", "path: requirements.txt", "path: missing.txt"),
        "artifact-untracked",
    ),
    "a part of a directory that DVC keeps whole": (
        edit("arcgit.yaml", "path: data/train,", "path: data/train/0.csv,"),
        "artifact-untracked",
    ),
    "a model in git": (
        edit("arcgit.yaml", "{role: model, path: model.pkl}", "{role: model, path: src/prepare.py}"),
        "artifact-untracked",
    ),
    "a parameter changed after the run": (edit("params.yaml", "epochs: 9", "epochs: 10"), "lock-out-of-date"),
    "a script changed after the run": (edit("src/train.py", "* 50", "* 51"), "lock-out-of-date"),
    "a command changed after the run": (
        edit("dvc.yaml", "python src/train.py", "python -O src/train.py"),
        "lock-out-of-date",
    ),
    "a dependency added after the run": (
        edit("dvc.yaml", "deps: [data/train, src/train.py]", "deps: [data/train, src/train.py, src/prepare.py]"),
        "lock-out-of-date",
    ),
    "other input data than the run had": (
        lambda work: (work / "data" / "raw.csv.dvc").write_text(OTHER_DATA),
        "lock-out-of-date",
    ),
    "a stage that never ran": (lambda work: (work / "dvc.lock").unlink(), "artifact-missing"),
    "an unknown field": (edit("arcgit.yaml", "project: churn", "project: churn\ncolour: blue"), "manifest-invalid"),
    "a bad project name": (edit("arcgit.yaml", "project: churn", "project: Churn!"), "manifest-invalid"),
    "a role that there is not": (edit("arcgit.yaml", "role: code", "role: script"), "manifest-invalid"),
    "a path that leaves the repository": (edit("arcgit.yaml", "path: requirements.txt", "path: ../x"), "path-unsafe"),
    "a path into git's own folder": (edit("arcgit.yaml", "path: requirements.txt", "path: .git/config"), "path-unsafe"),
    "an alias": (edit("arcgit.yaml", "project: churn", "project: &p churn"), "yaml-unsafe"),
    "a repeated key": (edit("arcgit.yaml", "project: churn", "project: churn\nproject: churn"), "yaml-unsafe"),
    "a python tag": (edit("arcgit.yaml", "project: churn", "project: !!python/name:os.system churn"), "yaml-unsafe"),
    "an unreadable dvc.yaml": (lambda work: (work / "dvc.yaml").write_text("stages: ["), "yaml-unsafe"),
}


def codes(work: Path, *arguments: str, code: int | None = None) -> list[str]:
    document = invoke(work, "check", *arguments, code=code)
    return [finding["code"] for finding in document["findings"]]


def test_a_complete_experiment_passes_staged_committed_and_on_disk(world: World) -> None:
    for arguments in (["--staged"], ["--rev", "HEAD"], ["--worktree"], []):
        assert codes(world.work, *arguments, code=0) == []


@pytest.mark.parametrize("gap", GAPS)
def test_each_gap_gives_its_code_on_disk_and_staged(world: World, gap: str) -> None:
    change, code = GAPS[gap]
    change(world.work)
    assert code in codes(world.work, code=1)
    staged = codes(world.work, "--staged", code=0)
    assert set(staged) <= {"unstaged-change"}, "what is not staged is not judged by --staged, only pointed to"
    git(world.work, "add", "--all")
    assert code in codes(world.work, "--staged", code=1)


def test_all_gaps_are_reported_at_once_each_with_a_next_step(world: World) -> None:
    drop("role:")(world.work)
    drop("owner:")(world.work)
    document = invoke(world.work, "check", code=1)
    found = {finding["code"] for finding in document["findings"]}
    assert {
        "owner-missing",
        "model-missing",
        "dataset-version-missing",
        "metrics-missing",
        "environment-missing",
    } <= found
    assert all(finding["hint"] for finding in document["findings"])


def test_faults_of_form_carry_file_and_line(world: World) -> None:
    edit("arcgit.yaml", "role: code", "role: script")(world.work)
    document = invoke(world.work, "check", code=1)
    line = next(
        n for n, text in enumerate((world.work / "arcgit.yaml").read_text().splitlines(), 1) if "script" in text
    )
    assert document["findings"][0]["subject"] == f"arcgit.yaml:{line}"


def test_a_repository_without_manifest_fails_the_gate(world: World) -> None:
    (world.work / "arcgit.yaml").unlink()
    assert codes(world.work, code=1) == ["manifest-missing"]


def test_a_clone_without_ledger_cannot_say_which_policy_is_in_force(world: World) -> None:
    assert set(codes(world.clone(), code=3)) == {"notes-missing", "split-overlap-unchecked"}


def test_a_repository_without_pipeline_is_told_that_its_lineage_is_only_asserted(world: World) -> None:
    for name in ("dvc.yaml", "dvc.lock"):
        (world.work / name).unlink()
    (world.work / ".gitignore").unlink(missing_ok=True)
    dvc(world.work, "add", "--quiet", "model.pkl", "data/train", "data/test")
    assert codes(world.work, code=0) == ["lineage-broken"]


def test_github_annotations_cannot_be_forged_by_a_manifest(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    edit("arcgit.yaml", "retention: standard", r'retention: "x\n::error::forged"')(world.work)
    assert run(["-C", str(world.work), "check", "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [
        line for line in lines if line.startswith("::error file=arcgit.yaml,line=6,title=retention-class-unknown::")
    ]
    assert not [line for line in lines if line.startswith("::error::forged")]
