"""Which objects of very many are looked at: a sample that an auditor can draw again, and what was not proven for longest.

Each object has a rank: the sha256 of the seed, its remote and what its bytes are. A sample has the lowest ranks, so every
object is as likely as any other, whatever its size; the same seed over the same objects gives the same sample in every
version and on every machine, and a larger sample holds every smaller one of that seed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction

MAX_DIGITS = 12


@dataclass(frozen=True)
class Sample:
    """How many objects are asked for: a number, or a share of all of them."""

    count: int | None = None
    share: Fraction | None = None

    def of(self, total: int) -> int:
        """How many of `total` that is: at least one where there is any, at most all."""
        wanted = self.count if self.count is not None else -(-total * (self.share or Fraction(0)) // 1)
        return min(total, max(int(wanted), 1))


def parse_sample(text: str) -> Sample | None:
    """`50`, `5%` or `0.5%`; None for anything else, nought and shares above 100% among it."""
    number, percent = (text[:-1], True) if text.endswith("%") else (text, False)
    whole, _, rest = number.partition(".")
    digits = whole + rest
    if not (whole and digits.isascii() and digits.isdecimal() and len(digits) <= MAX_DIGITS) or number.endswith("."):
        return None
    if not percent:
        return Sample(count=int(number)) if not rest and int(number) else None
    share = Fraction(number) / 100
    return Sample(share=share) if 0 < share <= 1 else None


def rank(seed: str, remote: str, sha256: str) -> bytes:
    """The place of an object among all; the lowest ranks are the sample."""
    return hashlib.sha256(f"{seed}\n{remote}\n{sha256}".encode()).digest()
