"""Canonical JSON (RFC 8785), the byte form of everything that is signed.

Writing goes through the rfc8785 library after `normalise`. Reading never re-serialises to find a digest: digests are
over stored bytes, and `parse` only refuses bytes that are not in canonical form, which leaves no room for duplicate
keys, insignificant white space or two spellings of one number.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mmap import mmap

MAX_SAFE_INTEGER = 2**53 - 1


# Where msgspec's own writer and RFC 8785 may differ: `1.0`, `-0`, exponents, integers beyond 2^53, and the order of keys
# with characters from U+E000 on. Everywhere else the fast writer decides as the slow one would.
_LARGE = b":" + b"0" * 16
_TO_ZERO = bytes.maketrans(b"123456789,[-", b"000000000:::")
"""Any digit to zero, and whatever stands in front of a number to a colon."""
_DOUBTFUL_KEY = re.compile(rb"[\xee-\xf4]")
_PLAIN_TEXT = re.compile("[^\x00-\x1f\ud800-\udfff]*")
"""Text that every encoder of JSON as UTF-8 writes in the same way."""
_PLAIN_NUMBER = re.compile("-?[0-9]+[.](?:[0-9]*[1-9])")
"""A float as Python writes it where that is how ECMAScript does: shortest digits, a fraction, no exponent."""


class CanonicalError(ValueError):
    """The value has no canonical form, or the bytes are not in it."""


def normalise(value: Any) -> Any:
    """Replace what RFC 8785 cannot hold: non-finite numbers and integers beyond 2^53-1 become strings.

    Raises CanonicalError for anything that is not a JSON value.
    """
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case int():
            return value if abs(value) <= MAX_SAFE_INTEGER else str(value)
        case float():
            if math.isnan(value):
                return "NaN"
            if math.isinf(value):
                return "Infinity" if value > 0 else "-Infinity"
            return value
        case dict():
            if not all(isinstance(key, str) for key in value):
                raise CanonicalError("object keys must be strings")
            return {_text(key): normalise(item) for key, item in value.items()}
        case list() | tuple():
            return [normalise(item) for item in value]
        case _:
            raise CanonicalError(f"{type(value).__name__} is not a JSON value")


def _text(value: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise CanonicalError("half a surrogate pair is no text: UTF-8 has no such codepoints") from error
    return value


def dumps(value: Any) -> bytes:
    """The canonical bytes of `value`, UTF-8 without a final newline."""
    if type(value) is str and _PLAIN_TEXT.fullmatch(value):
        return msgspec.json.encode(value)
    if type(value) is float and _PLAIN_NUMBER.fullmatch(text := repr(value)):
        return text.encode()
    import rfc8785

    try:
        return rfc8785.dumps(normalise(value))
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as error:
        raise CanonicalError(str(error)) from error


def parse(data: bytes) -> Any:
    """The value of canonical JSON bytes. Raises CanonicalError where they are not canonical."""
    if (value := _plainly(data)) is not None:
        return value
    try:
        value = _doubles(msgspec.json.decode(data))
        canonical = dumps(value) == data
    except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError) as error:
        raise CanonicalError(f"not JSON: {error}") from error
    if not canonical:
        raise CanonicalError("not in canonical form (RFC 8785)")
    return value


def _plainly(data: bytes) -> Any:
    """The value where msgspec writes it as RFC 8785 has it, and these bytes are that; None may mean anything else.

    It is None too for text with escapes, and where there may be large numbers.
    """
    if not data.startswith(b"{") or b"\\" in data or not (data.isascii() or not _DOUBTFUL_KEY.search(data)):
        return None
    if _LARGE in data.translate(_TO_ZERO):
        return None
    try:
        value = _DECODER.decode(data)
        return value if msgspec.json.encode(value, order="sorted") == data else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _plain_float(text: str) -> float:
    if text.endswith(".0") or "e" in text or "E" in text:
        raise ValueError
    return float(text)


_DECODER = msgspec.json.Decoder(float_hook=_plain_float)


def _doubles(value: Any) -> Any:
    """Large integers as the doubles that RFC 8785 takes them for; a writer never makes any, a double may look like one."""
    if isinstance(value, dict):
        return {key: _doubles(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_doubles(item) for item in value]
    large = isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_SAFE_INTEGER
    return float(value) if large else value


def sha256(data: bytes | mmap) -> str:
    """Lower-case hex sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()
