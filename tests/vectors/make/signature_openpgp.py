"""OpenPGP signatures: kinds, times, forms, armor."""

from __future__ import annotations

from tests.vectors.make import spoil
from tests.vectors.make.people import Home
from tests.vectors.make.signature_bench import PAYLOAD, Maker

OLD, EARLY, MIDDLE, LATE = "20200101T000000", "20200601T000000", "20210101T000000", "20220601T000000"


def fill(home: Home, make: Maker) -> None:
    """The cases."""
    for part in (_openpgp_kinds, _openpgp_times, _openpgp_forms, _armor):
        part(home, make)


# A case a line reads as a table.
# fmt: off
def _openpgp_kinds(home: Home, make: Maker) -> None:
    for name, kind in (("ed", "ed25519"), ("rsa", "rsa2048"), ("p256", "nistp256"), ("sub", "ed25519"), ("dsa", "dsa2048")):
        home.openpgp_key(name, kind)
    home.gpg("--quick-add-key", home.fingerprints["sub"], "ed25519", "sign", "never")
    for name, why in (("ed", "EdDSA over ed25519."), ("rsa", "RSA of at least 2048 bits."), ("p256", "ECDSA over a NIST curve."), ("sub", "The certificate counts, whichever of its keys has signed.")):
        title = {"ed": "OpenPGP ed25519", "rsa": "OpenPGP RSA", "p256": "OpenPGP ECDSA", "sub": "OpenPGP, by a subkey"}[name]
        make.add(title, why, home.openpgp(name), home.openpgp_sign(name, PAYLOAD))
    sign, rsa = home.openpgp_sign, home.openpgp("rsa")
    make.add("OpenPGP SHA-256", "A digest that holds.", rsa, sign("rsa", PAYLOAD, "--digest-algo", "SHA256"))
    for digest, said in (("SHA1", "SHA-1"), ("MD5", "MD5"), ("RIPEMD160", "RIPEMD-160")):
        made = sign("rsa", PAYLOAD, "--digest-algo", digest, "--allow-weak-digest-algos")
        make.add(f"OpenPGP {said}", "Collisions are known or near.", rsa, made, "weak", said)
    dsa = sign("dsa", PAYLOAD)
    make.add("OpenPGP DSA", "The algorithm is given up, whoever signed.", home.openpgp("ed"), dsa, "weak", "DSA")
    ed = home.openpgp("ed")
    other = sign("rsa", PAYLOAD)
    make.add("OpenPGP by another key", "Only the policy's keys count.", ed, other, "unknown-key", "not one of the keys")
    good = sign("ed", PAYLOAD)
    for name, text in (("another text", "Another payload.\n"), ("a text with a space more", PAYLOAD.decode() + " "), ("nothing", "")):
        make.add(f"OpenPGP over {name}", "The signature is over the payload.", ed, good, "bad", "does not fit", payload=text)
    make.add("OpenPGP in text mode", "Line ends would not be signed.", ed, sign("ed", PAYLOAD, "--textmode"), "malformed", "binary document")  # fmt: skip
    make.add("OpenPGP for an approval", "OpenPGP has no namespaces; the payload says what it is for.", ed, good, namespace="arcgit-policy")


