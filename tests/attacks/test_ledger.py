"""Attacks on the ledger, with plumbing and with stock `git notes`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest

from arcgit.model import event as events
from arcgit.model import gitobject, policy
from arcgit.model.canonical import sha256
from arcgit.signing.signer import signer_from_config
from tests.world import Person, World, git, invoke, propose

LEDGER = "refs/notes/arcgit"


def chain(work: Path) -> list[str]:
    """Commit oids of the ledger, oldest first."""
    return git(work, "rev-list", "--reverse", LEDGER).split()


def raw_commit(work: Path, oid: str) -> bytes:
    return subprocess.run(["git", "cat-file", "commit", oid], cwd=work, capture_output=True, check=True).stdout


def write_commit(work: Path, raw: bytes) -> str:
    command = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    return subprocess.run(command, cwd=work, input=raw, capture_output=True, check=True).stdout.decode().strip()


def set_ledger(work: Path, oid: str) -> None:
    """Move both the local ledger and what was last fetched, as a hostile host would."""
    git(work, "update-ref", LEDGER, oid)
    git(work, "update-ref", "refs/notes/origin/arcgit", oid)


def rechain(work: Path, first_parent: str | None, raws: list[bytes]) -> str:
    """Re-link commits without signing them again."""
    parent = first_parent
    for raw in raws:
        head, _, rest = raw.partition(b"\n\n")
        lines = [line for line in head.split(b"\n") if not line.startswith(b"parent ")]
        if parent:
            lines.insert(1, b"parent " + parent.encode())
        parent = write_commit(work, b"\n".join(lines) + b"\n\n" + rest)
    assert parent is not None
    return parent


def forget_pin(world: World) -> list[str]:
    """Options for a verifier who has no pin and knows only the founder's key."""
    pins = list((world.state / "arcgit" / "pins").glob("*.json"))
    founder: str = json.loads(pins[0].read_text())["founder"]
    for path in pins:
        path.unlink()
    return ["--trust-root", founder]


def test_an_event_taken_out_of_the_middle_breaks_the_chain(world: World) -> None:
    oids = chain(world.work)
    raws = [raw_commit(world.work, oid) for oid in oids]
    set_ledger(world.work, rechain(world.work, oids[1], raws[3:]))
    assert "ledger-chain" in world.verify(*forget_pin(world), code=1)


def test_two_events_swapped_break_the_chain(world: World) -> None:
    oids = chain(world.work)
    raws = [raw_commit(world.work, oid) for oid in oids]
    set_ledger(world.work, rechain(world.work, oids[1], [raws[3], raws[2], raws[4]]))
    assert "ledger-chain" in world.verify(*forget_pin(world), code=1)


def test_an_edited_event_fails_its_signature(world: World) -> None:
    raw = raw_commit(world.work, chain(world.work)[-1]).replace(b'"actor":"bob"', b'"actor":"ada"')
    set_ledger(world.work, write_commit(world.work, raw.replace(b" by bob", b" by ada")))
    assert "signature-bad" in world.verify(*forget_pin(world), code=1)


def test_the_newest_events_taken_away_are_a_rollback_for_whoever_saw_them(world: World) -> None:
    set_ledger(world.work, chain(world.work)[-2])
    codes = world.verify(code=1)
    assert "ledger-rollback" in codes
    assert "unrecorded-tag" in codes


