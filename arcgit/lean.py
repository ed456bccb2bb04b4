"""Keeps a short process small: what a commit hook does without, and what it would cost.

`dataclasses` imports `inspect` for classes without a docstring, and `msgspec` prefers `typing_extensions`, which imports it
too. With it come the parser, the disassembler and the tokeniser. `msgspec` also asks for types of values that nothing here
holds, and for formats that nothing here writes. `hashlib` loads OpenSSL, or a module for every hash that Python has itself,
where one or two are needed. And most of the patterns that modules compile when they are imported are never looked for in
one small check.
"""

from __future__ import annotations

import gc
import re
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import ModuleType


def prepare() -> None:
    """Call once in a process that ends soon, before anything heavy is imported."""
    gc.disable()
    if "inspect" in sys.modules or "msgspec" in sys.modules or not hasattr(typing, "NotRequired"):
        return
    for name in ("base64", "inspect", "textwrap", "msgspec.inspect", "msgspec.msgpack", "msgspec.toml", "msgspec.yaml"):
        sys.modules.setdefault(name, _Later(name))
    schemas = sys.modules["msgspec._json_schema"] = _Later("msgspec._json_schema")
    for name in ("schema", "schema_components"):
        setattr(schemas, name, partial(_call, schemas, name))
    sys.modules.setdefault("hashlib", _Hashes("hashlib"))
    # From Python 3.11 on, `typing` has all that msgspec looks for in `typing_extensions`.
    numbers, names = _module("decimal", "Decimal"), _module("uuid", "UUID", "SafeUUID")
    with _standing_in(typing_extensions=None, decimal=numbers, uuid=names):
        import msgspec  # noqa: F401, PLC0415
    re.compile = _Pattern  # type: ignore[assignment]


RARELY = 50_000
"""So many values more than before must there be until cycles are looked for among the new ones."""


def carry_on() -> None:
    """After the imports, in work that may last: cycles are looked for again, in what is made from now on."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(RARELY, 20, 20)
        gc.enable()


def end() -> None:
    """Call last: Python would look for cycles in all there is before it throws all of it away."""
    gc.disable()
    gc.freeze()


class _Unmet:
    """A type of which no value is ever met: a short process neither reads nor writes any."""

    unknown = None


def _module(name: str, *types: str) -> ModuleType:
    """A module with nothing in it but such types."""
    made = ModuleType(name)
    for each in types:
        setattr(made, each, _Unmet)
    return made


class _standing_in:  # noqa: N801  reads as the statement that it is
    """In here these modules stand in for those of their names that are not imported yet; None is one that cannot be."""

    def __init__(self, **modules: ModuleType | None) -> None:
        self._modules = {name: module for name, module in modules.items() if name not in sys.modules}

    def __enter__(self) -> None:
        sys.modules.update(self._modules)  # type: ignore[arg-type]

    def __exit__(self, *_: object) -> None:
        for name in self._modules:
            del sys.modules[name]


@contextmanager
def short_lived() -> Iterator[None]:
    """Work that makes very many values and ends soon: looking for cycles among them would take longer than the work."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Later(ModuleType):
    """A module that is imported when somebody uses it."""

    def __getattr__(self, name: str) -> typing.Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.imported(name)

    def imported(self, name: str) -> typing.Any:
        """What the module itself has under a name."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        __import__(self.__name__)
        return getattr(sys.modules[self.__name__], name)


class _Hashes(_Later):
    """`hashlib` with the hashes that Python has itself, each loaded when it is asked for; all else as it would be."""

    _OWN: typing.ClassVar = {"md5": ("_md5",), "sha1": ("_sha1",), "sha256": ("_sha256", "_sha2")}

    def __getattr__(self, name: str) -> typing.Any:
        for module in self._OWN.get(name, ()):
            with suppress(ImportError):
                setattr(self, name, getattr(__import__(module), name))
                return self.__dict__[name]
        return super().__getattr__(name)


def _call(later: _Later, name: str, *given: typing.Any, **named: typing.Any) -> typing.Any:
    """Call a function of a module that is imported only now."""
    return later.imported(name)(*given, **named)


_compile = re.compile


class _Pattern:
    """A regular expression that is compiled when somebody looks for it."""

    def __init__(self, pattern: str | bytes, flags: int = 0) -> None:
        self._said = pattern, flags

    def __getattr__(self, name: str) -> typing.Any:
        compiled: typing.Any = _compile(*self._said)
        found = getattr(compiled, name)
        # The next time it is found without coming here.
        setattr(self, name, found)
        return found
