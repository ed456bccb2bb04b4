"""The lineage of a record as a graph: the record, its artifacts, the stages that made them, and what those were made from.

Nodes are in a fixed order for the same record, so that every drawing of it is the same. An edge goes the way the data
went: from what was used to what was made from it. Records are linked by the sha256 of what one made and another used;
names play no part in that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from arcgit.model.record import ArtifactFact, Record
from arcgit.model.recordform import Lineage, LineageItem, LineageStage

_KINDS = {"model": "model", "dataset": "data", "code": "code", "environment": "environment"}
_ORDER = ("model", "stage", "data", "code", "file", "params", "import", "record", "environment", "machine")
_REPORTED = frozenset({"metrics", "report"})
_RESULTS = _REPORTED | {"model"}


@dataclass(frozen=True)
class Node:
    """One thing. `kind`: record, model, data, code, environment, file, stage, params, import, or machine."""

    id: str
    kind: str
    title: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """Nodes, the record itself first, and edges as pairs of ids: what was used, what was made from it."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "nodes": [
                {"id": node.id, "kind": node.kind, "title": node.title, "facts": dict(node.facts)}
                for node in self.nodes
            ],
            "edges": [{"from": start, "to": end} for start, end in self.edges],
        }


@dataclass(frozen=True)
class Link:
    """Another record that made what this one used: its tag, the ledger's word for it, and both paths of the bytes."""

    tag: str
    status: str
    made: str
    used: str
    sha256: str


def outputs(record: Record) -> dict[str, str]:
    """Path by sha256 of what a record's experiment made. Nothing where no stage made anything and there is no result.

    A long lineage is not needed: a record with stages has what they made as its subjects.
    """
    stages = record.content.lineage.get("stages")
    made = {out["path"] for stage in stages or () for out in stage["outs"]}
    roles = {fact.path: fact.role for fact in record.predicate.artifacts.values()}
    return {
        subject.digest["sha256"]: subject.name
        for subject in record.statement.subject
        if stages is None or subject.name in made or roles[subject.name] in _RESULTS
    }


def inputs(record: Record, lineage: Lineage | None) -> dict[str, str]:
    """Sha256 by path of every artifact that came from elsewhere: no stage makes it, and it says no result."""
    made = {out.path for stage in lineage.stages for out in stage.outs} if lineage else set(outputs(record).values())
    facts = record.predicate.artifacts.values()
    return {fact.path: fact.sha256 for fact in facts if fact.path not in made and fact.role not in _REPORTED}


def graph(record: Record, tag: str, lineage: Lineage | None, links: Iterable[Link]) -> Graph:
    """The graph of a record. Without its lineage: the record, its artifacts, and the records that those are from."""
    return _Builder(record, tag, lineage or Lineage(sources=[], stages=[])).build(links)


