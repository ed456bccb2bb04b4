"""`arcgit keys`: proposals that add, rotate, retire and revoke keys, and what the list says of them."""

from __future__ import annotations

import io
from pathlib import Path

import pysequoia
import pytest

from arcgit.cli.app import run
from tests.keys import add, export, fingerprint_of, key_file, newcomer
from tests.world import Person, World, git, invoke, next_experiment, sh


def policy_text(world: World) -> str:
    return (world.work / ".arcgit" / "policy.yaml").read_text()


def record_as(world: World, person: Person, experiment: str, *, code: int = 0) -> str:
    """Let somebody record a new experiment; the tag, or the code of the error."""
    person.sign_as(world.work)
    next_experiment(world.work, experiment, f"lr: 0.{len(experiment)}\nepochs: {sum(map(ord, experiment))}\n")
    found = world.arcgit("record", code=code)
    return str(found["tag"] if code == 0 else found["error"]["code"])


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_colleague_joins_by_one_command_and_an_adoption(
    world: World, isolated_home: Path, ada: Person, kind: str
) -> None:
    carol = newcomer(isolated_home, "carol", kind)
    proposed = add(world, "carol", carol, ["recorder"])
    assert (proposed["done"], proposed["adopted"], proposed["version"]) == ("added", False, 2)
    assert any(item["place"] == "people.carol.keys" for item in proposed["loosened"])
    assert record_as(world, carol, "early", code=1) == "signer-unknown"
    ada.sign_as(world.work)
    world.arcgit("policy", "adopt")
    assert record_as(world, carol, "joined").startswith("exp/churn/joined/")
    assert world.verify(code=0) == []


def test_a_proposal_written_by_a_person_keeps_every_other_byte(world: World, isolated_home: Path) -> None:
    path = world.work / ".arcgit" / "policy.yaml"
    text = path.read_text().replace("required:", "# agreed in March\nrequired:") + "severities_note: x\n"
    text = text.replace("severities_note: x\n", "")
    path.write_text(text)
    carol = newcomer(isolated_home, "carol")
    add(world, "carol", carol, ["recorder"])
    before, after = text.splitlines(), policy_text(world).splitlines()
    assert [line for line in before if line not in after] == ["version: 1"]
    assert [line.strip() for line in after if line not in before] == [
        "version: 2",
        "carol:",
        'name: "Carol"',
        f'email: "{carol.email}"',
        "roles: [recorder]",
        f'keys: ["{fingerprint_of(carol)}"]',
    ]


def test_several_changes_make_one_version(world: World, isolated_home: Path) -> None:
    carol = newcomer(isolated_home, "carol")
    add(world, "carol", carol, ["recorder"])
    done = world.arcgit("keys", "retire", "bob", "--adopt")
    assert (done["adopted"], done["version"]) == (True, 2)
    people = world.arcgit("policy", "show")["policy"]["people"]
    assert (people["bob"]["keys"], people["bob"]["roles"], len(people["carol"]["keys"])) == ([], [], 1)


def test_a_leaver_breaks_no_old_record_and_records_no_more(world: World, bob: Person) -> None:
    world.arcgit("keys", "retire", "bob", "--adopt")
    assert world.verify(code=0) == []
    assert record_as(world, bob, "late", code=1) == "signer-unknown"
    rows = {row["person"]: row for row in world.arcgit("keys", "list", "--all")["keys"]}
    assert (rows["bob"]["state"], rows["bob"]["until_event"], rows["bob"]["events_signed"]) == ("retired", 6, 1)
    assert [row["person"] for row in world.arcgit("keys", "list")["keys"]] == ["ada"]


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_key_is_rotated_in_one_version(world: World, isolated_home: Path, bob: Person, kind: str) -> None:
    new = newcomer(isolated_home, "bob", kind)
    done = world.arcgit("keys", "rotate", "bob", key_file(world.root, new), "--adopt")
    assert done["keys"] == [fingerprint_of(bob), fingerprint_of(new)]
    assert not (world.work / ".arcgit" / "keys" / "x").exists()
    assert record_as(world, bob, "old-key", code=1) == "signer-unknown"
    git(world.work, "reset", "--quiet", "--hard", "HEAD~1")
    assert record_as(world, new, "new-key").startswith("exp/churn/new-key/")
    assert world.verify(code=0) == []


