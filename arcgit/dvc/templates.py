"""`${…}`, `vars`, `foreach` and `matrix` of dvc.yaml, resolved as DVC resolves them, without importing DVC.

Only what the files say is used: params files and `vars`. What cannot be resolved raises `UnresolvedError` and is left to
dvc.lock, where DVC has written the outcome; nothing is guessed.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

MAX_EXPANDED = 10_000
_EXPRESSION = re.compile(r"(?<!\\)\$\{(.*?)\}")
_NAME = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]+\])*")
_PRIMITIVES = (str, int, float, bool)

Load = Callable[[str], "Mapping[Any, Any] | None"]
"""The values of a file by its path, None where there is no such file."""


class UnresolvedError(ValueError):
    """An expression names something that is not in the files."""


def is_templated(value: Any) -> bool:
    """True where an expression stands anywhere inside `value`."""
    if isinstance(value, str):
        return _EXPRESSION.search(value) is not None
    if isinstance(value, dict):
        return any(is_templated(key) or is_templated(item) for key, item in value.items())
    return isinstance(value, list) and any(map(is_templated, value))


class Scope:
    """What names stand for, and how `cmd: ${mapping}` is written (`parsing` of DVC's configuration).

    `loaded` says which files it was read from, with the keys that were asked for (None for all), `fixed` which names
    `vars` may not define: `item` and `key`.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        parsing: Mapping[str, str],
        loaded: Mapping[str, tuple[str, ...] | None] | None = None,
        fixed: frozenset[str] = frozenset(),
    ) -> None:
        self.values = values
        self.parsing = parsing
        self.loaded = loaded or {}
        self.fixed = fixed

    def with_names(self, names: Mapping[str, Any]) -> Scope:
        """The same with `item` and `key`, which hide what was there under these names."""
        return Scope({**self.values, **_named(names)}, self.parsing, self.loaded, self.fixed | names.keys())

    def with_vars(self, entries: Any, folder: str, load: Load) -> Scope:
        """The same with a list of `vars`: mappings, and files (`file` or `file:key,key`) relative to `folder`."""
        values, loaded = dict(self.values), dict(self.loaded)
        for entry in entries if isinstance(entries, list) else []:
            found = entry if isinstance(entry, dict) else _file(str(entry), folder, load, loaded)
            if taken := self.fixed & found.keys():
                raise UnresolvedError(f"`{min(taken)}` is a name that `vars` cannot define here")
            _merge(values, _named(found))
        return Scope(values, self.parsing, loaded, self.fixed)

    def resolve(self, value: Any, key: str | None = None) -> Any:
        """`value` with every expression replaced; `key` is the name of the section that it stands in."""
        if isinstance(value, dict):
            return {self.resolve(name, key): self.resolve(item, key) for name, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, key) for item in value]
        return self._text(value, key) if isinstance(value, str) else value

    def _text(self, text: str, key: str | None) -> Any:
        first = _EXPRESSION.search(text)
        if first is not None and first[0] == text:
            return _checked(self.select(first[1]), key)
        replaced = _EXPRESSION.sub(lambda match: self.written(_checked(self.select(match[1]), key)), text)
        return replaced.replace(r"\${", "${")

    def select(self, expression: str) -> Any:
        """The value of a dotted name; list items as `a[0]` or `a.0`. Raises UnresolvedError."""
        if not _NAME.fullmatch(expression):
            raise UnresolvedError(f"`{expression}` is not a name")
        found: Any = self.values
        for word in expression.replace("[", ".").replace("]", "").split("."):
            part = word.strip()
            try:
                if not isinstance(found, dict | list):
                    raise KeyError(part)
                found = found[part] if isinstance(found, dict) else found[int(part)]
            except (LookupError, ValueError) as fault:
                raise UnresolvedError(f"`{expression}` is not known") from fault
        return found

    def written(self, value: Any) -> str:
        """`value` as it stands inside a longer text."""
        if isinstance(value, bool):
            return "true" if value else "false"
        return self._arguments(value) if isinstance(value, dict) else str(value)

    def _arguments(self, value: dict[str, Any]) -> str:
        parts = []
        for name, item in _flat(value, ""):
            if isinstance(item, bool):
                parts += [f"--{name}"] if item else []
                if not item and self.parsing.get("bool") == "boolean_optional":
                    parts.append(f"--no-{name}")
            elif isinstance(item, list):
                words = [_word(word, name) for word in item]
                append = self.parsing.get("list") == "append"
                parts += [f"--{name} {word}" for word in (words if append or not words else [" ".join(words)])]
            else:
                parts.append(f"--{name} {_word(item, name)}")
        return " ".join(parts)


def _word(value: Any, name: str) -> str:
    if isinstance(value, list | dict):
        raise UnresolvedError(f"a list inside a list cannot be written for `{name}`")
    import shlex  # noqa: PLC0415  only a template that holds a mapping needs it

    return shlex.quote(value) if isinstance(value, str) else str(value)


