"""The record that already stands for an experiment, and what a manifest says otherwise than it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.errors import ArcgitError
from arcgit.git.snapshot import Snapshot
from arcgit.model import gitobject, tagmessage
from arcgit.model import record as records
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, error, warning
from arcgit.model.names import RECORD_PREFIX
from arcgit.model.record import Record
from arcgit.model.text import word
from arcgit.rules.matching import matches
from arcgit.rules.state import RecordState

ASSERTED = ("owner", "purpose", "retention")
"""What the run id leaves out, so that a manifest can say it otherwise than the record of the same content."""


def sealed(context: Context, state: RecordState) -> Record:
    """The record that a ledger state stands for."""
    tag = gitobject.parse_tag(context.repo.read(state.subject.oid, "tag"))
    return records.parse(tagmessage.split_message(tag.message)[1])


def matching(context: Context, view: LedgerView, found: Experiment) -> RecordState | None:
    """The living record of exactly this content, by hashes alone, if its tag is here."""
    tags = {ref.name: ref.oid for ref in context.repo.refs(RECORD_PREFIX)}
    for state in view.ledger.records.values():
        same = (state.name.project, state.name.experiment) == (found.manifest.project, found.manifest.experiment)
        here = same and not state.ended and tags.get(state.name.refname) == state.subject.oid
        if here and matches(sealed(context, state), found):
            return state
    return None


def differing(context: Context, state: RecordState, found: Experiment) -> list[tuple[str, Any, Any]]:
    """Field, value of the record as amended, and value of the manifest, where the two are not the same."""
    predicate = sealed(context, state).predicate
    said = state.amended
    rows = ((name, said.get(name, getattr(predicate, name)), getattr(found.manifest, name)) for name in ASSERTED)
    return [(name, recorded, present) for name, recorded, present in rows if recorded != present]


def said_otherwise(context: Context, view: LedgerView) -> Callable[[Experiment], Iterator[Finding]]:
    """Finds where a manifest contradicts the record that exists of its content: sealing would refuse that."""

    def look(found: Experiment) -> Iterator[Finding]:
        try:
            state = matching(context, view, found)
            rows = differing(context, state, found) if state is not None else []
        except (ArcgitError, ValueError):
            return  # a record that cannot be read is for `arcgit verify` to judge
        for name, recorded, present in rows:
            if present and state is not None:
                message = f"the record of this content, {state.name.tag}, says another {name}"
                yield error(
                    "record-differs",
                    found.manifest_path,
                    message,
                    expected=str(recorded),
                    found=str(present),
                    hint=f"put it back, or a custodian writes: arcgit amend {state.name.short_id}",
                    place=found.at(name),
                )

    return look


def not_staged(staged: Snapshot, disk: Snapshot) -> Callable[[Experiment], Iterator[Finding]]:
    """Finds files of an experiment that lie on disk otherwise than they are staged: the commit will not have them."""

    def look(found: Experiment) -> Iterator[Finding]:
        paths = [path for path in sorted(found.touches) if staged.is_file(path) and _changed(staged, disk, path)]
        if paths:
            shown = ", ".join(paths[:8]) + (f" and {len(paths) - 8} more" if len(paths) > 8 else "")
            message = f"files of {found.label} lie on disk otherwise than they are staged: {shown}"
            hint = f"if the commit is meant to have them: git add {' '.join(map(word, paths[:4]))}"
            yield warning("unstaged-change", found.manifest_path, message, hint=hint, place=found.at())

    return look


def _changed(staged: Snapshot, disk: Snapshot, path: str) -> bool:
    """Line endings aside: git may write them otherwise on disk."""
    here = disk.read(path)
    return here is None or here.replace(b"\r\n", b"\n") != (staged.read(path) or b"").replace(b"\r\n", b"\n")