@pytest.mark.parametrize("words", [["rotate", "ada", "KEY"], ["retire", "OLD"]])
def test_the_own_key_goes_once_and_a_killed_run_is_finished_by_the_same_words(
    world: World, isolated_home: Path, ada: Person, words: list[str]
) -> None:
    """After the first run only the policy before knows the key that signed; the second still brings it to the remote."""
    new = newcomer(isolated_home, "ada")
    if words[0] == "retire":
        world.arcgit("keys", "add", "ada", key_file(world.root, new), "--adopt")
    given = {"KEY": key_file(world.root, new), "OLD": fingerprint_of(ada)}
    line = ["keys", *(given.get(word, word) for word in words), "--adopt"]
    first = world.arcgit(*line, "--no-push")
    again = world.arcgit(*line)
    assert (again["adopted"], again["seq"], again["version"]) == (True, first["seq"], first["version"])
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") == git(world.work, "rev-parse", "refs/notes/arcgit")
    told = world.arcgit("keys", "retire", "bob", "--adopt", code=1)["error"]
    assert told["code"] == "signer-unknown"
    assert fingerprint_of(new) in told["hint"]
    assert world.verify(code=0) == []


@pytest.mark.parametrize("killed", ["before the adoption", "before the push", "after it"])
def test_a_revocation_that_was_killed_is_finished_by_the_same_words(world: World, bob: Person, killed: str) -> None:
    """The key is out of the proposal by then, so its person has none there."""
    line = ["keys", "revoke", "bob", "--since", "5", "--reason", "Laptop stolen"]
    how = {"before the adoption": [], "before the push": ["--adopt", "--no-push"], "after it": ["--adopt"]}[killed]
    world.arcgit(*line, *how)
    again = world.arcgit(*line, "--adopt")
    assert (again["adopted"], again["version"], again["keys"]) == (True, 2, [fingerprint_of(bob)])
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") == git(world.work, "rev-parse", "refs/notes/arcgit")
    assert fingerprint_of(bob) in world.arcgit("policy", "show")["policy"]["compromised"]


def test_a_person_who_has_left_is_revoked_by_name(world: World, bob: Person) -> None:
    world.arcgit("keys", "retire", "bob", "--adopt")
    done = world.arcgit("keys", "revoke", "bob", "--since", "5", "--adopt")
    assert done["keys"] == [fingerprint_of(bob)]


def test_the_only_admin_rotates_the_own_key(world: World, isolated_home: Path, ada: Person) -> None:
    """The adoption is signed with the old key, by the policy before; from then on only the new one counts."""
    new = newcomer(isolated_home, "ada")
    world.arcgit("keys", "rotate", fingerprint_of(ada), key_file(world.root, new), "--adopt")
    assert world.arcgit("keys", "retire", "bob", "--adopt", code=1)["error"]["code"] == "signer-unknown"
    new.sign_as(world.work)
    assert world.arcgit("policy", "adopt")["version"] == 3
    assert world.verify(code=0) == []


def test_the_own_key_is_taken_where_none_is_named(world: World, isolated_home: Path) -> None:
    carol = newcomer(isolated_home, "carol")
    carol.sign_as(world.work)
    done = world.arcgit("keys", "add", "carol", "--role", "reviewer")
    assert done["keys"] == [fingerprint_of(carol)]
    assert f'email: "{carol.email}"' in policy_text(world)


