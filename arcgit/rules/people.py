"""Who is who over the policies of a ledger: whoever keeps a key under another name is the same person.

Policies name people by a word. Where one policy lists under `robert` the key that an earlier one listed under `bob`, what
Robert says from then on is Bob's word too: a new name makes nobody a second person who may approve what the first recorded.
"""

from __future__ import annotations

from collections.abc import Iterable

from arcgit.rules.doubt import Adopted


class People:
    """The names that stand for one person, by position: what was said before two names became one stays two people's."""

    def __init__(self, adopted: Iterable[Adopted] = ()) -> None:
        self._joined: list[tuple[int, str, str]] = []
        listed: dict[str, str] = {}
        for one in adopted:
            for name, person in one.policy.people.items():
                for key in person.keys:
                    before = listed.get(key.fingerprint, name)
                    if before != name:
                        self._joined.append((one.seq, before, name))
                    listed[key.fingerprint] = name

    def names(self, name: str, seq: int) -> frozenset[str]:
        """Every name of the person who is `name` in event `seq`, this one too."""
        found = {name}
        grown = bool(self._joined)
        while grown:
            near = {end for at, *ends in self._joined if at < seq and not found.isdisjoint(ends) for end in ends}
            grown = not near <= found
            found |= near
        return frozenset(found)


ALONE = People()
"""Where no policies are at hand, every name is a person."""
