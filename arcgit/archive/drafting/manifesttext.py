"""Writing into a manifest that a person has written: only what is new is added, everything else stays to the byte.

YAML's own parser tells where things stand; the new text is put there. What was written in braces or brackets is added to
inside them.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from yaml import CSafeLoader, compose
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from arcgit.archive.drafting.suggest import Suggestion
from arcgit.errors import RefusedError
from arcgit.model import yaml
from arcgit.model.names import slugify
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
    if name[0].isalpha() and name not in {"true", "false", "null"}:
        return True
    return isinstance(yaml.load(name.encode()).value, str)


def _names(item: Suggestion) -> Iterator[str]:
    name = item.name
    yield name
    yield slugify(item.path.replace("/", "-").replace(".", "-"))
    yield from (f"{name[:57]}-{number}" for number in itertools.count(2))


def extend(text: str, artifacts: list[tuple[str, Suggestion]], params: list[str], path: str) -> str:
    """`text` with more artifacts and params files. Raises RefusedError where that would change anything else."""
    changed = _with_artifacts(text, artifacts) if artifacts else text
    changed = _with_params(changed, params) if params else changed
    before = yaml.load(text.encode()).value
    try:
        after = yaml.load(changed.encode()).value
    except yaml.YamlError:
        after = None
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
    root, value = _find(text, "artifacts")
    indent = root.start_mark.column + 2
    if value is None and not root.flow_style:
        return _append(text, root, ["artifacts:", *(artifact_line(*row, 2) for row in rows)])
    if value is None:
        return _into_flow(text, root, [f"artifacts: {{{', '.join(_entry(*row)[0] for row in rows)}}}"], [""])
    if _is_empty(value) and not root.flow_style and "\n" not in _source(text, value):
        start, end = _span(value)
        line_end = _line_end(text, end)
        head = text[:start].rstrip(" ") + text[end:line_end]
        return head + _lines(text, [artifact_line(*row, indent) for row in rows]) + text[line_end:]
    if value.flow_style or _is_empty(value):
        entries = [_entry(*row) for row in rows]
        return _into_flow(text, value, [entry for entry, _ in entries], [remark for _, remark in entries])
    indent = value.start_mark.column
    return _after(text, value, [artifact_line(*row, indent) for row in rows])


def _with_params(text: str, names: list[str]) -> str:
    root, value = _find(text, "params")
    listed = f"[{', '.join(map(plain, names))}]"
    if value is None and not root.flow_style:
        return _append(text, root, [f"params: {listed}"])
    if value is None:
        return _into_flow(text, root, [f"params: {listed}"], [""])
    if isinstance(value, ScalarNode):
        start, end = _span(value)
        gap = "" if text[start - 1 : start] == " " else " "
        return f"{text[:start]}{gap}{listed}{text[end:]}"
    if value.flow_style:
        return _into_flow(text, value, [plain(name) for name in names], [""] * len(names))
    return _after(text, value, [f"{' ' * value.start_mark.column}- {plain(name)}" for name in names])


def _find(text: str, key: str) -> tuple[Any, Any]:
    """The node of the whole document, and the one behind `key`, None where there is none."""
    root = compose(text, Loader=CSafeLoader)
    if not isinstance(root, MappingNode):
        raise RefusedError("manifest-invalid", "the manifest is not a mapping")
    return root, next((value for name, value in root.value if name.value == key), None)


def _is_empty(value: Node) -> bool:
    return isinstance(value, ScalarNode) or not value.value


def _span(node: Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _source(text: str, node: Node) -> str:
    start, end = _span(node)
    return text[start:end]


def _last(node: Node) -> Node:
    """The innermost node that ends a block; the end of a block itself is where the next thing begins."""
    while isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return node


def _line_end(text: str, index: int) -> int:
    """The index of the line break behind `index`, or of the end of the text."""
    found = text.find("\n", index)
    end = len(text) if found == -1 else found
    return end - 1 if end > index and text[end - 1] == "\r" else end


def _break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _lines(text: str, rows: Iterable[str]) -> str:
    """The rows, each on a line of its own behind the line that is there."""
    return "".join(_break(text) + row for row in rows)


def _append(text: str, root: Node, rows: list[str]) -> str:
    """The rows at the end of the document."""
    indent = " " * root.start_mark.column
    if text.endswith("\n"):
        return text + "".join(indent + row + _break(text) for row in rows)
    return text + _lines(text, (indent + row for row in rows))


def _after(text: str, block: Node, rows: list[str]) -> str:
    """The rows behind the last line of a block and the remarks at its indentation."""
    last = _last(block)
    end = last.end_mark.index
    if isinstance(last, ScalarNode) and last.style in {"|", ">"}:
        end = len(text[:end].rstrip())
    end = _line_end(text, end)
    indent, here = block.start_mark.column, end
    while here < len(text):
        start = text.find("\n", here) + 1
        here = _line_end(text, start)
        line = text[start:here]
        remark = line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) >= indent
        if start == 0 or (line.strip() and not remark):
            break
        end = here if remark else end
    return text[:end] + _lines(text, rows) + text[end:]


def _into_flow(text: str, node: Node, entries: list[str], remarks: list[str]) -> str:
    """The entries behind the last one between braces or brackets: on lines of their own where those that are there are."""
    close = node.end_mark.index - 1
    inner = node.value[-1] if node.value else None
    last = (inner[1] if isinstance(inner, tuple) else inner) if inner is not None else None
    if last is None:
        return text[:close] + ", ".join(entries) + text[close:]
    end = last.end_mark.index
    between = re.sub(r"#[^\n]*", "", text[end:close])
    comma = "," in between
    line_start = text.rfind("\n", 0, close) + 1
    if line_start <= end or text[line_start:close].strip():
        tail = text[end:close]
        cut = end + (len(tail) - len(tail.lstrip(" ,")) if comma else 0)
        return text[:cut] + ("" if comma else ", ") + ", ".join(entries) + ("," if comma else "") + text[cut:]
    first = node.value[0][0] if isinstance(node.value[0], tuple) else node.value[0]
    pad, stop = " " * first.start_mark.column, _break(text)
    rows = [
        f"{pad}{entry}{',' if comma or place + 1 < len(entries) else ''}{remark}{stop}"
        for place, (entry, remark) in enumerate(zip(entries, remarks, strict=True))
    ]
    return text[:end] + ("" if comma else ",") + text[end:line_start] + "".join(rows) + text[line_start:]


def _entry(name: str, item: Suggestion) -> tuple[str, str]:
    """An artifact between braces, and the remark that belongs to it."""
    line = artifact_line(name, item, 0)
    body, hash_, remark = line.partition("  # role guessed")
    return body, f"{hash_}{remark}"
