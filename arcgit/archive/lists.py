"""What lies beside the records on refs/arcgit/fixity, as values: the files of a directory, and lineages that are long."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import msgspec

from arcgit.archive.context import Context
from arcgit.archive.fixity import Shelf, fetch_command
from arcgit.errors import ArcgitError
from arcgit.model import canonical, fixity
from arcgit.model.finding import Finding, unknown
from arcgit.model.fixity import FixityEntry
from arcgit.model.record import Record
from arcgit.model.recordform import Lineage


class Lists:
    """The lists that this clone has. What is not at hand is None, and `finding` says why."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._reasons: dict[str, str] = {}

    def files(self, digest: str) -> Sequence[FixityEntry] | None:
        """The entries of the fixity list with this sha256."""
        data = self._read(digest)
        try:
            return fixity.parse(data) if data is not None else None
        except fixity.FixityError as fault:
            self._reasons[digest] = f"the list {digest[:12]} cannot be read: {fault}"
            return None

    def lineage(self, record: Record) -> Lineage | None:
        """The lineage of a record, from the record itself or from the ref."""
        value = record.content.lineage
        if value.keys() != {"sha256"}:
            return msgspec.convert(value, Lineage)
        digest: str = value["sha256"]
        data = self._read(digest)
        try:
            return msgspec.convert(canonical.parse(data), Lineage) if data is not None else None
        except (canonical.CanonicalError, msgspec.ValidationError) as fault:
            self._reasons[digest] = f"the lineage {digest[:12]} cannot be read: {fault}"
            return None

    def finding(self, subject: str, digest: str, part: str) -> Finding:
        """That `part` is not known here, why, and what brings it."""
        reason = self._reasons.get(digest, f"{digest[:12]} is not in this clone")
        return unknown("fixity-list", subject, f"{part} is not known here: {reason}", hint=fetch_command(self._context))

    def _read(self, digest: str) -> bytes | None:
        try:
            return self._shelf.read(digest)
        except ArcgitError as fault:
            self._reasons[digest] = fault.message
            return None

    @cached_property
    def _shelf(self) -> Shelf:
        return Shelf(self._context)
