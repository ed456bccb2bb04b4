"""Attacks on what people read with `git log --notes=arcgit`: the tree is recomputed from the events, byte for byte.

Two sorts: stock `git notes`, which writes commits that nobody signed, and somebody of the policy who signs a right event
over a wrong tree.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from arcgit.model import gitobject
from arcgit.model.notetree import EMPTY_TREE
from arcgit.signing.signer import signer_from_config
from tests.attacks.test_ledger import LEDGER, chain, forget_pin, raw_commit, set_ledger, write_commit
from tests.world import Person, World, git

Files = dict[str, tuple[str, str]]
"""Mode and oid by path."""


def notes(work: Path, rev: str = LEDGER) -> Files:
    """The files of the ledger's tree."""
    rows = [line.split(None, 3) for line in git(work, "ls-tree", "-r", f"{rev}^{{tree}}").splitlines()]
    return {path: (mode, oid) for mode, _, oid, path in rows}


def tree_of(work: Path, files: Files) -> str:
    """The tree with these files, which need not be there."""
    lines = "".join(f"{mode} {oid}\t{path}\n" for path, (mode, oid) in files.items())
    index = str(work.parent / "index")
    Path(index).unlink(missing_ok=True)
    git(work, "update-index", "--index-info", stdin=lines, GIT_INDEX_FILE=index)
    return git(work, "write-tree", "--missing-ok", GIT_INDEX_FILE=index)


def blob(work: Path, text: str) -> str:
    return git(work, "hash-object", "-w", "--stdin", stdin=text)


def signed_over(world: World, person: Person, tree: str) -> None:
    """The last event once more, as it was, signed by who made it, over another tree."""
    tip = gitobject.parse_commit(raw_commit(world.work, chain(world.work)[-1]))
    signer = signer_from_config({"gpg.format": "ssh", "user.signingkey": person.key}, email=person.email)
    payload = gitobject.commit_payload(tree=tree, parent=tip.parent, author=tip.author, message=tip.message)
    set_ledger(world.work, write_commit(world.work, gitobject.sign_commit(payload, signer.sign(payload))))


def edited(work: Path, found: Files) -> Files:
    path = min(found)
    text = git(work, "cat-file", "blob", found[path][1]).replace("recorded", "approved")
    return {**found, path: ("100644", blob(work, text + "\n"))}


def swapped(work: Path, found: Files) -> Files:
    one, other = sorted(found)[:2]
    return {**found, one: found[other], other: found[one]}


def of_no_commit(work: Path, found: Files) -> Files:
    return {**found, f"de/{'ad' * 19}": ("100644", blob(work, "#3 approved by everybody\n"))}


def of_another_object(work: Path, found: Files) -> Files:
    """The note of a commit hangs on the record's tag object instead."""
    path = min(found)
    tag = git(work, "for-each-ref", "--format=%(objectname)", "refs/tags/exp").split()[0]
    return {**{name: fact for name, fact in found.items() if name != path}, f"{tag[:2]}/{tag[2:]}": found[path]}


def in_another_order(work: Path, found: Files) -> Files:
    """Two notes in one, the later event first."""
    one, other = sorted(found)[:2]
    texts = [git(work, "cat-file", "blob", found[name][1]) + "\n" for name in (one, other)]
    return {**found, one: ("100644", blob(work, "".join(sorted(texts, reverse=True))))}


def without_newline(work: Path, found: Files) -> Files:
    path = min(found)
    text = git(work, "cat-file", "blob", found[path][1])
    oid = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=work, input=text.encode(), capture_output=True, check=True
    ).stdout.decode().strip()  # fmt: skip
    return {**found, path: ("100644", oid)}


def flat(work: Path, found: Files) -> Files:
    """As git itself lays out a few notes: without folders."""
    return {name.replace("/", ""): fact for name, fact in found.items()}


def twice(work: Path, found: Files) -> Files:
    return {**found, **flat(work, found)}


def mode(word: str) -> Callable[[Path, Files], Files]:
    def changed(work: Path, found: Files) -> Files:
        path = min(found)
        return {**found, path: (word, found[path][1])}

    return changed


def extra(path: str) -> Callable[[Path, Files], Files]:
    return lambda work, found: {**found, path: ("100644", blob(work, "read me\n"))}


def less(work: Path, found: Files) -> Files:
    return {name: fact for name, fact in found.items() if name != min(found)}


EDITS = {
    "a note that says something else": edited,
    "the notes of two commits swapped": swapped,
    "a note of a commit that does not exist": of_no_commit,
    "a note on another object than it names": of_another_object,
    "the events in another order": in_another_order,
    "a note without its last newline": without_newline,
    "notes without folders": flat,
    "every note twice, with folders and without": twice,
    "a note less": less,
    "an executable note": mode("100755"),
    "a note that is a link": mode("120000"),
    "a note that is a submodule": mode("160000"),
    "a file beside the notes": extra("README"),
    "a file beside a note": extra("ab/README"),
    "a hidden file": extra(".gitattributes"),
}


