"""What the reviews of a record add up to: the last word of each person counts, and that of its recorder never."""

from __future__ import annotations

from typing import Any

import msgspec

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


def standing(record: RecordState) -> Standing:
    """The reviews of a record, weighed by the policy under which it was recorded."""
    reviews = (event for event in record.events if event.type == "reviewed" and event.seq not in record.doubted)
    last = {event.actor: event.data["outcome"] for event in reviews}
    last.pop(record.recorder, None)
    if not last:
        return Standing((), (), record.policy.thresholds.review)
    by_outcome = {
        word: tuple(sorted(who for who, said in last.items() if said == word)) for word in ("approved", "rejected")
    }
    return Standing(by_outcome["approved"], by_outcome["rejected"], record.policy.thresholds.review)