class _Builder:
    def __init__(self, record: Record, tag: str, lineage: Lineage) -> None:
        self._record = record
        self._lineage = lineage
        self._tag = tag
        self._nodes: list[Node] = []
        self._edges: dict[tuple[str, str], None] = {}
        self._paths: dict[str, str] = {}
        self._imported: set[str] = set()
        self._outs = {out.path for stage in lineage.stages for out in stage.outs}
        self._made = self._outs | {source.path for source in lineage.sources}
        self._artifacts = {fact.path: (name, fact) for name, fact in sorted(record.predicate.artifacts.items())}

    def build(self, links: Iterable[Link]) -> Graph:
        predicate = self._record.predicate
        facts = {"tag": self._tag, "commit": predicate.commit.oid, "owner": predicate.owner, "time": predicate.time}
        root = self._add("record", f"{self._record.content.project}/{self._record.content.experiment}", facts)
        for stage in reversed(self._lineage.stages):
            self._stage(stage)
        for source in self._lineage.sources:
            self._origin(self._path(source), source.origin)
        for path, (_, fact) in self._artifacts.items():
            self._origin(self._path(LineageItem(path=path)), fact.dvc.origin if fact.dvc else None)
        self._overlaps()
        self._links(links)
        used = {start for start, _ in self._edges}
        for path, (_, fact) in self._artifacts.items():
            if (fact.role == "model" and path in self._outs) or self._paths[path] not in used:
                self._edge(self._paths[path], root)
        if "recorded_with" in predicate.environment:
            self._edge(
                self._add("machine", "sealed with", {"environment": predicate.environment["recorded_with"]}), root
            )
        return Graph(tuple(self._nodes), tuple(self._edges))

    def _add(self, kind: str, title: str, facts: Mapping[str, Any]) -> str:
        node = Node(f"n{len(self._nodes)}", kind, title, facts)
        self._nodes.append(node)
        return node.id

    def _edge(self, start: str, end: str) -> None:
        self._edges[start, end] = None

    def _stage(self, stage: LineageStage) -> None:
        outs = [self._path(out) for out in stage.outs]
        made = self._add("stage", stage.name, {"file": stage.file, "cmd": stage.cmd})
        for out in outs:
            self._edge(made, out)
        for dep in stage.deps:
            self._edge(self._path(dep), made)
        for file, values in sorted(stage.params.items()):
            self._edge(self._add("params", file, {"values": values}), made)

    def _path(self, item: LineageItem) -> str:
        """The node of a path; the first item that names it says which md5 it has."""
        if item.path not in self._paths:
            name, fact = self._artifacts.get(item.path, (None, None))
            kind = _KINDS.get(fact.role, "file") if fact else ("data" if item.path in self._made else "file")
            facts = _item_facts(item) | (_artifact_facts(name or "", fact) if fact else {})
            self._paths[item.path] = self._add(kind, item.path, facts)
        return self._paths[item.path]

    def _origin(self, node: str, origin: Mapping[str, str] | None) -> None:
        if origin and node not in self._imported:
            self._imported.add(node)
            self._edge(self._add("import", origin.get("url", origin.get("path", "")), {"origin": dict(origin)}), node)

    def _overlaps(self) -> None:
        """A path that nothing makes by itself may be part of what is made, or have it inside."""
        for path in [path for path in self._paths if path not in self._made]:
            for other in _folders(path):
                if other in self._made:
                    self._edge(self._paths[other], self._paths[path])
        for path in sorted(self._made):
            for other in _folders(path):
                if other in self._paths and other not in self._made:
                    self._edge(self._paths[path], self._paths[other])

    def _links(self, links: Iterable[Link]) -> None:
        for link in links:
            facts = {"tag": link.tag, "status": link.status, "made": link.made, "sha256": link.sha256}
            node = self._add("record", "/".join(link.tag.split("/")[1:3]), facts)
            self._edge(node, self._paths[link.used])


def _folders(path: str) -> list[str]:
    """The folders around a path."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _item_facts(item: LineageItem) -> dict[str, Any]:
    known = {"path": item.path, "md5": item.md5, "size": item.size, "files": item.files}
    return {name: value for name, value in known.items() if value is not None}


def _artifact_facts(artifact: str, fact: ArtifactFact) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(fact)
    names = ("role", "size", "files", "sha256", "split", "version")
    kept: dict[str, Any] = {name: fields[name] for name in names if name in fields}
    return {"artifact": artifact, **kept, "kept": "DVC" if fact.dvc else "git"}


def used_by(graph: Graph) -> dict[str, Sequence[Node]]:
    """For each node that was made from something, what it was made from: models and stages first."""
    known = {node.id: node for node in graph.nodes}
    parts: dict[str, list[Node]] = {}
    for start, end in graph.edges:
        parts.setdefault(end, []).append(known[start])

    def place(node: Node) -> tuple[int, int]:
        return _ORDER.index(node.kind), int(node.id[1:])

    return {end: sorted(found, key=place) for end, found in parts.items()}