def _openpgp_times(home: Home, make: Maker) -> None:
    home.openpgp_key("old", expires=MIDDLE, at=OLD)
    early, key = home.openpgp_sign("old", PAYLOAD, at=EARLY), home.openpgp("old")
    home.gpg("--quick-set-expire", home.fingerprints["old"], "never", at="20200701T000000")
    late, renewed = home.openpgp_sign("old", PAYLOAD, at=LATE), home.openpgp("old")
    make.add("before the key expired", "A key that held then holds for ever.", key, early)
    make.add("after the key expired", "By the certificate in the policy it no longer held.", key, late, "expired", "after the key")
    make.add("after the expiry was put off", "The certificate in the policy decides.", renewed, late)
    dated = home.openpgp_sign("ed", PAYLOAD, "--default-sig-expire", "100y")
    make.add("a signature that expires", "A record must hold for ever, so even a far date is refused.", home.openpgp("ed"), dated, "expired", "it expires")
    for reason, why in (("compromised", "Whoever has the key can claim any time."), ("none", "Without a reason the worst is supposed."), ("superseded", ""), ("retired", "")):
        home.openpgp_key(reason, at=OLD)
        before, after = (home.openpgp_sign(reason, PAYLOAD, at=moment) for moment in (EARLY, LATE))
        plain = home.openpgp(reason)
        home.revoke(reason, reason, MIDDLE)
        revoked = home.openpgp(reason)
        title = f"revoked ({reason})"
        if why:
            make.add(f"{title}, before it", why, revoked, before, "revoked", "is revoked")
            make.add(f"{title}, by a policy that does not know", "Only the certificate in the policy counts.", plain, after)
        else:
            make.add(f"{title}, before it", "A soft revocation leaves what was signed before.", revoked, before)
        make.add(f"{title}, after it", "A revoked key signs nothing more.", revoked, after, "revoked", "is revoked")


def _openpgp_forms(home: Home, make: Maker) -> None:
    ed = home.openpgp("ed")
    good, other = home.openpgp_sign("ed", PAYLOAD), home.openpgp_sign("rsa", PAYLOAD)
    parts, second = spoil.PgpParts(good), spoil.PgpParts(other)
    one = "There is one signature and nothing else."
    rows = (
        ("two signatures", one, spoil.joined([parts.data, parts.data]), "malformed", "2 packets"),
        ("a stranger's signature behind it", one, spoil.joined([parts.data, second.data]), "malformed", "2 packets"),
        ("a stranger's signature before it", one, spoil.joined([second.data, parts.data]), "malformed", "2 packets"),
        ("a marker packet behind it", one, spoil.joined([parts.data, spoil.packet(10, b"PGP")]), "malformed", "2 packets"),
        ("a padding packet behind it", one, spoil.joined([parts.data, spoil.packet(21, b"\0" * 4)]), "malformed", "2 packets"),
        ("a byte behind it", one, spoil.joined([parts.data, b"\0"]), "malformed", "no OpenPGP packet"),
        ("no signature", one, spoil.joined([spoil.packet(11, b"b\0\0\0\0\0")]), "malformed", "1 packets"),
        ("cut off", "Every packet is whole.", spoil.joined([parts.data[:-1]]), "malformed", "ends too early"),
        ("a length that ends with the data", "A packet says how long it is.", spoil.joined([b"\x8b" + parts.body]), "malformed", "how long it is"),
        ("a length in parts", "A packet says how long it is.", spoil.joined([b"\xc2\xe9" + parts.body]), "malformed", "how long it is"),
        ("a notation that is not signed", "What is not signed may only name the key.", parts.packed(unsigned=parts.unsigned + spoil.subpacket(20, b"\x80\0\0\0\0\1\0\1nv")), "malformed", "not signed"),
        ("a signature inside it that is not signed", "What is not signed may only name the key.", parts.packed(unsigned=parts.unsigned + spoil.subpacket(32, b"x")), "malformed", "not signed"),
        ("a stranger named beside the key", "It names only the key that made it.", parts.packed(unsigned=parts.unsigned + spoil.subpacket(16, b"\1" * 8)), "malformed", "did not make it"),
        ("version 3", "Versions 4 and 6 are read.", parts.packed(head=b"\3" + parts.head[1:]), "unsupported", "version 3"),
        ("version 5", "Versions 4 and 6 are read.", parts.packed(head=b"\5" + parts.head[1:]), "unsupported", "version 5"),
        ("a certification", "It is over a document, not over a key.", parts.packed(head=b"\4\x10" + parts.head[2:]), "malformed", "binary document"),
        ("an unknown algorithm", "It is in none of the lists.", parts.packed(head=parts.head[:2] + b"\x64" + parts.head[3:]), "unsupported", "key 100"),
        ("an unknown digest", "It is in none of the lists.", parts.packed(head=parts.head[:3] + b"\x64"), "unsupported", "digest 100"),
        ("a flipped bit", "The signature does not hold.", parts.packed(rest=parts.rest[:-1] + bytes([parts.rest[-1] ^ 1])), "bad", "does not fit"),
        ("S + L", "A second form of the same signature.", parts.packed(rest=spoil.larger_pgp_s(parts.rest)), "bad", "does not fit"),
    )  # fmt: skip
    for name, why, text, status, fault in rows:
        make.add(f"OpenPGP: {name}", why, ed, text, status, fault)
    make.add("OpenPGP: another framing", "How a packet gives its length is not signed; the ledger's digests hold the bytes.", ed, parts.packed())


