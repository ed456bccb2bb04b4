"""`arcgit diff` and `arcgit lineage` on a real archive, in which one experiment was run a second time."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import ledger
from arcgit.archive.compare import previous
from arcgit.archive.context import open_context
from arcgit.model import record
from tests.cli.test_search import cli
from tests.world import World, copy_world, dvc, git, invoke, next_experiment

PAGE = Path(__file__).parent.parent.parent / "docs" / "compare.md"
FIXITY = ("refs/arcgit/fixity", "refs/arcgit/remotes/origin/fixity")


@pytest.fixture(scope="module")
def again(template: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The archive with a second run of `baseline`: other data, code, parameters and metrics. Only for reading."""
    root = tmp_path_factory.mktemp("again")
    made = copy_world(template, root / "world", root / "state")
    second_run(made)
    return made


def second_run(world: World) -> None:
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_STATE_HOME", str(world.state))
    work = world.work
    rows = (work / "data/raw.csv").read_text().split()
    (work / "data/raw.csv").write_text("\n".join(["777", *rows[1:]]))
    prepare = work / "src/prepare.py"
    more = "(pathlib.Path('data/train') / 'extra.csv').write_text('9')\n"
    prepare.write_text(prepare.read_text().replace('f"{i}.csv"', '("part2.csv" if i == 2 else f"{i}.csv")') + more)
    train = work / "src/train.py"
    train.write_text(train.read_text().replace("0.91", "0.93"))
    dvc(work, "add", "--quiet", "data/raw.csv")
    next_experiment(work, "baseline", "lr: 1e-2\nepochs: 3\nseed: 7\n")
    try:
        invoke(work, "record")
    finally:
        patch.undo()


