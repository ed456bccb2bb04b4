"""Copies that a policy asks for: who falls short, what counts as a copy, and what lies in a replica when the first is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arcgit.archive.policy import policyfile
from arcgit.model import policy as policies
from arcgit.model.policy import RetentionClass
from arcgit.rules.loosening import loosenings
from tests.attacks.test_ledger import signed_event
from tests.imports import recorded_import
from tests.world import Person, World, dvc, invoke

MODEL = "model.pkl"


def adopt(world: World, **changes: Any) -> None:
    """Put a policy with these changes in force."""
    proposed = policyfile.proposal(world.work)
    assert proposed is not None
    changed = msgspec.structs.replace(proposed, version=proposed.version + 1, **changes)
    (world.work / policyfile.POLICY_FILE).write_text(policyfile.render(changed))
    invoke(world.work, "policy", "adopt")


def add_remote(world: World, name: str = "offline") -> Path:
    folder = world.root / name
    folder.mkdir()
    dvc(world.work, "remote", "add", "--quiet", name, f"../{name}")
    return folder


def short(document: dict[str, Any]) -> dict[str, str]:
    """What the records that fall short have, by tag."""
    rows = [row for row in document["findings"] if row["code"] == "copies-short"]
    assert all(row["severity"] == "warning" for row in rows)
    return {row["subject"]: row["found"] for row in rows}


def test_a_policy_that_asks_for_two_copies_names_who_falls_short_and_the_next_command(world: World) -> None:
    assert world.verify(code=0) == []
    adopt(world, copies=2)
    assert world.verify(code=0) == ["copies-short"] * 3, "a warning leaves the verdict as it is"
    row = world.last["findings"][0]
    assert (row["expected"], row["found"]) == ("2 remotes", "storage")
    assert row["hint"] == f"arcgit replicate REMOTE {row['subject']}"
    add_remote(world)
    world.arcgit("replicate", "offline", "deep")
    world.verify(code=0)
    assert short(world.last) == {world.tag(name): "storage" for name in ("baseline", "wide")}
    world.arcgit("replicate", "offline")
    assert world.verify(code=0) == []


def test_the_report_says_who_falls_short_in_every_form(world: World) -> None:
    quiet = world.arcgit("audit-report", "--format", "json")
    assert quiet["scope"]["copies"] is None
    assert "copies" not in {fact["topic"] for fact in quiet["records"][0]["evidence"]}
    adopt(world, copies=2)
    add_remote(world)
    world.arcgit("replicate", "offline", "deep")
    document = world.arcgit("audit-report", "--format", "json")
    assert document["verdict"] == "pass"
    assert document["scope"]["copies"] == {"records": 3, "short": 2}
    rows = {row["tag"]: row for row in document["records"]}
    assert rows[world.tag("deep")]["copies"] == {"asked_for": 2, "remotes": ["offline", "storage"], "short": False}
    assert rows[world.tag("wide")]["copies"] == {"asked_for": 2, "remotes": ["storage"], "short": True}
    facts = {fact["topic"]: fact for fact in rows[world.tag("wide")]["evidence"]}
    assert (facts["copies"]["state"], facts["copies"]["detail"]) == ("not recorded", "1 of 2: storage")
    assert set(short(document)) == {world.tag("baseline"), world.tag("wide")}
    for form in ("text", "md"):
        path = world.root / f"report.{form}"
        from arcgit.cli.app import run  # noqa: PLC0415

        assert run(["-C", str(world.work), "audit-report", "--format", form, "-o", str(path)]) == 0
        text = path.read_text()
        assert "1 of 3 records proven in as many remotes as the policy asks for" in text
        assert "copies-short" in text
        assert f"{world.tag('wide')}" in text.lower().partition("fewer copies than asked for")[2]


def test_a_class_may_ask_for_more_or_fewer_than_the_rest(world: World) -> None:
    proposed = policyfile.proposal(world.work)
    assert proposed is not None
    classes = {**proposed.retention, "standard": RetentionClass(keep="P10Y", copies=1)}
    adopt(world, copies=3, retention=classes)
    assert world.verify(code=0) == []
    world.arcgit("amend", world.tag("deep"), "--retention", "permanent", "--reason", "It is in production.")
    world.verify(code=0)
    assert short(world.last) == {world.tag("deep"): "storage"}


def test_the_weight_is_the_policys(world: World) -> None:
    adopt(world, copies=2, severities={"copies-short": "error"})
    assert world.verify(code=1) == ["copies-short"] * 3
    adopt(world, copies=2, severities={"copies-short": "off"})
    assert world.verify(code=0) == []


@pytest.mark.parametrize(
    ("kind", "data", "counts"),
    [
        ("replicated", {"remote": "offline"}, True),
        ("replicated", {"remote": "storage"}, False),
        ("replicated", {"remote": "STORAGE"}, False),
        ("replicated", {"remote": "twin"}, False),
        ("verified", {"level": "fixity", "outcome": "pass", "remotes": ["offline"]}, True),
        ("verified", {"level": "presence", "outcome": "pass", "remotes": ["offline"]}, False),
        ("verified", {"level": "fixity", "outcome": "cannot-verify", "remotes": ["offline"]}, False),
        ("verified", {"level": "fixity", "outcome": "pass"}, False),
        ("verified", {"level": "fixity", "outcome": "pass", "remotes": ["git"]}, False),
        ("verified", {"level": "fixity", "outcome": "pass", "remotes": ["offline"], "sample": 1}, False),
    ],
)
def test_only_a_proof_in_another_place_counts(
    world: World,
    ada: Person,
    kind: str,
    data: dict[str, Any],
    counts: bool,  # noqa: FBT001
) -> None:
    pins = {name: policies.Remote(url=url) for name, url in
            {"storage": "../store", "twin": "../store/", "offline": "../offline"}.items()}  # fmt: skip
    adopt(world, copies=2, remotes=pins)
    said = {**data, "records": [f"refs/tags/{world.tag('deep')}"]}
    signed_event(world, ada, type=kind, actor="ada", subject=None, data=said)
    world.verify(code=0)
    assert (world.tag("deep") not in short(world.last)) == counts


def test_a_copy_in_which_something_failed_since_counts_no_more(world: World, ada: Person) -> None:
    adopt(world, copies=2)
    listed = [f"refs/tags/{world.tag('deep')}"]
    signed_event(
        world, ada, type="replicated", actor="ada", subject=None, data={"remote": "offline", "records": listed}
    )
    failed = {"level": "fixity", "outcome": "fail", "remotes": ["offline"], "records": listed}
    signed_event(world, ada, type="verified", actor="ada", subject=None, data=failed)
    world.verify(code=0)
    assert world.tag("deep") in short(world.last)
    signed_event(
        world, ada, type="replicated", actor="ada", subject=None, data={"remote": "offline", "records": listed}
    )
    world.verify(code=0)
    assert world.tag("deep") not in short(world.last)


def changed(policy: policies.Policy, **changes: Any) -> policies.Policy:
    return msgspec.structs.replace(policy, **changes)


def test_fewer_copies_are_a_loosening_and_the_field_stands_only_where_it_says_something(world: World) -> None:
    plain = policyfile.proposal(world.work)
    assert plain is not None
    assert '"copies"' not in policies.serialise(plain)
    two = changed(plain, copies=2)
    own = changed(two, retention={**plain.retention, "short": RetentionClass(keep="P1Y", copies=1)})
    for policy in (two, own):
        assert policies.parse(policies.serialise(policy)) == policy
        assert "copies" in policyfile.render(policy)
    assert [one.place for one in loosenings(plain, two)] == []
    assert [one.place for one in loosenings(two, plain)] == ["copies"]
    assert [one.place for one in loosenings(two, own)] == ["retention.short.copies"]
    assert [one.place for one in loosenings(own, two)] == []
    less = changed(plain, copies=1)
    assert [one.place for one in loosenings(two, less)] == ["copies"]
    for number in (0, -1, 101):
        with pytest.raises(policies.PolicyError, match="copies"):
            policies.parse(policies.serialise(changed(plain, copies=number)))
        with pytest.raises(policies.PolicyError, match="copies"):
            policies.parse(
                policies.serialise(changed(plain, retention={"a": RetentionClass(keep="P1Y", copies=number)}))
            )


def lose(world: World) -> None:
    """The first remote is gone, and so is DVC's cache."""
    shutil.rmtree(world.store)
    shutil.rmtree(world.work / ".dvc" / "cache")