def test_a_key_comes_from_standard_input(world: World, isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carol = newcomer(isolated_home, "carol")
    monkeypatch.setattr("sys.stdin", io.StringIO(carol.public()))
    options = ["--name", "Carol", "--email", "carol@example.org", "--role", "auditor"]
    assert world.arcgit("keys", "add", "carol", "-", *options)["keys"] == [fingerprint_of(carol)]


def test_a_new_subkey_and_a_later_end_are_a_newer_certificate(world: World, isolated_home: Path, ada: Person) -> None:
    carol = newcomer(isolated_home, "carol", "openpgp")
    add(world, "carol", carol, ["recorder"], "--adopt")
    sh(isolated_home, "gpg", "--batch", "--passphrase", "", "--quick-add-key", carol.key, "ed25519", "sign", "1y")
    subkey = sh(isolated_home, "gpg", "--batch", "--with-colons", "--list-keys", carol.key).splitlines()
    second = [line.split(":")[9] for line in subkey if line.startswith("fpr")][1]
    with_subkey = Person(carol.name, carol.email, "openpgp", f"{second}!")
    assert record_as(world, with_subkey, "subkey", code=1) in {"signer-unknown", "signature-bad"}
    git(world.work, "reset", "--quiet", "--hard", "HEAD~1")
    ada.sign_as(world.work)
    world.arcgit("policy", "reset")
    file = world.root / "renewed.asc"
    file.write_text(export(carol.key))
    renewed = world.arcgit("keys", "add", "carol", str(file))
    assert renewed["done"] == "renewed"
    assert [change["place"] for change in renewed["changes"]] == [f"people.carol.certificates.{carol.key}"]
    assert [item["place"] for item in renewed["loosened"]] == ["people.carol.keys"]
    world.arcgit("policy", "adopt")
    assert record_as(world, with_subkey, "subkey").startswith("exp/churn/subkey/")
    assert world.verify(code=0) == []
    signing = world.arcgit("keys", "show", "carol")["keys"][0]["signing_keys"]
    assert [part["fingerprint"] for part in signing] == [carol.key, second]
    assert [part["expires"] is None for part in signing] == [True, False]


def test_the_same_certificate_again_is_refused(world: World, bob: Person) -> None:
    again = world.arcgit("keys", "add", "bob", key_file(world.root, bob), code=1)
    assert again["error"]["code"] == "key-listed"


def test_a_role_is_granted_with_the_command_too(world: World, bob: Person) -> None:
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "admin", "--adopt")
    assert world.arcgit("policy", "show")["policy"]["people"]["bob"]["roles"] == ["recorder", "reviewer", "admin"]


def test_a_key_of_somebody_else_is_refused(world: World, bob: Person) -> None:
    found = world.arcgit("keys", "add", "ada", key_file(world.root, bob), code=1)
    assert found["error"]["code"] == "key-listed"


PRIVATE = "OPENSSH " + "PRIVATE KEY"
"""Spelt so that no scanner takes this file for one that holds a key."""


@pytest.mark.parametrize(
    ("text", "code", "exit_code"),
    [
        (f"-----BEGIN {PRIVATE}-----\nx\n-----END {PRIVATE}-----\n", "key-unusable", 1),
        ("0123456789ABCDEF0123456789ABCDEF01234567\n", "key-unusable", 1),
        ("DEADBEEF\n", "key-unusable", 1),
        ("", "key-unusable", 1),
        ("ssh-dss AAAAB3NzaC1kc3MAAACBAP== x\n", "key-unusable", 1),
        (None, "key-unreadable", 2),
    ],
)
def test_what_is_no_public_key_is_refused(world: World, text: str | None, code: str, exit_code: int) -> None:
    before = policy_text(world)
    file = world.root / "given"
    if text is not None:
        file.write_text(text)
    assert world.arcgit("keys", "rotate", "bob", str(file), code=exit_code)["error"]["code"] == code
    assert policy_text(world) == before


def test_an_expired_key_is_not_listed(world: World, isolated_home: Path) -> None:
    user = f"Old <old-{world.root.name}@example.org>"
    arguments = ["--faked-system-time", "20200101T000000!", "--batch", "--passphrase", ""]
    sh(isolated_home, "gpg", *arguments, "--quick-generate-key", user, "ed25519", "sign", "1y")
    file = world.root / "old.asc"
    file.write_text(export(user))
    found = world.arcgit("keys", "rotate", "bob", str(file), code=1)["error"]
    assert found["code"] == "key-unusable"
    assert "expired 2020-12-31" in found["message"]


