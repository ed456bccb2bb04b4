"""Attacks through the policy: written in a pull request, rolled back, rewritten by a thief, loosened in silence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from arcgit.archive import ledger
from arcgit.archive.context import open_context
from arcgit.archive.policy import policyfile
from arcgit.cli.app import run
from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.model import policy as policies
from arcgit.resources import resource
from arcgit.rules import doubt
from arcgit.rules.loosening import loosenings
from tests.attacks.test_keys import record_as, severities
from tests.attacks.test_ledger import chain, raw_commit, signed_event
from tests.keys import add, export, key_file, newcomer
from tests.world import Person, World, git, invoke, sh


def event_data(world: World, seq: int) -> dict[str, Any]:
    """What the ledger's event of that number says."""
    return events.parse_message(gitobject.parse_commit(raw_commit(world.work, chain(world.work)[seq - 1])).message).data


def test_a_pull_request_that_adds_its_own_signer_changes_nothing_and_the_report_says_so(
    world: World, isolated_home: Path
) -> None:
    eve = newcomer(isolated_home, "eve")
    git(world.work, "checkout", "--quiet", "-b", "request")
    add(world, "eve", eve, ["admin", "recorder"])
    world.commit("me too")
    assert record_as(world, eve, "mine", code=1)["error"]["code"] == "signer-unknown"
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "signer-unknown"
    report = invoke(world.work, "audit-report", "--base", "main", "--allow-empty", code=None)
    found = {item["code"]: item["message"] for item in report["findings"]}
    assert "changes nothing until an admin adopts it" in found["policy-not-adopted"]


def test_a_pull_request_that_only_swaps_a_certificate_is_named_too(world: World, isolated_home: Path) -> None:
    """The fingerprint stays, so nobody sees it in policy.yaml."""
    carol = newcomer(isolated_home, "carol", "openpgp")
    add(world, "carol", carol, ["recorder"], "--adopt")
    world.commit("carol")
    git(world.work, "checkout", "--quiet", "-b", "request")
    sh(isolated_home, "gpg", "--batch", "--passphrase", "", "--quick-add-key", carol.key, "ed25519", "sign", "1y")
    path = next((world.work / ".arcgit" / "keys").glob(f"{carol.key}.asc"))
    path.write_text(export(carol.key))
    world.commit("only a key file")
    report = invoke(world.work, "audit-report", "--base", "main", "--allow-empty", code=None)
    assert "policy-not-adopted" in {item["code"] for item in report["findings"]}


def test_an_old_policy_is_not_put_back_with_its_old_signatures(world: World, ada: Person) -> None:
    """The event of version 1 once more, word for word and with its approvals, after version 2."""
    world.arcgit("keys", "retire", "bob", "--adopt")
    signed_event(world, ada, type="policy", actor="ada", subject=None, data=event_data(world, 2))
    assert "policy-chain" in world.verify(code=1)


def test_an_old_text_under_a_new_version_needs_new_approvals(world: World, ada: Person) -> None:
    world.arcgit("keys", "retire", "bob", "--adopt")
    first, second = event_data(world, 2), event_data(world, 6)
    text = first["policy"].replace('"version":1', '"version":3')
    data = {"version": 3, "digest": policies.digest(text), "previous": second["digest"], "policy": text}
    signed_event(world, ada, type="policy", actor="ada", subject=None, data={**data, "approvals": first["approvals"]})
    assert "threshold-not-met" in world.verify(code=1)


@pytest.mark.parametrize(
    ("old", "new", "codes", "code"),
    [
        ('"roles":["admin",', '"roles":[', ["policy-chain"], 1),
        ('"schema":"arcgit/policy/v1"', '"schema":"arcgit/policy/v9"', ["policy-chain"], 3),
        ('"remotes":{}', '"quorum":9,"remotes":{}', ["policy-chain"], 1),
        ('"project":"churn"', '"project":"churn" ', ["policy-chain"], 1),
    ],
)
def test_a_policy_without_admins_or_that_nobody_understands_is_not_followed(
    world: World, ada: Person, old: str, new: str, codes: list[str], code: int
) -> None:
    first = event_data(world, 2)
    text = first["policy"].replace('"version":1', '"version":2').replace(old, new)
    assert text != first["policy"]
    data = {"version": 2, "digest": policies.digest(text), "previous": first["digest"], "policy": text, "approvals": []}
    signed_event(world, ada, type="policy", actor="ada", subject=None, data=data)
    found = world.verify(code=code)
    assert set(codes) <= set(found)


