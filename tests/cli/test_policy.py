"""Changing who may do what: proposals, approvals, adoption; and saying anew what may be said anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arcgit.cli.app import run
from tests.world import Person, World, git, invoke, next_experiment


def edit(world: World, *pairs: tuple[str, str], version: int = 2) -> None:
    path = world.work / ".arcgit" / "policy.yaml"
    text = path.read_text()
    for old, new in (("version: " + str(version - 1), f"version: {version}"), *pairs):
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def make_bob_admin(world: World) -> None:
    edit(world, ("roles: [recorder, reviewer]", "roles: [recorder, reviewer, admin]"), ("  policy: 1", "  policy: 2"))
    world.arcgit("policy", "adopt")


def test_a_proposal_is_shown_against_what_is_in_force(world: World) -> None:
    edit(world, ("roles: [recorder, reviewer]", "roles: [reviewer]"))
    found = world.arcgit("policy", "diff")
    assert found["changes"] == [
        {"place": "people.bob.roles", "before": ["recorder", "reviewer"], "after": ["reviewer"]}
    ]
    assert (found["version"], found["approved"], found["needed"]) == (2, [], 1)


def test_an_adopted_policy_is_judged_from_its_position_on(world: World, bob: Person) -> None:
    """Bob's record from before stays good; a new one of his is refused."""
    edit(world, ("roles: [recorder, reviewer]", "roles: [reviewer]"))
    done = world.arcgit("policy", "adopt")
    assert "refs/notes/arcgit" in done["pushed"]
    assert world.verify(code=0) == []
    assert world.arcgit("policy", "show")["policy"]["version"] == 2
    bob.sign_as(world.work)
    next_experiment(world.work, "late", "lr: 7\nepochs: 9\n")
    assert world.arcgit("record", code=1)["error"]["code"] == "signer-role"


def test_two_admins_are_needed_where_the_policy_before_says_so(world: World, ada: Person, bob: Person) -> None:
    make_bob_admin(world)
    edit(world, ("retention:", "retention:\n  brief: {keep: P1M}"), version=3)
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "threshold-not-met"
    bob.sign_as(world.work)
    signed = world.arcgit("policy", "sign")
    assert signed["approved"] == ["bob"]
    ada.sign_as(world.work)
    assert world.arcgit("policy", "adopt")["version"] == 3
    assert world.verify(code=0) == []


def test_the_same_admin_does_not_count_twice(world: World) -> None:
    make_bob_admin(world)
    edit(world, ("retention:", "retention:\n  brief: {keep: P1M}"), version=3)
    world.arcgit("policy", "sign")
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "threshold-not-met"


def test_an_approval_of_another_text_does_not_count(world: World, ada: Person, bob: Person) -> None:
    make_bob_admin(world)
    edit(world, ("retention:", "retention:\n  brief: {keep: P1M}"), version=3)
    bob.sign_as(world.work)
    path = world.work / world.arcgit("policy", "sign")["path"]
    approval = json.loads(path.read_text())
    proposed = world.work / ".arcgit" / "policy.yaml"
    proposed.write_text(proposed.read_text().replace("brief: {keep: P1M}", "brief: {keep: P1D}"))
    digest = world.arcgit("policy", "diff")["digest"]
    path.write_text(json.dumps({**approval, "policy": digest}))
    ada.sign_as(world.work)
    assert world.arcgit("policy", "diff")["approved"] == []
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "threshold-not-met"


def test_nobody_but_an_admin_adopts(world: World, bob: Person) -> None:
    edit(world, ("roles: [recorder, reviewer]", "roles: [recorder, reviewer, admin]"))
    bob.sign_as(world.work)
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] in {"signer-role", "threshold-not-met"}
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


@pytest.mark.parametrize("version", ["1", "3", "0"])
def test_a_version_that_does_not_follow_is_refused(world: World, version: str) -> None:
    edit(world, ("roles: [recorder, reviewer]", "roles: [reviewer]"))
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 2", f"version: {version}"))
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] in {"policy-chain", "policy-invalid"}


