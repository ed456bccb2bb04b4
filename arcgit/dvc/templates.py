"""`${…}`, `vars`, `foreach` and `matrix` of dvc.yaml, resolved as DVC resolves them, without importing DVC.

Only what the files say is used: params files and `vars`. What cannot be resolved raises `UnresolvedError` and is left to
dvc.lock, where DVC has written the outcome; nothing is guessed.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any

MAX_STAGES = 10_000
_EXPRESSION = re.compile(r"(?<!\\)\$\{(.*?)\}")
_PRIMITIVES = (str, int, float, bool)

Load = Callable[[str], "Mapping[str, Any] | None"]
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
    """What names stand for, and how `cmd: ${mapping}` is written (`parsing` of DVC's configuration)."""

    def __init__(self, values: Mapping[str, Any], parsing: Mapping[str, str]) -> None:
        self.values = values
        self.parsing = parsing

    def with_names(self, names: Mapping[str, Any]) -> Scope:
        """The same with `item` and `key`, which hide what was there under these names."""
        return Scope({**self.values, **names}, self.parsing)

    def with_vars(self, entries: Any, folder: str, load: Load) -> Scope:
        """The same with a list of `vars`: mappings, and files (`file` or `file:key,key`) relative to `folder`."""
        values = dict(self.values)
        for entry in entries if isinstance(entries, list) else []:
            _merge(values, entry if isinstance(entry, dict) else _file(str(entry), folder, load))
        return Scope(values, self.parsing)

    def resolve(self, value: Any, key: str | None = None) -> Any:
        """`value` with every expression replaced; `key` is the name of the section that it stands in."""
        if isinstance(value, dict):
            return {self.resolve(name, key): self.resolve(item, key) for name, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, key) for item in value]
        return self._text(value, key) if isinstance(value, str) else value

    def _text(self, text: str, key: str | None) -> Any:
        whole = _EXPRESSION.fullmatch(text)
        if whole is not None and len(_EXPRESSION.findall(text)) == 1:
            return self._checked(self.select(whole[1]), key)
        replaced = _EXPRESSION.sub(lambda match: self._written(self._checked(self.select(match[1]), key)), text)
        return replaced.replace(r"\${", "${")

    def select(self, expression: str) -> Any:
        """The value of a dotted name; list items as `a[0]` or `a.0`. Raises UnresolvedError."""
        found: Any = self.values
        for word in expression.replace("[", ".").replace("]", "").split("."):
            part = word.strip()
            if isinstance(found, dict) and part in found:
                found = found[part]
            elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                raise UnresolvedError(f"`{expression}` is not known")
        return found

    @staticmethod
    def _checked(value: Any, key: str | None) -> Any:
        loop = key is None or key in {"foreach", "matrix"}
        if value is None or loop or isinstance(value, _PRIMITIVES) or (isinstance(value, dict) and key == "cmd"):
            return value
        raise UnresolvedError(f"a {type(value).__name__} cannot stand in `{key}`")

    def _written(self, value: Any) -> str:
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
                words = [shlex.quote(word) if isinstance(word, str) else str(word) for word in item]
                append = self.parsing.get("list") == "append"
                parts += [f"--{name} {word}" for word in words] if append else [f"--{name} {' '.join(words)}"]
            else:
                parts.append(f"--{name} {shlex.quote(item) if isinstance(item, str) else item}")
        return " ".join(parts)


def file_scope(document: Mapping[str, Any], folder: str, load: Load, parsing: Mapping[str, str], default: str) -> Scope:
    """The scope of a whole dvc.yaml: the default params file beside it, then its `vars`. Raises UnresolvedError."""
    name = posixpath.join(folder, default)
    vars_ = document.get("vars")
    listed = [entry for entry in vars_ if isinstance(entry, str)] if isinstance(vars_, list) else []
    # A file that is named as well as taken by default is read once.
    whole = any(posixpath.normpath(posixpath.join(folder, entry)) == name for entry in listed)
    start = dict(load(name) or {})
    entries = [entry for entry in vars_ or [] if not (whole and entry in listed and _same(entry, folder, name))]
    return Scope(start, parsing).with_vars(entries, folder, load)


def expand(name: str, definition: Mapping[str, Any], scope: Scope) -> Iterator[tuple[str, Mapping[str, Any], Scope]]:
    """The stages that one entry of dvc.yaml stands for: name, body (still templated) and scope of each.

    Raises UnresolvedError.
    """
    if "foreach" in definition:
        body = definition.get("do")
        rows: Iterable[tuple[str, dict[str, Any]]] = _foreach(scope.resolve(definition["foreach"], "foreach"), scope)
    elif "matrix" in definition:
        body = {key: value for key, value in definition.items() if key != "matrix"}
        rows = _matrix(scope.resolve(definition["matrix"], "matrix"), scope)
    else:
        yield name, definition, scope
        return
    if not isinstance(body, dict):
        raise UnresolvedError("it has nothing to do")
    for number, (key, names) in enumerate(rows):
        if number >= MAX_STAGES:
            raise UnresolvedError(f"it stands for more than {MAX_STAGES} stages")
        yield f"{name}@{key}", body, scope.with_names(names)


def _foreach(data: Any, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(data, dict):
        for key, item in data.items():
            yield scope._written(key), {"item": item, "key": str(key)}  # noqa: SLF001  one mind in two functions
    elif isinstance(data, list):
        composite = any(isinstance(item, dict | list) for item in data)
        for place, item in enumerate(data):
            yield (str(place) if composite else scope._written(item)), {"item": item}  # noqa: SLF001
    else:
        raise UnresolvedError("`foreach` is neither a list nor a mapping")


def _matrix(data: Any, scope: Scope) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(data, dict) or not all(isinstance(values, list) for values in data.values()):
        raise UnresolvedError("`matrix` is not a mapping of lists")
    for combination in product(*(list(enumerate(values)) for values in data.values())):
        item = {name: value for name, (_, value) in zip(data, combination, strict=True)}
        parts = [
            f"{name}{place}" if isinstance(value, dict | list) else scope._written(value)  # noqa: SLF001
            for name, (place, value) in zip(data, combination, strict=True)
        ]
        key = "-".join(parts)
        yield key, {"item": item, "key": key}


def _same(entry: str, folder: str, name: str) -> bool:
    return posixpath.normpath(posixpath.join(folder, entry)) == name


def _file(entry: str, folder: str, load: Load) -> Mapping[str, Any]:
    path, _, keys = entry.partition(":")
    values = load(posixpath.normpath(posixpath.join(folder, path)))
    if values is None:
        raise UnresolvedError(f"the file {path} of `vars` is not in git, or holds no values")
    wanted = [key for key in keys.split(",") if key]
    missing = [key for key in wanted if key not in values]
    if missing:
        raise UnresolvedError(f"`{missing[0]}` is not in {path}")
    return {key: values[key] for key in wanted} if wanted else values


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
