"""Keeps a short process small: what a commit hook does without, and what it would cost.

`dataclasses` imports `inspect` for classes without a docstring, and `msgspec` prefers `typing_extensions`, which imports it
too. With it come the parser, the disassembler and the tokeniser: a tenth of the time of a commit hook.
"""

from __future__ import annotations

import gc
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
    sys.modules["inspect"] = _Later("inspect")
    # From Python 3.11 on, `typing` has all that msgspec looks for there.
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    import msgspec  # noqa: F401, PLC0415

    del sys.modules["typing_extensions"]


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
