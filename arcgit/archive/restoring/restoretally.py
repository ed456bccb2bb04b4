"""What became of the files of a record, one by one and by artifact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

State = Literal["restored", "kept", "failed", "planned"]


class FileResult(NamedTuple):
    """What became of one file, and where its bytes came from (or would come from)."""

    path: str
    artifact: str
    size: int
    sha256: str
    state: State
    source: str | None


@dataclass
class Tally:
    """Files and bytes of one artifact by what became of them, and the sources that gave them."""

    files: dict[State, int] = field(default_factory=dict)
    bytes: dict[State, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)

    def add(self, result: FileResult) -> None:
        self.files[result.state] = self.files.get(result.state, 0) + 1
        self.bytes[result.state] = self.bytes.get(result.state, 0) + result.size
        if result.source is not None and result.state != "failed":
            self.sources[result.source] = self.sources.get(result.source, 0) + 1
