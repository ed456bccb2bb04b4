"""Keeps a short process small: what a commit hook does without, and what it would cost.

`dataclasses` imports `inspect` for classes without a docstring, and `msgspec` prefers `typing_extensions`, which imports it
too. With it come the parser, the disassembler and the tokeniser. `hashlib` loads OpenSSL, for hashes that Python has
itself. And most of the patterns that modules compile when they are imported are never looked for in one small check.
"""

from __future__ import annotations

import gc
import os
import re
import sys
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def prepare() -> None:
    """Call once in a process that ends soon, before anything heavy is imported."""
    gc.disable()
    if "inspect" in sys.modules or "msgspec" in sys.modules or not hasattr(typing, "NotRequired"):
        return
    for name in ("inspect", "textwrap", "msgspec.inspect"):
        sys.modules[name] = _Later(name)
    # All that `uuid` asks of it, which msgspec loads, where the whole module would look for more.
    system = sys.modules["platform"] = _Later("platform")
    system.system = lambda: os.uname().sysname  # type: ignore[attr-defined]
    with _without("typing_extensions"):  # From Python 3.11 on, `typing` has all that msgspec looks for there.
        import msgspec  # noqa: F401, PLC0415
    with _without("_hashlib"):
        import hashlib  # noqa: F401, PLC0415
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


class _without:  # noqa: N801  reads as the statement that it is
    """A module cannot be imported in here, so that whoever would like it does with what there is."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        sys.modules[self.name] = None  # type: ignore[assignment]

    def __exit__(self, *_: object) -> None:
        del sys.modules[self.name]


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
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(__import__(self.__name__), name)


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
