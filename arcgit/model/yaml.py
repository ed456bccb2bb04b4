"""YAML and JSON from hostile places, read strictly before anything is built from them.

Scalars are resolved as YAML 1.2 and as DVC's own reader does (`1e-3` is a number, `NO` a string), through libyaml's
parser. The guard walks the events first: it refuses tags, repeated keys, several documents, deep nesting and, where they
are not asked for, anchors, aliases and merge keys; where they are, it counts what they would expand to.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import yaml

MAX_DEPTH = 40
MAX_NODES = 200_000
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")

Key = tuple["str | int", ...]


class YamlError(ValueError):
    """The document cannot be read safely. `line` counts from 1 and may be None."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True)
class Document:
    """The value of a document and the line of each of its keys and items."""

    value: Any
    lines: Mapping[Key, int]


class _Loader(yaml.CSafeLoader):
    """libyaml's parser with the scalar resolution of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?0b[0-1_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+|[-+]?0x[0-9a-fA-F_]+", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        (
            r"[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)"
            r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
        "-+0123456789.",
    ),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN\0"),
    (
        "tag:yaml.org,2002:timestamp",
        (
            r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}"
            r"(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
        ),
        "0123456789",
    ),
    ("tag:yaml.org,2002:merge", r"<<", "<"),
):
    _chars = [char if char != "\0" else "" for char in _first]
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _chars)


def _construct_int(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "")
    sign, digits = (-1, text[1:]) if text[:1] == "-" else (1, text.lstrip("+"))
    for prefix, base in (("0b", 2), ("0x", 16), ("0o", 8)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    return sign * int(digits)


def _construct_float(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> float:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    if text.endswith(".inf"):
        return -math.inf if text[0] == "-" else math.inf
    return math.nan if text == ".nan" else float(text)


_Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _construct_float)


def load(
    data: bytes, *, aliases: bool = False, max_bytes: int = 16 * 1024 * 1024, max_nodes: int = MAX_NODES
) -> Document:
    """The document in `data`. Raises YamlError before anything is constructed."""
    text = _text(data, max_bytes)
    guard = _Guard(aliases=aliases, max_nodes=max_nodes)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            guard.take(event)
        value = yaml.load(text, Loader=_Loader)  # noqa: S506  a subclass of the safe loader
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        raise YamlError(fault.problem or "it is not YAML", mark.line + 1 if mark else None) from fault
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as fault:
        if isinstance(fault, YamlError):
            raise
        raise YamlError(str(fault) or "it is not YAML") from fault
    return Document(value, guard.lines)


def load_json(data: bytes, *, max_bytes: int = 64 * 1024 * 1024) -> Any:
    """The JSON value in `data`: no repeated keys, bounded depth. Raises YamlError."""
    if len(data) > max_bytes:
        raise YamlError(f"it is larger than {max_bytes} bytes")
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as fault:
        if isinstance(fault, YamlError):
            raise
        raise YamlError(f"it is not JSON: {fault}") from fault
    _bounded(value, 0)
    return value


def to_json_value(value: Any) -> Any:
    """`value` with dates as ISO strings and keys as strings. Raises YamlError where two keys become one."""
    if isinstance(value, dict):
        pairs = [(_key(key), to_json_value(item)) for key, item in value.items()]
        if len({key for key, _ in pairs}) < len(pairs):
            raise YamlError("two keys have the same text")
        return dict(pairs)
    if isinstance(value, list | tuple):
        return [to_json_value(item) for item in value]
    return value.isoformat() if isinstance(value, date | datetime) else value


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, date | datetime):
        return key.isoformat()
    return json.dumps(key, default=str)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise YamlError(f"the key `{next(key for key in keys if keys.count(key) > 1)}` is there twice")
    return dict(pairs)


def _bounded(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise YamlError(f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _bounded(item, depth + 1)


def _text(data: bytes, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise YamlError(f"it is larger than {max_bytes} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise YamlError("it is not UTF-8", data[: fault.start].count(b"\n") + 1) from fault
    if match := _NOT_TEXT.search(text):
        line = text[: match.start()].count("\n") + 1
        raise YamlError(f"it contains the character U+{ord(match[0]):04X}", line)
    return text


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark is not None else 0


class _Frame:
    """One open mapping or sequence: its key, its size with everything inside it, and what comes next."""

    __slots__ = ("anchor", "index", "is_map", "key", "keys", "nodes", "path")

    def __init__(self, path: Key, anchor: str | None, *, is_map: bool) -> None:
        self.path = path
        self.anchor = anchor
        self.is_map = is_map
        self.keys: set[str] = set()
        self.key: str | None = None
        self.index = 0
        self.nodes = 1


class _Guard:
    """Watches the events of one document and refuses what is unsafe to construct."""

    def __init__(self, *, aliases: bool, max_nodes: int) -> None:
        self.aliases = aliases
        self.max_nodes = max_nodes
        self.lines: dict[Key, int] = {}
        self.frames: list[_Frame] = []
        self.sizes: dict[str, int] = {}
        self.documents = 0
        self.total = 0

    def take(self, event: yaml.Event) -> None:
        line = _line(event)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise YamlError("there is more than one document", line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._plain(event, line)
            path = self._enter(None, line)
            if len(self.frames) >= MAX_DEPTH:
                raise YamlError(f"it is nested deeper than {MAX_DEPTH} levels", line)
            self.frames.append(_Frame(path, event.anchor, is_map=isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self.frames.pop()
            if frame.anchor:
                self.sizes[frame.anchor] = frame.nodes
            self._grow(frame.nodes, line, nested=True)
        elif isinstance(event, yaml.ScalarEvent):
            self._plain(event, line)
            self._enter(event, line)
            if event.anchor:
                self.sizes[event.anchor] = 1
            self._grow(1, line)

    def _plain(self, event: yaml.NodeEvent, line: int) -> None:
        if event.anchor and not self.aliases:
            raise YamlError("anchors are not allowed here", line)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise YamlError(f"the tag {tag} is not allowed", line)

    def _alias(self, event: yaml.AliasEvent, line: int) -> None:
        if not self.aliases:
            raise YamlError("aliases are not allowed here", line)
        if event.anchor not in self.sizes:
            raise YamlError("an alias stands inside its own anchor, or before it", line)
        frame = self.frames[-1] if self.frames else None
        if frame is not None and frame.is_map and frame.key is None:
            raise YamlError("an alias cannot be a key", line)
        self._enter(None, line)
        self._grow(self.sizes[event.anchor], line)

    def _grow(self, nodes: int, line: int, *, nested: bool = False) -> None:
        """Count nodes as if every alias were written out."""
        if self.frames:
            self.frames[-1].nodes += nodes
        if not nested:
            self.total += nodes
        if self.total > self.max_nodes:
            raise YamlError(f"it has more than {self.max_nodes} nodes", line)

    def _enter(self, event: yaml.ScalarEvent | None, line: int) -> Key:
        """Place one node in its parent; returns the node's path."""
        if not self.frames:
            self.lines[()] = line
            return ()
        frame = self.frames[-1]
        if not frame.is_map:
            path = (*frame.path, frame.index)
            frame.index += 1
        elif frame.key is None:
            if event is None:
                raise YamlError("a key must be a plain value", line)
            self._take_key(frame, event, line)
            path = (*frame.path, event.value)
        else:
            path = (*frame.path, frame.key)
            frame.key = None
            return path
        self.lines[path] = line
        return path

    def _take_key(self, frame: _Frame, event: yaml.ScalarEvent, line: int) -> None:
        if event.value == "<<" and event.style is None:
            if not self.aliases:
                raise YamlError("merge keys are not allowed here", line)
        elif event.value in frame.keys:
            raise YamlError(f"the key `{event.value}` is there twice", line)
        frame.keys.add(event.value)
        frame.key = event.value
