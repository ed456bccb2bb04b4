"""YAML and JSON from hostile places, read strictly before anything is built from them.

Scalars are resolved as YAML 1.2 and as DVC's own reader does (`1e-3` is a number, `NO` a string), through libyaml's
parser. The guard walks its events: it refuses tags, repeated keys, several documents, deep nesting and, where they
are not asked for, anchors, aliases and merge keys; where they are, it counts what they would expand to, and only then is
the document expanded. Any other is put together from the same events, of plain values alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import msgspec
import yaml
from yaml.constructor import SafeConstructor

from arcgit.model.yamlguard import MAX_DEPTH, MAX_NODES, Guard, Key, YamlError

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "Document",
    "Key",
    "YamlError",
    "load",
    "load_json",
    "nearest",
    "require_bounded",
    "to_json_value",
]

_NOT_ASCII_TEXT = bytes({*range(0x20), 0x7F} - {9, 10, 13})
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")


class Document(msgspec.Struct, frozen=True):
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


_CONSTRUCTOR = SafeConstructor()
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


def _scalar(event: yaml.ScalarEvent) -> Any:
    """The value of a scalar without a tag, as `yaml.load` has it. Raises ValueError."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    for tag, pattern in _Loader.yaml_implicit_resolvers.get(text[:1], ()):
        # Hashes that begin with a digit are many, and the pattern of a timestamp is long.
        if (tag != _TIMESTAMP or text[4:5] == "-") and pattern.match(text):
            construct = _Loader.yaml_constructors.get(tag)
            return construct(_CONSTRUCTOR, yaml.ScalarNode(tag, text)) if construct else text
    return text


def nearest(lines: Mapping[Key, int], key: Key) -> int:
    """The line of `key`, or of the nearest key around it that there is; 0 where there is none."""
    return next((lines[key[:n]] for n in range(len(key), -1, -1) if key[:n] in lines), 0)


def load(
    data: bytes,
    *,
    aliases: bool = False,
    max_bytes: int = 16 * 1024 * 1024,
    max_nodes: int = MAX_NODES,
    max_keys: int = MAX_NODES,
) -> Document:
    """The document in `data`. Raises YamlError before anything is constructed that is no plain value, or too much."""
    text = _text(data, max_bytes)
    guard = Guard(_scalar, aliases=aliases, max_nodes=max_nodes, max_keys=max_keys)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            guard.take(event)
        value = guard.value
        if guard.repeats:
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
    value = _plain_json(data)
    try:
        if value is _NOT_PLAIN:
            import json  # noqa: PLC0415  a commit hook hardly ever meets such

            value = json.loads(data.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as fault:
        if isinstance(fault, YamlError):
            raise
        raise YamlError(f"it is not JSON: {fault}") from fault
    require_bounded(value)
    return value


_NOT_PLAIN = object()


def _plain_json(data: bytes) -> Any:
    """The value, where it is read alike by a library that takes the last of repeated keys; else `_NOT_PLAIN`.

    Without a backslash every colon in the bytes stands behind a key or inside a text. A key that was thrown away took its
    colons along.
    """
    if b"\\" not in data:
        with suppress(ValueError, RecursionError):
            value = msgspec.json.decode(data)
            if _colons(value) == data.count(b":"):
                return value
    return _NOT_PLAIN


def _colons(value: Any) -> int:
    if isinstance(value, dict):
        return sum(1 + key.count(":") + _colons(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(_colons, value))
    return value.count(":") if isinstance(value, str) else 0


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
    import json  # noqa: PLC0415  hardly a key is anything but text

    return json.dumps(key, default=str)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) < len(keys):
        raise YamlError(f"the key `{next(key for key in keys if keys.count(key) > 1)}` is there twice")
    return dict(pairs)


def require_bounded(value: Any, depth: int = 0) -> None:
    """Raises YamlError for a value that is nested too deep, or has text that UTF-8 cannot hold."""
    if depth > MAX_DEPTH:
        raise YamlError(f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            require_bounded(key, depth)
            require_bounded(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            require_bounded(item, depth + 1)
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as fault:
            raise YamlError(f"it contains the character U+{ord(value[fault.start]):04X}") from fault


def _text(data: bytes, max_bytes: int) -> str:
    if len(data) > max_bytes:
        raise YamlError(f"it is larger than {max_bytes} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise YamlError("it is not UTF-8", data[: fault.start].count(b"\n") + 1) from fault
    if text.isascii() and len(data.translate(None, _NOT_ASCII_TEXT)) == len(data):
        return text
    if match := _NOT_TEXT.search(text):
        line = text[: match.start()].count("\n") + 1
        raise YamlError(f"it contains the character U+{ord(match[0]):04X}", line)
    return text
