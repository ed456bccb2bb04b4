"""Why a key or a signature is not taken, before any question of trust."""

from __future__ import annotations


class MalformedError(ValueError):
    """The bytes are not a key or a signature in the one form that is accepted."""


class WeakError(ValueError):
    """The algorithm or the size of the key is known to be too weak."""


class UnsupportedError(ValueError):
    """The kind of key or signature is not one that can be checked here."""