def test_an_approval_that_is_nested_without_end_is_none_and_no_bug(world: World) -> None:
    world.arcgit("keys", "retire", "bob")
    folder = world.work / ".arcgit" / "approvals"
    folder.mkdir(exist_ok=True)
    (folder / "eve.json").write_text('{"policy":' + "[" * 30_000 + "]" * 30_000 + "}")
    assert world.arcgit("policy", "diff")["approved"] == []
    world.arcgit("policy", "adopt")


def thief(world: World, home: Path, ada: Person, bob: Person) -> Person:
    """Bob becomes admin; a thief with Bob's key writes Eve into the policy; Eve records (events 6, 7, 8)."""
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "admin", "--adopt")
    eve = newcomer(home, "eve")
    bob.sign_as(world.work)
    add(world, "eve", eve, ["admin", "recorder", "reviewer"], "--adopt")
    record_as(world, eve, "planted")
    ada.sign_as(world.work)
    return eve


def test_what_only_a_thiefs_policy_allowed_is_in_doubt(
    world: World, isolated_home: Path, ada: Person, bob: Person
) -> None:
    thief(world, isolated_home, ada, bob)
    assert world.verify(code=0) == []
    world.arcgit("keys", "retire", "eve")
    world.arcgit("keys", "revoke", "bob", "--since", "7", "--adopt")
    assert sorted(world.verify(code=1)) == ["key-compromised", "policy-doubted"]
    found = severities(world)
    assert ("policy-doubted", "error", world.tag("planted")) in found
    assert {(code, severity) for code, severity, _ in found} == {
        ("key-compromised", "warning"),
        ("policy-doubted", "error"),
    }
    rows = {row["experiment"]: row["status"] for row in world.arcgit("list")["records"]}
    assert rows == {"baseline": "recorded", "wide": "recorded", "deep": "recorded", "planted": "tainted"}
    history = {row["version"]: row["doubted"] for row in world.arcgit("policy", "show")["history"]}
    assert history == {1: False, 2: False, 3: True, 4: False}


