"""SSH signatures: kinds and forms; and keys of either kind that count for nobody."""

from __future__ import annotations

import base64

from arcgit.signing.keys import PublicKey, ssh_fingerprint
from tests.vectors.make import spoil
from tests.vectors.make.people import Home
from tests.vectors.make.signature_bench import PAYLOAD, Maker


def fill(home: Home, make: Maker) -> None:
    """The cases. GnuPG's keys `ed` and `rsa` are there already."""
    for part in (_ssh_kinds, _ssh_forms, _keys):
        part(home, make)


# A case a line reads as a table.
# fmt: off
def _ssh_kinds(home: Home, make: Maker) -> None:
    for name, kind, bits in (
        ("ssh-ed", "ed25519", None),
        ("ssh-rsa", "rsa", 2048),
        ("ssh-256", "ecdsa", 256),
        ("ssh-384", "ecdsa", 384),
        ("ssh-521", "ecdsa", 521),
        ("ssh-dsa", "dsa", None),
        ("ssh-weak", "rsa", 1024),
        ("ssh-other", "ed25519", None),
    ):
        home.ssh_key(name, kind, bits)
    for name, title in (("ssh-ed", "SSH ed25519"), ("ssh-rsa", "SSH RSA"), ("ssh-256", "SSH ECDSA P-256"), ("ssh-384", "SSH ECDSA P-384"), ("ssh-521", "SSH ECDSA P-521")):
        make.add(title, "A kind of key that holds.", home.ssh(name), home.ssh_sign(name, PAYLOAD))
    ed = home.ssh("ssh-ed")
    make.add("SSH over SHA-256", "The payload's hash is SHA-256 or SHA-512.", ed, home.ssh_sign("ssh-ed", PAYLOAD, "-O", "hashalg=sha256"))
    make.add("SSH for an approval", "Approvals have a namespace of their own.", ed, home.ssh_sign("ssh-ed", PAYLOAD, namespace="arcgit-policy"), namespace="arcgit-policy")
    for name, signed, asked in (("git", "git", "arcgit-policy"), ("arcgit-policy", "arcgit-policy", "git"), ("file", "file", "git"), ("git in capitals", "GIT", "git")):
        made = home.ssh_sign("ssh-ed", PAYLOAD, namespace=signed)
        make.add(f"SSH: namespace {name}, where it must be {asked}", "A signature counts for what it was made for.", ed, made, "bad", "namespace", namespace=asked)
    good = home.ssh_sign("ssh-ed", PAYLOAD)
    for name, text in (("another text", "Another payload.\n"), ("a text without its newline", PAYLOAD.decode()[:-1])):
        make.add(f"SSH over {name}", "The signature is over the payload.", ed, good, "bad", "does not fit", payload=text)
    make.add("SSH by another key", "Only the policy's keys count.", ed, home.ssh_sign("ssh-other", PAYLOAD), "unknown-key", "not one of the keys")
    make.add("SSH by a weak RSA key", "RSA has at least 2048 bits.", ed, home.ssh_sign("ssh-weak", PAYLOAD), "weak", "1024 bits")
    make.add("SSH DSA", "The algorithm is given up.", ed, home.ssh_sign("ssh-dsa", PAYLOAD), "weak", "DSA")
    text, touched = spoil.token(PAYLOAD, flags=1)
    key = PublicKey("ssh", _fingerprint(text), text)
    make.add("SSH by a token that was touched", "Flags and counter of the token are signed too.", key, touched)
    make.add("SSH by a token that nobody touched", "A token signs for a person who is there.", key, spoil.token(PAYLOAD, flags=0)[1], "bad", "does not fit")
    other = spoil.SshParts(home.ssh_sign("ssh-256", PAYLOAD))
    twin = other.packed(blob=spoil.other_s(other.blob))
    make.add("SSH ECDSA, its other form", "ECDSA signatures have two; the ledger's digests hold the bytes.", home.ssh("ssh-256"), twin)


