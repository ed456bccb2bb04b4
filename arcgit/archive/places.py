"""The lines that findings point to. A file is read for its lines only once something was found in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from arcgit.errors import ArcgitError
from arcgit.git.snapshot import Snapshot
from arcgit.model import yaml
from arcgit.model.finding import Finding

MAX_BYTES = 4 * 1024 * 1024


def located(snapshot: Snapshot, findings: Iterable[Finding]) -> list[Finding]:
    """The findings with the lines of their keys, where the file is YAML or JSON and has them."""
    lines: dict[str, Mapping[yaml.Key, int]] = {}
    result = []
    for finding in findings:
        place = finding.place
        if place is not None and place.key and not place.line:
            if place.path not in lines:
                lines[place.path] = _lines(snapshot, place.path)
            line = yaml.nearest(lines[place.path], place.key)
            result.append(replace(finding, place=replace(place, line=line)))
        else:
            result.append(finding)
    return result


def _lines(snapshot: Snapshot, path: str) -> Mapping[yaml.Key, int]:
    if not path.endswith((".yaml", ".yml", ".json", ".dvc", ".lock")):
        return {}
    try:
        return yaml.load(snapshot.read(path, MAX_BYTES) or b"", aliases=True).lines
    except (ArcgitError, ValueError):
        return {}
