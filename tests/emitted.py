"""Which finding and error codes the source can emit, read off its syntax trees.

A code is the first argument of a maker of findings or of an error class. Where it is a variable, the constants that the
variable can hold are followed through assignments, loops, defaults and calls within the module; a code that another
finding or error carries along (`fault.code`) was counted where it was made. What cannot be followed fails the test
that asks, so that no code goes around the catalogue.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).parent.parent / "arcgit"
FINDINGS = {"error": "error", "unknown": "unknown", "warning": "warning"}
EXITS = {"ArcgitError": 4, "RefusedError": 1, "UsageError": 2, "UndeterminedError": 3, "DeclinedError": 130}


class Emitted(NamedTuple):
    """One code at one place. `as_` is a severity, an exit code, or None where the maker is chosen at run time."""

    code: str
    as_: str | int | None
    where: str


class Unfollowed(NamedTuple):
    """A code that cannot be told from the source."""

    where: str
    expression: str


def emitted() -> tuple[list[Emitted], list[Unfollowed]]:
    """Every code that the source emits, and what could not be followed."""
    modules = {path: _Module(ast.parse(path.read_text())) for path in sorted(SOURCE.rglob("*.py"))}
    exits = _error_classes(modules.values())
    found: list[Emitted] = []
    unfollowed: list[Unfollowed] = []
    for path, module in modules.items():
        for call, as_ in module.calls(exits):
            where = f"{path.relative_to(SOURCE.parent)}:{call.lineno}"
            codes = module.codes(call.args[0], call)
            if codes is None:
                unfollowed.append(Unfollowed(where, ast.unparse(call.args[0])))
            else:
                found += [Emitted(code, as_, where) for code in codes]
        found += [Emitted(code, None, str(path)) for code in module.tables()]
    return found, unfollowed


def _error_classes(modules: Iterable[_Module]) -> dict[str, int]:
    """Exit code by class name: the classes of arcgit/errors.py and what is derived from them anywhere."""
    exits = dict(EXITS)
    classes = [node for module in modules for node in module.nodes if isinstance(node, ast.ClassDef)]
    for _ in range(3):
        for node in classes:
            bases = [base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in node.bases]
            known = next((exits[base] for base in bases if base in exits), None)
            if known is not None:
                exits.setdefault(node.name, known)
    return exits


def _with_own_code(nodes: Iterable[ast.AST]) -> set[str]:
    """Error classes that choose their code themselves: calls of them name none."""
    return {
        node.name
        for node in nodes
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.FunctionDef)
        and item.name == "__init__"
        and "code" not in [a.arg for a in item.args.args]
    }


class _Module:
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.nodes: list[ast.AST] = [tree]
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in self.nodes:
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
                self.nodes.append(child)
        self.own_code = _with_own_code(self.nodes)

    def calls(self, exits: dict[str, int]) -> Iterator[tuple[ast.Call, str | int | None]]:
        for node in self.nodes:
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if isinstance(node.func, ast.Name) and name in FINDINGS:
                yield node, FINDINGS[name]
            elif isinstance(node.func, ast.Name) and name in {"make", "Doubt"}:
                yield node, None
            elif name in exits and name not in self.own_code:
                yield node, exits[name]
            elif name == "__init__" and (owner := self._class(node)) in exits and owner not in EXITS:
                yield node, exits[owner]

    def tables(self) -> Iterator[str]:
        """Codes of a module's `_CODES` table, and what stands in for a key that it does not have."""
        for node in self.nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "_CODES.get":
                yield from (code for value in node.args if (code := _text(value)))
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "_CODES" for t in node.targets):
                yield from (code for value in ast.walk(node.value) if (code := _text(value)))

    def _class(self, node: ast.AST) -> str:
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.ClassDef):
                return node.name
        return ""

    def _function(self, node: ast.AST) -> ast.FunctionDef | None:
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.FunctionDef):
                return node
        return None

    def codes(self, value: ast.expr, at: ast.AST) -> set[str] | None:
        """The codes that an expression can be; None where that cannot be told, empty where it is carried along."""
        if text := _text(value):
            return {text}
        if isinstance(value, ast.IfExp):
            both = [self.codes(value.body, at), self.codes(value.orelse, at)]
            return None if None in both else {code for part in both if part for code in part}
        if isinstance(value, ast.Attribute) and value.attr == "code":
            return set()
        function = self._function(at)
        if isinstance(value, ast.Name) and function is not None:
            return self._variable(value.id, function)
        return None

    def _variable(self, name: str, function: ast.FunctionDef) -> set[str] | None:
        found: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    found |= self.codes(node.value, node) or set()
            elif isinstance(node, ast.For) and isinstance(node.target, ast.Tuple) and isinstance(node.iter, ast.Tuple):
                names = [getattr(item, "id", "") for item in node.target.elts]
                if name in names:
                    rows = [row for row in node.iter.elts if isinstance(row, ast.Tuple)]
                    found |= {text for row in rows if (text := _text(row.elts[names.index(name)]))}
        return found | self._parameter(name, function) or None

    def _parameter(self, name: str, function: ast.FunctionDef) -> set[str]:
        """What a parameter gets: its default, and the constants of the calls in this module."""
        names = [argument.arg for argument in function.args.args]
        if name not in names:
            return set()
        place = names.index(name)
        defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
        found = {text} if name in defaults and (text := _text(defaults[name])) else set()
        for node in self.nodes:
            if not isinstance(node, ast.Call):
                continue
            callee = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if callee != function.name:
                continue
            shift = 1 if names[:1] == ["self"] and isinstance(node.func, ast.Attribute) else 0
            given = node.args[place - shift : place - shift + 1] + [k.value for k in node.keywords if k.arg == name]
            for value in given:
                found |= self.codes(value, node) or set()
        return found


def _text(value: ast.AST) -> str:
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