def _checked(value: Any, key: str | None) -> Any:
    loop = key is None or "foreach" in key
    if value is None or loop or isinstance(value, _PRIMITIVES) or (isinstance(value, dict) and key == "cmd"):
        return value
    raise UnresolvedError(f"a {type(value).__name__} cannot stand in `{key}`")


def _named(value: Any) -> Any:
    """`value` as names reach it: DVC leaves out keys that are no text."""
    if isinstance(value, Mapping):
        return {key: _named(item) for key, item in value.items() if isinstance(key, str)}
    return [_named(item) for item in value] if isinstance(value, list) else value


def file_scope(document: Mapping[str, Any], folder: str, load: Load, parsing: Mapping[str, str], default: str) -> Scope:
    """The scope of a whole dvc.yaml: the default params file beside it, then its `vars`. Raises UnresolvedError."""
    first = [default] if load(posixpath.join(folder, default)) is not None else []
    return Scope({}, parsing).with_vars(first, folder, load).with_vars(document.get("vars"), folder, load)


def expand(name: str, definition: Mapping[str, Any], scope: Scope) -> Iterator[tuple[str, Mapping[str, Any], Scope]]:
    """The stages that one entry of dvc.yaml stands for: name, body (still templated) and scope of each.

    Raises UnresolvedError.
    """
    body: Any
    if "matrix" in definition:
        body = {key: value for key, value in definition.items() if key != "matrix"}
        rows = _unique(_matrix(definition["matrix"], scope))
    elif "foreach" in definition:
        body = definition.get("do")
        rows = _unique(_foreach(definition["foreach"], scope))
    else:
        yield name, definition, scope
        return
    if not isinstance(body, dict):
        raise UnresolvedError("it has nothing to do")
    for key, names in rows.items():
        yield f"{name}@{key}", body, scope.with_names(names)


def _unique(rows: Iterator[tuple[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The rows by key: of two that have one name the later is meant."""
    found: dict[str, dict[str, Any]] = {}
    for key, names in rows:
        found[key] = names
        if len(found) > MAX_EXPANDED:
            raise UnresolvedError(f"it stands for more than {MAX_EXPANDED} stages")
    return found


def _foreach(written: Any, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
    data = scope.resolve(written)
    if isinstance(data, dict):
        for name, item in data.items():
            key = scope.written(name)
            yield key, {"item": item, "key": key}
    elif isinstance(data, list):
        composite = any(isinstance(item, dict | list) for item in data)
        for place, (text, item) in enumerate(_with_text(written, data)):
            yield (str(place) if composite else _key(text, item, scope)), {"item": item}
    else:
        raise UnresolvedError("`foreach` is neither a list nor a mapping")


def _matrix(written: Any, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
    data = scope.resolve(written)
    if not isinstance(data, dict) or not all(isinstance(values, list) for values in data.values()):
        raise UnresolvedError("`matrix` is not a mapping of lists")
    texts = list(written.values()) if isinstance(written, dict) else [written] * len(data)
    axes = [list(enumerate(_with_text(text, values))) for text, values in zip(texts, data.values(), strict=True)]
    for combination in product(*axes):
        item = {name: value for name, (_, (_, value)) in zip(data, combination, strict=True)}
        parts = [
            f"{name}{place}" if isinstance(value, dict | list) else _key(text, value, scope)
            for name, (place, (text, value)) in zip(data, combination, strict=True)
        ]
        key = "-".join(parts)
        yield key, {"item": item, "key": key}


def _with_text(written: Any, data: list[Any]) -> list[tuple[Any, Any]]:
    """Each item with what dvc.yaml has in its place: itself or, for the whole list, one expression."""
    return list(zip(written if isinstance(written, list) else [written] * len(data), data, strict=True))


def _key(written: Any, value: Any, scope: Scope) -> str:
    """How a value stands in the name of a stage: DVC writes `true`, but `True` where an expression stood for it."""
    first = _EXPRESSION.search(written) if isinstance(written, str) else None
    return str(value) if first is not None and first[0] == written else scope.written(value)


def _file(entry: str, folder: str, load: Load, loaded: dict[str, tuple[str, ...] | None]) -> Mapping[Any, Any]:
    """What one file of `vars` adds. A whole file may be named again; parts of it that are there already may not."""
    name, _, listed = entry.partition(":")
    path = posixpath.normpath(posixpath.join(folder, name))
    keys = tuple(key for key in listed.split(",") if key)
    if path in loaded:
        known = loaded[path]
        if not keys and known is None:
            return {}
        if not keys or known is None or set(keys) & set(known):
            raise UnresolvedError(f"{name} of `vars` is loaded already")
    values = load(path)
    if values is None:
        raise UnresolvedError(f"the file {name} of `vars` is not in git, or holds no values")
    missing = [key for key in keys if key not in values]
    if missing:
        raise UnresolvedError(f"`{missing[0]}` is not in {name}")
    loaded[path] = (*(loaded.get(path) or ()), *keys) if keys else None
    return {key: values[key] for key in keys} if keys else values


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        present = into.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            into[key] = merged = dict(present)
            _merge(merged, value)
        elif key in into:
            raise UnresolvedError(f"`{key}` is defined twice")
        else:
            into[key] = value


def _flat(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item
