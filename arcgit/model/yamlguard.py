"""The guard that walks a YAML document's events, refuses what is unsafe to construct, and puts together what is plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

MAX_DEPTH = 40
MAX_NODES = 200_000

Key = tuple["str | int", ...]


class YamlError(ValueError):
    """The document cannot be read safely. `line` counts from 1 and may be None."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark is not None else 0


class Frame:
    """One open mapping or sequence: its key, its size with everything inside it, and what comes next.

    `key` is the text of a key whose value is awaited, `real` that key as a value, `made` what was put together so far.
    """

    __slots__ = ("anchor", "index", "is_map", "key", "keys", "made", "nodes", "path", "real")

    def __init__(self, path: Key, anchor: str | None, *, is_map: bool) -> None:
        self.path = path
        self.anchor = anchor
        self.is_map = is_map
        self.keys: set[str] = set()
        self.key: str | None = None
        self.index = 0
        self.nodes = 1
        self.made: Any = {} if is_map else []
        self.real: Any = None


class Guard:
    """Watches the events of one document and refuses what is unsafe to construct.

    `scalar` gives the value of a scalar; no mapping may have more than `max_keys` keys. After the last event `value` is
    that of the document, unless `repeats` is set: it has anchors or merges, so that it does not mean what it says word by
    word.
    """

    def __init__(
        self,
        scalar: Callable[[yaml.ScalarEvent], Any],
        *,
        aliases: bool,
        max_nodes: int = MAX_NODES,
        max_keys: int = MAX_NODES,
    ) -> None:
        self.scalar = scalar
        self.value: Any = None
        self.repeats = False
        self.aliases = aliases
        self.max_nodes = max_nodes
        self.max_keys = max_keys
        self.lines: dict[Key, int] = {}
        self.frames: list[Frame] = []
        self.sizes: dict[str, int] = {}
        self.documents = 0
        self.total = 0

    def take(self, event: yaml.Event) -> None:
        """The next event. Raises YamlError."""
        line = _line(event)
        if isinstance(event, yaml.ScalarEvent):
            self._plain(event, line)
            value = self.scalar(event)
            self.repeats |= event.value == "<<"
            self._enter(event, line, value)
            if event.anchor:
                self.sizes[event.anchor] = 1
            self._grow(1, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._plain(event, line)
            is_map = isinstance(event, yaml.MappingStartEvent)
            frame = Frame((), event.anchor, is_map=is_map)
            frame.path = self._enter(None, line, frame.made)
            if len(self.frames) >= MAX_DEPTH:
                raise YamlError(f"it is nested deeper than {MAX_DEPTH} levels", line)
            self.frames.append(frame)
        elif isinstance(event, yaml.CollectionEndEvent):
            frame = self.frames.pop()
            if frame.anchor:
                self.sizes[frame.anchor] = frame.nodes
            self._grow(frame.nodes, line, nested=True)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, line)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise YamlError("there is more than one document", line)

    def _plain(self, event: yaml.NodeEvent, line: int) -> None:
        if event.anchor:
            if not self.aliases:
                raise YamlError("anchors are not allowed here", line)
            self.repeats = True
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
        self._enter(None, line, None)
        self._grow(self.sizes[event.anchor], line)

    def _grow(self, nodes: int, line: int, *, nested: bool = False) -> None:
        """Count nodes as if every alias were written out."""
        if self.frames:
            self.frames[-1].nodes += nodes
        if not nested:
            self.total += nodes
        if self.total > self.max_nodes:
            raise YamlError(f"it has more than {self.max_nodes} nodes", line)

    def _enter(self, event: yaml.ScalarEvent | None, line: int, value: Any) -> Key:
        """Place one node in its parent; returns the node's path."""
        if not self.frames:
            self.lines[()] = line
            self.value = value
            return ()
        frame = self.frames[-1]
        if not frame.is_map:
            path = (*frame.path, frame.index)
            frame.index += 1
            frame.made.append(value)
        elif frame.key is None:
            if event is None:
                raise YamlError("a key must be a plain value", line)
            self._take_key(frame, event, line)
            frame.real = value
            path = (*frame.path, event.value)
        else:
            path = (*frame.path, frame.key)
            frame.made[frame.real] = value
            frame.key = None
            return path
        self.lines[path] = line
        return path

    def _take_key(self, frame: Frame, event: yaml.ScalarEvent, line: int) -> None:
        # libyaml calls the style of a plain scalar an empty text, PyYAML's own parser None.
        if event.value == "<<" and not event.style and not self.aliases:
            raise YamlError("merge keys are not allowed here", line)
        if event.value in frame.keys:
            raise YamlError(f"the key `{event.value}` is there twice", line)
        frame.keys.add(event.value)
        if len(frame.keys) > self.max_keys:
            what = f"`{'.'.join(map(str, frame.path))}`" if frame.path else "it"
            raise YamlError(f"{what} has more than {self.max_keys} entries", line)
        frame.key = event.value
