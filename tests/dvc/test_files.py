"""DVC's files as values, from files that real DVC wrote and from hostile ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arcgit.archive.experiment import Reader
from arcgit.dvc import files, lineage, listing, pipeline
from arcgit.dvc.files import DvcFile, DvcFileError, Item, LockStage
from arcgit.dvc.listing import parse_dir_listing
from arcgit.dvc.lockstep import lookup
from arcgit.errors import RefusedError
from arcgit.git import snapshot
from tests.world import World, dvc


def stage(name: str, deps: list[str], outs: list[str]) -> LockStage:
    items = [tuple(Item(path, "0" * 32) for path in paths) for paths in (deps, outs)]
    return LockStage("dvc.yaml", name, f"run {name}", items[0], items[1], {})


def test_the_pipeline_of_real_dvc_is_read_as_it_is(world: World) -> None:
    with snapshot.of_worktree(world.work) as found:
        reader = Reader(found)
    assert [item.path for item in reader.workspace.locks[0].outs] == ["data/test", "data/train"]
    train = next(item for item in reader.workspace.locks if item.name == "train")
    assert train.params == {"params.yaml": {"lr": 0.001, "epochs": 9}}
    assert {item.path: item.cached for item in train.outs} == {"metrics.json": False, "model.pkl": True}
    assert all(item.hash_name == "md5" and item.oid for item in reader.workspace.outs.values())


def test_imported_data_keeps_its_origin(world: World, tmp_path: Path) -> None:
    source = tmp_path / "source.csv"
    source.write_text("1\n2\n")
    dvc(world.work, "import-url", "--quiet", str(source), "imported.csv")
    found = files.parse_dvcfile((world.work / "imported.csv.dvc").read_bytes(), "imported.csv.dvc")
    assert found.outs[0].path == "imported.csv"
    assert found.deps[0].outside or found.deps[0].origin


def test_files_without_a_hash_field_are_of_the_legacy_kind() -> None:
    found = files.parse_dvcfile(b"outs:\n- md5: " + b"a" * 32 + b"\n  path: x.csv\n", "data/x.csv.dvc")
    assert (found.outs[0].hash_name, found.outs[0].path) == ("md5-dos2unix", "data/x.csv")


def test_paths_that_leave_the_repository_are_marked() -> None:
    found = files.parse_dvcfile(
        b"outs:\n- {md5: " + b"a" * 32 + b", path: ../../x}\n- {path: /etc/passwd}\n", "d/x.dvc"
    )
    assert [item.outside for item in found.outs] == [True, True]


def test_templates_are_resolved_and_what_cannot_be_is_marked() -> None:
    text = b"stages:\n  a:\n    foreach: [1, 2]\n    do: {cmd: 'echo ${item}', outs: ['o${item}']}\n  b: {cmd: 'run ${x}', wdir: sub}\n"
    stages = pipeline.parse_pipeline(text, "dvc.yaml").stages
    assert [(item.name, item.cmd, item.unresolved) for item in stages] == [
        ("a@1", "echo 1", ""),
        ("a@2", "echo 2", ""),
        ("b", None, "`x` is not known"),
    ]


def test_a_folder_that_a_number_names_is_a_folder() -> None:
    text = b"vars: [{year: 2026}]\nstages:\n  a: {wdir: '${year}', cmd: x, outs: [model.pkl]}\n"
    (found,) = pipeline.parse_pipeline(text, "runs/dvc.yaml").stages
    assert (found.wdir, found.outs[0].path) == ("runs/2026", "runs/2026/model.pkl")


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b"1",
        b"outs: 5\n",
        b"outs: [1]\n",
        b"outs: [{md5: 5, path: x}]\n",
        b"outs: [{md5: zz, path: x}]\n",
        b"outs: [{}]\n",
    ],
)
def test_malformed_files_are_refused_with_their_path(text: bytes) -> None:
    with pytest.raises(DvcFileError, match=r"x\.dvc"):
        files.parse_dvcfile(text, "x.dvc")


def test_the_lineage_has_every_stage_after_those_that_it_needs() -> None:
    stages = [
        stage("evaluate", ["model", "test"], ["metrics"]), stage("train", ["train"], ["model"]),
        stage("prepare", ["raw"], ["train", "test"]), stage("other", ["raw"], ["unrelated"]),
    ]  # fmt: skip
    sources = [DvcFile("raw.dvc", (Item("raw", "1" * 32),)), DvcFile("far.dvc", (Item("far", "2" * 32),))]
    found = lineage.trace(stages, sources, ["metrics"])
    assert [item.name for item in found.stages] == ["prepare", "train", "evaluate"]
    assert [item.out.path for item in found.sources] == ["raw"]


def test_directories_and_files_inside_them_belong_together() -> None:
    stages = [stage("split", ["raw"], ["data/a"]), stage("join", ["data/a/part.csv"], ["data/b"])]
    assert [item.name for item in lineage.trace(stages, [], ["data"]).stages] == ["split", "join"]


def test_a_circle_of_stages_is_refused() -> None:
    with pytest.raises(lineage.LineageCycleError, match="circle"):
        lineage.trace([stage("a", ["y"], ["x"]), stage("b", ["x"], ["y"])], [], ["x"])


def entry(path: str, md5: str = "a" * 32) -> dict[str, str]:
    return {"md5": md5, "relpath": path}


@pytest.mark.parametrize(
    "rows",
    [
        [entry("../x")], [entry("/x")], [entry("a/../../x")], [entry(".git/hooks/pre-commit")], [entry("a\\b")],
        [entry("x"), entry("x")], [entry("A"), entry("a")], [entry("x", "zz")], [entry("x", "A" * 32)], [{}], {"a": 1}, [entry("")],
        [entry("a\nb")], [entry("a\0b")],
    ],
)  # fmt: skip
def test_hostile_directory_listings_are_refused(rows: object) -> None:
    with pytest.raises(RefusedError):
        parse_dir_listing(json.dumps(rows).encode())


def test_a_directory_listing_of_too_many_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_ENTRIES", 2)
    rows = [entry(name) for name in "abc"]
    assert len(parse_dir_listing(json.dumps(rows[:2]).encode())) == 2
    with pytest.raises(RefusedError, match="names 3 files, more than 2"):
        parse_dir_listing(json.dumps(rows).encode())


def test_parameters_are_looked_up_as_dvc_does() -> None:
    values = {"a": {"b": [1, {"c": 2}]}, "x.y": 3}
    assert (lookup(values, "a.b.1.c"), lookup(values, "x.y")) == (2, 3)
    assert lookup(values, "a.z") != lookup(values, "a.b")


@pytest.mark.parametrize("md5", ["", ", etag: x", ", md5: null"])
def test_files_that_only_a_storage_has_a_name_for_are_no_list(md5: str) -> None:
    """As `dvc import-url --version-aware` writes them for what it depends on."""
    text = f"deps:\n- path: s3://b/d\n  files:\n  - {{relpath: a, size: 1{md5}}}\nouts:\n- {{path: d, md5: {'a' * 32}.dir}}\n"
    found = files.parse_dvcfile(text.encode(), "d.dvc")
    assert (found.deps[0].members, found.deps[0].oid, found.outs[0].oid) == ((), None, f"{'a' * 32}.dir")


@pytest.mark.parametrize("row", ["{md5: 'a'}", "1", "{relpath: 1, md5: x}", "{relpath: a, md5: zz}"])
def test_malformed_files_of_a_directory_are_refused(row: str) -> None:
    with pytest.raises(DvcFileError, match=r"x\.dvc"):
        files.parse_dvcfile(f"outs:\n- path: d\n  files: [{row}]\n".encode(), "x.dvc")
