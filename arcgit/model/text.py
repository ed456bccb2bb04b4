"""Text from hostile places, made safe to put on one line.

The set of escaped characters is spelled out rather than asked of the Unicode database: the readable part of a tag is
compared byte for byte years later, by a Python that may know more characters.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\\\\\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_PASSWORD = re.compile(r"(://[^/:@]*):[^/@]*@")


def without_password(address: str) -> str:
    """An address as it may be shown: what a person typed ends in logs as well."""
    return _PASSWORD.sub(r"\1:***@", address)


def escape(text: str) -> str:
    r"""`text` on one line: control, bidirectional and invisible characters become `\xNN` or `\u{NNNN}`."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if char == "\\":
        return "\\\\"
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"


_PLAIN_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")


def word(text: str) -> str:
    """`text` as one word of a command that a person is told to type, whatever a shell would make of its characters.

    Names of files, remotes and stages come from whoever wrote the repository; none of them may be more than a name.
    """
    plain = f"./{text}" if text.startswith("-") else text
    return plain if _PLAIN_WORD.fullmatch(plain) else quoted(plain)


def quoted(text: str) -> str:
    """`text` between quotes, as a shell takes it for one word."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


_CI_COMMAND = re.compile(r"##(?=\[|vso\[)")


def without_ci_commands(text: str, number_sign: str = r"\x23") -> str:
    """`text` with nothing that runners of GitHub or Azure take for a command wherever it stands in a line."""
    return _CI_COMMAND.sub(lambda _: f"#{number_sign}", text)


def shorten(text: str, limit: int) -> str:
    """`text` cut to at most `limit` characters, the last one an ellipsis where it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "\u2026"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(number: int) -> str:
    """Bytes for people, in binary units: `512 B`, `1.5 KiB`."""
    value = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{number} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