def test_whom_a_thief_made_admin_cannot_clear_it(
    world: World, isolated_home: Path, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eve declares Bob's key compromised herself: the policy rests on her word, and she was written in by a thief."""
    eve = thief(world, isolated_home, ada, bob)
    eve.sign_as(world.work)
    refused = world.arcgit("keys", "revoke", "bob", "--since", "7", "--adopt", code=1)["error"]
    assert (refused["code"], refused["hint"]) == ("policy-doubted", "arcgit explain policy-doubted")
    with monkeypatch.context() as patch:
        patch.setattr(doubt, "judge_all", lambda events, keys, adopted, ended: ({}, adopted[-1].policy))
        world.arcgit("policy", "adopt", "--no-push")
    assert "policy-doubted" in world.verify(code=1)
    subjects = [item["subject"] for item in world.last["findings"] if item["severity"] == "error"]
    assert any(subject.startswith("event 9") for subject in subjects)


def test_what_the_last_sound_policy_allowed_too_is_not_tainted_by_a_thiefs_policy(
    world: World, isolated_home: Path, ada: Person, bob: Person
) -> None:
    thief(world, isolated_home, ada, bob)
    record_as(world, ada, "honest")
    world.arcgit("keys", "retire", "eve")
    world.arcgit("keys", "revoke", "bob", "--since", "7", "--adopt")
    world.verify(code=1)
    assert world.tag("honest") not in {item["subject"] for item in world.last["findings"]}


def test_the_root_is_what_the_trust_root_vouches_for(world: World, ada: Person) -> None:
    """A key that began the archive may be stolen later: genesis and first policy stand, whatever is declared."""
    people = {"bob": {"name": "B", "email": "b", "roles": ["admin"], "keys": [other_key()]}}
    declaring = made(world, people=people, compromised={ada.key: {"since": 1}})
    assert [doubt.compromised(declaring, ada.key, seq) is None for seq in (1, 2, 3)] == [True, True, False]


def other_key() -> dict[str, str]:
    return {"type": "ssh", "fingerprint": f"SHA256:{'A' * 42}E", "public_key": "not read here"}


def test_a_key_that_a_stolen_one_wrote_in_cannot_vouch_for_it(world: World, isolated_home: Path, ada: Person) -> None:
    """Ada alone: with event 6 she lists a second key. Doubts from 6 on would take its ground away; from 7 on they do not."""
    second = newcomer(isolated_home, "ada")
    world.arcgit("keys", "add", "ada", key_file(world.root, second), "--adopt")
    second.sign_as(world.work)
    refused = world.arcgit("keys", "revoke", ada.key, "--since", "6", "--adopt", code=1)["error"]
    assert refused["code"] == "policy-doubted"
    world.arcgit("policy", "reset")
    world.arcgit("keys", "revoke", ada.key, "--since", "7", "--adopt")
    assert world.verify(code=0) == []


def test_a_declaration_that_is_taken_back_is_shown_as_a_loosening(world: World) -> None:
    world.arcgit("keys", "revoke", "bob", "--since", "2", "--adopt")
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 2", "version: 3").replace("since: 2", "since: 6"))
    assert [item["place"] for item in world.arcgit("policy", "diff")["loosened"]] == ["compromised"]
    world.arcgit("policy", "adopt")
    assert world.verify(code=0) == []


def test_a_loosening_is_in_the_diff_the_history_and_the_report_and_judges_no_old_record_anew(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    path = world.work / ".arcgit" / "policy.yaml"
    text = (
        path.read_text().replace("version: 1", "version: 2").replace("standard: {keep: P10Y}", "standard: {keep: P1Y}")
    )
    path.write_text(text.replace("  {}\n", "  {metrics-missing: off}\n").replace("owner, purpose, ", "owner, "))
    diff = world.arcgit("policy", "diff")["loosened"]
    assert [item["place"] for item in diff] == ["required", "severities.metrics-missing", "retention.standard"]
    assert run(["-C", str(world.work), "policy", "diff"]) == 0
    assert "standard is kept P1Y instead of P10Y" in capsys.readouterr().out
    world.arcgit("policy", "adopt")
    assert world.verify(code=0) == []
    assert world.arcgit("policy", "show")["history"][1]["loosened"] == diff
    report = invoke(world.work, "audit-report", code=None)
    assert report["scope"]["policies"][1]["loosened"] == diff
    for form in ("text", "md"):
        run(["-C", str(world.work), "audit-report", "--format", form])
        assert "standard is kept P1Y instead of P10Y" in capsys.readouterr().out


BASE = {
    "people": {"ada": {"roles": ["admin", "recorder"]}},
    "thresholds": {"policy": 1, "review": 2},
    "required": ["owner", "purpose"],
    "severities": {"metrics-missing": "error", "owner-missing": "warning"},
    "retention": {"short": {"keep": "P1Y"}, "long": {"keep": "forever"}, "odd": {"keep": "P11M"}},
    "remotes": {"default": {"url": "s3://a"}, "other": {"url": "s3://b"}},
    "waivers": {"max_days": 30},
}


def made(world: World, **changes: Any) -> policies.Policy:
    """The world's policy with some parts otherwise."""
    view = ledger.require(open_context(world.work, state_dir=world.state / "arcgit"))
    value = json.loads(policies.serialise(view.ledger.require_policy()))
    rest = {name: part for name, part in BASE.items() if name != "people"}
    return policies.convert({**value, **rest, **changes})


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({}, []),
        ({"thresholds": {"policy": 1, "review": 1}}, ["thresholds.review"]),
        ({"thresholds": {"policy": 1, "review": 3}}, []),
        ({"required": ["owner"]}, ["required"]),
        ({"required": ["owner", "purpose", "split"]}, []),
        ({"severities": {"metrics-missing": "off", "owner-missing": "error"}}, ["severities.metrics-missing"]),
        ({"severities": {"owner-missing": "warning", "lineage-broken": "warning"}}, ["severities.lineage-broken"]),
        ({"severities": {}}, []),
        (
            {"retention": {"short": {"keep": "P11M"}, "long": {"keep": "P99Y"}}},
            ["retention.short", "retention.long", "retention.odd"],
        ),
        ({"retention": {"short": {"keep": "P13M"}, "long": {"keep": "forever"}, "odd": {"keep": "P336D"}}}, []),
        ({"remotes": {}}, ["remotes"]),
        ({"remotes": {"default": {"url": "s3://z"}}}, ["remotes.default", "remotes.other"]),
        ({"waivers": {"max_days": 31}}, ["waivers.max_days"]),
        ({"waivers": {"max_days": 0}}, []),
    ],
)
def test_every_way_of_loosening_is_found_and_nothing_else(
    world: World, changes: dict[str, Any], places: list[str]
) -> None:
    assert [one.place for one in loosenings(made(world), made(world, **changes))] == places


def test_an_admin_who_removes_all_others_is_named_before_and_after(world: World, isolated_home: Path) -> None:
    """Whoever approves it, and every reviewer afterwards, sees that one person decides alone from there on."""
    erin, frank = newcomer(isolated_home, "erin"), newcomer(isolated_home, "frank")
    add(world, "erin", erin, ["admin"])
    add(world, "frank", frank, ["admin", "recorder"], "--adopt")
    world.arcgit("keys", "retire", "frank", "--adopt")
    assert world.arcgit("policy", "show")["history"][-1]["loosened"] == []
    world.arcgit("keys", "retire", "erin")
    said = [{"place": "people", "message": "ada is the only admin, and adopts policies alone: not any more erin"}]
    assert world.arcgit("policy", "diff")["loosened"] == said
    world.arcgit("policy", "adopt")
    assert world.arcgit("policy", "show")["history"][-1]["loosened"] == said
    assert world.arcgit("audit-report")["scope"]["policies"][-1]["loosened"] == said


