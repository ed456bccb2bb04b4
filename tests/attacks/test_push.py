"""Pushes to a bare repository that has only the server's hook: what would leave the archive other than whole is refused.

Each goes in by stock git. What is refused leaves no ref and no object behind.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from arcgit.model import gitobject
from tests.attacks.test_events import noted_event, subject
from tests.attacks.test_exchange import endless, sealed_here
from tests.attacks.test_ledger import chain, raw_commit, write_commit
from tests.attacks.test_tags import raw_tag, write_tag
from tests.hooks.pushing import guarded, own_copy, push, refs, refused, taken
from tests.hooks.staging import OWNER, mend, spoil
from tests.world import Person, World, git

LEDGER, FIXITY, LISTS = "refs/notes/arcgit", "refs/arcgit/fixity", "refs/arcgit/fixity:refs/arcgit/fixity"
ZERO = "0" * 40
LATER = "2999-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive with the server's hook in its hub and one record that is sealed and not pushed; made once."""
    root = tmp_path_factory.mktemp("prepared")
    with guarded(template, root) as world:
        sealed_here(world)
    return world.root


@pytest.fixture
def hub(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A copy of it."""
    return own_copy(prepared, tmp_path, monkeypatch)


def own(world: World) -> str:
    """The refname of the record that is not pushed."""
    return f"refs/tags/{world.tag('own')}"


def everything(world: World) -> list[str]:
    return [LEDGER, LISTS, f"{own(world)}:{own(world)}"]


@pytest.fixture
def empty(hub: World) -> World:
    """The same with a hub that nothing was ever pushed to."""
    hooks = (hub.hub / "hooks" / "pre-receive").read_bytes()
    subprocess.run(["rm", "-r", str(hub.hub)], check=True)
    git(hub.root, "init", "--quiet", "--bare", "hub.git")
    (hub.hub / "hooks" / "pre-receive").write_bytes(hooks)
    (hub.hub / "hooks" / "pre-receive").chmod(0o755)
    return hub


# What must go through.


def test_what_arcgit_pushes_is_taken(hub: World) -> None:
    pushed = hub.arcgit("sync")["pushed"]
    assert own(hub) in pushed
    assert hub.arcgit("retire", "wide", "--reason", "Replaced.")["pushed"] == [LEDGER]
    assert hub.verify(code=0, cwd=hub.work) == []


@pytest.mark.parametrize("first", ["kept", "judged anew"])
def test_policies_are_adopted_through_the_server(hub: World, first: str) -> None:
    """A policy is judged with the whole ledger, also where the server has kept what the ledger came to."""
    hub.arcgit("sync")
    if first == "judged anew":
        (hub.hub / "arcgit" / "judged.sqlite").unlink()
    for required in ("owner, purpose", "owner", "owner, purpose, retention"):
        adopt(hub, required)
        assert hub.arcgit("review", "deep", "--reject", "-m", f"Under {required}")["pushed"] == [LEDGER]
    taken(hub, "HEAD:refs/heads/feature")
    assert hub.verify(code=0) == []


def adopt(world: World, required: str) -> None:
    policy = world.work / ".arcgit" / "policy.yaml"
    text = re.sub(r"required: \[[^]]*\]", f"required: [{required}]", policy.read_text())
    policy.write_text(
        re.sub(r"^version: (\d+)$", lambda found: f"version: {int(found[1]) + 1}", text, flags=re.MULTILINE)
    )
    assert world.arcgit("policy", "adopt")["pushed"] == [LEDGER]


def test_a_policy_that_the_server_did_not_note_down_keeps_nobody_from_pushing(hub: World) -> None:
    """What it keeps may be older than the ledger: it was busy, or could not be written."""
    hub.arcgit("sync")
    kept = hub.hub / "arcgit" / "judged.sqlite"
    before = kept.read_bytes()
    adopt(hub, "owner, purpose")
    kept.write_bytes(before)
    (hub.work / "arcgit.yaml").write_text((hub.work / "arcgit.yaml").read_text() + "\n")
    git(hub.work, "commit", "--quiet", "--no-verify", "-am", "A line")
    taken(hub, "HEAD:main")
    assert hub.verify(code=0) == []


@pytest.mark.parametrize("how", [[], ["--atomic"]])
def test_a_record_and_its_event_in_one_push_of_stock_git_are_taken(hub: World, how: list[str]) -> None:
    taken(hub, *how, *everything(hub))
    assert refs(hub.hub)[own(hub)] == git(hub.work, "rev-parse", own(hub))


@pytest.mark.parametrize(
    "name", ["refs/heads/arcgit", "refs/heads/feature", "refs/tags/v1", "refs/notes/commits", "refs/heads/notes/arcgit"]
)
def test_what_is_nobodys_record_is_pushed_as_ever(hub: World, name: str) -> None:
    taken(hub, f"HEAD:{name}")
    taken(hub, f":{name}")


def test_a_whole_archive_goes_into_an_empty_repository(empty: World) -> None:
    """The first push founds; it may be the branch alone, as before there is a ledger."""
    taken(empty, "main")
    taken(empty, "--atomic", LEDGER, LISTS, "refs/tags/exp/*:refs/tags/exp/*")
    assert len(refs(empty.hub)) == 7


def test_arcgit_fills_an_empty_repository_by_itself(empty: World) -> None:
    git(empty.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    git(empty.work, "update-ref", "-d", "refs/arcgit/remotes/origin/fixity")
    assert LEDGER in empty.arcgit("sync")["pushed"]


def test_a_tag_of_a_recorded_event_may_come_after_it_was_lost(hub: World) -> None:
    """A keeper of the server lost a tag; whoever has it brings it back, and only the very one that was recorded."""
    tag = f"refs/tags/{hub.tag('wide')}"
    git(hub.hub, "update-ref", "-d", tag)
    refused(hub, f"{own(hub)}:{tag}", codes=["tag-not-as-recorded"])
    taken(hub, f"{tag}:{tag}")


def test_a_tag_that_nobody_recorded_can_be_taken_away(hub: World) -> None:
    git(hub.hub, "update-ref", "refs/tags/exp/churn/x/0123456789ab", "main")
    git(hub.hub, "update-ref", "refs/tags/exp/other", "main")
    taken(hub, ":refs/tags/exp/churn/x/0123456789ab", ":refs/tags/exp/other")


# Tags.


def test_a_recorded_tag_is_not_deleted(hub: World) -> None:
    refused(hub, f":refs/tags/{hub.tag()}", codes=["recorded-tag-missing"])


@pytest.mark.parametrize("how", ["lightweight", "other", "signed-again", "nested", "tree", "blob"])
def test_a_recorded_tag_is_not_moved(hub: World, how: str) -> None:
    tag = hub.tag()
    sources = {
        "lightweight": "HEAD", "other": f"refs/tags/{hub.tag('wide')}", "tree": "HEAD^{tree}", "blob": "HEAD:arcgit.yaml",
        "nested": "refs/tags/nested", "signed-again": "refs/tags/again",
    }  # fmt: skip
    git(hub.work, "tag", "-s", "-m", "nested", "nested", tag)
    raw = raw_tag(hub.work, tag).replace(b"tagger Ada Lovelace", b"tagger Ada Byron")
    write_tag(hub.work, raw, "refs/tags/again")
    code = "tag-type" if how in {"lightweight", "tree", "blob"} else "tag-not-as-recorded"
    refused(hub, "--force", f"{sources[how]}:refs/tags/{tag}", codes=[code])


@pytest.mark.parametrize("how", ["signed", "unsigned", "lightweight", "mallory", "copied"])
def test_a_tag_that_no_event_records_is_refused(hub: World, mallory: Person, how: str) -> None:
    name = "exp/churn/forged/0123456789ab"
    if how == "mallory":
        mallory.sign_as(hub.work)
    if how in {"signed", "mallory"}:
        git(hub.work, "tag", "-s", "-m", "forged", name)
    elif how == "copied":
        git(hub.work, "update-ref", f"refs/tags/{name}", f"refs/tags/{hub.tag()}")
    else:
        git(hub.work, "tag", *(["-a", "-m", "forged"] if how == "unsigned" else []), name)
    codes = {
        "lightweight": ["tag-type"],
        "unsigned": ["unrecorded-tag", "signature-missing"],
        "copied": ["tag-name-mismatch"],
    }
    refused(hub, f"refs/tags/{name}", codes=codes.get(how, ["unrecorded-tag"]))


def test_the_own_record_without_its_event_is_refused_and_so_is_the_event_without_its_record(hub: World) -> None:
    refused(hub, f"{own(hub)}:{own(hub)}", codes=["unrecorded-tag"])
    refused(hub, LEDGER, codes=["recorded-tag-missing"])
    refused(hub, LEDGER, LISTS, codes=["recorded-tag-missing"])
    taken(hub, *everything(hub))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw + b"more\n", lambda raw: raw.replace(b"\n\n", b"\nextra x\n\n", 1),
        lambda raw: raw.replace(b"-----BEGIN PGP SIGNATURE-----\n", b"-----BEGIN PGP SIGNATURE-----\nComment: x\n"),
        lambda raw: raw.replace(b"\n-----BEGIN", b"\r\n-----BEGIN"), lambda raw: raw.replace(b'"owner"', b'"Owner"'),
        lambda raw: raw[: raw.index(b"-----BEGIN")], lambda raw: raw[:200],
    ],
)  # fmt: skip
def test_a_tag_that_was_edited_is_refused_in_the_place_of_the_recorded_one(hub: World, spoil: object) -> None:
    assert callable(spoil)
    write_tag(hub.work, spoil(raw_tag(hub.work, own(hub))), "refs/tags/edited")
    refused(hub, LEDGER, LISTS, f"refs/tags/edited:{own(hub)}", codes=["tag-not-as-recorded"])


@pytest.mark.parametrize(
    "name",
    [
        "refs/tags/exp/v1", "refs/tags/exp/churn/x", "refs/tags/exp/churn/x/012345678", "refs/tags/exp/churn/X/0123456789ab",
        "refs/tags/exp/churn/x/0123456789ab.1", "refs/tags/exp/churn/x/0123456789ab.2/y", "refs/tags/exp/-x/y/0123456789ab",
        "refs/tags/exp/churn/x/0123456789AB", "refs/tags/exp/a/caf\u00e9/0123456789ab",
    ],
)  # fmt: skip
def test_a_tag_below_exp_that_is_no_record_is_refused(hub: World, name: str) -> None:
    refused(hub, f"HEAD:{name}", codes=["foreign-tag"])


# The ledger.


def test_the_ledger_is_not_deleted(hub: World) -> None:
    refused(hub, f":{LEDGER}", codes=["ledger-rollback"])


def test_the_ledger_is_not_taken_back(hub: World) -> None:
    refused(hub, "--force", f"{chain(hub.work)[-3]}:{LEDGER}", codes=["ledger-rollback"])


def test_the_ledger_is_not_rewritten_by_people_who_may_write_it(hub: World) -> None:
    """Ada signs another event in the place of the last one that was pushed."""
    git(hub.work, "update-ref", LEDGER, chain(hub.work)[2])
    git(hub.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    git(hub.work, "config", "arcgit.remote", "nowhere")
    git(hub.work, "remote", "add", "nowhere", "../nowhere.git")
    git(hub.work, "remote", "remove", "origin")
    git(hub.work, "remote", "add", "origin", "../hub.git")
    done = push(hub.work, "--force", f"{LEDGER}~1:{LEDGER}")
    assert done.returncode != 0
    refused(hub, "--force", f"{_other_event(hub)}:{LEDGER}", codes=["ledger-fork"])


def _other_event(world: World) -> str:
    """The last event that the hub has, with another date and so with another name."""
    tip = refs(world.hub)[LEDGER]
    return write_commit(world.work, raw_commit(world.work, tip).replace(b" +0000\n", b" +0100\n"))


def test_a_commit_of_stock_notes_is_refused(hub: World) -> None:
    git(hub.work, "update-ref", LEDGER, refs(hub.hub)[LEDGER])
    git(hub.work, "notes", "--ref=arcgit", "append", "-m", "looks fine to me", "HEAD")
    refused(hub, LEDGER, codes=["ledger-foreign-commit"])


def test_a_merge_of_two_ledgers_is_refused(hub: World) -> None:
    tip, tree = refs(hub.hub)[LEDGER], git(hub.work, "rev-parse", f"{LEDGER}^{{tree}}")
    merge = git(hub.work, "commit-tree", "-p", tip, "-p", LEDGER, "-m", "merge", tree)
    refused(hub, f"{merge}:{LEDGER}", codes=["ledger-foreign-commit"])


@pytest.mark.parametrize("how", ["unsigned", "edited", "by-mallory", "blob", "tag", "tree"])
def test_an_event_that_does_not_hold_is_refused(hub: World, mallory: Person, how: str) -> None:
    raw = raw_commit(hub.work, LEDGER)
    commit = gitobject.parse_commit(raw)
    made: dict[str, Callable[[], str]] = {
        "unsigned": lambda: write_commit(hub.work, commit.payload),
        "edited": lambda: write_commit(hub.work, raw.replace(b'"pushed":', b'"Pushed":')),
        "by-mallory": lambda: git(hub.work, "commit-tree", "-S", "-p", f"{LEDGER}~1", "-m", commit.message.strip(), commit.tree),
        "blob": lambda: "HEAD:arcgit.yaml", "tree": lambda: "HEAD^{tree}", "tag": lambda: f"refs/tags/{hub.tag()}",
    }  # fmt: skip
    if how == "by-mallory":
        mallory.sign_as(hub.work)
    codes = {
        "unsigned": "signature-missing", "edited": "ledger-event-invalid", "by-mallory": "signer-unknown",
        "blob": "ledger-chain", "tree": "ledger-chain", "tag": "ledger-chain",
    }  # fmt: skip
    said = push(hub.work, "--force", f"{made[how]()}:{LEDGER}", LISTS, f"{own(hub)}:{own(hub)}").stderr
    assert "arcgit: nothing was taken" in said
    assert codes[how] in said, said
    assert own(hub) not in refs(hub.hub)


def test_a_rendering_that_says_something_else_is_refused(hub: World) -> None:
    """The tree is what `git log --notes=arcgit` shows, and Ada herself may not make it say something else."""
    raw = raw_commit(hub.work, LEDGER)
    commit = gitobject.parse_commit(raw)
    git(hub.work, "config", "user.name", "Ada Lovelace")
    other = git(
        hub.work, "commit-tree", "-S", "-p", f"{LEDGER}~1", "-m", commit.message.strip(), f"{LEDGER}~2^{{tree}}"
    )
    said = refused(hub, f"{other}:{LEDGER}", f"{own(hub)}:{own(hub)}")
    assert "notes-differ" in said or "ledger-event-invalid" in said


# Several at once.


@pytest.mark.parametrize("how", [[], ["--atomic"]])
def test_one_bad_ref_among_good_ones_refuses_all(hub: World, how: list[str]) -> None:
    git(hub.work, "tag", "exp/bad")
    refused(hub, *how, "HEAD:refs/heads/good", *everything(hub), "refs/tags/exp/bad", codes=["foreign-tag"])
    refused(
        hub, *how, "HEAD:refs/heads/good", *everything(hub), f":refs/tags/{hub.tag()}", codes=["recorded-tag-missing"]
    )


def test_a_mirror_of_a_clone_does_not_bring_what_is_the_clones_own(hub: World) -> None:
    said = refused(hub, "--mirror", codes=["bad-ref-name"])
    assert "refs/arcgit/unpushed/" in said


def test_what_is_refused_leaves_no_object_behind(hub: World) -> None:
    oid = git(hub.work, "rev-parse", own(hub))
    refused(hub, f"{own(hub)}:{own(hub)}")
    git(hub.hub, "cat-file", "-e", oid, code=1)


# Names.


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("refs/notes/arcgit/x", "bad-ref-name"), ("refs/arcgit/fixity/x", "bad-ref-name"), ("refs/tags/exp", "bad-ref-name"),
        ("refs/notes/Arcgit", "bad-ref-name"), ("refs/notes/origin/arcgit", "bad-ref-name"),
        ("refs/tags/EXP/churn/x/0123456789ab", "bad-ref-name"),
        ("refs/arcgit/unpushed/0123456789ab", "bad-ref-name"), ("refs/arcgit/lost/x", "bad-ref-name"), ("refs/ARCGIT/fixity", "bad-ref-name"),
        ("refs/heads/exp/churn/baseline/0123456789ab", "bad-ref-name"), ("refs/notes", "bad-ref-name"), ("refs/tags", "bad-ref-name"),
        ("refs/arcgit", "bad-ref-name"), (f"refs/replace/{'1' * 40}", "replace-refs-present"),
    ],
)  # fmt: skip
def test_a_name_that_stands_in_the_way_is_refused_even_where_nothing_is_yet(empty: World, name: str, code: str) -> None:
    refused(empty, f"HEAD:{name}", codes=[code])


def test_what_should_not_be_there_may_be_deleted(hub: World) -> None:
    names = ["refs/replace/" + "1" * 40, "refs/arcgit/lost/x", "refs/tags/EXP/y"]
    for name in names:
        git(hub.hub, "update-ref", name, "main")
    taken(hub, *(f":{name}" for name in names))


def test_a_branch_with_the_ledgers_name_is_not_the_ledger(empty: World) -> None:
    """Stock git pushes to refs/heads/refs/notes/arcgit where that is there and the ledger is not yet."""
    for name in (LEDGER, f"refs/tags/{empty.tag()}"):
        for prefix in ("refs/heads/", "refs/tags/", "refs/"):
            refused(empty, f"HEAD:{prefix}{name}", codes=["bad-ref-name"])
    git(empty.hub, "fetch", "--quiet", "--no-tags", str(empty.work), f"main:refs/heads/{LEDGER}")
    refused(empty, f"{own(empty)}:{own(empty)}", codes=["unrecorded-tag"])


# Fixity lists.


def test_fixity_lists_are_neither_deleted_nor_dropped_nor_forged(hub: World) -> None:
    work = hub.work
    refused(hub, f":{FIXITY}", codes=["fixity-list"])
    refused(hub, "--force", f"HEAD:{FIXITY}", codes=["fixity-list"])
    tree = git(work, "rev-parse", f"{FIXITY}^{{tree}}")
    there = refs(hub.hub)[FIXITY]
    emptied = git(work, "commit-tree", "-p", there, "-m", "none", git(work, "mktree", stdin=""))
    refused(hub, f"{emptied}:{FIXITY}", codes=["fixity-list"])
    rows = git(work, "ls-tree", tree).splitlines()
    blob = git(work, "rev-parse", "HEAD:arcgit.yaml")
    folder = git(work, "mktree", stdin=f"100644 blob {blob}\t{'0' * 62}\n")
    forged = git(work, "mktree", stdin="\n".join([*rows, f"040000 tree {folder}\t00"]) + "\n")
    refused(hub, f"{git(work, 'commit-tree', '-p', there, '-m', 'x', forged)}:{FIXITY}", codes=["fixity-list"])
    loose = git(work, "mktree", stdin="\n".join([*rows, f"100644 blob {blob}\tREADME"]) + "\n")
    refused(hub, f"{git(work, 'commit-tree', '-p', there, '-m', 'x', loose)}:{FIXITY}", codes=["fixity-list"])
    refused(hub, "--force", f"{blob}:{FIXITY}", codes=["fixity-list"])
    more = git(work, "commit-tree", "-p", there, "-m", "x", endless(work, blob))
    refused(hub, f"{more}:{FIXITY}", codes=["fixity-list"])


def test_an_event_from_the_future_is_refused_since_nobody_could_take_it_back(hub: World, bob: Person) -> None:
    taken(hub, *everything(hub))
    before = git(hub.work, "rev-parse", LEDGER)
    data = {"outcome": "approved"}
    noted_event(hub, bob, type="reviewed", actor="bob", subject=subject(hub, "baseline"), data=data, time=LATER)
    said = refused(hub, LEDGER, codes=["time-future"])
    assert f"next: set that clock, then write it again: git update-ref {LEDGER} {before}, arcgit sync" in said
    assert "push-refused" in hub.arcgit("sync", code=1)["error"]["code"]
    git(hub.work, "update-ref", LEDGER, before)
    git(hub.work, "update-ref", "refs/notes/origin/arcgit", before)
    hub.arcgit("sync")
    assert hub.verify(code=0) == []


def test_a_commit_of_endless_trees_on_the_way_to_a_protected_branch_is_refused_and_hangs_nothing(hub: World) -> None:
    work = hub.work
    taken(hub, "main")
    tree = endless(work, git(work, "rev-parse", "HEAD:arcgit.yaml"))
    rows = git(work, "ls-tree", "HEAD")
    root = git(work, "mktree", stdin=f"{rows}\n040000 tree {tree}\tendless\n")
    bad = git(work, "commit-tree", "-p", "HEAD", "-m", "x", root)
    good = git(work, "commit-tree", "-p", bad, "-m", "x", git(work, "rev-parse", "HEAD^{tree}"))
    assert "is longer than" in refused(hub, f"{bad}:refs/heads/main")
    assert "could not be checked" in refused(hub, f"{good}:refs/heads/main")


# The first push.


def test_an_empty_repository_takes_no_record_before_there_is_a_ledger(empty: World) -> None:
    refused(empty, "refs/tags/exp/*:refs/tags/exp/*", codes=["unrecorded-tag"])
    refused(empty, LEDGER, codes=["recorded-tag-missing"])


@pytest.mark.parametrize("what", ["founder", "in small letters", "genesis", "in capitals", "other"])
def test_a_server_that_was_told_its_trust_root_takes_no_other_archive(
    empty: World, ada: Person, bob: Person, what: str
) -> None:
    fingerprint = empty.arcgit("verify", code=0)["scope"]["archive"] and ada.key
    roots = {"founder": fingerprint, "genesis": chain(empty.work)[0], "other": bob.key}
    roots |= {"in small letters": fingerprint.lower(), "in capitals": roots["genesis"].upper()}
    git(empty.hub, "config", "arcgit.trustRoot", roots[what])
    arguments = ["--atomic", LEDGER, LISTS, "refs/tags/exp/*:refs/tags/exp/*"]
    if what == "other":
        refused(empty, *arguments, codes=["trust-root-unknown"])
        refused(empty, "main", codes=["notes-missing"])
    else:
        refused(empty, "main", codes=["notes-missing"])
        taken(empty, *arguments)
        taken(empty, "main")


def test_another_archive_does_not_take_the_place_of_the_one_that_is_there(hub: World, mallory: Person) -> None:
    other = hub.root / "other"
    git(hub.root, "clone", "--quiet", "hub.git", "other")
    git(other, "remote", "remove", "origin")
    mallory.sign_as(other)
    (other / ".arcgit" / "policy.yaml").unlink()
    for key in (other / ".arcgit" / "keys").iterdir():
        key.unlink()
    hub.arcgit("init", "--new-archive", cwd=other)
    git(other, "remote", "add", "origin", "../hub.git")
    refused(hub, "--force", LEDGER, work=other, codes=["ledger-fork"])


# Manifests on branches.


def commit(work: Path, message: str = "x") -> None:
    git(work, "commit", "--quiet", "--no-verify", "--allow-empty", "-am", message)


def test_an_incomplete_manifest_is_refused_on_a_protected_branch_and_on_no_other(hub: World) -> None:
    taken(hub, "main")
    spoil(hub.work)
    commit(hub.work)
    said = refused(hub, "main", codes=["owner-missing"])
    assert "next: add to arcgit.yaml: owner: " in said
    taken(hub, "main:feature")
    refused(hub, "main:master", codes=["owner-missing"])
    refused(hub, "main:feature2", "main", codes=["owner-missing"])
    mend(hub.work)
    git(hub.work, "commit", "--quiet", "--no-verify", "--amend", "--allow-empty", "-am", "whole")
    taken(hub, "main")


@pytest.mark.parametrize("only", [[], ["--only-update"]])
def test_another_name_for_a_ref_on_the_server_is_judged_as_that_ref(hub: World, only: list[str]) -> None:
    """A symbolic ref is its keeper's own doing; what is pushed to it lands in what it stands for."""
    (hub.hub / "hooks" / "pre-receive").unlink()
    hub.arcgit("hooks", "install", "--server", str(hub.hub), *only)
    for name, target in (("trunk", "refs/heads/main"), ("log", LEDGER), ("one", f"refs/tags/{hub.tag()}")):
        git(hub.hub, "symbolic-ref", f"refs/heads/{name}", target)
    refused(hub, ":refs/heads/log", codes=["ledger-rollback"])
    refused(hub, ":refs/heads/one", codes=["recorded-tag-missing"])
    refused(hub, "+main:refs/heads/log")
    refused(hub, "+main:refs/heads/one", codes=["tag-type"])
    taken(hub, "main:trunk")
    spoil(hub.work)
    commit(hub.work)
    refused(hub, "main:trunk", codes=["owner-missing"])
    git(hub.work, "reset", "--quiet", "--hard", "HEAD~1")
    commit(hub.work)
    taken(hub, "main:trunk")
    assert refs(hub.hub)["refs/heads/main"] == git(hub.work, "rev-parse", "main")


def test_which_branches_are_protected_is_for_the_server_to_say(hub: World) -> None:
    spoil(hub.work)
    commit(hub.work)
    git(hub.hub, "config", "arcgit.protectedBranch", "release/*")
    taken(hub, "main")
    refused(hub, "main:release/1", codes=["owner-missing"])
    commit(hub.work, "more")
    git(hub.hub, "config", "arcgit.protectedBranch", "any*")
    refused(hub, "main:anything", codes=["owner-missing"])
    git(hub.hub, "config", "--unset-all", "arcgit.protectedBranch")
    git(hub.hub, "symbolic-ref", "HEAD", "refs/heads/trunk")
    with (hub.work / "arcgit.yaml").open("a") as file:
        file.write("# a remark\n")
    commit(hub.work, "and more")
    refused(hub, "main:trunk", codes=["owner-missing"])


def test_a_protected_branch_may_be_named_as_git_spells_it_in_full(hub: World) -> None:
    """Else whoever writes `refs/heads/main` there has no branch protected, not even by default."""
    spoil(hub.work)
    commit(hub.work)
    for pattern in ("refs/heads/main", "refs/heads/m*"):
        git(hub.hub, "config", "--replace-all", "arcgit.protectedBranch", pattern)
        refused(hub, "main", codes=["owner-missing"])


def test_what_a_push_did_not_change_is_not_held_against_it(hub: World) -> None:
    git(hub.hub, "config", "arcgit.protectedBranch", "none")
    spoil(hub.work)
    commit(hub.work)
    taken(hub, "main")
    git(hub.hub, "config", "arcgit.protectedBranch", "main")
    git(hub.hub, "config", "--add", "arcgit.protectedBranch", "release/*")
    (hub.work / "notes.txt").write_text("x\n")
    git(hub.work, "add", "notes.txt")
    commit(hub.work)
    taken(hub, "main")
    taken(hub, "main:release/1")
    with (hub.work / "requirements.txt").open("a") as file:
        file.write("numpy\n")
    commit(hub.work)
    refused(hub, "main", codes=["owner-missing"])


@pytest.mark.parametrize("name", ["requirements.txt", "dvc.lock", "dvc.yaml", "params.yaml"])
def test_a_file_that_an_experiment_needs_is_not_pushed_away(hub: World, name: str) -> None:
    taken(hub, "main")
    git(hub.work, "rm", "--quiet", name)
    commit(hub.work)
    assert "arcgit.yaml" in refused(hub, "main")


def test_a_protected_branch_is_not_made_from_one_where_everything_goes(hub: World) -> None:
    git(hub.hub, "config", "arcgit.protectedBranch", "release/*")
    spoil(hub.work)
    commit(hub.work)
    taken(hub, "main:feature")
    refused(hub, "main:release/1", codes=["owner-missing"])


def test_a_manifest_that_cannot_be_read_is_refused_quickly_and_in_words(hub: World) -> None:
    (hub.work / "arcgit.yaml").write_text("[" * 100_000)
    commit(hub.work)
    refused(hub, "main", codes=["yaml-unsafe"])


def test_manifests_are_judged_by_the_policy_on_the_ledger_and_not_by_what_the_commit_proposes(hub: World) -> None:
    policy = hub.work / ".arcgit" / "policy.yaml"
    policy.write_text(policy.read_text().replace("required: [owner, purpose, retention]", "required: []"))
    spoil(hub.work)
    commit(hub.work)
    refused(hub, "main", codes=["owner-missing"])


def test_before_there_is_a_ledger_manifests_are_judged_by_the_built_in_rules(empty: World) -> None:
    (empty.work / "arcgit.yaml").write_text((empty.work / "arcgit.yaml").read_text().replace(OWNER, ""))
    commit(empty.work)
    refused(empty, "main", codes=["owner-missing"])
