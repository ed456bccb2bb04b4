"""Attacks with keys: unknown, expired, revoked, stolen, shared, swapped; and with the dates that signatures state."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pysequoia import Tsk

from arcgit.archive import ledger
from arcgit.archive.context import open_context
from arcgit.archive.events.append import Exchange, append
from arcgit.archive.judgeref import judge_ref
from arcgit.cli.app import run
from arcgit.cli.clock import now
from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.rules import doubt, reviews
from arcgit.signing.keyfacts import with_revocation
from arcgit.signing.keys import parse_public_key
from arcgit.signing.signer import signer_from_config
from tests.attacks.test_ledger import chain, forget_pin, raw_commit, signed_event
from tests.keys import add, export, fingerprint_of, key_file, newcomer
from tests.world import Person, World, git, invoke, next_experiment, sh


def record_as(world: World, person: Person, experiment: str, *, code: int = 0) -> Any:
    person.sign_as(world.work)
    next_experiment(world.work, experiment, f"lr: 0.{len(experiment)}\nepochs: {sum(map(ord, experiment))}\n")
    return world.arcgit("record", code=code)


def expiring(home: Path, slug: str, seconds: int) -> Person:
    """Somebody whose OpenPGP key ends after so many seconds."""
    person = newcomer(home, slug, "openpgp")
    user = f"{person.name} <short-{person.email}>"
    sh(
        home,
        "gpg",
        "--batch",
        "--passphrase",
        "",
        "--quick-generate-key",
        user,
        "ed25519",
        "sign",
        f"seconds={seconds}",
    )
    listing = sh(home, "gpg", "--batch", "--list-keys", "--with-colons", f"short-{person.email}")
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
    return Person(person.name, f"short-{person.email}", "openpgp", fingerprint)


def written(
    world: World,
    person: Person,
    kind: str,
    subject: events.Subject | None,
    data: dict[str, Any],
    hours: int = 0,
    *,
    push: bool = True,
    trust_root: str | None = None,
) -> None:
    """One more event through arcgit's own door, with a claimed time so many hours from now."""
    person.sign_as(world.work)
    context = open_context(world.work, state_dir=world.state / "arcgit")
    signer = signer_from_config({"gpg.format": person.format, "user.signingkey": person.key}, email=person.email)
    moment, exchange = now() + timedelta(hours=hours), Exchange(push=push, trust_root=trust_root)
    append(context, lambda: signer, kind=kind, decide=lambda view: (subject, data), exchange=exchange, now=moment)


def severities(world: World) -> set[tuple[str, str, str]]:
    return {(item["code"], item["severity"], item["subject"]) for item in world.last["findings"]}


def test_a_key_that_only_the_keyring_trusts_counts_nothing(world: World, isolated_home: Path) -> None:
    """It is in the verifier's own GnuPG with ultimate trust, and in no policy."""
    eve = newcomer(isolated_home, "eve", "openpgp")
    signed_event(world, eve, type="reviewed", actor="ada", data={"outcome": "approved"})
    assert "signer-unknown" in world.verify(code=1)


