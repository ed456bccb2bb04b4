"""escape.json: how text from anywhere is put on one line."""

from __future__ import annotations

from arcgit.model.text import escape
from tests.vectors.make.cases import Case, good, wrong

# First and last character of every escaped range, and the plain characters next to them.
RANGES = (
    (0x00, 0x1F), (0x7F, 0x9F), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xE0000, 0xE0FFF),
)  # fmt: skip
INSIDE = "".join(chr(first) + chr(last) for first, last in RANGES)
OUTSIDE = "".join(chr(first - 1) + chr(last + 1) for first, last in RANGES if first).replace("\\", "")
RIGHT = (
    ("plain text", "Nothing is escaped that is seen.", 'Ada <ada@example.org>, "x"; 1/2'),
    ("letters of the world", "Letters, accents, emoji and spaces that are seen stay, and nothing is normalised.", "Zoë e\u0301 日本 😀 \u00a0\u3000"),
    ("a backslash", "It is written twice.", "a\\nb\\\\"),
    ("the ends of the escaped ranges", "First and last character of every range.", INSIDE),
    ("beside the escaped ranges", "The characters just outside of the ranges stay.", OUTSIDE),
    ("a script's newline", "Control characters are written by their number.", "a\nb\tc\x1b[31m"),
    ("text that looks escaped", "Its backslash is doubled, so no two texts are written alike.", "\\x0a \\u{202e}"),
    ("nothing", "An empty text stays empty.", ""),
)  # fmt: skip
WRONG = (
    ("a newline by name", "Numbers are used, not names.", "\n", "\\n"),
    ("a tab by name", "Numbers are used, not names.", "\t", "\\t"),
    ("a tab as it is", "Every control character is escaped.", "\t", "\t"),
    ("capital digits", "Digits are small.", "\x1b", "\\x1B"),
    ("one digit", "Below U+0100 there are two digits.", "\x07", "\\x7"),
    ("braces for a small character", "Below U+0100 it is \\xNN.", "\u0085", "\\u{85}"),
    ("U+00AD with braces", "Below U+0100 it is \\xNN.", "\u00ad", "\\u{ad}"),
    ("two digits for a large character", "From U+0100 on it is \\u{…}.", "\u200b", "\\x200b"),
    ("no braces", "The number stands in braces.", "\u200b", "\\u200b"),
    ("noughts in front", "The number has no noughts in front.", "\u034f", "\\u{034f}"),
    ("two halves", "One character is one number, whatever UTF-16 makes of it.", "\U000e0001", "\\u{db40}\\u{dc01}"),
    ("DEL as it is", "U+007F is a control character.", "\x7f", "\x7f"),
    ("a single backslash", "It is written twice.", "\\", "\\"),
    ("a backslash by number", "It is written twice.", "\\", "\\x5c"),
    ("an escaped quotation mark", "It stays.", '"', '\\"'),
    ("an escaped letter", "Letters stay.", "ë", "\\xeb"),
    ("an escaped no-break space", "Spaces stay.", "\u00a0", "\\xa0"),
    ("an escaped emoji", "Emoji stay.", "😀", "\\u{1f600}"),
    ("an escaped accent", "Combining characters stay.", "e\u0301", "e\\u{301}"),
    ("U+2027 escaped", "It lies outside of the ranges.", "\u2027", "\\u{2027}"),
    ("U+E1000 escaped", "It lies outside of the ranges.", "\U000e1000", "\\u{e1000}"),
    ("a variation selector as it is", "U+FE0F is not seen.", "☀\ufe0f", "☀\ufe0f"),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases = [good(name, why, text=text, escaped=escape(text)) for name, why, text in RIGHT]
    cases += [wrong(name, why, text=text, escaped=claim, right=escape(text)) for name, why, text, claim in WRONG]
    return {"about": "text as it was found, and as it is put into titles, notes and readable parts.", "cases": cases}
