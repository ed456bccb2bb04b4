"""A push as it is judged: its lines, the place where that happens, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from arcgit.git.objects import Objects
from arcgit.model.finding import Finding, Severity
from arcgit.model.names import RecordName
from arcgit.model.record import Record
from arcgit.rules.chain import Ledger
from arcgit.rules.pushes import Command, Sort, sort_of


@dataclass
class Push:
    """A push and the place where it is judged.

    `tip` is the ledger's present tip on the receiving side, None where it has none. `present` tells which of the given
    tags are there and what they are; `folder` is where what was judged may be kept. `whole` is False where git shows one
    line at a time, so that a tag's event may be among what another line brings. `now` (aware) is what the new events may
    not be ahead of, where that is asked.
    """

    commands: Sequence[Command]
    extra: Mapping[str, str]
    tip: str | None
    present: Callable[[Sequence[str]], Mapping[str, str]]
    folder: str
    trust_root: str = ""
    whole: bool = True
    now: datetime | None = None

    def __post_init__(self) -> None:
        self.objects = Objects(self.extra)
        self.by_ref = {command.ref: command for command in self.commands}
        self.records = {
            name: command
            for command in self.commands
            if sort_of(command.ref) is Sort.RECORD and (name := RecordName.parse(command.ref)) is not None
        }


@dataclass
class Received:
    """The ledger as it would be, what forbids the push, and the tags of records that it brings, judged."""

    ledger: Ledger | None = None
    findings: list[Finding] = field(default_factory=list)
    records: list[tuple[RecordName, Record]] = field(default_factory=list)

    @property
    def faults(self) -> list[Finding]:
        return [found for found in self.findings if found.severity is not Severity.WARNING]
