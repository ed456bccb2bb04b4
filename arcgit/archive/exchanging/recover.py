"""What a run that died has left in the refs: finished or rolled back by the next one.

A record's refs move in one transaction, and git moves them one after the other: the memory of what is unpushed, the fixity
lists, the tag, and the ledger as the last. So a tag that only that memory vouches for is half a record, and a record whose
tag is gone (pruning does that) is a whole one.
"""

from __future__ import annotations

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.exchanging import waiting
from arcgit.archive.exchanging.waiting import lost
from arcgit.archive.ledger import LedgerView
from arcgit.git.repository import ZERO, RefMovedError, RefUpdate
from arcgit.model.names import LEDGER_REF, RECORD_PREFIX, UNPUSHED_PREFIX, RecordName


def recover(context: Context, judged: LedgerView | None = None) -> tuple[list[str], list[str]]:
    """Tags that were recreated because the ledger has them, and tags set aside because it has not.

    What is set aside stays under refs/arcgit/lost/. Nothing is done without a local ledger that holds, nor while
    somebody else is writing to it. `judged` is the `known` of `ledger.read_once`.
    """
    repo = context.repo
    repo.release()
    unpushed = repo.refs(UNPUSHED_PREFIX)
    if not unpushed:
        return [], []
    view = ledger.read_once(context, LEDGER_REF, judged)
    if view is None or view.faults or view.ledger.tip is None:
        return [], []
    restored: list[str] = []
    dropped: list[str] = []
    present = {ref.name: ref.oid for ref in repo.refs(RECORD_PREFIX)}
    # Naming the ledger in the transaction makes it fail where a living run is in the middle of its own.
    unmoved = RefUpdate(LEDGER_REF, view.ledger.tip, view.ledger.tip)
    # An event that waits for whoever signed it records a whole record, though not on this ledger yet.
    others = waiting.tags(context)
    for ref in unpushed:
        if ref.oid in others:
            continue
        tag = repo.read(ref.oid, "tag").split(b"\ntag ", 1)[1].split(b"\n", 1)[0].decode()
        name = RecordName.parse(f"refs/tags/{tag}")
        if name is None:
            continue
        known = view.ledger.records.get(name.refname)
        here = present.get(name.refname)
        if known is not None and known.subject.oid == ref.oid:
            updates = [RefUpdate(name.refname, ref.oid, ZERO)] if here is None else []
            told = restored
        else:
            updates = [lost(context, ref.oid), RefUpdate(ref.name, ZERO, ref.oid)]
            updates += [RefUpdate(name.refname, ZERO, ref.oid)] if here == ref.oid else []
            told = dropped
        try:
            if updates:
                repo.update_refs([unmoved, *updates])
                told.append(name.tag)
        except RefMovedError:
            break
    return restored, dropped
