"""From artifacts back to data: which stages and sources made them, read off dvc.lock and `*.dvc` files."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any, Generic, TypeVar

import msgspec

from arcgit.dvc.files import DvcFile, Item, LockStage

Thing = TypeVar("Thing")


class LineageCycleError(ValueError):
    """The stages depend on each other in a circle."""


class Source(msgspec.Struct, frozen=True):
    """Data that no stage makes: a `.dvc` out, and the dep it was imported from."""

    out: Item
    imported: Item | None


class Lineage(msgspec.Struct, frozen=True):
    """The stages (each after those that it needs) and the sources behind some paths."""

    stages: tuple[LockStage, ...]
    sources: tuple[Source, ...]

    def kept(self) -> Iterator[Item]:
        """Every out that DVC keeps."""
        yield from (out for stage in self.stages for out in stage.outs if out.cached and out.oid)
        yield from (source.out for source in self.sources if source.out.cached and source.out.oid)

    def to_json(self) -> dict[str, Any]:
        """The lineage as it stands in a record: docs/formats/record.md."""
        return {
            "sources": [_source(source) for source in self.sources],
            "stages": [
                {
                    "file": stage.file,
                    "name": stage.name,
                    "cmd": stage.cmd,
                    "deps": [_item(dep) for dep in stage.deps],
                    "params": {file: dict(keys) for file, keys in stage.params.items()},
                    "outs": [_item(out) for out in stage.outs],
                }
                for stage in self.stages
            ],
        }


def trace(stages: Iterable[LockStage], dvcfiles: Iterable[DvcFile], targets: Iterable[str]) -> Lineage:
    """The lineage of the target paths. Raises LineageCycleError."""
    makers = _Places((out.path, stage) for stage in stages for out in stage.outs)
    sources = [
        Source(out, file.deps[0] if file.deps and file.deps[0].origin else None)
        for file in dvcfiles
        if file.stage is None
        for out in file.outs
    ]
    wanted = sorted(set(targets))
    needs: dict[tuple[str, str], set[tuple[str, str]]] = {}
    known: dict[tuple[str, str], LockStage] = {}
    paths = set(wanted)
    while wanted:
        path = wanted.pop()
        for stage in makers.at(path):
            key = (stage.file, stage.name)
            if key not in needs:
                deps = [dep.path for dep in stage.deps if not dep.outside]
                needs[key] = {(maker.file, maker.name) for dep in deps for maker in makers.at(dep)}
                known[key] = stage
                wanted += deps
                paths.update(deps)
    try:
        order = tuple(
            known[key] for key in TopologicalSorter({key: needs[key] for key in sorted(needs)}).static_order()
        )
    except CycleError as error:
        names = " -> ".join(name for _, name in error.args[1])
        raise LineageCycleError(f"stages depend on each other in a circle: {names}") from error
    needed = _Places((path, path) for path in paths)
    met = {source.out.path: source for source in sources if needed.at(source.out.path)}
    return Lineage(order, tuple(met[path] for path in sorted(met)))


class _Places(Generic[Thing]):
    """Things by path, found by any path that is the same, lies inside or is around."""

    def __init__(self, things: Iterable[tuple[str, Thing]]) -> None:
        self._by_path: dict[str, list[Thing]] = {}
        for path, thing in things:
            self._by_path.setdefault(path, []).append(thing)
        self._paths = sorted(self._by_path)

    def at(self, path: str) -> list[Thing]:
        parts = path.split("/")
        around = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        # "0" is the character after "/".
        inside = self._paths[bisect_left(self._paths, f"{path}/") : bisect_left(self._paths, f"{path}0")]
        return [thing for name in (*around, *inside) for thing in self._by_path.get(name, ())]


def _item(item: Item) -> dict[str, Any]:
    value: dict[str, Any] = {"path": item.path}
    if item.oid:
        value["md5"] = item.oid
    if item.hash_name != "md5" and item.oid:
        value["hash"] = item.hash_name
    value |= {name: number for name, number in (("size", item.size), ("files", item.files)) if number is not None}
    if not item.cached:
        value["cached"] = False
    return value


def _source(source: Source) -> dict[str, Any]:
    value = _item(source.out)
    if source.imported is not None and source.imported.origin is not None:
        value["origin"] = dict(source.imported.origin)
    return value
