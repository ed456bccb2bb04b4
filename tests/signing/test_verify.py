"""Signatures by real gpg and real ssh-keygen, verified in process; gpgv and ssh-keygen as second opinion."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from arcgit.signing import native
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.signer import Signer, signer_from_config
from arcgit.signing.verify import Keyring, SignatureStatus
from tests.world import Person, sh

PAYLOAD = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nmessage\n"


def signer(person: Person) -> Signer:
    return signer_from_config({"gpg.format": person.format, "user.signingkey": person.key}, email=person.email)


def key(person: Person) -> PublicKey:
    return parse_public_key(person.public())


def gpg(home: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", *arguments]
    return subprocess.run(command, cwd=home, input=stdin, capture_output=True, check=True).stdout


@pytest.fixture(scope="session")
def openpgp(isolated_home: Path) -> dict[str, str]:
    """OpenPGP keys of several kinds, by name to fingerprint."""
    found = {}
    for name, algo in (("rsa", "rsa2048"), ("weak", "rsa1024"), ("revoked", "ed25519"), ("subkey", "ed25519")):
        user = f"{name}@example.org"
        gpg(isolated_home, "--quick-generate-key", user, algo, "sign", "never")
        listing = gpg(isolated_home, "--list-keys", "--with-colons", user).decode()
        found[name] = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
    gpg(isolated_home, "--quick-add-key", found["subkey"], "ed25519", "sign", "never")
    return found


def exported(home: Path, fingerprint: str) -> PublicKey:
    return parse_public_key(gpg(home, "--armor", "--export", fingerprint).decode())


def detached(home: Path, fingerprint: str, *options: str) -> bytes:
    return gpg(home, "--armor", "--detach-sign", "--local-user", fingerprint, *options, stdin=PAYLOAD)


@pytest.mark.parametrize("who", ["ada", "bob"])
def test_a_signature_is_good_for_its_text_and_key_and_nothing_else(
    who: str, request: pytest.FixtureRequest, mallory: Person
) -> None:
    person: Person = request.getfixturevalue(who)
    made = signer(person).sign(PAYLOAD)
    ring = Keyring([key(person)])
    good = ring.verify(PAYLOAD, made)
    assert (good.status, good.fingerprint) == (SignatureStatus.GOOD, key(person).fingerprint)
    assert ring.verify(PAYLOAD + b" ", made).status is SignatureStatus.BAD
    assert Keyring([key(mallory)]).verify(PAYLOAD, made).status is SignatureStatus.UNKNOWN_KEY
    assert Keyring([]).verify(PAYLOAD, made).status is SignatureStatus.UNKNOWN_KEY


def test_stock_tools_accept_what_is_signed(isolated_home: Path, tmp_path: Path, ada: Person, bob: Person) -> None:
    (tmp_path / "payload").write_bytes(PAYLOAD)
    (tmp_path / "ada.sig").write_bytes(signer(ada).sign(PAYLOAD))
    (tmp_path / "ada.gpg").write_bytes(gpg(isolated_home, "--export", ada.key))
    sh(tmp_path, "gpgv", "--keyring", str(tmp_path / "ada.gpg"), "ada.sig", "payload")
    (tmp_path / "bob.sig").write_bytes(signer(bob).sign(PAYLOAD))
    (tmp_path / "allowed").write_text(f"bob {Path(bob.key).read_text()}")
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "bob", "-n", "git", "-s", "bob.sig"]
    assert subprocess.run(command, cwd=tmp_path, input=PAYLOAD, capture_output=True, check=False).returncode == 0


def test_an_ssh_signature_counts_only_in_its_namespace(bob: Person) -> None:
    made = signer(bob).sign(PAYLOAD, "arcgit-policy")
    ring = Keyring([key(bob)])
    assert ring.verify(PAYLOAD, made, "arcgit-policy").status is SignatureStatus.GOOD
    assert ring.verify(PAYLOAD, made, "git").status is SignatureStatus.BAD


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_every_common_ssh_key_verifies(tmp_path: Path, kind: str) -> None:
    sh(tmp_path, "ssh-keygen", "-q", "-t", kind, "-N", "", "-f", "key")
    person = Person("X", "x@example.org", "ssh", str(tmp_path / "key.pub"))
    assert Keyring([key(person)]).verify(PAYLOAD, signer(person).sign(PAYLOAD)).status is SignatureStatus.GOOD


@pytest.mark.parametrize("name", ["rsa", "subkey"])
def test_other_openpgp_keys_verify_and_name_the_primary_key(
    isolated_home: Path, openpgp: dict[str, str], name: str
) -> None:
    found = Keyring([exported(isolated_home, openpgp[name])]).verify(PAYLOAD, detached(isolated_home, openpgp[name]))
    assert (found.status, found.fingerprint) == (SignatureStatus.GOOD, openpgp[name])
    assert (found.signing_key == openpgp[name]) == (name == "rsa")


def test_weak_keys_are_refused(isolated_home: Path, openpgp: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"weak|bits"):
        exported(isolated_home, openpgp["weak"])
    sh(tmp_path, "ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", "key")
    with pytest.raises(ValueError, match=r"weak|bits"):
        parse_public_key((tmp_path / "key.pub").read_text())


def test_a_broken_digest_is_refused(isolated_home: Path, openpgp: dict[str, str]) -> None:
    made = detached(isolated_home, openpgp["rsa"], "--digest-algo", "SHA1", "--allow-weak-digest-algos")
    found = Keyring([exported(isolated_home, openpgp["rsa"])]).verify(PAYLOAD, made)
    assert found.status is SignatureStatus.WEAK


def test_a_revoked_key_is_refused_once_the_revocation_is_known(isolated_home: Path, openpgp: dict[str, str]) -> None:
    fingerprint = openpgp["revoked"]
    made = detached(isolated_home, fingerprint)
    before = exported(isolated_home, fingerprint)
    certificate = (Path.home() / "g" / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
    sh(isolated_home, "gpg", "--batch", "--import", stdin=certificate.replace(":-----BEGIN", "-----BEGIN"))
    after = exported(isolated_home, fingerprint)
    assert Keyring([before]).verify(PAYLOAD, made).status is SignatureStatus.GOOD
    assert Keyring([after]).verify(PAYLOAD, made).status is SignatureStatus.REVOKED


def test_two_signatures_in_any_mix_are_refused(isolated_home: Path, openpgp: dict[str, str], ada: Person) -> None:
    one, other = detached(isolated_home, openpgp["rsa"]), detached(isolated_home, ada.key)
    binary = [gpg(isolated_home, "--dearmor", stdin=part) for part in (one, other)]
    ring = Keyring([exported(isolated_home, openpgp["rsa"])])
    for mix in (binary[0] * 2, binary[0] + binary[1], binary[1] + binary[0]):
        body = base64.encodebytes(mix).replace(b"\n", b"")
        lines = b"\n".join(body[n : n + 64] for n in range(0, len(body), 64))
        armored = b"-----BEGIN PGP SIGNATURE-----\n\n" + lines + b"\n-----END PGP SIGNATURE-----\n"
        assert ring.verify(PAYLOAD, armored).status is not SignatureStatus.GOOD
    assert ring.verify(PAYLOAD, one + other).status is not SignatureStatus.GOOD


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "text behind it": lambda made: made + b"x\n",
    "text before it": lambda made: b"x\n" + made,
    "a comment": lambda made: made.replace(b"-----\n", b"-----\nComment: x\n", 1),
    "no final newline": lambda made: made[:-1],
    "carriage returns": lambda made: made.replace(b"\n", b"\r\n"),
    "other white space": lambda made: (
        made.replace(b"\n\n", b"\n \n", 1) if b"\n\n" in made else made.replace(b"\n", b" \n", 2)
    ),
    "nothing": lambda made: b"",
    "only the frame": lambda made: made.split(b"\n")[0] + b"\n" + made.split(b"\n")[-2] + b"\n",
    "a megabyte": lambda made: made[:40] + b"A" * 1_000_000 + made[40:],
}


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("who", ["ada", "bob"])
def test_a_signature_in_any_other_form_is_refused(who: str, how: str, request: pytest.FixtureRequest) -> None:
    person: Person = request.getfixturevalue(who)
    made = signer(person).sign(PAYLOAD)
    assert Keyring([key(person)]).verify(PAYLOAD, SPOILED[how](made)).status is not SignatureStatus.GOOD


@pytest.mark.parametrize("who", ["ada", "bob"])
def test_no_single_flipped_bit_of_a_signature_is_good(who: str, request: pytest.FixtureRequest) -> None:
    person: Person = request.getfixturevalue(who)
    made = signer(person).sign(PAYLOAD)
    ring = Keyring([key(person)])
    head, _, rest = made.partition(b"-----\n")
    start = len(head) + 6
    end = made.rindex(b"\n-----END")
    accepted = []
    for position in range(start, end):
        for bit in range(8):
            changed = bytearray(made)
            changed[position] ^= 1 << bit
            if ring.verify(PAYLOAD, bytes(changed)).status is SignatureStatus.GOOD:
                accepted.append((position, bit))
    assert rest
    assert accepted == []


def test_no_single_flipped_bit_of_the_text_is_good(bob: Person) -> None:
    made = signer(bob).sign(PAYLOAD)
    ring = Keyring([key(bob)])
    for position in range(len(PAYLOAD)):
        changed = bytearray(PAYLOAD)
        changed[position] ^= 1
        assert ring.verify(bytes(changed), made).status is SignatureStatus.BAD


@pytest.mark.parametrize("padding", range(3))
def test_stock_gpg_reads_the_keys_that_a_policy_holds(isolated_home: Path, padding: int) -> None:
    """GnuPG 2.2 needs the armor's checksum where the base64 has no padding, so keys of every length are tried."""
    user = f"reader{'x' * padding} <reader{padding}@example.org>"
    gpg(isolated_home, "--quick-generate-key", user, "ed25519", "sign", "never")
    text = exported(isolated_home, f"reader{padding}@example.org").text
    shown = gpg(isolated_home, "--show-keys", "--with-colons", stdin=text.encode()).decode()
    assert f"reader{padding}@example.org" in shown