def test_what_was_signed_before_a_key_ended_stands_and_nothing_after_it(
    world: World, isolated_home: Path, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second record states a date on which the key still held. Where it stands on the ledger says otherwise."""
    carol = expiring(isolated_home, "carol", 12 * 3600)
    add(world, "carol", carol, ["recorder"], "--adopt")
    record_as(world, carol, "in-time")
    written(world, bob, "verified", subject_of(world, "baseline"), {"level": "signatures", "outcome": "pass"}, 20)
    assert world.verify(code=0) == []
    assert record_as(world, carol, "too-late", code=1)["error"]["code"] == "key-expired"
    with monkeypatch.context() as patch:
        patch.setattr(doubt, "ended", lambda *_, **__: None)
        tag = world.arcgit("record", "--no-push")["tag"]
    assert "key-expired" in world.verify(code=1)
    assert severities(world) == {("key-expired", "error", tag)}
    assert {row["tag"] for row in world.arcgit("list")["records"] if "in-time" in row["tag"]} != set()


def test_a_review_with_an_ended_key_does_not_count(
    world: World, isolated_home: Path, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    carol = expiring(isolated_home, "carol", 12 * 3600)
    add(world, "carol", carol, ["reviewer"], "--adopt")
    about = subject_of(world, "baseline")
    written(world, bob, "verified", about, {"level": "signatures", "outcome": "pass"}, 20)
    with monkeypatch.context() as patch:
        patch.setattr(doubt, "ended", lambda *_, **__: None)
        written(world, carol, "reviewed", about, {"outcome": "approved"})
    assert world.verify(code=0) == ["key-expired"]
    assert standing(world, "baseline") == ("open", [])


def subject_of(world: World, experiment: str) -> events.Subject:
    """The record of an experiment as its event names it."""
    for oid in chain(world.work):
        event = events.parse_message(gitobject.parse_commit(raw_commit(world.work, oid)).message)
        if event.type == "recorded" and event.subject and f"/{experiment}/" in event.subject.refname:
            return event.subject
    raise AssertionError(experiment)


def standing(world: World, experiment: str) -> tuple[str, list[str]]:
    """What the reviews of a record add up to, as the report has it."""
    view = ledger.require(open_context(world.work, state_dir=world.state / "arcgit"))
    found = reviews.standing(view.ledger.records[subject_of(world, experiment).refname])
    return found.word, list(found.approved)


def made_in_the_past(home: Path, days: int, ends: str) -> Person:
    """Somebody whose OpenPGP key was made so many days ago, and ends as GnuPG is told."""
    email = f"past-{time.monotonic_ns()}@example.org"
    command = ["gpg", "--faked-system-time", stamp(days), "--batch", "--passphrase", ""]
    sh(home, *command, "--quick-generate-key", f"Carol <{email}>", "ed25519", "sign", ends)
    listing = sh(home, "gpg", "--batch", "--list-keys", "--with-colons", email)
    return Person(
        "Carol", email, "openpgp", next(line.split(":")[9] for line in listing.splitlines() if line[:3] == "fpr")
    )


def stamp(days: int) -> str:
    """So many days ago, as GnuPG takes it for its clock."""
    return (now() - timedelta(days=days)).strftime("%Y%m%dT%H%M%S!")


def set_clock_back(world: World, days: int) -> None:
    """From now on whoever signs with GnuPG in the clone states a date so many days ago."""
    program = world.root / "gpg-in-the-past"
    program.write_text(f'#!/bin/sh\nexec gpg --faked-system-time "{stamp(days)}" "$@"\n')
    program.chmod(0o755)
    git(world.work, "config", "gpg.program", str(program))


def test_a_backdated_signature_of_an_ended_key_gains_nothing(world: World, isolated_home: Path, ada: Person) -> None:
    """The key ended a month ago, and the signer's clock is set to before that. arcgit does not even write it."""
    carol = made_in_the_past(isolated_home, 60, "30d")
    (world.work / ".arcgit" / "keys" / "carol.asc").write_text(export(carol.key))
    path = world.work / ".arcgit" / "policy.yaml"
    entry = f'  carol: {{name: "Carol", email: "c@x.org", roles: [recorder], keys: ["{carol.key}"]}}\n'
    path.write_text(path.read_text().replace("version: 1", "version: 2").replace("people:\n", f"people:\n{entry}"))
    world.arcgit("policy", "adopt")
    set_clock_back(world, 59)
    assert record_as(world, carol, "backdated", code=1)["error"]["code"] == "key-expired"


@pytest.mark.parametrize(("since", "code"), [(1, 1), (5, 1), (6, 0)])
def test_a_compromised_key_taints_what_it_signed_from_an_event_on(world: World, since: int, code: int) -> None:
    """Bob recorded with event 5. What stands before the doubted event was anchored by the ledger in time."""
    world.arcgit("keys", "revoke", "bob", "--since", str(since), "--reason", "Laptop stolen", "--adopt")
    assert world.verify(code=code) == (["key-compromised"] if code else [])
    if code:
        assert "Laptop stolen" in world.last["findings"][0]["message"]
        assert world.last["findings"][0]["subject"] == world.tag("deep")
    rows = {row["experiment"]: row["status"] for row in world.arcgit("list")["records"]}
    assert rows == {"baseline": "recorded", "wide": "recorded", "deep": "tainted" if code else "recorded"}


def test_a_tainted_record_is_recorded_anew_and_retired(world: World) -> None:
    world.arcgit("keys", "revoke", "bob", "--adopt")
    world.commit()
    again = world.arcgit("record")
    assert (again["created"], again["tag"]) == (True, f"{world.tag('deep')}.2")
    assert world.verify(code=1) == ["key-compromised"]
    world.arcgit("retire", world.tag("deep").rpartition("/")[2], "--reason", "Signed with a stolen key")
    assert world.verify(code=0) == ["key-compromised"]
    assert severities(world) == {("key-compromised", "warning", world.tag("deep"))}


def test_a_clone_that_never_saw_it_before_judges_the_same(world: World) -> None:
    world.arcgit("keys", "revoke", "bob", "--adopt")
    options = forget_pin(world)
    clone = world.clone()
    invoke(clone, "sync", *options)
    assert world.verify(cwd=clone, code=1) == ["key-compromised"]


def test_what_a_thief_signs_afterwards_is_by_an_unknown_key(world: World, bob: Person) -> None:
    world.arcgit("keys", "revoke", "bob", "--adopt")
    assert record_as(world, bob, "thief", code=1)["error"]["code"] == "signer-unknown"
    signed_event(world, bob, type="reviewed", actor="bob", data={"outcome": "approved"})
    assert "signer-unknown" in world.verify(code=1)


def test_reviews_and_retirements_of_a_thief_stop_to_count(world: World, bob: Person, ada: Person) -> None:
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "custodian", "--adopt")
    bob.sign_as(world.work)
    world.arcgit("review", world.tag("wide"), "--approve", "-m", "fine")
    world.arcgit("amend", world.tag("wide"), "--owner", "Bob <bob@example.org>", "--reason", "mine")
    world.arcgit("retire", world.tag("wide"), "--reason", "gone")
    ada.sign_as(world.work)
    assert standing(world, "wide") == ("approved", ["bob"])
    world.arcgit("keys", "revoke", "bob", "--since", "7", "--adopt")
    assert world.verify(code=0) == ["key-compromised"] * 3
    assert standing(world, "wide") == ("open", [])
    rows = {row["experiment"]: row for row in world.arcgit("list")["records"]}
    assert (rows["wide"]["status"], rows["wide"]["owner"]) == ("recorded", "Ada Lovelace <ada@example.org>")


