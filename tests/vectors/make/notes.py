"""notes.json: the trees of ledger commits, rendered from their events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from arcgit.model import event as events
from arcgit.model.event import Event
from arcgit.model.gitobject import object_id
from arcgit.model.names import RecordName
from arcgit.model.notetree import EMPTY_TREE, NoteTree
from tests.samples import event
from tests.vectors.make.cases import Case, good, wrong

ONE, NEAR, FAR = "ab" + "1" * 38, "ab" + "2" * 38, "cd" + "3" * 38
BASE = RecordName("churn", "baseline", "0123456789ab")
SECOND = RecordName("churn", "baseline", "0123456789ab", 2)
WIDE = RecordName("churn", "wide", "ba9876543210")
Told = tuple[tuple[dict[str, Any], str | None], ...]
"""Events, each with the commit on whose note it stands."""

OPENING: Told = ((event("genesis", 1), None), (event("policy", 2, data={"version": 1}), None))
RECORDED: Told = (*OPENING, (event("recorded", 3, BASE), ONE))
SEVERAL = {"level": "fixity", "outcome": "pass", "records": [BASE.refname, WIDE.refname]}
HISTORIES: Mapping[str, tuple[str, Told]] = {
    "genesis and policy": ("They leave the tree as it was, which at first is empty.", OPENING),
    "a record": ("One line on the note of the record's commit.", RECORDED),
    "two events on a record": ("A line each, in order.", (*RECORDED, (event("reviewed", 4, BASE, actor="bob"), ONE))),
    "two records of one commit": ("They share the note.", (*RECORDED, (event("recorded", 4, WIDE), ONE))),
    "the second record of one content": ("The line has its number.", (*RECORDED, (event("retired", 4, BASE), ONE), (event("recorded", 5, SECOND), NEAR))),
    "two commits in one folder": ("Folders are named by the first two digits.", (*RECORDED, (event("recorded", 4, WIDE), NEAR))),
    "two commits in two folders": ("Folders are sorted.", (*OPENING, (event("recorded", 3, BASE), FAR), (event("recorded", 4, WIDE), ONE))),
    "a run without a record": ("Its line names no record; it stands on the commit that it names.", (*RECORDED, (event("run", 4, data={"commit": FAR, "outcome": "failed"}), FAR))),
    "an event about several records": ("It stands on no note, and the tree stays as it was.", (*RECORDED, (event("recorded", 4, WIDE), NEAR), (event("verified", 5, data=SEVERAL), None))),
    "a policy later on": ("It leaves the tree as it was.", (*RECORDED, (event("policy", 4, data={"version": 2}), None))),
    "a type of a later writer": ("Its line is like any other, with what does not show escaped.", (*RECORDED, (event("blessed\u200b", 4, BASE), ONE))),
    "sixty-four lines": ("All of them are kept.", (*OPENING, *((event("verified" if n else "recorded", 3 + n, BASE), ONE) for n in range(64)))),
    "sixty-seven lines": ("The last 64 are kept, after a line that says how many came before them.", (*OPENING, *((event("verified" if n else "recorded", 3 + n, BASE), ONE) for n in range(67)))),
}  # fmt: skip
LINE = "#3 2026-01-02T03:04:05Z recorded churn/baseline 0123456789ab by ada"
# (history, name, why, what stands on the note, what a mistaken reader writes)
TEXTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("a record", "no final newline", "Every line ends with one.", "by ada\n", "by ada"),
    ("a record", "an empty line at the end", "Every line ends with one newline.", "by ada\n", "by ada\n\n"),
    ("a record", "no number", "The line begins with the event's number.", "#3 ", ""),
    ("a record", "the tag's whole name", "Project, experiment and run id, without exp/ and with a space.", "churn/baseline 0123456789ab", "exp/churn/baseline/0123456789ab"),
    ("a record", "the signer's name", "The actor is the policy's name for the person.", "by ada", "by Ada Lovelace"),
    ("a record", "the time as git writes it", "The event's own time stands there.", "2026-01-02T03:04:05Z", "Fri Jan 2 03:04:05 2026 +0000"),
    ("a record", "nothing at all", "The note has its line.", f"{LINE}\n", ""),
    ("two events on a record", "only the last event", "All of them are there.", f"{LINE}\n", ""),
    ("two events on a record", "the newest first", "They are in order.", f"{LINE}\n#4 2026-01-02T03:04:05Z reviewed churn/baseline 0123456789ab by bob\n", f"#4 2026-01-02T03:04:05Z reviewed churn/baseline 0123456789ab by bob\n{LINE}\n"),
    ("two events on a record", "an empty line between", "`git notes append` puts one there; a ledger has none.", "by ada\n", "by ada\n\n"),
    ("two records of one commit", "one record alone", "They share the note.", f"{LINE}\n", ""),
    ("the second record of one content", "without its number", "The line has its number.", "0123456789ab.2", "0123456789ab"),
    ("a run without a record", "a word for no record", "The line names none.", "run by", "run - by"),
    ("a run without a record", "the outcome", "The line has no data.", "run by", "run failed by"),
    ("a type of a later writer", "what does not show", "It is escaped.", "\\u{200b}", "\u200b"),
    ("sixty-seven lines", "nothing about the rest", "A line says how many came before.", "(3 earlier: arcgit log)\n", ""),
    ("sixty-seven lines", "the rest behind them", "That line comes first.", "(3 earlier: arcgit log)\n", "(3 more)\n"),
    ("sixty-seven lines", "a count that is one too high", "The line about the rest is no event.", "(3 earlier", "(4 earlier"),
    ("sixty-seven lines", "63 events", "The line about the rest is not one of the 64.", "(3 earlier: arcgit log)\n#6 2026-01-02T03:04:05Z verified churn/baseline 0123456789ab by ada\n", "(4 earlier: arcgit log)\n"),
    ("sixty-four lines", "a line about none", "It is there only where something is left out.", "#3 2026", "(0 earlier: arcgit log)\n#3 2026"),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases: list[Case] = []
    right = {name: told(rows) for name, (_, rows) in HISTORIES.items()}
    for name, (why, rows) in HISTORIES.items():
        cases.append(good(name, why, history=name, notes=right[name], tree=rendered(rows)))
    for history, name, why, old, new in TEXTS:
        notes = dict(right[history])
        commit = next(commit for commit, text in notes.items() if old in text)
        notes[commit] = notes[commit].replace(old, new, 1)
        common = {"history": history, "notes": notes, "right": rendered(HISTORIES[history][1])}
        cases.append(wrong(f"{history}: {name}", why, **common, tree=tree_of(notes)))
    cases += _trees(right)
    histories = {name: [_row(value, commit) for value, commit in rows] for name, (_, rows) in HISTORIES.items()}
    about = (
        "histories: messages of ledger commits and the commit on whose note each event stands; notes: the texts of all"
        " notes after the last event, by commit; tree: the oid of the tree that the last ledger commit must have."
    )
    return {"about": about, "empty": EMPTY_TREE, "histories": histories, "cases": cases}


def _trees(right: Mapping[str, Mapping[str, str]]) -> list[Case]:
    """Trees of the right texts in another shape."""
    one, two, several = right["a record"], right["two commits in two folders"], right["an event about several records"]
    line = "#5 2026-01-02T03:04:05Z verified by ada\n"
    both = {commit: text + line for commit, text in several.items()}
    rows = (
        ("a record", "no folders", "Git itself writes few notes flat; a ledger always has folders.", tree_of(one, fan=0)),
        ("a record", "folders of one digit", "A folder has two digits.", tree_of(one, fan=1)),
        ("a record", "folders in folders", "There is one level.", tree_of(one, fan=2, levels=2)),
        ("a record", "an executable note", "The mode is 100644.", tree_of(one, mode=b"100755")),
        ("a record", "a folder's mode with six digits", "A folder's mode is 40000 in a tree object.", tree_of(one, folder=b"040000")),
        ("two commits in two folders", "folders as they came", "Entries are sorted.", tree_of(two, keep=True)),
        ("two commits in one folder", "the first note alone", "Notes of earlier events stay.", tree_of(one)),
        ("genesis and policy", "a note for the policy", "It has no commit.", tree_of({ONE: "#2 2026-01-02T03:04:05Z policy by ada\n"})),
        ("a policy later on", "a note for the policy", "It has no commit.", tree_of({ONE: f"{LINE}\n#4 2026-01-02T03:04:05Z policy by ada\n"})),
        ("an event about several records", "a line on every note", "It stands on none.", tree_of(both)),
        ("an event about several records", "a line on the first note", "It stands on none.", tree_of({**several, ONE: several[ONE] + line})),
    )  # fmt: skip
    return [
        wrong(f"{name}: {title}", why, history=name, notes=right[name], right=rendered(HISTORIES[name][1]), tree=claim)
        for name, title, why, claim in rows
    ]


def rendered(rows: Told) -> str:
    """The tree's oid as arcgit renders it."""
    tree = NoteTree()
    for value, commit in rows:
        if commit is not None:
            found = msgspec.convert(value, Event)
            tree.take(commit, tree.preview(commit, found))
    return tree.oid


