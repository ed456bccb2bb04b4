"""The graph of a lineage: what was used points to what was made, and records are linked by sha256 alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from arcgit.model import canonical, record
from arcgit.model.record import Record
from arcgit.model.recordform import Lineage
from arcgit.rules import provenance
from arcgit.rules.provenance import Graph, Link
from tests import samples


def item(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "md5": "b" * 32, **more}


def stage(name: str, deps: Iterable[str], outs: Iterable[str], **changes: Any) -> dict[str, Any]:
    sides = {"deps": [item(path) for path in deps], "outs": [item(path) for path in outs]}
    return {"file": "dvc.yaml", "name": name, "cmd": f"python {name}.py", "params": {}, **sides, **changes}


def sealed(
    *stages: dict[str, Any], sources: Iterable[dict[str, Any]] = (), artifacts: Any = samples.ARTIFACTS
) -> Record:
    lineage = {"sources": list(sources), "stages": list(stages)}
    subject = [{"name": fact["path"], "digest": {"sha256": fact["sha256"]}} for fact in artifacts.values()]
    return record.parse(canonical.dumps(samples.statement(artifacts, {"lineage": lineage}, subject)))


def drawn(found: Record, *links: Link) -> Graph:
    lineage = msgspec.convert(found.content.lineage, Lineage)
    return provenance.graph(found, f"exp/churn/baseline/{found.predicate.run_id}", lineage, links)


def edges(graph: Graph) -> set[tuple[str, str]]:
    titles = {node.id: node.title for node in graph.nodes}
    return {(titles[start], titles[end]) for start, end in graph.edges}


def test_the_way_leads_from_data_and_parameters_over_stages_to_the_record() -> None:
    found = sealed(
        stage("prepare", ["raw.csv"], ["data/train"]),
        stage("train", ["data/train", "train.py"], ["model.pkl"], params={"params.yaml": {"lr": 1}}),
        sources=[item("raw.csv")],
    )
    assert edges(drawn(found)) == {
        ("raw.csv", "prepare"), ("prepare", "data/train"), ("data/train", "train"), ("train.py", "train"),
        ("params.yaml", "train"), ("train", "model.pkl"), ("model.pkl", "churn/baseline"),
        ("metrics.json", "churn/baseline"),
    }  # fmt: skip


def test_a_part_of_what_was_made_and_a_folder_around_it_are_joined() -> None:
    found = sealed(
        stage("split", ["raw"], ["data/a", "data/b"]),
        stage("train", ["data", "data/a/1.csv"], ["model.pkl"]),
        sources=[item("raw")],
    )
    assert {("data/a", "data"), ("data/b", "data"), ("data/a", "data/a/1.csv")} <= edges(drawn(found))


def test_a_path_that_only_begins_alike_is_no_part() -> None:
    found = sealed(stage("split", [], ["data/a"]), stage("train", ["data/ab", "dat"], ["model.pkl"]))
    assert not {("data/a", "data/ab"), ("data/a", "dat")} & edges(drawn(found))


def test_a_model_that_an_evaluation_used_is_still_the_records_model() -> None:
    found = sealed(stage("train", [], ["model.pkl"]), stage("evaluate", ["model.pkl"], ["metrics.json"]))
    assert {("model.pkl", "evaluate"), ("model.pkl", "churn/baseline")} <= edges(drawn(found))


def test_a_model_that_was_only_started_from_is_not_what_the_record_made() -> None:
    artifacts = {**samples.ARTIFACTS, "base": samples.artifact("base.pkl", sha256="7" * 64)}
    found = sealed(stage("tune", ["base.pkl"], ["model.pkl"]), sources=[item("base.pkl")], artifacts=artifacts)
    assert ("base.pkl", "churn/baseline") not in edges(drawn(found))


def test_an_import_names_its_source_once() -> None:
    origin = {"url": "https://example.org/data.git", "rev_lock": "1" * 40, "path": "raw"}
    fact = samples.folder("data/train")
    artifacts = {"train": {**fact, "dvc": {**fact["dvc"], "origin": origin}}, "model": samples.artifact("model.pkl")}
    found = drawn(sealed(sources=[item("data/train", origin=origin)], artifacts=artifacts))
    imports = [node for node in found.nodes if node.kind == "import"]
    assert [node.facts["origin"] for node in imports] == [origin]
    assert ("https://example.org/data.git", "data/train") in edges(found)


def test_another_record_is_linked_to_whatever_has_its_digest() -> None:
    found = sealed(stage("train", ["data/train"], ["model.pkl"]), sources=[item("data/train")])
    link = Link("exp/churn/source/0123456789ab", "recorded", "elsewhere/name", "data/train", "d" * 64)
    assert ("churn/source", "data/train") in edges(drawn(found, link))


def test_outputs_are_what_stages_made_and_results() -> None:
    found = sealed(stage("train", ["data/train"], ["model.pkl"]))
    assert provenance.outputs(found) == {"a" * 64: "model.pkl", "e" * 64: "metrics.json"}
    lineage = msgspec.convert(found.content.lineage, Lineage)
    assert provenance.inputs(found, lineage) == {"data/train": "d" * 64}


def test_a_record_of_inputs_alone_made_nothing() -> None:
    """Its subjects are all its artifacts; a shared requirements.txt must not look like a way from record to record."""
    found = sealed(artifacts={"environment": samples.in_git("requirements.txt", "environment")})
    assert provenance.outputs(found) == {}


def test_circles_paths_twice_and_empty_names_make_a_graph_all_the_same() -> None:
    found = sealed(
        stage("a", ["x", "x", ""], ["y"]), stage("b", ["y"], ["x", "x"]), stage("a", ["z"], ["z"]),
        sources=[item("x"), item("x")],
    )  # fmt: skip
    graph = drawn(found)
    assert {("x", "a"), ("a", "y"), ("y", "b"), ("b", "x"), ("z", "a"), ("a", "z")} <= edges(graph)
    assert len({node.id for node in graph.nodes}) == len(graph.nodes)
    assert len(set(graph.edges)) == len(graph.edges)


def test_the_same_record_gives_the_same_graph() -> None:
    found = sealed(stage("train", ["b", "a"], ["model.pkl"]), sources=[item("b"), item("a")])
    assert drawn(found) == drawn(found)
