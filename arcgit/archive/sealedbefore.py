"""Which bytes earlier records have sealed, so that they need not be read again: looked up as far back as it takes."""

from __future__ import annotations

import re

from arcgit.archive import fixity, known
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.numbered import Numbered
from arcgit.rules.state import RecordState

_SHA256, _SIZE = re.compile("[0-9a-f]{64}"), 32


class SealedBefore:
    """sha256 of every file whose bytes an earlier record has read back from its remote, by `in`.

    Records are read from the latest back, until one has the digest that is asked for. Those that were purged, that are
    tainted, or whose tag is not here, vouch for nothing.
    """

    def __init__(self, context: Context, view: LedgerView) -> None:
        self._context = context
        self._left = list(view.ledger.records.values())
        self._digests = Numbered(_SIZE)
        self._shelf: fixity.Shelf | None = None

    def __contains__(self, digest: object) -> bool:
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            return False
        wanted = bytes.fromhex(digest)
        while wanted not in self._digests and self._left:
            self._read(self._left.pop())
        return wanted in self._digests

    def _read(self, state: RecordState) -> None:
        if state.status == "purged" or state.tainted or self._context.repo.kind_and_size(state.subject.oid) is None:
            return
        self._shelf = self._shelf or fixity.Shelf(self._context)
        for fact in known.sealed(self._context, state).predicate.artifacts.values():
            own = bytes.fromhex(fact.sha256)
            if fact.kind == "directory" and fact.dvc is not None and own not in self._digests:
                files = self._shelf.files(fact.sha256)
                self._digests.make_room(len(files))
                for digest in files.digests():
                    self._digests.add(digest)
            self._digests.add(own)
