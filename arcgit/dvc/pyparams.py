"""Parameters in Python files, read from the syntax tree as DVC reads them. Nothing is executed."""

from __future__ import annotations

import ast
import warnings
from typing import Any


def parse(data: bytes) -> dict[str, Any]:
    """Assignments of literals: of the module, of its classes, and `self.x` in their `__init__`. Raises ValueError."""
    try:
        with warnings.catch_warnings():
            # Somebody else's backslashes are not ours to complain about.
            warnings.simplefilter("ignore")
            tree = ast.parse(data.decode())
    except (SyntaxError, RecursionError, MemoryError) as fault:
        raise ValueError(f"it is not Python: {fault}") from fault
    return _body(tree.body, own=False)


def _body(statements: list[ast.stmt], *, own: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for statement in statements:
        if isinstance(statement, ast.ClassDef):
            found[statement.name] = _body(statement.body, own=False)
        elif isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            found |= _body(statement.body, own=True)
        else:
            found |= _assignment(statement, own=own)
    return found


def _assignment(statement: ast.stmt, *, own: bool) -> dict[str, Any]:
    target: ast.expr
    if isinstance(statement, ast.AnnAssign):
        target, value = statement.target, statement.value
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    else:
        return {}
    name = _name(target, own=own)
    if name is None or value is None:
        return {}
    try:
        literal = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return {}
    return {name: _plain(literal)}


def _name(target: ast.expr, *, own: bool) -> str | None:
    if isinstance(target, ast.Name) and not own:
        return target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return target.attr
    return None


def _plain(value: Any) -> Any:
    """Tuples and sets as lists, sets in order; what YAML has no form for as its text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=repr)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)