def test_a_release_by_a_thief_leaves_the_hold_in_place(world: World, bob: Person, ada: Person) -> None:
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "custodian", "--adopt")
    about = subject_of(world, "wide")
    written(world, ada, "held", about, {"hold": "case-7", "reason": "Lawsuit"})
    written(world, bob, "released", about, {"hold": "case-7"})
    ada.sign_as(world.work)
    assert {row["experiment"]: row["status"] for row in world.arcgit("list")["records"]}["wide"] == "recorded"
    world.arcgit("keys", "revoke", "bob", "--since", "8", "--adopt")
    assert {row["experiment"]: row["status"] for row in world.arcgit("list")["records"]}["wide"] == "held"
    assert world.verify(code=0) == ["key-compromised"]


def test_a_purge_by_a_thief_stays_an_error(world: World, bob: Person, ada: Person) -> None:
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "custodian", "--adopt")
    written(world, bob, "purged", subject_of(world, "wide"), {"reason": "x"})
    ada.sign_as(world.work)
    world.arcgit("keys", "revoke", "bob", "--since", "7", "--adopt")
    assert world.verify(code=1) == ["key-compromised"]
    assert world.last["findings"][0]["subject"].startswith("event 7")


def test_a_tag_of_a_stolen_key_under_an_event_of_another_is_tainted_too(world: World, bob: Person, ada: Person) -> None:
    """The tag of `deep` is Bob's; here it is the tag's own signature that is asked, not the event's."""
    world.arcgit("keys", "revoke", "bob", "--adopt")
    context = open_context(world.work, state_dir=world.state / "arcgit")
    view = ledger.require(context)
    del view.ledger.doubts[5]
    ref = next(ref for ref in context.repo.refs("refs/tags/exp") if ref.name.endswith(world.tag("deep")))
    assert [found.code for found in judge_ref(context, view, ref)[1]] == ["key-compromised"]


@pytest.mark.parametrize("reason", ["0", "1", "3"])
def test_a_revocation_certificate_goes_into_the_policy_with_the_key(
    world: World, isolated_home: Path, ada: Person, reason: str
) -> None:
    carol = newcomer(isolated_home, "carol", "openpgp")
    add(world, "carol", carol, ["recorder"], "--adopt")
    record_as(world, carol, "stolen")
    ada.sign_as(world.work)
    answers = f"y\n{reason}\n\ny\n"
    file = world.root / "revoked.asc"
    options = ["--command-fd", "0", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""]
    sh(isolated_home, "gpg", *options, "--output", str(file), "--gen-revoke", carol.key, stdin=answers)
    world.arcgit("keys", "revoke", "carol", "--certificate", str(file), "--adopt")
    policy = world.arcgit("policy", "show")["policy"]
    revoked = world.root / "from-policy.asc"
    revoked.write_text(policy["compromised"][carol.key]["public_key"])
    shown = sh(isolated_home, "gpg", "--batch", "--with-colons", "--show-keys", str(revoked))
    assert next(line.split(":")[1] for line in shown.splitlines() if line.startswith("pub")) == "r"
    assert "key-compromised" in world.verify(code=1)
    assert git(world.work, "ls-files", "--others", "--modified", ".arcgit/keys") == f".arcgit/keys/{carol.key}.asc"