def test_a_thousand_policies_are_not_needed_to_write_the_way_back(world: World, bob: Person) -> None:
    """`policy reset` writes exactly what is in force, with every part that a policy can have."""
    world.arcgit("keys", "revoke", "bob", "--since", "4", "--reason", 'said "no": stolen', "--adopt")
    (world.work / ".arcgit" / "policy.yaml").unlink()
    world.arcgit("policy", "reset")
    assert world.arcgit("policy", "diff")["changes"] == []
    view = ledger.require(open_context(world.work, state_dir=world.state / "arcgit"))
    assert policyfile.proposal(world.work) == view.ledger.require_policy()


def test_a_clone_made_before_the_declaration_learns_it_by_sync(world: World) -> None:
    clone = world.clone()
    invoke(clone, "sync")
    world.arcgit("keys", "revoke", "bob", "--adopt")
    assert world.verify(cwd=clone, code=1) == ["ledger-rollback"]
    invoke(clone, "sync")
    assert world.verify(cwd=clone, code=1) == ["key-compromised"]


def test_the_report_calls_a_tainted_record_that(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.arcgit("keys", "revoke", "bob", "--reason", "Laptop stolen", "--adopt")
    report = invoke(world.work, "audit-report", code=1)
    jsonschema.validate(report, json.loads(resource("templates/schemas/audit-report-v1.schema.json").read_text()))
    states = {row["experiment"]: row["state"] for row in report["experiments"]}
    assert states == {"churn/baseline": "recorded", "churn/wide": "recorded", "churn/deep": "tainted"}
    assert run(["-C", str(world.work), "policy", "show"]) == 0
    shown = capsys.readouterr().out
    assert "from event 1 on: Laptop stolen" in shown
    assert "Pinned remotes\n  none" in shown


# Put together here, so that the repository itself carries none.
AWS, GITHUB, PASSWORD = (
    f"AKIA{'IOSFODNN7EXAMPLE'}",
    f"ghp_{'abcdefghijklmnopqrstuvwxyz0123456789'}",
    "hunter2" + "secret",
)
SECRETS = {
    "remotes.storage": ('url: "../store"', f'url: "https://ada:{PASSWORD}@files.example.org/x"', PASSWORD),
    "people.bob.name": ('name: "Bob"', f'name: "{AWS}"', AWS),
    "people.bob.email": ("bob@example.org", GITHUB, GITHUB[4:20]),
}


@pytest.mark.parametrize("place", SECRETS)
def test_a_secret_in_a_policy_is_neither_printed_nor_signed(world: World, place: str) -> None:
    """What a policy says stays on the ledger for ever."""
    path = world.work / ".arcgit" / "policy.yaml"
    text = path.read_text()
    old, new, secret = SECRETS[place]
    if place == "remotes.storage" and old not in text:
        text = re.sub(r"^remotes:.*", "", text, flags=re.MULTILINE | re.DOTALL) + f'remotes:\n  "storage": {{{new}}}\n'
    if place == "people.bob.name":
        text = re.sub(r'name: "?Bob[^"\n]*"?', new, text)
    path.write_text(text.replace(old, new).replace("version: 1", "version: 2"))
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    for words in (["policy", "diff"], ["policy", "sign"], ["policy", "adopt"]):
        told = world.arcgit(*words, code=1)["error"]
        assert (told["code"], place in told["message"]) == ("secret-found", True)
        assert secret not in str(told)
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before
    assert not (world.work / ".arcgit" / "approvals").exists()


def test_a_secret_in_the_reason_of_a_revocation_is_refused_before_anything_is_written(world: World) -> None:
    secret = GITHUB
    told = world.arcgit("keys", "revoke", "bob", "--reason", f"They had {secret}", "--adopt", code=1)["error"]
    assert told["code"] == "secret-found"
    assert secret not in str(told)
    assert git(world.work, "status", "--porcelain") == ""


def test_what_the_policy_in_force_says_already_stands_in_nobodys_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive that was begun before may have such a text; its keys must still be rotated."""
    with monkeypatch.context() as patch:
        patch.setattr("arcgit.archive.policy.policywords.require_clean", lambda *_: None)
        world.arcgit("keys", "revoke", "bob", "--since", "6", "--reason", AWS, "--adopt")
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 2", "version: 3").replace("P10Y", "P11Y"))
    assert world.arcgit("policy", "adopt")["version"] == 3
