"""Two lineages side by side: the stages with their commands, deps, outs and params, and the sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from arcgit.model.recordform import Lineage, LineageItem, LineageStage
from arcgit.rules.values import Change, ValueChange, change_of, compare_leaf, compare_values, same, side_by_side


@dataclass(frozen=True)
class ItemChange:
    """A dep, an out or a source, by its path."""

    change: Change
    path: str
    before: LineageItem | None
    after: LineageItem | None

    def to_dict(self) -> dict[str, Any]:
        before, after = msgspec.to_builtins(self.before), msgspec.to_builtins(self.after)
        return {"change": self.change, "path": self.path, "before": before, "after": after}


@dataclass(frozen=True)
class StageChange:
    """A stage, by its file and name. `cmd`, `deps`, `outs` and `params` have a row each for what both or one have."""

    change: Change
    file: str
    name: str
    cmd: ValueChange
    deps: tuple[ItemChange, ...]
    outs: tuple[ItemChange, ...]
    params: tuple[ValueChange, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "change": self.change,
            "file": self.file,
            "name": self.name,
            "cmd": self.cmd.to_dict(),
            "deps": [row.to_dict() for row in self.deps],
            "outs": [row.to_dict() for row in self.outs],
            "params": [row.to_dict() for row in self.params],
        }


@dataclass(frozen=True)
class LineageChange:
    """Stages and sources of two lineages, sorted by file, name and path."""

    stages: tuple[StageChange, ...]
    sources: tuple[ItemChange, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "stages": [stage.to_dict() for stage in self.stages],
            "sources": [source.to_dict() for source in self.sources],
        }


def compare_lineages(before: Lineage, after: Lineage) -> LineageChange:
    """The two lineages side by side."""
    stages = side_by_side(*([((stage.file, stage.name), stage) for stage in side.stages] for side in (before, after)))
    return LineageChange(tuple(_stage(one, other) for one, other in stages), _items(before.sources, after.sources))


def _stage(before: LineageStage | None, after: LineageStage | None) -> StageChange:
    one, other = before or _EMPTY, after or _EMPTY
    named = after or one
    cmd = compare_leaf("cmd", *([side.cmd] if side else [] for side in (before, after)))
    equal = before is not None and after is not None and same(*map(msgspec.to_builtins, (before, after)))
    return StageChange(
        change_of(before, after, equal=equal),
        named.file,
        named.name,
        cmd,
        _items(one.deps, other.deps),
        _items(one.outs, other.outs),
        compare_values(one.params, other.params),
    )


def _items(before: Sequence[LineageItem], after: Sequence[LineageItem]) -> tuple[ItemChange, ...]:
    rows = side_by_side(*([(item.path, item) for item in side] for side in (before, after)))
    return tuple(
        ItemChange(change_of(one, other, equal=one == other), (other or one or _NOTHING).path, one, other)
        for one, other in rows
    )


_NOTHING = LineageItem(path="")
_EMPTY = LineageStage(file="", name="", cmd="", deps=[], outs=[], params={})