@pytest.mark.parametrize("wanted", ["ada", "FINGERPRINT"])
@pytest.mark.parametrize("verb", ["retire", "revoke"])
def test_the_last_admin_is_not_taken_away(world: World, ada: Person, verb: str, wanted: str) -> None:
    before = policy_text(world)
    who = fingerprint_of(ada) if wanted == "FINGERPRINT" else wanted
    refused = world.arcgit("keys", verb, who, code=1)["error"]
    assert refused["code"] == "policy-lockout"
    assert "keys add" in refused["hint"]
    assert policy_text(world) == before
    assert git(world.work, "status", "--porcelain", ".arcgit") == ""


def test_a_threshold_above_the_admins_that_are_left_is_refused(world: World, bob: Person) -> None:
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "admin")
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("  policy: 1", "  policy: 2"))
    world.arcgit("policy", "adopt")
    assert world.arcgit("keys", "retire", "bob", code=1)["error"]["code"] == "policy-lockout"


def test_an_admin_whose_key_has_expired_does_not_keep_the_door_open(
    world: World, isolated_home: Path, bob: Person
) -> None:
    """A hand-written proposal is held to it as well, when it is adopted."""
    user = f"Eve <eve-{world.root.parent.name}@example.org>"
    arguments = ["--faked-system-time", "20200101T000000!", "--batch", "--passphrase", ""]
    sh(isolated_home, "gpg", *arguments, "--quick-generate-key", user, "ed25519", "sign", "1y")
    text = export(user)
    listing = sh(isolated_home, "gpg", "--batch", "--list-keys", "--with-colons", user)
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
    (world.work / ".arcgit" / "keys" / "eve.asc").write_text(text)
    path = world.work / ".arcgit" / "policy.yaml"
    proposed = path.read_text().replace("version: 1", "version: 2")
    proposed = proposed.replace("roles: [admin, recorder, reviewer, custodian, auditor]", "roles: [recorder]")
    eve = f'  eve:\n    name: "Eve"\n    email: "eve@example.org"\n    roles: [admin]\n    keys:\n      - "{fingerprint}"\n'
    path.write_text(proposed.replace("people:\n", f"people:\n{eve}"))
    assert world.arcgit("policy", "adopt", code=1)["error"]["code"] == "policy-lockout"


def test_the_last_reviewer_is_not_taken_away(world: World) -> None:
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 1", "version: 2").replace("  review: 1", "  review: 2"))
    world.arcgit("policy", "adopt")
    assert world.arcgit("keys", "retire", "bob", code=1)["error"]["code"] == "policy-lockout"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("retire", "nobody"), "key-unknown"),
        (("retire", "672DDC21"), "key-unknown"),
        (("show", "672DDC21"), "key-unknown"),
        (("revoke", "SHA256:nKY"), "key-unknown"),
        (("revoke", "bob", "--since", "0"), "usage"),
        (("revoke", "bob", "--since", "99"), "usage"),
        (("add", "Bob Byte"), "usage"),
        (("add", "carol", "FILE"), "usage"),
    ],
)
def test_what_is_not_known_is_said_with_the_next_command(
    world: World, isolated_home: Path, arguments: tuple[str, ...], code: str
) -> None:
    if "FILE" in arguments or arguments[0] == "add":
        carol = newcomer(isolated_home, "carol")
        arguments = (*(arguments[:2]), key_file(world.root, carol))
    refused = world.arcgit("keys", *arguments, code=2)["error"]
    assert refused["code"] == code
    assert refused["hint"]


def test_a_stale_proposal_is_not_built_upon(world: World, isolated_home: Path) -> None:
    """Otherwise an old branch would take back what others changed since."""
    before = policy_text(world)
    world.arcgit("keys", "retire", "bob", "--adopt")
    (world.work / ".arcgit" / "policy.yaml").write_text(before)
    git(world.work, "checkout", "--quiet", "HEAD", "--", ".arcgit/keys")
    carol = newcomer(isolated_home, "carol")
    world.arcgit("keys", "retire", "ada", code=1)
    add(world, "carol", carol, ["recorder"], "--adopt", code=1)
    shown = world.arcgit("policy", "reset")["paths"]
    assert shown == [".arcgit/policy.yaml"]
    assert world.arcgit("policy", "diff")["changes"] == []
    add(world, "carol", carol, ["recorder"], "--adopt")
    assert world.arcgit("policy", "show")["policy"]["people"]["bob"]["keys"] == []


