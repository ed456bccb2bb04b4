"""Which records a person means: a tag name, a run id, an experiment, or a unique prefix of a name or id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arcgit.archive.ledger import LedgerView
from arcgit.errors import UsageError
from arcgit.git.refs import Ref
from arcgit.model.names import RecordName
from arcgit.model.text import escape


def select(view: LedgerView | None, refs: Iterable[Ref], wanted: Sequence[str]) -> set[RecordName]:
    """The names that `wanted` stands for, among the tags and the ledger's records; all of them where it is empty.

    Raises UsageError for a name that is unknown or that means several records.
    """
    known = {name for ref in refs if (name := RecordName.parse(ref.name)) is not None}
    if view is not None:
        known |= {record.name for record in view.ledger.records.values()}
    if not wanted:
        return known
    tags = {name.tag: name for name in known}
    return {tags.get(text.removeprefix("refs/tags/")) or find(known, text) for text in wanted}


def find(known: Iterable[RecordName], text: str) -> RecordName:
    """The one record that `text` means. Raises UsageError."""
    asked = text.removeprefix("refs/tags/")
    names = sorted(set(known))
    exact = [name for name in names if asked in {name.tag, name.short_id}]
    whole = [name for name in names if asked in {f"{name.project}/{name.experiment}", name.experiment}]
    matches = exact or whole or [name for name in names if _starts(name, asked)]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise UsageError("record-unknown", f"there is no record `{escape(text)}`", "arcgit list")
    shown = ", ".join(name.tag for name in matches[:5])
    more = f" and {len(matches) - 5} more" if len(matches) > 5 else ""
    raise UsageError(
        "record-ambiguous", f"`{escape(text)}` means several records: {shown}{more}", "give more of the id"
    )


def _starts(name: RecordName, asked: str) -> bool:
    return len(asked) >= 4 and (name.short_id.startswith(asked) or name.tag.startswith(asked))