def test_a_ledger_rewritten_with_valid_signatures_is_a_fork_for_whoever_saw_the_first(
    world: World, bob: Person
) -> None:
    """Bob signs another last event in the place of the one that was seen."""
    oids = chain(world.work)
    clone = world.clone()
    bob.sign_as(clone)
    git(world.hub, "update-ref", LEDGER, oids[-2])
    git(world.hub, "update-ref", "-d", f"refs/tags/{world.tag('deep')}")
    git(clone, "tag", "-d", world.tag("deep"))
    git(clone, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", "the same once more")
    invoke(clone, "sync", "--trust-root", oids[0], code=None)
    state = world.state
    invoke(clone, "record", "--trust-root", oids[0], code=None)
    git(world.work, "fetch", "--quiet", "origin", f"+{LEDGER}:refs/notes/origin/arcgit")
    git(world.work, "update-ref", LEDGER, "refs/notes/origin/arcgit")
    assert state.exists()
    assert {"ledger-fork", "ledger-rollback"} & set(world.verify(code=1))


def test_another_archive_under_the_same_id_is_a_fork(world: World, tmp_path: Path, ada: Person, bob: Person) -> None:
    twin = tmp_path / "twin"
    git(tmp_path, "clone", "--quiet", "--no-tags", str(world.hub), str(twin))
    git(twin, "remote", "remove", "origin")
    ada.sign_as(twin)
    propose(twin, ada, bob)
    pins = world.state / "arcgit" / "pins"
    kept = {path: path.read_bytes() for path in pins.glob("*.json")}
    for path in kept:
        path.unlink()
    invoke(twin, "init", "--new-archive")
    for path, data in kept.items():
        path.write_bytes(data)
    git(world.work, "fetch", "--quiet", str(twin), f"+{LEDGER}:refs/notes/origin/arcgit")
    git(world.work, "update-ref", LEDGER, "refs/notes/origin/arcgit")
    assert "ledger-fork" in world.verify(code=1)


@pytest.mark.parametrize("where", ["HEAD", "HEAD~1"])
def test_a_stock_git_note_is_named_as_foreign_and_sync_sets_it_aside(world: World, where: str) -> None:
    before = git(world.work, "rev-parse", LEDGER)
    git(world.work, "notes", "--ref=arcgit", "add", "-f", "-m", "looks good to me", where)
    foreign = git(world.work, "rev-parse", LEDGER)
    assert "ledger-foreign-commit" in world.verify(code=1)
    world.arcgit("sync")
    assert git(world.work, "rev-parse", LEDGER) == before
    assert git(world.work, "rev-parse", f"refs/arcgit/lost/{foreign}") == foreign
    assert world.verify(code=0) == []


def test_a_note_edited_under_a_valid_message_differs_from_the_events(world: World, bob: Person) -> None:
    """The tree is only a rendering; a signer who changes it is found out by recomputing it."""
    oids = chain(world.work)
    tip = gitobject.parse_commit(raw_commit(world.work, oids[-1]))
    index = str(world.root / "index")
    blob = git(world.work, "hash-object", "-w", "--stdin", stdin="#3 approved by everybody\n")
    git(world.work, "read-tree", f"{LEDGER}^{{tree}}", GIT_INDEX_FILE=index)
    name = git(world.work, "ls-files", GIT_INDEX_FILE=index).split()[0]
    git(world.work, "update-index", "--cacheinfo", f"100644,{blob},{name}", GIT_INDEX_FILE=index)
    tree = git(world.work, "write-tree", GIT_INDEX_FILE=index)
    signer = signer_from_config({"gpg.format": "ssh", "user.signingkey": bob.key}, email=bob.email)
    payload = gitobject.commit_payload(tree=tree, parent=tip.parent, author=tip.author, message=tip.message)
    set_ledger(world.work, write_commit(world.work, gitobject.sign_commit(payload, signer.sign(payload))))
    assert "notes-differ" in world.verify(*forget_pin(world), code=1)


def signed_event(world: World, person: Person, **changes: object) -> str:
    """One more event on top of the ledger by anybody, past every rule of arcgit's own."""
    tip = chain(world.work)[-1]
    raw = raw_commit(world.work, tip)
    parsed = gitobject.parse_commit(raw)
    last = events.parse_message(parsed.message)
    fields = {"seq": last.seq + 1, "previous": sha256(raw), **changes}
    new = msgspec.structs.replace(last, **fields)
    config = {"gpg.format": person.format, "user.signingkey": person.key}
    signer = signer_from_config(config, email=person.email)
    payload = gitobject.commit_payload(tree=parsed.tree, parent=tip, author=parsed.author, message=events.message(new))
    oid = write_commit(world.work, gitobject.sign_commit(payload, signer.sign(payload)))
    set_ledger(world.work, oid)
    return oid


def test_an_event_by_somebody_without_the_role_fails(world: World, bob: Person) -> None:
    """Bob may record and review; purging is for custodians."""
    signed_event(world, bob, type="purged", actor="bob", data={})
    assert world.verify(code=1)[0] == "signer-role"


def test_an_event_signed_by_a_stranger_fails(world: World, mallory: Person) -> None:
    signed_event(world, mallory, type="reviewed", actor="ada", data={})
    assert "signer-unknown" in world.verify(code=1)


def test_an_event_in_somebody_elses_name_fails(world: World, bob: Person) -> None:
    signed_event(world, bob, type="reviewed", actor="ada", data={})
    assert "ledger-event-invalid" in world.verify(code=1)


def test_an_event_of_another_archive_fails(world: World, bob: Person) -> None:
    signed_event(world, bob, type="reviewed", archive="11111111-1111-1111-1111-111111111111", data={})
    assert "wrong-archive" in world.verify(code=1)


def test_an_event_that_names_another_tag_object_fails(world: World, bob: Person) -> None:
    subject = events.Subject(refname=f"refs/tags/{world.tag()}", oid="0" * 40, sha256="0" * 64)
    signed_event(world, bob, type="reviewed", subject=subject, data={"outcome": "approved"})
    assert "ledger-state" in world.verify(code=1)


@pytest.mark.parametrize("data", [{}, {"outcome": "fine"}, {"outcome": None}, {"message": "approved"}])
def test_a_review_that_does_not_say_yes_or_no_is_no_event(world: World, bob: Person, data: dict[str, object]) -> None:
    signed_event(world, bob, type="reviewed", data=data)
    assert "ledger-event-invalid" in world.verify(code=1)


def test_an_event_about_records_that_were_never_recorded_is_impossible(world: World, bob: Person) -> None:
    data = {"records": ["refs/tags/exp/churn/baseline/000000000000"], "level": "fixity", "outcome": "pass"}
    signed_event(world, bob, type="verified", subject=None, data=data)
    assert "ledger-state" in world.verify(code=1)


def test_an_event_about_no_record_at_all_is_no_event(world: World, bob: Person) -> None:
    signed_event(world, bob, type="verified", subject=None, data={"level": "fixity", "outcome": "pass", "records": []})
    assert "ledger-event-invalid" in world.verify(code=1)


def test_an_event_about_several_records_is_in_the_history_of_each(world: World, bob: Person) -> None:
    named = [f"refs/tags/{world.tag(name)}" for name in ("baseline", "wide")]
    signed_event(
        world, bob, type="verified", subject=None, data={"level": "fixity", "outcome": "pass", "records": named}
    )
    assert world.verify(code=0) == []
    for name, expected in (("baseline", ["recorded", "verified"]), ("deep", ["recorded"])):
        events = world.arcgit("log", world.tag(name))["events"]
        assert [event["type"] for event in events] == expected


def test_a_ledger_of_a_newer_arcgit_is_not_called_tampered(world: World, bob: Person) -> None:
    """What was recorded behind the first event that cannot be read is not known; nothing says that it is wrong."""
    tip = chain(world.work)[-1]
    raw = raw_commit(world.work, tip)
    set_ledger(world.work, write_commit(world.work, raw.replace(b"arcgit/event/v1", b"arcgit/event/v2")))
    codes = world.verify(*forget_pin(world), code=3)
    assert set(codes) == {"ledger-event-invalid", "unrecorded-tag"}
    assert {finding["severity"] for finding in world.last["findings"]} == {"unknown"}


def test_a_record_recorded_twice_is_impossible(world: World, bob: Person) -> None:
    signed_event(world, bob)
    assert "ledger-state" in world.verify(code=1)


def test_a_hole_in_the_sequence_breaks_the_chain(world: World, bob: Person) -> None:
    signed_event(world, bob, seq=99, type="reviewed", data={})
    assert "ledger-chain" in world.verify(code=1)


def test_a_wrong_digest_of_the_event_before_breaks_the_chain(world: World, bob: Person) -> None:
    signed_event(world, bob, previous="0" * 64, type="reviewed", data={})
    assert "ledger-chain" in world.verify(code=1)


def test_a_policy_by_too_few_admins_is_refused(world: World, bob: Person) -> None:
    """Bob is no admin: his own proposal, with himself as admin, changes nothing."""
    first = events.parse_message(gitobject.parse_commit(raw_commit(world.work, chain(world.work)[1])).message)
    text = first.data["policy"].replace('"version":1', '"version":2')
    data = {
        "version": 2,
        "digest": policy.digest(text),
        "previous": first.data["digest"],
        "policy": text,
        "approvals": [],
    }
    signed_event(world, bob, type="policy", actor="bob", subject=None, data=data)
    assert "signer-role" in world.verify(code=1)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": 1}, "policy-chain"),
        ({"version": 3}, "policy-chain"),
        ({"previous": "0" * 64}, "policy-chain"),
        ({"digest": "0" * 64}, "policy-chain"),
        ({"policy": "{}"}, "policy-chain"),
        ({"policy": None}, "policy-chain"),
        ({}, "threshold-not-met"),
    ],
)
def test_a_policy_that_does_not_follow_the_one_before_is_refused(
    world: World, ada: Person, changes: dict[str, object], code: str
) -> None:
    first = events.parse_message(gitobject.parse_commit(raw_commit(world.work, chain(world.work)[1])).message)
    text = first.data["policy"].replace('"version":1', '"version":2')
    data = {
        "version": 2,
        "digest": policy.digest(text),
        "previous": first.data["digest"],
        "policy": text,
        "approvals": [],
    }
    signed_event(world, ada, type="policy", actor="ada", subject=None, data={**data, **changes})
    assert code in world.verify(code=1)


