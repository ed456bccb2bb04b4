"""Matching a record with a rev: by hashes, and by nothing that the run id leaves out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from arcgit.archive import known, ledger
from arcgit.archive.context import open_context
from arcgit.archive.experiment import Reader
from arcgit.git import snapshot
from arcgit.model import canonical, record
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.manifest import Artifact, Manifest
from arcgit.rules.matching import matches
from tests import samples
from tests.world import World, git

CHANGES: dict[str, tuple[str, str, str, bool]] = {
    "the owner": ("arcgit.yaml", "Ada Lovelace", "Eve", True),
    "the purpose": ("arcgit.yaml", "Baseline before", "After", True),
    "an artifact's name": ("arcgit.yaml", "train-code:", "script:", True),
    "the experiment": ("arcgit.yaml", "experiment: deep", "experiment: other", False),
    "a role": ("arcgit.yaml", "role: environment", "role: config", False),
    "the code": ("src/train.py", "* 50", "* 51", False),
    "a parameter": ("params.yaml", "epochs: 9", "epochs: 10", False),
    "a metric": ("metrics.json", "0.91", "0.92", False),
    "the model's hash": (
        "dvc.lock",
        "path: model.pkl\n      hash: md5\n      md5: ",
        "path: model.pkl\n      hash: md5\n      md5: 00000000000000000000000000000000 # ",
        False,
    ),
    "a command in the lock": ("dvc.lock", "cmd: python src/prepare.py", "cmd: python -O src/prepare.py", False),
}


def match(world: World) -> bool:
    shutil.rmtree(world.work / ".dvc" / "cache", ignore_errors=True)
    context = open_context(world.work, state_dir=world.state)
    states = ledger.require(context).ledger.records.values()
    sealed = known.sealed(context, next(state for state in states if state.name.experiment == "deep"))
    git(world.work, "add", "--all")
    with snapshot.of_index(world.work) as files:
        found, faults = Reader(files).read("arcgit.yaml")
    assert found is not None, faults
    return matches(sealed, found)


def test_the_record_matches_its_own_commit_without_any_data(world: World) -> None:
    assert match(world)


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of(world: World, what: str) -> None:
    """A record matches or not as the table says."""
    name, old, new, expected = CHANGES[what]
    path: Path = world.work / name
    replace: Callable[[str], str] = lambda text: text.replace(old, new)  # noqa: E731
    assert old in path.read_text()
    path.write_text(replace(path.read_text()))
    assert match(world) is expected


@pytest.mark.parametrize(("value", "expected"), [(True, True), (1, False), (1.0, False), ("true", False)])
def test_a_truth_value_is_no_number(value: object, expected: bool) -> None:  # noqa: FBT001
    """The run ids differ, so the record must not be taken for the experiment's."""
    sealed = samples.statement({"m": samples.artifact("m")}, inside={"params": {"p.json": {"shuffle": True}}})
    found = Experiment(
        manifest_path="arcgit.yaml",
        manifest_sha256="0" * 64,
        manifest=Manifest(
            schema="arcgit/manifest/v1",
            project="churn",
            experiment="baseline",
            artifacts={"m": Artifact(role="model", path="m")},
        ),
        artifacts={"m": Stored(path="m", kind="file", by="dvc", oid="b" * 32)},
        params={"p.json": {"shuffle": value}},
        metrics={},
        lineage=samples.LINEAGE,
    )
    assert matches(record.parse(canonical.dumps(sealed)), found) is expected