def test_private_keys_and_key_ids_are_no_public_keys(isolated_home: Path, ada: Person, bob: Person) -> None:
    for text in (
        Path(bob.key.removesuffix(".pub")).read_text(),
        gpg(isolated_home, "--armor", "--export-secret-keys", ada.key).decode(),
        ada.key,
        ada.key[-16:],
        "",
        "ssh-ed25519 AAAA",
        ada.public() + ada.public(),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            parse_public_key(text)


def test_a_policy_that_names_one_key_and_holds_another_trusts_neither(
    ada: Person, bob: Person, mallory: Person
) -> None:
    made = signer(mallory).sign(PAYLOAD)
    forged = PublicKey("ssh", key(bob).fingerprint, key(mallory).text)
    assert Keyring([forged]).verify(PAYLOAD, made).status is not SignatureStatus.GOOD


def test_the_version_of_a_library_is_looked_up_once_however_many_keyrings_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It stands in a folder that has a file for every package; a policy makes a keyring."""
    asked: list[str] = []
    monkeypatch.setattr("importlib.metadata.version", lambda name: asked.append(name) or "1.0")
    native._with_version.cache_clear()
    try:
        assert [native.library("ssh") for _ in range(3)] == ["cryptography 1.0"] * 3
        assert asked == ["cryptography"]
    finally:
        native._with_version.cache_clear()