def test_without_a_proposal_the_way_back_is_named(world: World) -> None:
    git(world.work, "rm", "-r", "--quiet", ".arcgit")
    refused = world.arcgit("keys", "retire", "bob", code=2)["error"]
    assert (refused["code"], "arcgit policy reset" in refused["hint"]) == ("policy-missing", True)
    world.arcgit("policy", "reset")
    world.arcgit("keys", "retire", "bob", "--adopt")


def test_where_two_must_agree_the_proposal_waits(world: World, ada: Person, bob: Person, isolated_home: Path) -> None:
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "admin")
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("  policy: 1", "  policy: 2"))
    world.arcgit("policy", "adopt")
    carol = newcomer(isolated_home, "carol")
    add(world, "carol", carol, ["recorder"], "--adopt", code=1)
    bob.sign_as(world.work)
    world.arcgit("policy", "sign")
    ada.sign_as(world.work)
    assert world.arcgit("policy", "adopt")["approved"] == ["bob"]


def test_what_is_printed_says_what_comes_next(
    world: World, isolated_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carol = newcomer(isolated_home, "carol")
    file = key_file(world.root, carol)
    command = ["-C", str(world.work), "keys", "add", "carol", file, "--name", "C", "--email", "c@x.org"]
    assert run([*command, "--role", "admin"]) == 0
    shown = capsys.readouterr().out
    assert "It allows what is not allowed today:" in shown
    assert "carol may act as admin" in shown
    assert "It changes nothing yet" in shown
    assert "arcgit policy adopt" in shown
    assert run(["-C", str(world.work), "keys", "list"]) == 0
    assert "in force" in capsys.readouterr().out
    assert run(["-C", str(world.work), "keys", "show", "ada"]) == 0
    assert "BEGIN PGP PUBLIC KEY BLOCK" in capsys.readouterr().out
    assert run(["-C", str(world.work), "policy", "adopt"]) == 0
    assert run(["-C", str(world.work), "policy", "show"]) == 0
    shown = capsys.readouterr().out
    assert "event 6, by ada, approved by ada" in shown
    assert "! carol may act as admin" in shown


def test_a_clone_judges_the_same(world: World, bob: Person) -> None:
    world.arcgit("keys", "retire", "bob", "--adopt")
    clone = world.clone()
    invoke(clone, "sync")
    assert world.verify(cwd=clone, code=0) == []


CHANGES = ("add", "renew", "rotate", "rotate by its fingerprint", "retire", "retire a key", "revoke")


def change(world: World, home: Path, bob: Person, which: str) -> list[str]:
    """A change of keys as it is typed."""
    new = newcomer(home, "dora")
    named = ["--name", "Dora", "--email", "dora@example.org", "--role", "recorder"]
    return {
        "add": ["add", "dora", key_file(world.root, new), *named],
        "renew": ["add", "bob", key_file(world.root, new)],
        "rotate": ["rotate", "bob", key_file(world.root, new)],
        "rotate by its fingerprint": ["rotate", fingerprint_of(bob), key_file(world.root, new)],
        "retire": ["retire", "bob"],
        "retire a key": ["retire", fingerprint_of(bob)],
        "revoke": ["revoke", fingerprint_of(bob), "--since", "5", "-m", "Laptop stolen"],
    }[which]


@pytest.mark.parametrize("which", CHANGES)
def test_a_change_that_is_typed_again_is_done_and_says_so(
    world: World, isolated_home: Path, bob: Person, which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = change(world, isolated_home, bob, which)
    first = world.arcgit("keys", *typed, "--adopt")
    tip, text = git(world.hub, "rev-parse", "refs/notes/arcgit"), policy_text(world)
    again = world.arcgit("keys", *typed, "--adopt")
    assert (again["done"], again["paths"], again["changes"], again["seq"]) == ("unchanged", [], [], first["seq"])
    assert run(["-C", str(world.work), "keys", *typed, "--adopt"]) == 0
    assert "is in force already" in capsys.readouterr().out
    assert (git(world.hub, "rev-parse", "refs/notes/arcgit"), policy_text(world)) == (tip, text)


@pytest.mark.parametrize("which", CHANGES)
def test_a_change_that_was_only_proposed_is_adopted_by_typing_it_again(
    world: World, isolated_home: Path, bob: Person, which: str
) -> None:
    """As after a kill between the files and the ledger."""
    typed = change(world, isolated_home, bob, which)
    assert world.arcgit("keys", *typed)["adopted"] is False
    assert world.arcgit("keys", *typed, "--adopt")["adopted"] is True
    assert world.arcgit("policy", "show")["policy"]["version"] == 2
    assert world.arcgit("policy", "diff")["changes"] == []


def test_what_another_admin_has_put_in_force_leaves_nothing_to_do(
    world: World, isolated_home: Path, ada: Person, bob: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    world.arcgit("keys", "add", "bob", key_file(world.root, bob), "--role", "admin", "--adopt")
    typed = change(world, isolated_home, bob, "add")
    bob.sign_as(world.work)
    world.arcgit("keys", *typed, "--adopt")
    ada.sign_as(world.work)
    tip = git(world.hub, "rev-parse", "refs/notes/arcgit")
    found = world.arcgit("keys", *typed, "--adopt")
    assert (found["done"], found["adopted"]) == ("unchanged", False)
    for options in ([], ["--adopt"]):
        assert run(["-C", str(world.work), "keys", *typed, *options]) == 0
        assert "Nothing to do: that is in force already, in policy 3." in capsys.readouterr().out
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") == tip
    assert git(world.work, "diff", "--stat", "--", ".arcgit/policy.yaml") != ""
    git(world.work, "add", "--all")
    git(world.work, "commit", "--quiet", "--no-verify", "-m", "Policy 3")
    world.arcgit("keys", *typed)
    assert git(world.work, "status", "--porcelain") == ""


def test_retiring_or_rotating_what_was_never_there_is_no_change_that_was_made(
    world: World, isolated_home: Path, bob: Person, mallory: Person
) -> None:
    stranger = fingerprint_of(mallory)
    assert world.arcgit("keys", "retire", stranger, "--adopt", code=2)["error"]["code"] == "key-unknown"
    own = key_file(world.root, bob)
    assert world.arcgit("keys", "rotate", "ada", own, "--adopt", code=1)["error"]["code"] == "key-listed"
    assert world.arcgit("keys", "rotate", stranger, own, "--adopt", code=2)["error"]["code"] == "key-unknown"


@pytest.mark.parametrize("char", ["\0", "\x01", "\x1b[2J", "\x7f", "\x85", "\x0c"])
def test_a_key_with_a_control_character_in_its_comment_or_user_id_is_not_listed(
    world: World, isolated_home: Path, tmp_path: Path, char: str
) -> None:
    """It would be shown and sealed for ever; a comment is dropped, but whoever sends such a file should hear of it."""
    carol = newcomer(isolated_home, "carol", "ssh")
    named = ("--name", "Carol", "--email", "carol@example.org", "--role", "recorder")
    file = tmp_path / "carol.pub"
    file.write_bytes(f"{carol.public().split()[0]} {carol.public().split()[1]} carol{char}@x\n".encode())
    told = world.arcgit("keys", "add", "carol", str(file), *named, code=1)["error"]
    assert told["code"] == "key-unusable"
    assert f"the control character U+{ord(char[0]):04X}" in told["message"]
    file.write_text(str(pysequoia.Tsk.generate(f"Carol{char} <carol@example.org>").extract_certificate()))
    told = world.arcgit("keys", "add", "carol", str(file), *named, code=1)["error"]
    assert told["code"] == "key-unusable"
    assert "a user id with control characters" in told["message"]
    assert not [byte for byte in told["message"].encode() if byte < 0x20]
    assert git(world.work, "status", "--porcelain") == ""


def test_a_comment_with_a_tab_and_letters_of_any_language_is_taken(
    world: World, isolated_home: Path, tmp_path: Path
) -> None:
    carol = newcomer(isolated_home, "carol", "ssh")
    file = tmp_path / "carol.pub"
    file.write_text(f"{carol.public().split()[0]} {carol.public().split()[1]} carol\tKœnig 北\r\n")
    named = ("--name", "Carol", "--email", "carol@example.org", "--role", "recorder")
    assert world.arcgit("keys", "add", "carol", str(file), *named)["done"] == "added"
