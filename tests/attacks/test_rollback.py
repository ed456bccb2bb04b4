"""A host that shows something older, something else, or less than there is; and what nobody can notice alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.test_ledger import LEDGER, chain
from tests.world import World, git, invoke


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
