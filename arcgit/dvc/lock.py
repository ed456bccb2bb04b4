"""dvc.lock as values: what each stage was run with and what it made, in every version of the file."""

from __future__ import annotations

import posixpath

from msgspec.structs import replace

from arcgit.dvc.files import Item, LockStage, as_list, as_mapping, join, load_document, parse_item
from arcgit.dvc.pipeline import Pipeline


def parse_lock(data: bytes, path: str, pipeline: Pipeline | None) -> tuple[LockStage, ...]:
    """The stages of a dvc.lock. `pipeline` is the dvc.yaml beside it, which knows wdirs, remotes and cache flags.

    Raises DvcFileError.
    """
    raw = as_mapping(load_document(data, path), path)
    # Schema 1.0 had the stages at the top level.
    stages = raw.get("stages") if "schema" in raw else raw
    declared = {stage.name: stage for stage in pipeline.stages} if pipeline else {}
    result = []
    for name, value in as_mapping(stages or {}, path).items():
        entry = as_mapping(value, path)
        stage = declared.get(name) or declared.get(name.rpartition("@")[0])
        folder = stage.wdir if stage else posixpath.dirname(path)
        flags = {out.path: out for out in stage.outs} if stage else {}
        outs = (parse_item(out, folder, path) for out in as_list(entry.get("outs"), path))
        result.append(
            LockStage(
                file=posixpath.join(posixpath.dirname(path), "dvc.yaml"),
                name=name,
                cmd=entry.get("cmd"),
                deps=tuple(parse_item(dep, folder, path) for dep in as_list(entry.get("deps"), path)),
                outs=tuple(_flagged(out, flags.get(out.path)) for out in outs),
                params={
                    join(folder, file): as_mapping(keys or {}, path)
                    for file, keys in as_mapping(entry.get("params") or {}, path).items()
                },
            )
        )
    return tuple(result)


def _flagged(out: Item, declared: Item | None) -> Item:
    if declared is None:
        return out
    return replace(
        out,
        remote=out.remote or declared.remote,
        cached=declared.cached,
        pushed=declared.pushed,
        section=declared.section,
        kind=declared.kind,
    )
