"""Two records as values: everything that differs has a row, nothing that was not seen is called the same."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arcgit.model import canonical, record
from arcgit.model.fixity import FixityEntry
from arcgit.model.record import Record
from arcgit.model.recordform import Lineage
from arcgit.rules.changes import between_records
from arcgit.rules.comparison import ArtifactChange, Comparison, compare
from arcgit.rules.directories import compare_files
from arcgit.rules.values import ValueChange, compare_values, differing_values
from tests import samples

STAGE: dict[str, Any] = samples.LINEAGE["stages"][0]


def sealed(artifacts: Any = samples.ARTIFACTS, inside: Any = None, **changes: Any) -> Record:
    return record.parse(canonical.dumps(samples.statement(artifacts, inside, **changes)))


def inline(found: Record) -> Lineage | None:
    return None if "sha256" in found.content.lineage else msgspec.convert(found.content.lineage, Lineage)


def compared(before: Record, after: Record, lists: dict[str, list[FixityEntry]] | None = None) -> Comparison:
    return compare(before, after, files=(lists or {}).get, lineage=inline)


def moved(rows: Any) -> dict[str, Any]:
    return {row.key: (row.change, row.before, row.after) for row in rows if row.change != "same"}


def artifact(found: Comparison, name: str) -> ArtifactChange:
    return next(row for row in found.artifacts if row.name == name)


def value(before: Any, after: Any) -> ValueChange:
    return compare_values({"f": {"k": before}}, {"f": {"k": after}})[0]


def test_a_record_is_identical_with_itself() -> None:
    found = compared(sealed(), sealed())
    assert (found.identical, found.same_content, found.unknown) == (True, True, ())
    rows: list[Any] = [*found.artifacts, *found.params, *found.metrics, *found.said, *found.environment]
    assert {row.change for row in rows} == {"same"}
    assert found.lineage is not None
    assert {row.change for row in found.lineage.stages} == {row.change for row in found.lineage.sources} == {"same"}


def test_what_a_person_says_otherwise_leaves_the_content_the_same() -> None:
    found = compared(sealed(), sealed(owner="Eve <eve@example.org>", commit={"oid": "7" * 40, "tree": samples.TREE}))
    assert (found.identical, found.same_content) == (False, True)
    assert set(moved(found.said)) == {"owner", "commit"}


@pytest.mark.parametrize(
    ("before", "after", "delta", "relative"),
    [
        (0.91, 0.93, 0.02, 0.02 / 0.91),
        (3, 9, 6, 2.0),
        (-2, -1, 1, 0.5),
        (0, 5, 5, None),
        (1e308, -1e308, None, -2.0),
        (5e-324, 1e308, 1e308, None),
        (True, 2, None, None),
        ("NaN", 1, None, None),
        ([1], [2], None, None),
        (None, 1, None, None),
    ],
)
def test_numbers_have_a_difference_that_is_finite_or_none_at_all(
    before: Any, after: Any, delta: float | None, relative: float | None
) -> None:
    row = value(before, after)
    assert row.change == "changed"
    assert row.delta == delta
    assert row.relative == (pytest.approx(relative) if relative is not None else None)
    canonical.dumps(row.to_dict())


def test_true_is_not_one_and_null_is_not_nothing() -> None:
    assert value(1, True).change == "changed"
    assert value(1, 1.0).change == "same"
    rows = compare_values({"f": {}}, {"f": {"k": None}})
    assert ("k", "added") in [(row.key, row.change) for row in rows]


def test_values_of_two_files_and_keys_with_dots_are_kept_apart() -> None:
    before = {"a": {"x": 1, "m.n": 1}, "b": {"x": 1}}
    after = {"a": {"x": 1, "m": {"n": 1}}, "b": {"x": 2}}
    changed = [(row.file, row.key, row.change) for row in compare_values(before, after) if row.change != "same"]
    assert sorted(changed) == [("a", "m.n", "added"), ("a", "m.n", "removed"), ("b", "x", "changed")]


@given(st.dictionaries(st.text(max_size=3), st.recursive(st.integers(-5, 5) | st.booleans() | st.text(max_size=2),
       lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2))))  # fmt: skip
def test_nothing_differs_from_itself_and_any_addition_is_seen(values: dict[str, Any]) -> None:
    assert {row.change for row in compare_values({"f": values}, {"f": values})} <= {"same"}
    more = {**values, "one more key": 1}
    rows = compare_values({"f": values}, {"f": more})
    assert ("one more key", "added") in {(row.key, row.change) for row in rows}


VALUES = st.dictionaries(
    st.text("ab.", max_size=2),
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0, "", "x"]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab.", max_size=2), inner, max_size=3),
    ),
    max_size=3,
)


@given(VALUES, VALUES)
def test_what_differs_is_what_a_whole_comparison_does_not_call_the_same(before: Any, after: Any) -> None:
    expected = tuple(row for row in compare_values(before, after) if row.change != "same")
    found = differing_values(before, after)
    assert [(row.to_dict(), type(row.before), type(row.after)) for row in found] == [
        (row.to_dict(), type(row.before), type(row.after)) for row in expected
    ]


@pytest.mark.parametrize("lists", [{}, {"b" * 64: [FixityEntry("1" * 64, 3, "a")]}])
@pytest.mark.parametrize(
    "inside", [{}, {"params": {"params.yaml": {"lr": 2}}}, {"metrics": {}}, {"lineage": {"sha256": "5" * 64}}]
)
def test_changes_are_what_a_whole_comparison_does_not_call_the_same(
    inside: Any, lists: dict[str, list[FixityEntry]]
) -> None:
    artifacts = json.loads(json.dumps(samples.ARTIFACTS))
    name, fact = next((name, fact) for name, fact in artifacts.items() if fact["kind"] == "directory")
    artifacts[name] = {**fact, "sha256": "b" * 64, "size": fact["size"] + 1}
    before, after = sealed(), sealed(artifacts, inside or None)
    whole = compared(before, after, lists)
    found = between_records("exp/x", before, after, files=lists.get, lineage=inline)

    def differing(rows: Any) -> list[Any]:
        return [row.to_dict() for row in rows if row.change != "same"]

    assert [row.to_dict() for row in found.params] == differing(whole.params)
    assert [row.to_dict() for row in found.metrics] == differing(whole.metrics)
    assert [row.to_dict() for row in found.environment] == differing(whole.environment)
    assert list(found.unknown) == [part.subject for part in whole.unknown]
    assert [row.name for row in found.artifacts] == [row.name for row in whole.artifacts if row.differs]
    stages = whole.lineage.stages if whole.lineage else ()
    assert list(found.stages) == [(stage.change, stage.name) for stage in stages if stage.change != "same"]


def listing(*rows: tuple[str, str]) -> list[FixityEntry]:
    return [FixityEntry(digest * 64, 3, path) for path, digest in rows]


def test_files_are_added_removed_changed_renamed_or_the_same() -> None:
    before = listing(("a", "1"), ("b", "2"), ("c", "3"), ("old", "4"))
    after = listing(("a", "1"), ("b", "9"), ("d", "5"), ("new", "4"))
    found = compare_files(before, after)
    assert [entry.path for entry in found.added] == ["d"]
    assert [entry.path for entry in found.removed] == ["c"]
    assert [(one.path, other.path) for one, other in found.changed] == [("b", "b")]
    assert [(one.path, other.path) for one, other in found.renamed] == [("old", "new")]
    assert found.same == 1


def test_equal_files_are_renamed_one_to_one() -> None:
    """Two equal files that become three: two renames and one addition, not six renames."""
    found = compare_files(listing(("a", "1"), ("b", "1")), listing(("x", "1"), ("y", "1"), ("z", "1")))
    assert [(one.path, other.path) for one, other in found.renamed] == [("a", "x"), ("b", "y")]
    assert [entry.path for entry in found.added] == ["z"]


def test_two_files_that_change_places_are_changed() -> None:
    found = compare_files(listing(("a", "1"), ("b", "2")), listing(("a", "2"), ("b", "1")))
    assert (len(found.changed), found.renamed, found.same) == (2, (), 0)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("123")),
       st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("123")))  # fmt: skip
def test_every_file_of_both_lists_is_counted_once(one: dict[str, str], other: dict[str, str]) -> None:
    found = compare_files(listing(*sorted(one.items())), listing(*sorted(other.items())))
    both = found.same + len(found.changed) + len(found.renamed)
    assert (both + len(found.removed), both + len(found.added)) == (len(one), len(other))


TRAIN = {**samples.ARTIFACTS, "train": samples.folder("data/train", split="train", sha256="9" * 64)}


@pytest.mark.parametrize("known", [[], ["d" * 64], ["9" * 64]])
def test_a_list_that_is_not_at_hand_is_named_and_no_file_is_called_the_same(known: list[str]) -> None:
    found = compared(sealed(), sealed(TRAIN), {digest: listing(("a", "1")) for digest in known})
    row = artifact(found, "train")
    assert (row.change, row.files) == ("changed", None)
    assert {(part.subject, part.sha256) for part in found.unknown} == {
        ("files of train", digest) for digest in {"d" * 64, "9" * 64} - set(known)
    }


def test_equal_directories_need_no_list() -> None:
    found = compared(sealed(), sealed(owner="Eve"))
    assert (artifact(found, "train").change, found.unknown) == ("same", ())


def test_a_file_with_the_digest_of_a_directory_is_not_the_same() -> None:
    """A file may hold the very bytes of a fixity list."""
    other = {**samples.ARTIFACTS, "train": samples.artifact("data/train", "dataset", sha256="d" * 64)}
    row = artifact(compared(sealed(), sealed(other)), "train")
    assert (row.change, row.files) == ("changed", None)
    assert moved(row.fields)["kind"] == ("changed", "directory", "file")


@pytest.mark.parametrize(
    ("changed", "pair"),
    [
        ({"classifier": samples.artifact("model.pkl")}, ("model", "classifier")),
        ({"classifier": samples.artifact("other.pkl", sha256="8" * 64)}, ("model", "classifier")),
    ],
    ids=["by path", "by role"],
)
def test_an_artifact_under_another_name_is_found(changed: dict[str, Any], pair: tuple[str, str]) -> None:
    rest = {name: fact for name, fact in samples.ARTIFACTS.items() if name != "model"}
    row = artifact(compared(sealed(), sealed({**changed, **rest})), "classifier")
    assert (row.name_before, row.name) == pair
    assert row.differs


def test_two_of_one_role_are_not_guessed_at() -> None:
    one = {"a": samples.artifact("a", sha256="1" * 64), "b": samples.artifact("b", sha256="2" * 64)}
    other = {"c": samples.artifact("c", sha256="1" * 64), "d": samples.artifact("d", sha256="4" * 64)}
    rows = compared(sealed(one), sealed(other)).artifacts
    assert [(row.name, row.change) for row in rows] == [
        ("a", "removed"), ("b", "removed"), ("c", "added"), ("d", "added"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"cmd": "python -O train.py"}, {"cmd": {}}, {"deps": []}, {"outs": []}, {"params": {}}, {"name": "fit"},
        {"deps": [{**STAGE["deps"][0], "md5": "e" * 32 + ".dir"}]}, {"deps": [{**STAGE["deps"][0], "files": 4}]},
        {"deps": STAGE["deps"] * 2}, {"params": {"params.yaml": {"lr": True}}},
    ],
    ids=str,
)  # fmt: skip
def test_whatever_differs_in_a_stage_has_a_row(change: dict[str, Any]) -> None:
    found = compared(sealed(), sealed(inside={"lineage": {**samples.LINEAGE, "stages": [{**STAGE, **change}]}}))
    assert not found.same_content
    assert found.lineage is not None
    stages = [stage for stage in found.lineage.stages if stage.change != "same"]
    rows: list[Any] = [row for stage in stages for row in (stage.cmd, *stage.deps, *stage.outs, *stage.params)]
    assert any(row.change != "same" for row in rows)


def test_a_lineage_kept_elsewhere_is_compared_by_its_digest_or_named_as_unknown() -> None:
    long = {"lineage": {"sha256": "1" * 64}}
    same = compared(sealed(inside=long), sealed(inside=long, owner="Eve"))
    assert (same.lineage is not None, same.unknown) == (True, ())
    other = compared(sealed(inside=long), sealed())
    assert other.lineage is None
    assert [(part.subject, part.sha256) for part in other.unknown] == [("lineage before", "1" * 64)]


def test_the_document_of_a_comparison_is_json() -> None:
    found = compared(sealed(), sealed(TRAIN, {"metrics": {"m": {"auc": "NaN"}}}, owner="Eve"))
    assert canonical.parse(canonical.dumps(found.to_dict()))["same_content"] is False
