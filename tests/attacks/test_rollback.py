"""A host that shows something older, something else, or less than there is; and what nobody can notice alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.test_ledger import LEDGER, chain
from tests.keys import fingerprint_of
from tests.world import Person, World, git, invoke


def hide_the_last(world: World) -> str:
    """The host takes the newest record away together with its event, so that what is left is sound."""
    tag = world.tag("deep")
    git(world.hub, "update-ref", "-d", f"refs/tags/{tag}")
    git(world.hub, "update-ref", LEDGER, f"{LEDGER}~1")
    return tag


def fresh(world: World, monkeypatch: pytest.MonkeyPatch, name: str = "stranger") -> Path:
    """A clone by somebody who has never seen the archive."""
    monkeypatch.setenv("XDG_STATE_HOME", str(world.root / f"state-{name}"))
    clone = world.clone(name)
    git(clone, "fetch", "--quiet", "origin", f"+{LEDGER}:refs/notes/origin/arcgit", "+refs/tags/*:refs/tags/*")
    return clone


def test_a_record_hidden_with_its_event_is_missed_by_whoever_saw_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = fresh(world, monkeypatch)
    root = ("--trust-root", chain(world.work)[0])
    assert invoke(clone, "verify", *root, code=0)["scope"]["records_checked"] == 3
    tag = hide_the_last(world)
    git(clone, "update-ref", "-d", f"refs/tags/{tag}")
    git(clone, "fetch", "--quiet", "origin", f"+{LEDGER}:refs/notes/origin/arcgit")
    for options in ((), root):
        codes = {row["code"] for row in invoke(clone, "verify", *options, code=1)["findings"]}
        assert codes == {"ledger-rollback"}


def test_a_record_hidden_with_its_event_is_not_missed_by_a_newcomer_and_that_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SECURITY.md does not promise it, and the scope names the tip that colleagues can compare."""
    hide_the_last(world)
    found = invoke(fresh(world, monkeypatch), "verify", "--trust-root", chain(world.work)[0], code=0)
    assert found["scope"]["records_checked"] == 2
    assert found["scope"]["ledger_tip"] == git(world.hub, "rev-parse", LEDGER)
    assert found["scope"]["ledger_tip"] != git(world.work, "rev-parse", LEDGER)
    said = (Path(__file__).parent.parent.parent / "SECURITY.md").read_text(encoding="utf-8")
    assert "Freshness without a pin" in said


def test_two_people_who_were_shown_two_ledgers_notice_as_soon_as_they_meet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has pinned what the host then rewrote for the other."""
    hide_the_last(world)
    other = fresh(world, monkeypatch)
    root = ("--trust-root", chain(world.work)[0])
    invoke(other, "verify", *root, code=0)
    monkeypatch.setenv("XDG_STATE_HOME", str(world.state))
    assert "ledger-rollback" in {row["code"] for row in invoke(other, "verify", code=1)["findings"]}


@pytest.mark.parametrize("rev", ["HEAD~1", "HEAD~2"])
def test_a_branch_that_was_moved_changes_no_verdict(world: World, rev: str) -> None:
    """What counts is the commit that was recorded, wherever a branch points."""
    git(world.work, "reset", "--quiet", "--hard", rev)
    git(world.work, "update-ref", "-d", "refs/remotes/origin/main")
    assert world.verify(code=0) == []
    assert world.last["scope"]["records_checked"] == 3


def test_the_host_cannot_take_back_by_a_sync_what_a_clone_has(world: World) -> None:
    """The clone refuses, and keeps tag and event."""
    tag = hide_the_last(world)
    before = git(world.work, "rev-parse", LEDGER, f"refs/tags/{tag}")
    assert world.arcgit("sync", code=1)["error"]["code"] == "ledger-rollback"
    assert git(world.work, "rev-parse", LEDGER, f"refs/tags/{tag}") == before


@pytest.mark.parametrize(("here", "there"), [(1, 1), (2, 1), (1, 3)])
@pytest.mark.parametrize("host", ["honest", "went back", "rewrote"])
def test_what_another_clone_under_the_same_pin_has_seen_is_fetched_before_anybody_is_accused(
    world: World, ada: Person, here: int, there: int, host: str
) -> None:
    """Own unpushed events stand where it would: no pass, and no word of rewriting before the remote was asked."""
    before = git(world.hub, "rev-parse", "refs/notes/arcgit")
    for n in range(here):
        world.arcgit("amend", world.tag(), "--purpose", f"here {n}", "--reason", "Said anew.", "--no-push")
    clone = world.clone("other")
    ada.sign_as(clone)
    invoke(clone, "init")
    for n in range(there):
        invoke(clone, "amend", world.tag(), "--purpose", f"there {n}", "--reason", "Said anew.")
    assert world.verify(code=3) == ["ledger-behind"]
    assert "arcgit sync" in world.last["findings"][0]["hint"]
    if host != "honest":
        git(world.hub, "update-ref", "refs/notes/arcgit", before)
    if host == "rewrote":
        stranger = world.clone("third")
        ada.sign_as(stranger)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", str(world.root / "of-a-third"))
            invoke(stranger, "init", "--trust-root", fingerprint_of(ada))
            for n in range(there):
                invoke(stranger, "amend", world.tag(), "--purpose", f"instead {n}", "--reason", "Said anew.")
    if host == "honest":
        world.arcgit("sync")
        assert world.verify(code=0) == []
        return
    told = world.arcgit("sync", code=1)["error"]["code"]
    assert told == ("ledger-rollback" if host == "went back" else "ledger-fork")
    assert world.verify(code=3) == ["ledger-behind"]