def test_an_unknown_event_type_cannot_be_verified(world: World, ada: Person) -> None:
    signed_event(world, ada, type="blessed", actor="ada", subject=None, data={})
    assert world.verify(code=3) == ["ledger-event-invalid"]


def test_an_unknown_event_version_cannot_be_verified(world: World, ada: Person) -> None:
    signed_event(world, ada, schema="arcgit/event/v2", actor="ada")
    assert world.verify(code=3) == ["ledger-event-invalid"]


def test_a_merge_on_the_ledger_is_refused(world: World) -> None:
    tip = chain(world.work)[-1]
    raw = raw_commit(world.work, tip)
    parent = chain(world.work)[-2]
    merge = raw.replace(b"\nauthor ", b"\nparent " + parent.encode() + b"\nauthor ", 1)
    set_ledger(world.work, write_commit(world.work, merge))
    assert "ledger-event-invalid" in world.verify(*forget_pin(world), code=1)


def test_a_tag_in_the_place_of_the_ledger_is_named_with_what_mends_it(world: World) -> None:
    git(world.work, "tag", "--annotate", "--message", "x", "around", LEDGER)
    around = git(world.work, "rev-parse", "refs/tags/around")
    (world.work / ".git" / LEDGER).write_text(f"{around}\n")
    told = world.arcgit("sync", code=1)["error"]
    assert told["code"] == "ledger-chain"
    assert f"names {around}, which is a tag and no commit" in told["message"]
    assert "mends it" in told["hint"]
    git(world.work, "update-ref", LEDGER, f"{LEDGER}^{{commit}}")
    world.arcgit("sync")
    git(world.hub, "fetch", "--quiet", "../work", "refs/tags/around:refs/tags/around")
    (world.hub / LEDGER).write_text(f"{around}\n")
    for command in (("sync",), ("record",), ("compare", "origin")):
        assert "is a tag and no commit" in world.arcgit(*command, code=1)["error"]["message"]
    git(world.hub, "update-ref", LEDGER, f"{LEDGER}^{{commit}}")
    world.arcgit("sync")
    assert world.verify(code=0) == []