def told(rows: Told) -> dict[str, str]:
    """The texts of the notes, put together anew and not by arcgit's own code."""
    lines: dict[str, list[str]] = {}
    for value, commit in rows:
        if commit is not None:
            title = events.title(msgspec.convert(value, Event)).partition(" ")
            about = f" {title[2]}" if value["subject"] else ""
            line = f"#{value['seq']} {value['time']} {title[0]}{about} by {value['actor']}\n"
            lines.setdefault(commit, []).append(line)
    heads = {commit: f"({len(found) - 64} earlier: arcgit log)\n" for commit, found in lines.items() if len(found) > 64}
    return {commit: heads.get(commit, "") + "".join(found[-64:]) for commit, found in lines.items()}


def tree_of(
    notes: Mapping[str, str],
    *,
    fan: int = 2,
    levels: int = 1,
    mode: bytes = b"100644",
    folder: bytes = b"40000",
    keep: bool = False,
) -> str:
    """The oid of a tree of notes, in whatever shape."""
    entries: dict[str, bytes] = {}
    inner: dict[str, dict[str, str]] = {}
    for commit, text in notes.items():
        if fan and levels:
            inner.setdefault(commit[:fan], {})[commit[fan:]] = text
        else:
            blob = object_id("blob", text.encode())
            entries[commit] = b"%s %s\x00%s" % (mode, commit.encode(), bytes.fromhex(blob))
    for name, texts in inner.items():
        oid = tree_of(texts, fan=fan, levels=levels - 1, mode=mode, folder=folder)
        entries[name] = b"%s %s\x00%s" % (folder, name.encode(), bytes.fromhex(oid))
    order = list(entries) if keep else sorted(entries)
    return object_id("tree", b"".join(entries[name] for name in order))


def _row(value: dict[str, Any], commit: str | None) -> Case:
    return {"message": events.message(msgspec.convert(value, Event)), "note_on": commit}