def _ssh_forms(home: Home, make: Maker) -> None:
    ed, good = home.ssh("ssh-ed"), home.ssh_sign("ssh-ed", PAYLOAD)
    part = spoil.SshParts(good)
    made_by_rsa = spoil.SshParts(home.ssh_sign("ssh-rsa", PAYLOAD))
    rows = (
        ("version 2", "Version 1 is read.", part.packed(version=2), "unsupported", "version 2"),
        ("another magic", "It begins with SSHSIG.", part.packed(magic=b"SSHSIH"), "malformed", "not an SSH signature"),
        ("a reserved field", "It is empty.", part.packed(reserved=b"x"), "malformed", "reserved"),
        ("SHA-384", "The payload's hash is SHA-256 or SHA-512.", part.packed(hash=b"sha384"), "unsupported", "sha384"),
        ("SHA-1", "The payload's hash is SHA-256 or SHA-512.", part.packed(hash=b"sha1"), "unsupported", "sha1"),
        ("another hash than was signed", "The name of the hash is signed too.", part.packed(hash=b"sha256"), "bad", "does not fit"),
        ("another algorithm", "It is the key's.", part.packed(algorithm=b"ssh-ed448"), "malformed", "form that its key makes"),
        ("bytes behind the numbers", "Nothing follows.", part.packed(behind=b"\0"), "malformed", "form that its key makes"),
        ("bytes behind the signature", "Nothing follows.", part.packed(after=b"\0"), "malformed", "behind its end"),
        ("a key of another type", "A key says what it is.", part.packed(key=spoil.string(b"ssh-ed448") + spoil.string(b"\1" * 57)), "unsupported", "ssh-ed448"),
        ("a certificate", "Certificates are not read.", part.packed(key=spoil.string(b"ssh-ed25519-cert-v01@openssh.com")), "unsupported", "cert-v01"),
        ("another key inside", "The signature was not made by it.", part.packed(key=spoil.SshParts(home.ssh_sign("ssh-other", PAYLOAD)).key), "unknown-key", "not one of the keys"),
        ("bytes behind the key", "A key has one form.", part.packed(key=part.key + b"\0"), "malformed", "behind its end"),
        ("a flipped bit", "The signature does not hold.", part.packed(blob=part.blob[:5] + bytes([part.blob[5] ^ 1]) + part.blob[6:]), "bad", "does not fit"),
        ("S + L", "A second form of the same signature.", part.packed(blob=spoil.larger_s(part.blob)), "bad", "does not fit"),
        ("half of it", "Numbers are whole.", part.packed(blob=part.blob[:32]), "bad", "does not fit"),
        ("a comment", "SSH armor has no headers.", good.replace("-----\n", "-----\nComment: x\n", 1), "malformed", "one length"),
        ("carriage returns", "Lines end with a newline alone.", good.replace("\n", "\r\n"), "malformed", "one block"),
        ("text behind it", "It is exactly one block.", f"{good}x\n", "malformed", "one block"),
        ("a second block", "It is exactly one block.", good + good, "malformed", "length"),
        ("no final newline", "It ends with one.", good[:-1], "malformed", "one block"),
        ("base64 with loose bits", "Base64 has one form.", _loose(good), "malformed", "canonical form"),
        ("an OpenPGP frame around it", "A frame says what is inside.", good.replace("SSH SIGNATURE", "PGP SIGNATURE"), "malformed", "headers"),
    )  # fmt: skip
    for name, why, text, status, fault in rows:
        make.add(f"SSH: {name}", why, ed, text, status, fault)
    rsa = home.ssh("ssh-rsa")
    make.add("SSH RSA over SHA-1", "The old algorithm is given up.", rsa, made_by_rsa.packed(algorithm=b"ssh-rsa"), "weak", "SHA-1")
    make.add("SSH RSA by the name of the other digest", "The name says how it was made.", rsa, made_by_rsa.packed(algorithm=b"rsa-sha2-256"), "bad", "does not fit")


def _keys(home: Home, make: Maker) -> None:
    """Keys that a policy may hold and that count for nobody."""
    good, pgp = home.ssh_sign("ssh-ed", PAYLOAD), home.openpgp_sign("ed", PAYLOAD)
    ed, other, openpgp = home.ssh("ssh-ed"), home.ssh("ssh-other"), home.openpgp("ed")
    nobody = "A key that cannot be read, or is not the one that its fingerprint names, is nobody's."
    for name, key, signature, fields in (
        ("another key's fingerprint", ed, good, {"fingerprint": other.fingerprint}),
        ("an OpenPGP key with another fingerprint", openpgp, pgp, {"fingerprint": home.openpgp("rsa").fingerprint}),
        ("a key cut off", ed, good, {"public_key": ed.text[:-4]}),
        ("a private key's frame", openpgp, pgp, {"public_key": openpgp.text.replace("PUBLIC", "PRIVATE")}),
        ("two certificates", openpgp, pgp, {"public_key": openpgp.text + home.openpgp("rsa").text}),
        ("a fingerprint in place of the key", openpgp, pgp, {"public_key": openpgp.fingerprint}),
    ):
        make.add(f"the policy holds {name}", nobody, key, signature, "unknown-key", "not one of the keys", **fields)
    weak = home.ssh_text("ssh-weak")
    key = PublicKey("ssh", _fingerprint(weak), weak)
    make.add("the policy holds a weak key", "It counts for nobody, and its signatures are weak.", key, home.ssh_sign("ssh-weak", PAYLOAD), "weak", "1024 bits")
    make.add("the policy holds a key with a comment", "A comment is no part of the key.", ed, good, public_key=f"{ed.text} ada@laptop")


def _loose(text: str) -> str:
    """The same bytes in base64 whose last character has bits that mean nothing."""
    lines = text.split("\n")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = lines[-3].rstrip("=")
    changed = body[:-1] + letters[letters.index(body[-1]) + 1]
    return "\n".join([*lines[:-3], changed + lines[-3][len(body) :], *lines[-2:]])


def _fingerprint(text: str) -> str:
    return ssh_fingerprint(base64.b64decode(text.split()[1]))
