"""The language of `arcgit search`: reading a query into conditions that a record meets or not.

    query     = all { "or" all }          all  = negation { [ "and" ] negation }
    negation  = "not" negation | "(" query ")" | condition
    condition = FIELD OPERATOR VALUE | TEXT

Described with examples in docs/search.md. Length and depth are bounded, so that no query can exhaust its reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from arcgit.rules import comparing, fields
from arcgit.rules.fields import Field, Lookup

MAX_LENGTH = 4096
MAX_DEPTH = 50
Condition = Callable[[Lookup], bool]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<paren>[()])
    | (?P<operator>!=|>=|<=|[=<>~])
    | (?P<word>(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s()=<>~!"']|!(?!=))+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_VALUE = re.compile(
    r"""\s*(?P<value>"(?:[^"\\]|\\.)*"(?=[\s()]|\Z)|'(?:[^'\\]|\\.)*'(?=[\s()]|\Z)|[^\s()=<>~"'][^\s()]*)""", re.DOTALL
)
_QUOTED = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'""", re.DOTALL)
_WORDS = frozenset({"and", "or", "not"})


class QueryError(ValueError):
    """The text is no query. `column` counts characters from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True)
class Query:
    """A query that was read: its condition, and the fields that it asks about."""

    text: str
    matches: Condition
    fields: tuple[Field, ...]


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse(text: str) -> Query:
    """The query in `text`; an empty one matches everything. Raises QueryError."""
    if len(text) > MAX_LENGTH:
        raise QueryError(f"a query has at most {MAX_LENGTH} characters", MAX_LENGTH + 1)
    parser = _Parser(text)
    return Query(text, parser.whole(), tuple(parser.fields))


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.fields: list[Field] = []

    def whole(self) -> Condition:
        if not self.text.strip():
            return lambda row: True
        found = self._any(0)
        token = self._peek()
        if token.kind != "end":
            raise QueryError("there is a `)` without its `(`", token.at + 1)
        return found

    def _any(self, depth: int) -> Condition:
        parts = [self._all(depth)]
        while self._takes("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _all(self, depth: int) -> Condition:
        parts = [self._negation(depth)]
        while True:
            joined = self._takes("and")
            token = self._peek()
            if not joined and (token.kind == "end" or token.text in {")", "or"}):
                return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)
            parts.append(self._negation(depth))

    def _negation(self, depth: int) -> Condition:
        token = self._peek()
        if depth > MAX_DEPTH:
            raise QueryError(f"it is nested more than {MAX_DEPTH} deep", token.at + 1)
        if self._takes("not"):
            inner = self._negation(depth + 1)
            return lambda row: not inner(row)
        if token.text == "(" and token.kind == "paren":
            self._next()
            inside = self._any(depth + 1)
            if self._next().text != ")":
                raise QueryError("this `(` is never closed", token.at + 1)
            return inside
        return self._condition()

    def _condition(self) -> Condition:
        token = self._next()
        if token.kind == "end":
            raise QueryError("there is something missing at the end", token.at + 1)
        if token.kind != "word" or token.text in _WORDS:
            raise QueryError(f"`{token.text}` cannot stand here; a field or a text does", token.at + 1)
        operator = self._peek()
        if operator.kind != "operator":
            return comparing.text(_unquoted(token.text))
        self._next()
        value_at, value = self._value(operator)
        try:
            field = fields.parse(token.text)
            condition = comparing.condition(field, operator.text, _unquoted(value), quoted=value[0] in "\"'")
        except fields.FieldError as fault:
            raise QueryError(str(fault), token.at + 1) from fault
        except comparing.ValueFormError as fault:
            raise QueryError(str(fault), value_at + 1) from fault
        self.fields.append(field)
        return condition

    def _value(self, operator: _Token) -> tuple[int, str]:
        match = _VALUE.match(self.text, self.at)
        if match is None:
            at = self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
            if self.text[at : at + 1] in {'"', "'"}:
                raise QueryError("this quoted text is never closed, or goes on behind its end", at + 1)
            raise QueryError(f"there is no value behind `{operator.text}`", at + 1)
        self.at = match.end()
        return match.start("value"), match["value"]

    def _takes(self, word: str) -> bool:
        token = self._peek()
        if (token.kind, token.text) != ("word", word):
            return False
        self._next()
        return True

    def _peek(self) -> _Token:
        before = self.at
        token = self._next()
        self.at = before
        return token

    def _next(self) -> _Token:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            rest = self.text[self.at :]
            at = self.at + len(rest) - len(rest.lstrip())
            if at < len(self.text):
                raise QueryError(_odd(self.text[at]), at + 1)
            return _Token("end", "", at)
        self.at = match.end()
        kind = match.lastgroup or ""
        return _Token(kind, match[kind], match.start(kind))


def _odd(char: str) -> str:
    return "this quoted text is never closed" if char in "\"'" else f"`{char}` cannot stand here"


def _unquoted(text: str) -> str:
    return _QUOTED.sub(lambda match: re.sub(r"\\(.)", r"\1", match[1] or match[2] or "", flags=re.DOTALL), text)