@pytest.fixture
def state(again: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("XDG_STATE_HOME", str(again.state))
    return again


@pytest.fixture
def broken(again: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy that a test may damage."""
    shutil.copytree(again.root, tmp_path / "world", symlinks=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(again.state))
    return World(tmp_path / "world", again.state)


def runs(world: World) -> tuple[str, str]:
    """The run ids of `baseline`, first and second."""
    ids = [event["subject"]["refname"] for event in invoke(world.work, "log")["events"] if event["type"] == "recorded"]
    first, second = [name.rpartition("/")[2] for name in ids if "/baseline/" in name]
    return first, second


def rows(document: dict[str, Any], part: str) -> dict[str, Any]:
    return {row.get("key") or row.get("name"): row for row in document[part] if row["change"] != "same"}


def shown(world: World, *arguments: str, columns: int = 80) -> str:
    done = cli(world.work, *arguments, COLUMNS=str(columns))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_second_run_says_which_files_values_and_stages_changed(state: World) -> None:
    first, second = runs(state)
    found = state.arcgit("diff", first, second)
    assert (found["schema"], found["identical"], found["same_content"]) == ("arcgit/diff/v1", False, False)
    files = rows(found, "artifacts")["train"]["files"]
    assert [entry["path"] for entry in files["added"]] == ["extra.csv"]
    assert [pair["before"]["path"] for pair in files["changed"]] == ["0.csv"]
    assert [(pair["before"]["path"], pair["after"]["path"]) for pair in files["renamed"]] == [("2.csv", "part2.csv")]
    assert (files["removed"], files["same"]) == ([], 1)
    assert {key: row["change"] for key, row in rows(found, "params").items()} == {"lr": "changed", "seed": "added"}
    assert rows(found, "metrics")["auc"]["delta"] == 0.02
    stages = {stage["name"]: stage for stage in found["lineage"]["stages"]}
    assert {item["path"] for item in stages["prepare"]["deps"] if item["change"] == "changed"} == {
        "data/raw.csv", "src/prepare.py",
    }  # fmt: skip
    assert set(rows(found, "said")) == {"commit", "tree", "time"}
    assert (found["unknown"], found["findings"]) == ([], [])


def test_one_record_alone_is_compared_with_the_one_before(state: World) -> None:
    first, second = runs(state)
    found = state.arcgit("diff", second)
    assert (found["before"]["run_id"], found["after"]["run_id"]) == (first, second)


def test_other_experiments_and_later_records_are_no_predecessor(state: World) -> None:
    first, _ = runs(state)
    for name in (first, "deep"):
        error = state.arcgit("diff", name, code=2)["error"]
        assert error["code"] == "no-earlier-record"
        assert "arcgit diff RECORD exp/churn/" in error["hint"]


def test_a_record_that_was_retired_or_purged_is_no_predecessor(state: World) -> None:
    view = ledger.in_force(open_context(state.work, state_dir=state.state / "arcgit"))
    assert view is not None
    records = view.ledger.records
    first, second = (records[f"refs/tags/exp/churn/baseline/{run}"] for run in runs(state))
    assert previous(records, second.name) == first.name
    for word in ("retired", "purged"):
        first.status = word
        assert previous(records, second.name) is None


def test_a_record_that_no_ledger_knows_has_no_predecessor(broken: World) -> None:
    _, second = runs(broken)
    git(broken.work, "tag", "exp/churn/baseline/0123456789ab", f"exp/churn/baseline/{second}^{{}}")
    assert broken.arcgit("diff", "0123456789ab", code=2)["error"]["code"] == "no-earlier-record"


def test_a_record_with_itself_is_identical(state: World) -> None:
    assert state.arcgit("diff", "wide", "wide")["identical"] is True
    assert "Identical" in shown(state, "diff", "wide", "wide")


def test_without_fixity_lists_the_unknown_part_is_named_and_the_rest_is_shown(broken: World) -> None:
    first, second = runs(broken)
    for ref in FIXITY:
        git(broken.work, "update-ref", "-d", ref)
    found = broken.arcgit("diff", first, second, code=3)
    assert {row["subject"] for row in found["unknown"]} == {"files of test", "files of train"}
    assert {(row["code"], row["severity"]) for row in found["findings"]} == {("fixity-list", "unknown")}
    assert rows(found, "artifacts")["train"]["files"] is None
    assert rows(found, "metrics")["auc"]["delta"] == 0.02
    done = cli(broken.work, "diff", first, second)
    assert done.returncode == 3
    assert "which files differ is not known here" in done.stdout
    command = re.search(r"git fetch .*", done.stdout)
    assert command is not None
    git(broken.work, *[part.strip("'") for part in command[0].split()[1:]])
    broken.arcgit("diff", first, second)


def test_a_list_with_other_bytes_than_its_name_says_is_not_believed(broken: World) -> None:
    first, second = runs(broken)
    fake = git(broken.work, "hash-object", "-w", "--stdin", stdin="arcgit/fixity/v1\n")
    names = git(broken.work, "ls-tree", "-r", "--name-only", FIXITY[0]).splitlines()
    index = str(broken.root / "index")
    for name in names:
        git(broken.work, "update-index", "--add", "--cacheinfo", f"100644,{fake},{name}", GIT_INDEX_FILE=index)
    tree = git(broken.work, "write-tree", GIT_INDEX_FILE=index)
    commit = git(broken.work, "commit-tree", tree, "-m", "x")
    for ref in FIXITY:
        git(broken.work, "update-ref", ref, commit)
    found = broken.arcgit("diff", first, second, code=3)
    assert "other bytes than its name says" in found["findings"][0]["message"]


def test_a_moved_tag_is_compared_and_called_altered(broken: World) -> None:
    first, second = runs(broken)
    ref = f"refs/tags/exp/churn/baseline/{second}"
    text = git(broken.work, "cat-file", "tag", ref).replace("tagger Ada", "tagger Eve") + "\n"
    git(broken.work, "update-ref", ref, git(broken.work, "hash-object", "-w", "-t", "tag", "--stdin", stdin=text))
    found = broken.arcgit("diff", first, second)
    assert found["after"]["status"] == "altered"
    assert "tag-not-as-recorded" in {finding["code"] for finding in found["findings"]}


def test_comparing_reads_no_data(broken: World) -> None:
    first, second = runs(broken)
    for folder in (broken.store, broken.work / ".dvc" / "cache", broken.work / "data"):
        shutil.rmtree(folder)
    assert broken.arcgit("diff", first, second)["unknown"] == []
    assert len(broken.arcgit("lineage", second)["nodes"]) > 10


@pytest.mark.parametrize("name", ["diff", "lineage"])
def test_unknown_records_are_a_usage_error(state: World, name: str) -> None:
    assert state.arcgit(name, "nothing", code=2)["error"]["code"] == "record-unknown"


def test_pipes_get_plain_text_and_a_terminal_of_80_columns_is_enough(state: World, capsys: Any) -> None:
    first, second = runs(state)
    text = shown(state, "diff", first, second)
    assert "\x1b" not in text
    assert re.search(r"~ +lr +0\.001 +0\.01 +\+0\.009 \(\+900%\)", text)
    assert re.search(r"~ +1 renamed +2\.csv  74 B +part2\.csv  74 B", text)


def long_lineage(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A record whose lineage lies on the fixity ref."""
    monkeypatch.setattr(record, "MAX_LINEAGE_BYTES", 100)
    next_experiment(world.work, "long", "lr: 0.5\nepochs: 3\n")
    tag: str = invoke(world.work, "record")["tag"]
    assert invoke(world.work, "show", tag)["record"]["lineage"].keys() == {"sha256"}
    return tag


def test_a_lineage_on_the_fixity_ref_is_read_or_named_as_unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = long_lineage(world, monkeypatch)
    found = world.arcgit("lineage", tag)
    assert {"prepare", "train"} <= {node["title"] for node in found["nodes"]}
    compared = world.arcgit("diff", "baseline", tag)
    assert {stage["name"]: stage["change"] for stage in compared["lineage"]["stages"]} == {
        "prepare": "same", "train": "changed",
    }  # fmt: skip
    for ref in FIXITY:
        git(world.work, "update-ref", "-d", ref)
    found = world.arcgit("lineage", tag, code=3)
    assert "git fetch origin" in found["findings"][0]["hint"]
    assert "model.pkl" in {node["title"] for node in found["nodes"]}
    assert world.arcgit("diff", "baseline", tag, code=3)["lineage"] is None


def test_the_lineage_links_records_by_digest_alone(world: World) -> None:
    """A record that starts from the model of another one, under another name and with no stage that makes it."""
    work = world.work
    shutil.copy(work / "model.pkl", work / "start.bin")
    dvc(work, "add", "--quiet", "start.bin")
    (work / "dvc.yaml").write_text(
        "stages:\n  tune:\n    cmd: cp start.bin tuned.pkl\n    deps: [start.bin, src/train.py]\n    params: [lr]\n    outs: [tuned.pkl]\n"
    )
    (work / "dvc.lock").unlink()
    manifest = (work / "arcgit.yaml").read_text().replace("experiment: deep", "experiment: tuned")
    manifest = manifest.replace("path: model.pkl", "path: tuned.pkl")
    manifest += "  start: {role: dataset, path: start.bin, version: base}\n"
    (work / "arcgit.yaml").write_text("\n".join(line for line in manifest.splitlines() if "data/" not in line) + "\n")
    dvc(work, "repro", "--quiet")
    world.commit("tuned")
    world.arcgit("record")
    found = world.arcgit("lineage", "tuned")
    titles = {node["id"]: node["title"] for node in found["nodes"]}
    links = [node for node in found["nodes"] if node["kind"] == "record" and "made" in node["facts"]]
    assert [(node["title"], node["facts"]["made"], node["facts"]["status"]) for node in links] == [
        ("churn/deep", "model.pkl", "recorded")
    ]
    targets = [titles[edge["to"]] for edge in found["edges"] if edge["from"] == links[0]["id"]]
    assert targets == ["start.bin"]


@pytest.mark.parametrize("form", ["text", "mermaid", "dot", "svg", "json"])
def test_every_format_goes_to_standard_output_or_into_a_file(state: World, tmp_path: Path, form: str) -> None:
    target = tmp_path / "out"
    printed = shown(state, "lineage", "wide", "--format", form)
    done = cli(state.work, "lineage", "wide", "--format", form, "-o", str(target))
    assert (done.returncode, done.stdout) == (0, "")
    assert "wrote" in done.stderr
    kept = target.read_text()
    if form == "json":
        assert json.loads(kept) == json.loads(printed)
    else:
        assert kept.split() == printed.split()
    if form == "svg":
        ET.fromstring(kept)  # noqa: S314  our own output


def test_a_file_that_cannot_be_written_is_an_error_with_a_way_out(state: World, tmp_path: Path) -> None:
    done = cli(state.work, "lineage", "wide", "--format", "svg", "-o", str(tmp_path / "no" / "where.svg"))
    assert done.returncode == 3
    assert "cannot be written" in done.stderr
    assert "-o FILE" in done.stderr
    assert state.arcgit("lineage", "wide", "--format", "svg", code=2)["error"]["code"] == "usage"


def masked(text: str) -> list[str]:
    """The lines without those that are other ones in every archive: commits, times, the machine that sealed."""
    return [line.rstrip() for line in text.splitlines() if not re.search("commit|sealed", line)]


def test_the_page_shows_what_is_printed(world: World) -> None:
    blocks = re.findall(r"```console\n\$ arcgit (.*?)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 5
    for command, printed in blocks:
        done = cli(world.work, *command.split())
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if printed:
            assert masked(printed) == masked(done.stdout), command
