"""What a replayed ledger is: one of its commits, and the state that all of them come to."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import NamedTuple

from arcgit.model.event import Event
from arcgit.model.notetree import NoteTree
from arcgit.model.oids import Oids
from arcgit.model.policy import Policy
from arcgit.rules.doubt import Adopted, Doubt
from arcgit.rules.packed import Events, Records, Remember
from arcgit.rules.state import RecordState


class Entry(NamedTuple):
    """One ledger commit: its oid and raw bytes."""

    oid: str
    raw: bytes


@dataclass
class Ledger:
    """What the ledger says after its last valid event. `tip_sha256` is of the raw tip commit.

    `unread` where the replay ended at something newer than this arcgit: what follows is not wrong, only not known.
    `keys` are the fingerprints that signed the events, `adopted` the policies in their order, `ground` the last of them
    that nobody doubts. `doubts` are the events that do not count any more, by number; `ended` those that never did.
    `latest` is the latest time that an event claims. Of a ledger that did not remember everything, `events` are in short.
    """

    archive: str = ""
    genesis: str = ""
    founder: str = ""
    tip: str | None = None
    tip_sha256: str | None = None
    seq: int = 0
    policy: Policy | None = None
    policy_digest: str = ""
    policy_seq: int = 0
    records: MutableMapping[str, RecordState] = field(default_factory=dict)
    runs: list[Event] = field(default_factory=list)
    oids: list[str] | Oids = field(default_factory=list)
    events: list[tuple[str, Event]] | Events = field(default_factory=list)
    tree: NoteTree = field(default_factory=NoteTree)
    unread: bool = False
    keys: list[str] = field(default_factory=list)
    adopted: list[Adopted] = field(default_factory=list)
    ground: Policy | None = None
    doubts: dict[int, Doubt] = field(default_factory=dict)
    ended: dict[int, Doubt] = field(default_factory=dict)
    latest: str = ""

    @classmethod
    def empty(cls, remember: Remember) -> Ledger:
        """A ledger before its first event, which will keep what is to be remembered."""
        if remember == "everything":
            return cls()
        oids = Oids()
        return cls(records=Records(whole=remember == "records"), oids=oids, events=Events(oids))

    def settle(self) -> None:
        """Keep what is left to look at when nothing more is put on top, as other processes can share it."""
        self.tree = NoteTree()
        if isinstance(self.records, Records):
            self.records.lay()

    def require_policy(self) -> Policy:
        """The policy in force. Every ledger that was replayed past its second event has one."""
        if self.policy is None:
            raise ValueError("the ledger has no policy yet")
        return self.policy
