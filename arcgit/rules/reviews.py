"""What the reviews of a record add up to: the last word of each person counts, and that of its recorder never."""

from __future__ import annotations

from typing import Any

import msgspec

from arcgit.rules.people import ALONE, People
from arcgit.rules.state import RecordState


class Standing(msgspec.Struct, frozen=True):
    """Who approved and who rejected, by the policy's names, and how many must approve."""

    approved: tuple[str, ...]
    rejected: tuple[str, ...]
    needed: int

    @property
    def word(self) -> str:
        """`approved`, `rejected` or `open`; one rejection outweighs every approval until its author takes it back."""
        if self.rejected:
            return "rejected"
        return "approved" if len(self.approved) >= self.needed else "open"

    def to_dict(self) -> dict[str, Any]:
        return {
            "standing": self.word,
            "approved": list(self.approved),
            "rejected": list(self.rejected),
            "needed": self.needed,
        }


def standing(record: RecordState, people: People = ALONE) -> Standing:
    """The reviews of a record, weighed by the policy under which it was recorded."""
    last: dict[str, str] = {}
    for event in record.events:
        if event.type != "reviewed" or event.seq in record.doubted:
            continue
        names = people.names(event.actor, event.seq)
        if record.recorder not in names:
            last = {who: said for who, said in last.items() if who not in names}
            last[event.actor] = event.data["outcome"]
    if not last:
        return Standing((), (), record.policy.thresholds.review)
    by_outcome = {
        word: tuple(sorted(who for who, said in last.items() if said == word)) for word in ("approved", "rejected")
    }
    return Standing(by_outcome["approved"], by_outcome["rejected"], record.policy.thresholds.review)