def test_the_revocation_that_gnupg_keeps_is_taken_with_its_colon(world: World, isolated_home: Path) -> None:
    carol = newcomer(isolated_home, "carol", "openpgp")
    add(world, "carol", carol, ["recorder"], "--adopt")
    kept = isolated_home / "g" / "openpgp-revocs.d" / f"{carol.key}.rev"
    assert "\n:-----BEGIN" in kept.read_text()
    assert world.arcgit("keys", "revoke", "carol", "--certificate", str(kept), "--adopt")["adopted"]


def test_a_revocation_of_another_key_or_of_none_is_refused(world: World, isolated_home: Path, bob: Person) -> None:
    carol, dave = (newcomer(isolated_home, slug, "openpgp") for slug in ("carol", "dave"))
    add(world, "carol", carol, ["recorder"])
    wrong = isolated_home / "g" / "openpgp-revocs.d" / f"{dave.key}.rev"
    plain = key_file(world.root, carol)
    for who, file in (("carol", str(wrong)), ("carol", plain), ("bob", str(wrong)), ("carol", bob.key)):
        refused = world.arcgit("keys", "revoke", who, "--certificate", file, code=1)["error"]
        assert refused["code"] == "revocation-invalid"


def test_a_softly_revoked_key_in_the_policy_signs_nothing_more_whatever_the_date(
    world: World, isolated_home: Path, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its certificate says superseded, which leaves earlier signatures good; the event comes after the policy, though."""
    carol = made_in_the_past(isolated_home, 60, "never")
    add(world, "carol", carol, ["recorder"], "--adopt")
    carol.sign_as(world.work)
    next_experiment(world.work, "held-back", "lr: 0.5\nepochs: 5\n")
    file = world.root / "revoked.asc"
    options = ["--faked-system-time", stamp(1), "--command-fd", "0", "--no-tty", "--pinentry-mode", "loopback"]
    command = [*options, "--passphrase", "", "--output", str(file), "--gen-revoke", carol.key]
    sh(isolated_home, "gpg", *command, stdin="y\n2\n\ny\n")
    revoked = with_revocation(parse_public_key(export(carol.key)), file.read_text())
    (world.work / ".arcgit" / "keys" / f"{carol.key}.asc").write_text(revoked.text)
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 2", "version: 3"))
    ada.sign_as(world.work)
    refused = world.arcgit("policy", "adopt", code=1)["error"]
    assert refused["code"] == "key-revoked"
    with monkeypatch.context() as patch:
        patch.setattr("arcgit.archive.policy.lockout.require_open", lambda *_: None)
        world.arcgit("policy", "adopt")
    carol.sign_as(world.work)
    set_clock_back(world, 30)
    world.commit()
    assert world.arcgit("record", code=1)["error"]["code"] == "key-revoked"
    with monkeypatch.context() as patch:
        patch.setattr(doubt, "ended", lambda *_, **__: None)
        tag = world.arcgit("record", "--no-push")["tag"]
    assert world.verify(code=1) == ["key-revoked"]
    assert severities(world) == {("key-revoked", "error", tag)}


def test_a_key_that_is_declared_compromised_does_not_vouch_for_that(world: World, bob: Person, ada: Person) -> None:
    """Otherwise a thief could sign away the days in which nobody else had the key."""
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "admin", "--adopt")
    bob.sign_as(world.work)
    world.arcgit("keys", "revoke", "bob")
    for verb in ("sign", "adopt"):
        assert world.arcgit("policy", verb, code=1)["error"]["code"] == "key-compromised"
    ada.sign_as(world.work)
    world.arcgit("policy", "adopt")


def test_a_compromised_key_is_not_listed_again(world: World, bob: Person) -> None:
    world.arcgit("keys", "revoke", "bob", "--adopt")
    assert world.arcgit("keys", "add", "bob", key_file(world.root, bob), code=1)["error"]["code"] == "key-compromised"
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(
        path.read_text().replace("version: 2", "version: 3").replace("keys: []", f'keys: ["{fingerprint_of(bob)}"]')
    )
    (world.work / ".arcgit" / "keys" / "bob.pub").write_text(bob.public())
    refused = world.arcgit("policy", "adopt", code=1)["error"]
    assert (refused["code"], "still listed" in refused["message"]) == ("policy-invalid", True)


def test_two_keys_of_one_person_are_one_person(world: World, isolated_home: Path, ada: Person, bob: Person) -> None:
    second = newcomer(isolated_home, "ada")
    world.arcgit("keys", "add", "ada", key_file(world.root, second))
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "admin")
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("  policy: 1", "  policy: 2"))
    world.arcgit("policy", "adopt")
    world.arcgit("keys", "retire", fingerprint_of(bob), code=1)
    carol = newcomer(isolated_home, "carol")
    add(world, "carol", carol, ["recorder"])
    second.sign_as(world.work)
    assert world.arcgit("policy", "sign")["approved"] == ["ada"]
    ada.sign_as(world.work)
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "threshold-not-met"


def test_the_own_word_does_not_count_with_a_second_key(world: World, isolated_home: Path, ada: Person) -> None:
    second = newcomer(isolated_home, "ada")
    world.arcgit("keys", "add", "ada", key_file(world.root, second), "--adopt")
    second.sign_as(world.work)
    refused = world.arcgit("review", world.tag("wide"), "--approve", "-m", "mine", code=1)
    assert refused["error"]["code"] == "review-own"
    written(world, second, "reviewed", subject_of(world, "wide"), {"outcome": "approved"})
    assert world.verify(code=0) == []
    assert standing(world, "wide") == ("open", [])


def edited(world: World, before: str, after: str) -> None:
    """Adopt a policy that somebody edited by hand."""
    path = world.work / ".arcgit" / "policy.yaml"
    text = path.read_text()
    version = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("version:"))
    path.write_text(text.replace(f"version: {version}", f"version: {version + 1}").replace(before, after))
    world.arcgit("policy", "adopt")


def told(world: World, experiment: str) -> set[tuple[str, tuple[str, ...]]]:
    """What the reviews of a record add up to, by every road on which arcgit says so."""
    shown = world.arcgit("show", world.tag(experiment))["record"]["review"]
    report = world.arcgit("audit-report")
    audited = next(row for row in report["records"] if f"/{experiment}/" in row["tag"])["review"]
    words = {row["tag"]: "approved" for row in world.arcgit("search", "review=approved")["records"]}
    assert (world.tag(experiment) in words) == (shown["standing"] == "approved")
    return {(found["standing"], tuple(found["approved"])) for found in (shown, audited)}


def test_a_new_name_for_the_same_key_makes_nobody_a_second_person(world: World, ada: Person, bob: Person) -> None:
    """Whoever recorded under one name approves nothing under another, and two names with one key are one approval."""
    edited(world, "  review: 1", "  review: 2")
    record_as(world, ada, "twice")
    written(world, bob, "reviewed", subject_of(world, "twice"), {"outcome": "approved"})
    ada.sign_as(world.work)
    edited(world, "  bob:", "  robert:")
    bob.sign_as(world.work)
    refused = world.arcgit("review", world.tag("deep"), "--approve", "-m", "mine", code=1)
    assert refused["error"]["code"] == "review-own"
    assert world.arcgit("evaluate", world.tag("deep"), "--outcome", "differs")["by_recorder"] is True
    written(world, bob, "reviewed", subject_of(world, "deep"), {"outcome": "approved"})
    written(world, bob, "reviewed", subject_of(world, "twice"), {"outcome": "approved"})
    assert world.verify(code=0) == []
    assert told(world, "deep") == {("open", ())}
    assert told(world, "twice") == {("open", ("robert",))}


def test_a_name_that_a_key_comes_to_later_takes_back_no_review(world: World, isolated_home: Path, ada: Person) -> None:
    """Carol's key is handed on to Bob after she has left; what she said of his record was another person's word."""
    carol = newcomer(isolated_home, "carol")
    add(world, "carol", carol, ["reviewer"], "--adopt")
    written(world, carol, "reviewed", subject_of(world, "deep"), {"outcome": "approved"})
    ada.sign_as(world.work)
    world.arcgit("keys", "retire", "carol", "--adopt")
    world.arcgit("keys", "add", "bob", key_file(world.root, carol), "--adopt")
    assert told(world, "deep") == {("approved", ("carol",))}
    written(world, carol, "reviewed", subject_of(world, "deep"), {"outcome": "approved"})
    assert told(world, "deep") == {("approved", ("carol",))}


@pytest.mark.parametrize("short", [8, 16, 32])
def test_a_short_key_id_is_no_fingerprint(world: World, ada: Person, short: int) -> None:
    path = world.work / ".arcgit" / "policy.yaml"
    proposed = (
        path.read_text().replace("version: 1", "version: 2").replace(fingerprint_of(ada), fingerprint_of(ada)[-short:])
    )
    path.write_text(proposed)
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "policy-invalid"


def test_a_key_file_that_is_swapped_in_the_tree_changes_nothing(world: World, isolated_home: Path, ada: Person) -> None:
    """Keys come from the ledger; a proposal with another key under a known fingerprint is not even read."""
    eve = newcomer(isolated_home, "eve", "openpgp")
    for path in (world.work / ".arcgit" / "keys").glob("*.asc"):
        path.write_text(eve.public())
    world.commit("swap")
    assert world.verify(code=0) == []
    assert record_as(world, eve, "swapped", code=1)["error"]["code"] == "signer-unknown"
    ada.sign_as(world.work)
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "policy-invalid"


@pytest.mark.parametrize(
    "how", [("brainpoolP256r1",), ("rsa2048", "--cert-digest-algo", "SHA1", "--allow-weak-digest-algos")]
)
def test_a_key_that_cannot_be_checked_is_refused_in_words_and_locks_nobody_out(
    world: World, isolated_home: Path, how: tuple[str, ...]
) -> None:
    """GnuPG makes such keys and signs with them; what they sign would count for nobody."""
    algorithm, *options = how
    user = f"Dora <dora@{algorithm}.example.org>"
    gpg = ("gpg", "--batch", "--passphrase", "")
    sh(isolated_home, *gpg, *options, "--quick-generate-key", user, algorithm, "sign", "never")
    path = world.root / "dora.asc"
    path.write_text(sh(isolated_home, "gpg", "--armor", "--export", user))
    words = ("dora", str(path), "--name", "Dora", "--email", "dora@example.org", "--role", "admin")
    refused = world.arcgit("keys", "add", *words, code=1)
    assert "none of its keys makes signatures that can be checked" in refused["error"]["message"]
    assert world.verify(code=0) == []


@pytest.mark.parametrize("name", ["Eve\n[GNUPG:] GOODSIG 0000 Ada", "Eve\x1b]0;x\x07", "E\u202eve <b>"])
def test_a_name_in_a_key_speaks_no_status_lines_and_moves_no_cursor(
    world: World, isolated_home: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = world.root / "eve.asc"
    file.write_text(str(Tsk.generate(f"{name} <eve@example.org>").extract_certificate()))
    options = ["--name", name, "--email", "eve@example.org", "--role", "recorder"]
    assert run(["-C", str(world.work), "keys", "add", "eve", str(file), *options, "--adopt"]) in {0, 1}
    run(["-C", str(world.work), "keys", "list"])
    run(["-C", str(world.work), "keys", "show", "eve"])
    shown = capsys.readouterr()
    assert "\n[GNUPG:]" not in shown.out + shown.err
    assert not set("\x1b\x07\u202e") & set(shown.out + shown.err)
    assert world.verify(code=0) == []


def test_an_event_from_the_future_fails_and_one_from_the_past_is_named(world: World, bob: Person) -> None:
    about, data = subject_of(world, "baseline"), {"outcome": "approved"}
    written(world, bob, "reviewed", about, data, -24 * 40)
    assert world.verify(code=0) == ["time-backwards"]
    written(world, bob, "reviewed", about, {"outcome": "rejected"}, 24 * 40)
    assert set(world.verify(code=1)) == {"time-future", "time-backwards"}
    order = [event["seq"] for event in world.arcgit("log")["events"]]
    assert sorted(order) == [1, 2, 3, 4, 5, 6, 7]


def test_within_a_day_nothing_is_said(world: World, bob: Person) -> None:
    about, data = subject_of(world, "baseline"), {"outcome": "approved"}
    written(world, bob, "reviewed", about, data, 20)
    written(world, bob, "reviewed", about, {"outcome": "rejected"}, -3)
    assert world.verify(code=0) == []