@pytest.mark.parametrize("label", EDITS)
def test_a_tree_that_is_not_the_rendering_of_the_events_is_found_whoever_signed_it(
    world: World, bob: Person, label: str
) -> None:
    before = notes(world.work)
    tree = tree_of(world.work, EDITS[label](world.work, before))
    assert tree != git(world.work, "rev-parse", f"{LEDGER}^{{tree}}")
    signed_over(world, bob, tree)
    codes = world.verify(*forget_pin(world), code=1)
    assert "notes-differ" in codes
    found = next(finding for finding in world.last["findings"] if finding["code"] == "notes-differ")
    assert found["subject"].startswith("event 5 ")
    assert found["found"] == tree


def test_the_rendering_itself_signed_anew_is_no_difference(world: World, bob: Person) -> None:
    """What the attacks change is the tree and nothing else."""
    signed_over(world, bob, tree_of(world.work, notes(world.work)))
    assert world.verify(*forget_pin(world), code=0) == []


def test_an_empty_tree_under_the_last_event_is_found(world: World, bob: Person) -> None:
    signed_over(world, bob, EMPTY_TREE)
    assert "notes-differ" in world.verify(*forget_pin(world), code=1)


def test_a_tree_in_another_order_than_git_sorts_is_found(world: World, bob: Person) -> None:
    """The same entries; only plumbing that is told to can write it."""
    rows = [line.split() for line in git(world.work, "ls-tree", f"{LEDGER}^{{tree}}").splitlines()]
    raw = b"".join(b"40000 %s\0%s" % (name.encode(), bytes.fromhex(oid)) for _, _, oid, name in reversed(rows))
    command = ["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"]
    done = subprocess.run(command, cwd=world.work, input=raw, capture_output=True, check=True)
    signed_over(world, bob, done.stdout.decode().strip())
    assert "notes-differ" in world.verify(*forget_pin(world), code=1)


@pytest.mark.parametrize(
    "words",
    [
        ("add", "-f", "-m", "looks good to me"),
        ("append", "-m", "looks good to me"),
        ("remove",),
        ("add", "-f", "-m", ""),
        ("copy", "-f", "HEAD~2"),
    ],
    ids=" ".join,
)
def test_whatever_stock_git_notes_writes_is_foreign_and_sync_puts_the_ledger_back(
    world: World, words: tuple[str, ...]
) -> None:
    before, shown = git(world.work, "rev-parse", LEDGER), notes(world.work)
    git(world.work, "notes", "--ref=arcgit", *words, "HEAD")
    assert git(world.work, "rev-parse", LEDGER) != before
    assert "ledger-foreign-commit" in world.verify(code=1)
    world.arcgit("sync")
    assert git(world.work, "rev-parse", LEDGER) == before
    assert notes(world.work) == shown
    assert world.verify(code=0) == []


def test_a_merge_of_notes_is_no_event_and_sync_puts_the_ledger_back(world: World) -> None:
    """As `git notes merge` does it, of notes that somebody wrote elsewhere."""
    before = git(world.work, "rev-parse", LEDGER)
    git(world.work, "notes", "--ref=other", "add", "-m", "elsewhere", "HEAD~1")
    git(world.work, "notes", "--ref=arcgit", "merge", "--strategy=union", "--quiet", "refs/notes/other")
    assert len(git(world.work, "rev-list", "--parents", "-1", LEDGER).split()) == 3
    codes = world.verify(code=1)
    assert {"ledger-foreign-commit", "ledger-event-invalid"} & set(codes)
    world.arcgit("sync")
    assert git(world.work, "rev-parse", LEDGER) == before


def test_notes_rewritten_with_commits_are_foreign(world: World) -> None:
    """`notes.rewriteRef` copies notes when commits are amended."""
    git(world.work, "config", "notes.rewriteRef", "refs/notes/arcgit")
    git(world.work, "commit", "--quiet", "--no-verify", "--amend", "--allow-empty", "-m", "deep, amended")
    assert "ledger-foreign-commit" in world.verify(code=1)


def test_stock_git_shows_what_the_events_say(world: World) -> None:
    world.arcgit("runs", "log", "-m", "Diverged.")
    shown = git(world.work, "log", "--notes=arcgit", "-1", "HEAD")
    seq = world.arcgit("log")["events"][-1]["seq"]
    assert f"#{seq} " in shown
    assert "run by ada" in shown
    assert "recorded churn/deep" in shown
    assert world.verify(code=0) == []
