"""Files that two splits share: by content alone, in every pair of splits, with bounded examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arcgit.model.experiment import Experiment
from arcgit.model.manifest import SCHEMA, Artifact, Manifest
from arcgit.rules import overlap
from arcgit.rules.overlap import EMPTY, Contents, Unread
from tests.world import World

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def experiment(**splits: str | None) -> Experiment:
    artifacts = {name: Artifact(role="dataset", path=f"data/{name}", split=split) for name, split in splits.items()}
    manifest = Manifest(schema=SCHEMA, project="churn", experiment="baseline", artifacts=artifacts)
    return Experiment("arcgit.yaml", "0" * 64, manifest, artifacts={}, params={}, metrics={}, lineage={})


def contents(name: str, split: str, *hashes: str) -> Contents:
    return Contents(name, f"data/{name}", split, {f"{name}-{number}.csv": item for number, item in enumerate(hashes)})


def messages(*known: Contents, unread: tuple[Unread, ...] = ()) -> dict[str, str]:
    """Subject and message of each finding."""
    return {f"{f.code} {f.subject}": f.message for f in overlap.judge(experiment(), known, unread)}


def test_the_same_bytes_under_another_name_are_found() -> None:
    found = messages(contents("train", "train", "a", "b"), contents("test", "test", "b", "c"))
    assert found == {
        "split-overlap arcgit.yaml: test": (
            "1 file of data/test (split test) is also in data/train (split train): test-0.csv (there train-1.csv)"
        )
    }


def test_the_same_name_with_other_bytes_is_no_overlap() -> None:
    one, other = contents("x", "train", "a"), replace(contents("x", "test", "b"), path="data/y")
    assert messages(one, other) == {}


def test_two_artifacts_of_one_split_may_share_files() -> None:
    assert messages(contents("a", "train", "x"), contents("b", "train", "x")) == {}


@pytest.mark.parametrize(
    ("one", "other"), [("train", "test"), ("validation", "test"), ("fold-1", "fold-2"), ("x", "train")]
)
def test_every_pair_of_splits_is_compared(one: str, other: str) -> None:
    assert len(messages(contents("a", one, "x"), contents("b", other, "x"))) == 1


def test_the_split_that_is_held_out_is_the_subject_whatever_the_order() -> None:
    train, test = contents("a", "train", "x"), contents("b", "test", "x")
    assert list(messages(train, test)) == list(messages(test, train)) == ["split-overlap arcgit.yaml: b"]


def test_empty_files_do_not_count_and_that_is_said() -> None:
    train, test = contents("train", "train", EMPTY_MD5, "x"), contents("test", "test", EMPTY_MD5, "x")
    message = messages(train, test)["split-overlap arcgit.yaml: test"]
    assert message.startswith("1 file ")
    assert message.endswith("; empty files are not counted")
    for digest in EMPTY:
        assert messages(contents("train", "train", digest), contents("test", "test", digest)) == {}


def test_at_most_five_names_are_given() -> None:
    hashes = [f"h{number}" for number in range(40)]
    message = messages(contents("train", "train", *hashes), contents("test", "test", *hashes))[
        "split-overlap arcgit.yaml: test"
    ]
    assert message.startswith("40 files ")
    assert message.count("(there ") == 5
    assert message.endswith(" and 35 more")


def test_one_content_many_times_is_counted_once() -> None:
    found = messages(contents("train", "train", "x"), contents("test", "test", "x", "x", "x"))
    assert found["split-overlap arcgit.yaml: test"].startswith("1 file ")


def test_a_list_that_is_not_at_hand_is_named_with_the_command_that_brings_it() -> None:
    findings = list(
        overlap.judge(experiment(), [contents("a", "train", "x")], [Unread("b", "data/b", "test", "0.dir")])
    )
    assert [(f.code, f.severity.value, f.subject) for f in findings] == [
        ("split-overlap-unchecked", "warning", "arcgit.yaml: b")
    ]
    assert findings[0].hint.startswith("dvc fetch data/b; arcgit record ")


def test_the_same_directory_in_two_splits_is_told_without_its_list() -> None:
    one, other = Unread("a", "data/a", "train", "0.dir"), Unread("b", "data/b", "test", "0.dir")
    assert "split-overlap arcgit.yaml: b" in messages(unread=(one, other))


@pytest.mark.parametrize(
    ("label", "split"),
    [
        ("Train", "train"),
        (" val ", "validation"),
        ("dev", "validation"),
        ("TESTING", "test"),
        (None, ""),
        ("", ""),
        ("x", "x"),
    ],
)
def test_splits_go_by_their_usual_names(label: str | None, split: str) -> None:
    assert overlap.split_of(experiment(data=label), "data") == split


files = st.lists(st.sampled_from(["a", "b", "c", "d", *EMPTY]), max_size=6)


@given(files, files)
def test_an_overlap_is_found_exactly_where_a_content_that_is_not_empty_is_in_both(
    one: list[str], other: list[str]
) -> None:
    found = messages(contents("train", "train", *one), contents("test", "test", *other))
    assert bool(found) is bool((set(one) & set(other)) - EMPTY)


def test_lists_of_cloud_versioned_data_are_compared_without_a_cache(world: World) -> None:
    """A version-aware remote leaves no `.dir` object; DVC lists the files in its own file."""
    row = "  - {relpath: %s, md5: %s, size: 4, cloud: {s3: {etag: x, version_id: y}}}\n"
    shared, own = "a" * 32, "b" * 32
    for name, files in (("left", [("1.csv", shared), ("2.csv", own)]), ("right", [("9.csv", shared)])):
        text = f"outs:\n- hash: md5\n  path: {name}\n  files:\n" + "".join(row % pair for pair in files)
        (world.work / f"{name}.dvc").write_text(text)
    manifest = world.work / "arcgit.yaml"
    lines = "  left: {role: dataset, path: left, split: train}\n  right: {role: dataset, path: right, split: test}\n"
    manifest.write_text(manifest.read_text() + lines)
    world.commit()
    found = world.arcgit("check", "--rev", "HEAD", code=1)["findings"]
    overlaps = [finding for finding in found if finding["code"] == "split-overlap"]
    assert len(overlaps) == 1
    assert "1 file" in overlaps[0]["message"] + overlaps[0]["found"]