def test_an_unchanged_policy_is_not_adopted_again(world: World) -> None:
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "policy-unchanged"


def test_adopting_what_this_person_has_put_in_force_is_done_already(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was killed after its push is run again; nobody else's adoption, and no other text, passes for one's own."""
    edit(world, ("roles: [recorder, reviewer]", "roles: [admin, recorder]"))
    first = world.arcgit("policy", "adopt")
    before = git(world.hub, "rev-parse", "refs/notes/arcgit")
    again = world.arcgit("policy", "adopt")
    assert (again["seq"], again["oid"], again["pushed"]) == (first["seq"], first["oid"], [])
    assert run(["-C", str(world.work), "policy", "adopt"]) == 0
    assert f"Policy 2 is in force already from event {first['seq']} on." in capsys.readouterr().out
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") == before


def test_adopting_what_somebody_else_has_put_in_force_changes_nothing(world: World, bob: Person) -> None:
    edit(world, ("roles: [recorder, reviewer]", "roles: [admin, recorder]"))
    world.arcgit("policy", "adopt")
    bob.sign_as(world.work)
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "policy-unchanged"


def test_a_text_that_differs_in_its_version_alone_is_not_the_one_in_force(world: World) -> None:
    edit(world, ("roles: [recorder, reviewer]", "roles: [admin, recorder]"))
    world.arcgit("policy", "adopt")
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 2", "version: 7"))
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "policy-unchanged"


def test_a_proposal_of_another_archive_is_refused(world: World) -> None:
    edit(world, ("0b5a5e8e-", "ffffffff-"))
    assert world.arcgit("policy", "diff", code=1)["error"]["code"] == "wrong-archive"


def test_an_amendment_lets_the_same_content_be_found_again(world: World) -> None:
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace("retention: standard", "retention: short"))
    world.commit()
    refused = world.arcgit("record", code=1)
    assert refused["error"]["code"] == "record-differs"
    world.arcgit("amend", world.tag("deep"), "--retention", "short", "--reason", "Agreed with the client")
    assert world.arcgit("record")["tag"] == world.tag("deep")
    assert world.arcgit("show", "deep")["record"]["amended"] == {"retention": "short"}
    assert world.verify(code=0) == []


def test_an_amendment_needs_the_role_and_a_known_class(world: World, bob: Person) -> None:
    amend = ["amend", world.tag("deep"), "--reason", "x"]
    assert world.arcgit(*amend, "--retention", "eternal", code=1)["error"]["code"] == "retention-class-unknown"
    assert world.arcgit(*amend, code=2)["error"]["code"] == "usage"
    bob.sign_as(world.work)
    assert world.arcgit(*amend, "--owner", "Bob <bob@example.org>", code=1)["error"]["code"] == "signer-role"


def test_what_is_printed_names_people_and_changes(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(world.work), "policy", "show"]) == 0
    shown = capsys.readouterr().out
    assert "Ada Lovelace <ada@example.org>" in shown
    assert "standard: P10Y" in shown
    edit(world, ("roles: [recorder, reviewer]", "roles: [reviewer]"))
    assert run(["-C", str(world.work), "policy", "diff"]) == 0
    assert '+ ["reviewer"]' in capsys.readouterr().out


def test_a_policy_adopted_offline_is_signed_again_on_top_of_news(world: World, bob: Person, tmp_path: Path) -> None:
    edit(world, ("retention:", "retention:\n  brief: {keep: P1M}"))
    world.arcgit("policy", "adopt", "--no-push")
    clone = world.clone()
    bob.sign_as(clone)
    invoke(clone, "init")
    next_experiment_in(clone)
    assert invoke(clone, "record")["created"]
    assert world.arcgit("sync")["resigned"] == ["policy"]
    assert world.verify(code=0) == []


def next_experiment_in(clone: Path) -> None:
    manifest = clone / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace("experiment: baseline", "experiment: cloned"))
    git(clone, "commit", "--quiet", "--no-verify", "-am", "cloned")
