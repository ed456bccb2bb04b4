"""Writing into a manifest that a person has written: only what is new is added, everything else stays to the byte.

ruamel.yaml tells where things stand; the lines are put there as text. Where a person wrote the artifacts as one flow
mapping, ruamel writes that file anew, comments included.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from typing import Any

from arcgit.archive.suggest import Suggestion
from arcgit.errors import RefusedError
from arcgit.model import yaml
from arcgit.model.text import escape


def plain(text: str) -> str:
    """A YAML scalar: plain where that is safe, else double-quoted."""
    if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./ -]*(?: <[A-Za-z0-9_.+@-]+>)?", text) and not text.endswith(" "):
        try:
            if yaml.load(text.encode()).value == text and not text.endswith(":"):
                return text
        except yaml.YamlError:
            pass
    return json.dumps(text, ensure_ascii=False)


def artifact_line(name: str, item: Suggestion, indent: int = 2) -> str:
    """One line of the `artifacts` mapping."""
    parts = [f"role: {item.role}", f"path: {plain(item.path)}"]
    parts += [f"split: {item.split}"] if item.split else []
    parts += [f"version: {plain(item.version)}"] if item.version else []
    remark = "  # role guessed: one of model, dataset, report, other" if item.guessed else ""
    return f"{' ' * indent}{name}: {{{', '.join(parts)}}}{remark}"


def named(suggestions: Iterable[Suggestion], taken: set[str]) -> list[tuple[str, Suggestion]]:
    """The suggestions with names that are not taken yet."""
    rows, used = [], set(taken)
    for item in suggestions:
        name = next(name for name in _names(item) if name not in used and _is_text(name))
        used.add(name)
        rows.append((name, item))
    return rows


def _is_text(name: str) -> bool:
    """False for a name that YAML would take for a number, a truth value or nothing."""
    return isinstance(yaml.load(name.encode()).value, str)


def _names(item: Suggestion) -> list[str]:
    from arcgit.model.names import slugify  # noqa: PLC0415

    whole = slugify(item.path.replace("/", "-").replace(".", "-"))
    return [item.name, whole, *(f"{item.name[:59]}-{number}" for number in range(2, 1000))]


def extend(text: str, artifacts: list[tuple[str, Suggestion]], params: list[str], path: str) -> str:
    """`text` with more artifacts and params files. Raises RefusedError where that would change anything else."""
    changed = _with_params(_with_artifacts(text, artifacts), params)
    before, after = yaml.load(text.encode()).value, yaml.load(changed.encode()).value
    added = {name: _fields(item) for name, item in artifacts}
    expected = {**before, "artifacts": {**(before.get("artifacts") or {}), **added}} if artifacts else dict(before)
    if params:
        expected["params"] = [*(before.get("params") or []), *params]
    if after != expected:
        message = f"{path} is written in a way that arcgit cannot add to without changing it"
        missing = "; ".join(artifact_line(name, item, 0) for name, item in artifacts[:3])
        raise RefusedError("manifest-invalid", message, f"add by hand: {escape(missing) or ', '.join(params)}")
    return changed


def _fields(item: Suggestion) -> dict[str, str]:
    values = {"role": item.role, "path": item.path, "split": item.split, "version": item.version}
    return {key: value for key, value in values.items() if value}


def _with_artifacts(text: str, rows: list[tuple[str, Suggestion]]) -> str:
    if not rows:
        return text
    document = _round_trip().load(text)
    present = document.get("artifacts")
    if not present:
        return _replace_key(text, document, "artifacts", ["artifacts:", *(artifact_line(*row) for row in rows)])
    if present.fa.flow_style():
        present.fa.set_block_style()
        for name, item in rows:
            present[name] = _fields(item)
        out = io.StringIO()
        _round_trip().dump(document, out)
        return out.getvalue()
    lines = text.split("\n")
    indent = present.lc.col
    end = _end_of(lines, document, "artifacts", indent)
    return "\n".join([*lines[:end], *(artifact_line(name, item, indent) for name, item in rows), *lines[end:]])


def _with_params(text: str, names: list[str]) -> str:
    if not names:
        return text
    document = _round_trip().load(text)
    present = document.get("params")
    if not present:
        return _replace_key(text, document, "params", [f"params: [{', '.join(map(plain, names))}]"])
    lines = text.split("\n")
    first = document.lc.key("params")[0]
    if present.fa.flow_style():
        at = lines[first].rfind("]")
        if at == -1:
            return text
        lines[first] = f"{lines[first][:at]}, {', '.join(map(plain, names))}{lines[first][at:]}"
        return "\n".join(lines)
    indent = max(present.lc.col - 2, 0)
    end = _end_of(lines, document, "params", indent)
    return "\n".join([*lines[:end], *(f"{' ' * indent}- {plain(name)}" for name in names), *lines[end:]])


def _replace_key(text: str, document: Any, key: str, rows: list[str]) -> str:
    """`rows` in the place of a key that has nothing behind it, or at the end where there is no such key."""
    lines = text.split("\n")
    if key not in document:
        body = text.rstrip("\n")
        return "\n".join([body, *rows]) + "\n"
    at = document.lc.key(key)[0]
    remark = re.search(r"\s#.*$", lines[at])
    return "\n".join([*lines[:at], rows[0] + (f" {remark[0]}" if remark else ""), *rows[1:], *lines[at + 1 :]])


def _end_of(lines: list[str], document: Any, key: str, indent: int) -> int:
    """The index of the line behind the last line of a block; comments at its indentation belong to it."""
    later = [document.lc.key(other)[0] for other in document if document.lc.key(other)[0] > document.lc.key(key)[0]]
    end = min(later, default=len(lines))
    while end > 0 and (not lines[end - 1].strip() or _outer_comment(lines[end - 1], indent)):
        end -= 1
    return end


def _outer_comment(line: str, indent: int) -> bool:
    return line.lstrip().startswith("#") and len(line) - len(line.lstrip()) < indent


def _round_trip() -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415  only a refresh needs it

    reader = YAML(typ="rt")
    reader.preserve_quotes = True
    reader.width = 4096
    return reader