def test_when_the_first_remote_is_lost_the_replica_brings_and_judges_the_data(world: World) -> None:
    add_remote(world)
    good = world.object_path(MODEL).read_bytes()
    world.arcgit("replicate", "offline")
    lose(world)
    done = world.arcgit("restore", "deep", "--to", str(world.root / "out"), "--no-log")
    assert (world.root / "out" / MODEL).read_bytes() == good
    assert {row["source"] for row in done["files"]} == {"git", "offline"}
    assert world.verify("--level", "fixity", code=3) == ["remote-unreachable"]
    for level in ("presence", "fixity"):
        assert world.verify("--level", level, "--remote", "offline", code=0) == []
        assert (world.last["scope"]["remote"], world.last["scope"]["objects_checked"] > 9) == ("offline", True)


def test_imports_are_copied_where_it_is_asked_for_and_named_where_not(world: World) -> None:
    other, tag = recorded_import(world)
    folder = add_remote(world)
    done = world.arcgit("replicate", "offline", tag)
    assert [row["code"] for row in done["findings"]] == ["imports-not-copied"]
    assert "words" not in {row["subject"].rpartition(": ")[2] for row in done["objects"]}
    done = world.arcgit("replicate", "OFFLINE", "--imports")
    assert done["remote"] == "offline"
    assert done["findings"] == []
    words = next(row for row in done["objects"] if row["subject"].endswith(": words"))
    assert (words["state"], words["proven"]) == ("copied", True)
    shutil.rmtree(other)
    shutil.rmtree(world.root / "elsewhere")
    world.arcgit("restore", tag, "--only", "words", "--to", str(world.root / "out"))
    assert (world.root / "out" / "words.txt").read_text() == "imported words"
    assert any(path.read_bytes() == b"imported words" for path in folder.rglob("*") if path.is_file())


def test_a_replica_is_judged_by_its_own_bytes(world: World) -> None:
    folder = add_remote(world)
    world.arcgit("replicate", "offline")
    place = folder / world.object_path(MODEL).relative_to(world.store)
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-1] + b"?")
    assert world.verify("--level", "fixity", code=0) == []
    assert world.verify("--level", "fixity", "--remote", "offline", code=1) == ["object-corrupt"]
    assert "`offline`" in world.last["findings"][0]["message"]
    assert set(world.verify("--level", "fixity", "--remote", "nowhere", code=3)) == {"remote-missing"}
    assert invoke(world.work, "verify", "--remote", "offline", code=2)["error"]["code"] == "usage"
