"""The files that DVC lists in its own files for data in a version-aware remote: `files:` under an out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from arcgit.model import yaml

_FILES = re.compile(rb"(?m)^[ -]*files:")


def listed_files(data: bytes, file: str, path: str) -> dict[str, str] | None:
    """md5 by relative path of the out at `path`, as `file` (a `*.dvc` or dvc.lock) lists it; None where it does not."""
    if not _FILES.search(data):
        return None
    try:
        raw = yaml.load(data, aliases=True).value
    except yaml.YamlError:
        return None
    for out in _outs(raw):
        entries = out.get("files")
        name = out.get("path")
        if isinstance(name, str) and isinstance(entries, list) and _joined(file, raw, name) == path:
            return _md5s(entries)
    return None


def _outs(raw: Any) -> Iterator[Mapping[str, Any]]:
    stages = raw.get("stages") if isinstance(raw, dict) else None
    holders = [raw, *(stages.values() if isinstance(stages, dict) else ())]
    for holder in holders:
        outs = holder.get("outs") if isinstance(holder, dict) else None
        yield from (out for out in (outs if isinstance(outs, list) else ()) if isinstance(out, dict))


def _joined(file: str, raw: Mapping[str, Any], name: str) -> str:
    wdir = raw.get("wdir")
    folder = posixpath.join(posixpath.dirname(file), wdir if isinstance(wdir, str) else "")
    return posixpath.normpath(posixpath.join(folder, name))


def _md5s(entries: list[Any]) -> dict[str, str] | None:
    """None where an entry has no md5: an etag is a storage's own name for bytes and says nothing about others."""
    found = {}
    for entry in entries:
        name, md5 = (entry.get("relpath"), entry.get("md5")) if isinstance(entry, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(md5, str):
            return None
        found[name] = md5
    return found
