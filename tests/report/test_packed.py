"""What a large report puts aside comes back as it was."""

from __future__ import annotations

from typing import Any

from arcgit.archive.auditing.entries import Entries
from arcgit.model.finding import warning
from arcgit.model.fixity import FixityEntry
from arcgit.report.audit import Entry, Signer, Splits
from arcgit.rules.changes import Changes, FileChange
from arcgit.rules.directories import FileChanges
from arcgit.rules.reviews import Standing
from arcgit.rules.runs import RunCount
from arcgit.rules.values import ValueChange

VALUES: tuple[Any, ...] = (None, True, 0, -1.5, 10**15, "text", [1, {"a": [None]}], {"b": {}}, float("inf"))
CHANGES = Changes(
    "exp/a/b/0123456789ab",
    (
        FileChange("changed", "train", "dataset", "data", FileChanges((), (FixityEntry("0" * 64, 1, "a"),), (), (), 3)),
        FileChange("added", "model", "model", "m.pkl", None, (ValueChange("changed", "", "path", "a", "b"),)),
    ),
    tuple(ValueChange("changed", "params.yaml", str(n), value, VALUES[-n]) for n, value in enumerate(VALUES)),
    (ValueChange("changed", "m.json", "auc", 0.5, 0.6, 0.1, 0.2), ValueChange("changed", "m.json", "n", 1, 3, 2, 2)),
    stages=(("added", "train"),),
    unknown=("why",),
)
WHOLE = Entry(
    "a/b",
    "renamed",
    "arcgit.yaml",
    {"tag": "exp/a/b/0123456789ab", "status": "recorded", "params": {"lr": 1e-300, "n": 10**15}, "events": []},
    Signer("ada", "Ada", "ada@example.org", ("admin",)),
    CHANGES,
    CHANGES,
    Splits(("test", "train"), (("one", "other", 3),), ("x",)),
    "a/c",
    hidden=True,
    review=Standing(("bob",), (), 1),
    runs=RunCount(7, 1, 5, 6),
    remarks=(warning("waiver-expired", "exp/a/b/0123456789ab", "it has ended"),),
)
BARE = Entry("c/d", "new", "no utf-8: \udcff", None)


def test_an_entry_that_is_asked_for_again_is_the_one_that_was_put_aside() -> None:
    entries = Entries()
    for entry in (WHOLE, BARE, Entry("e/f", "", "", {})):
        entries.append(entry)
    # An integer stays one: it is written otherwise than the fraction that equals it.
    assert repr(list(entries)) == repr([WHOLE, BARE, Entry("e/f", "", "", {})])
    assert list(entries) == [WHOLE, BARE, Entry("e/f", "", "", {})]
    assert [entries[1], entries[-3], *entries[:1]] == [BARE, WHOLE, WHOLE]
    assert (len(entries), entries.recorded) == (3, 2)


def test_very_many_entries_are_read_in_their_order() -> None:
    entries = Entries()
    for number in range(3000):
        entries.append(Entry(f"a/{number}", "", "", {"text": str(number) * 100}))
    assert [entry.label for entry in entries] == [f"a/{number}" for number in range(3000)]
    assert entries[1234].record == {"text": "1234" * 100}