def _armor(home: Home, make: Maker) -> None:
    ed, good = home.openpgp("ed"), home.openpgp_sign("ed", PAYLOAD)
    data = spoil.binary(good, spoil.PGP)
    begin = "-----BEGIN PGP SIGNATURE-----\n"
    make.add("armor without a checksum", "RFC 9580 does away with it.", ed, spoil.armored(data, spoil.PGP, checksum=False))
    make.add("armor in lines of 76", "Any length up to 76 is taken, if it is the same.", ed, spoil.armored(data, spoil.PGP, width=76))
    block = "It is exactly one block."
    rows = (
        ("a comment", "There are no headers.", good.replace(begin, f"{begin}Comment: x\n"), "headers"),
        ("a version", "There are no headers.", good.replace(begin, f"{begin}Version: x\n"), "headers"),
        ("a space in the empty line", "The empty line is empty.", good.replace("\n\n", "\n \n"), "headers"),
        ("no empty line", "An empty line follows the first.", good.replace("\n\n", "\n"), "headers"),
        ("a wrong checksum", "Where there is one, it is right.", good.replace(good.split("\n")[-3], "=AAAA"), "checksum"),
        ("carriage returns", "Lines end with a newline alone.", good.replace("\n", "\r\n"), "one block"),
        ("text behind it", block, f"{good}x\n", "one block"),
        ("an empty line behind it", block, f"{good}\n", "one block"),
        ("a second block", block, good + good, "lines are not of one length"),
        ("no final newline", "It ends with one.", good[:-1], "one block"),
        ("another label at the end", block, good.replace("END PGP SIGNATURE", "END PGP MESSAGE"), "one block"),
        ("lines of several lengths", "All lines but the last have one length.", good.replace("\n\n", "\n\nAA\n", 1), "one length"),
        ("a line of 80", "Lines have at most 76 characters.", spoil.armored(data, spoil.PGP, width=80), "one length"),
        ("a space in a line", "It is base64 alone.", good.replace("\n\ni", "\n\n i", 1), "length"),
        ("no base64", "It is base64 alone.", good.replace("\n\ni", "\n\n*", 1), "base64"),
        ("nothing inside", "It has a line.", f"{begin}\n-----END PGP SIGNATURE-----\n", "one length"),
    )  # fmt: skip
    for name, why, text, fault in rows:
        make.add(f"armor: {name}", why, ed, text, "malformed", fault)
    for name, text in (
        ("text before it", f"x\n{good}"),
        ("a small letter", good.replace("BEGIN", "begin")),
        ("nothing", ""),
        ("a signed message", f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{PAYLOAD.decode()}{good}"),
    ):
        make.add(f"armor: {name}", "It begins with the one block.", ed, text, "malformed", "neither an OpenPGP nor an SSH")
    make.add("armor: too large", "A signature has at most 65536 bytes.", ed, f"{begin}\n{{pad}}\n-----END PGP SIGNATURE-----\n", "malformed", "too large", pad=65536)
