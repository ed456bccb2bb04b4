"""Signatures checked in process and by stock tools: one verdict, whatever the key has lived through."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pysequoia
import pytest

from arcgit.archive.judge import _CODES
from arcgit.signing import packets
from arcgit.signing.armor import armor, dearmor
from arcgit.signing.keyfacts import certificate
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.verify import Keyring, SignatureCheck, SignatureStatus
from arcgit.signing.wire import Reader
from tests.libraries import path_without, without_libraries
from tests.vectors.cases import document, padded
from tests.vectors.make import spoil
from tests.vectors.make.people import Home, home
from tests.vectors.make.signature_bench import PAYLOAD

GOOD, BAD, REVOKED, EXPIRED = (
    SignatureStatus.GOOD, SignatureStatus.BAD, SignatureStatus.REVOKED, SignatureStatus.EXPIRED,
)  # fmt: skip
MALFORMED, UNKNOWN, UNSUPPORTED = SignatureStatus.MALFORMED, SignatureStatus.UNKNOWN_KEY, SignatureStatus.UNSUPPORTED
START, EARLY, MIDDLE, LATER, LATE = (
    f"{year}T000000" for year in ("20200101", "20200601", "20210101", "20210601", "20220601")
)
CASES = [pytest.param(case, id=case["name"]) for case in document("signature")["cases"]]


def both(
    keys: list[PublicKey], signature: str | bytes, payload: bytes = PAYLOAD, namespace: str = "git"
) -> SignatureCheck:
    """What both ways say, which must be one finding and one fingerprint. The tools' reason is sometimes the better one."""
    data = signature.encode() if isinstance(signature, str) else signature
    inside, outside = (Keyring(keys, by_tools=way).verify(payload, data, namespace) for way in (False, True))
    said = [(_CODES.get(one.status, "signature-bad"), one.fingerprint, one.signing_key) for one in (inside, outside)]
    assert said[0] == said[1], f"in process: {inside}; by tools: {outside}"
    return outside


@pytest.fixture(scope="module")
def made() -> Iterator[Home]:
    with home() as place:
        for name, kind in (("ed", "ed25519"), ("rsa", "rsa2048"), ("p256", "nistp256"), ("other", "ed25519")):
            place.openpgp_key(name, kind)
        place.ssh_key("ssh-rsa", "rsa", 2048)
        place.ssh_key("ssh-ed")
        place.ssh_key("ssh-256", "ecdsa", 256)
        yield place


@pytest.mark.parametrize("case", CASES)
def test_every_published_signature_gets_its_status_from_stock_tools(case: dict[str, Any]) -> None:
    kind: Any = "ssh" if case["fingerprint"].startswith("SHA256:") else "openpgp"
    ring = Keyring([PublicKey(kind, case["fingerprint"], case["public_key"])], by_tools=True)
    found = ring.verify(case["payload"].encode(), padded(case, "signature", "A").encode(), case["namespace"])
    assert found.status.value == case["status"]
    if case["status"] == "good":
        assert (found.fingerprint, found.signing_key) == (case["fingerprint"], case["signing_key"])


@pytest.mark.parametrize("case", CASES)
def test_every_published_key_is_read_the_same_without_the_libraries(case: dict[str, Any]) -> None:
    """All but what takes mathematics to tell: there the tools have the last word, when a signature comes."""

    def read() -> PublicKey | None:
        try:
            return parse_public_key(case["public_key"])
        except ValueError:
            return None

    inside = read()
    with without_libraries():
        assert read() == inside


def mpi(number: int, *, zeros: int = 0) -> bytes:
    size = (number.bit_length() + 7) // 8 + zeros
    return (number.bit_length() + 8 * zeros).to_bytes(2, "big") + number.to_bytes(size, "big")


def numbers(parts: spoil.PgpParts) -> tuple[bytes, list[int]]:
    reader, found = Reader(parts.rest), []
    left = reader.take(2)
    while not reader.at_end:
        found.append(int.from_bytes(reader.take((reader.number(2) + 7) // 8), "big"))
    return left, found


def modulus(key: PublicKey) -> int:
    return packets.modulus(packets.split(dearmor(key.text.encode(), "PGP PUBLIC KEY BLOCK"))[0].body)


def test_an_openpgp_number_has_one_spelling_also_where_gpgv_takes_more(made: Home) -> None:
    """gpgv takes s + n for s, and leading noughts; the library does not. Neither way does."""
    key, parts = made.openpgp("rsa"), spoil.PgpParts(made.openpgp_sign("rsa", PAYLOAD))
    left, (s,) = numbers(parts)
    n = modulus(key)
    for rest, status in (
        (mpi(s), GOOD),
        (mpi(s + n), BAD),
        (mpi(n - s), BAD),
        (mpi(s, zeros=1), MALFORMED),
        (mpi(s) + b"x", MALFORMED),
        (mpi(s) + mpi(s), MALFORMED),
        (b"", MALFORMED),
    ):
        assert both([key], parts.packed(rest=left + rest)).status is status
    key, parts = made.openpgp("ed"), spoil.PgpParts(made.openpgp_sign("ed", PAYLOAD))
    left, (r, s) = numbers(parts)
    little = int.from_bytes(s.to_bytes(32, "big"), "little") + spoil.ED25519_ORDER
    for rest, status in (
        (mpi(r) + mpi(s), GOOD),
        (mpi(r) + mpi(int.from_bytes(little.to_bytes(32, "little"), "big")), BAD),
        (mpi(r) + mpi(s | 1 << 300), BAD),
        (mpi(r, zeros=1) + mpi(s), MALFORMED),
        (mpi(r), MALFORMED),
        (mpi(0) + mpi(0), BAD),
    ):
        assert both([key], parts.packed(rest=left + rest)).status is status
    key, parts = made.openpgp("p256"), spoil.PgpParts(made.openpgp_sign("p256", PAYLOAD))
    left, (r, s) = numbers(parts)
    for rest, status in (
        (mpi(r) + mpi(spoil.P256_ORDER - s), GOOD),
        (mpi(r) + mpi(s + spoil.P256_ORDER), BAD),
        (mpi(r + spoil.P256_ORDER) + mpi(s), BAD),
    ):
        assert both([key], parts.packed(rest=left + rest)).status is status


def test_an_ssh_number_has_one_spelling_also_where_ssh_keygen_takes_more(made: Home) -> None:
    key = made.ssh("ssh-rsa")
    payloads = (PAYLOAD + str(number).encode() for number in range(10_000))
    payload, text = next(
        (payload, text) for payload in payloads if not spoil.SshParts(text := made.ssh_sign("ssh-rsa", payload)).blob[0]
    )
    parts = spoil.SshParts(text)
    assert both([key], text, payload).status is GOOD
    for blob in (parts.blob[1:], b"\0" + parts.blob, b""):
        assert both([key], parts.packed(blob=blob), payload).status is BAD
    parts = spoil.SshParts(made.ssh_sign("ssh-ed", PAYLOAD))
    for blob in (spoil.larger_s(parts.blob), parts.blob + b"\0", parts.blob[:-1]):
        assert both([made.ssh("ssh-ed")], parts.packed(blob=blob)).status is BAD
    parts = spoil.SshParts(made.ssh_sign("ssh-256", PAYLOAD))
    reader = Reader(parts.blob)
    r, s = reader.mpint(), reader.mpint()
    for blob, status in ((spoil.mpint(r) + spoil.mpint(s + spoil.P256_ORDER), BAD), (spoil.mpint(r), MALFORMED)):
        assert both([made.ssh("ssh-256")], parts.packed(blob=blob)).status is status


def test_an_ssh_key_that_is_no_point_of_its_curve_is_malformed_either_way(made: Home) -> None:
    parts = spoil.SshParts(made.ssh_sign("ssh-256", PAYLOAD))
    key = parts.key[:-1] + bytes([parts.key[-1] ^ 1])
    assert both([made.ssh("ssh-256")], parts.packed(key=key)).status is MALFORMED


@pytest.mark.parametrize("name", ["ed", "ssh-ed"])
def test_no_byte_of_a_signature_is_read_in_two_ways(made: Home, name: str) -> None:
    ssh = name.startswith("ssh")
    label, sign, key = (
        (spoil.SSH, made.ssh_sign, made.ssh(name)) if ssh else (spoil.PGP, made.openpgp_sign, made.openpgp(name))
    )
    data = spoil.binary(sign(name, PAYLOAD), label)
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :]
        both([key], spoil.armored(changed, label, width=70 if ssh else 64))


@pytest.mark.parametrize("options", [("--sig-notation", "a@example.org=b"), ("--sig-notation", "!a@example.org=b"), ("--sig-policy-url", "https://example.org")])  # fmt: skip
def test_notations_and_addresses_in_a_signature_change_nothing_but_for_critical_ones(
    made: Home, options: tuple[str, str]
) -> None:
    critical = options[1].startswith("!")
    assert both([made.openpgp("ed")], made.openpgp_sign("ed", PAYLOAD, *options)).status is (BAD if critical else GOOD)


def test_a_signature_from_the_future_holds_neither_way(made: Home) -> None:
    assert both([made.openpgp("ed")], made.openpgp_sign("ed", PAYLOAD, at="20900101T000000")).status is BAD


class Lived:
    """A key with a history: signatures are made before, between and after what happens to it."""

    def __init__(self, place: Home, name: str, *, expires: str = "never", kind: str = "ed25519") -> None:
        self.place, self.name = place, name
        place.openpgp_key(name, kind, expires=expires, at=START)

    @property
    def keys(self) -> list[PublicKey]:
        return [self.place.openpgp(self.name)]

    def sign(self, at: str, *options: str) -> str:
        return self.place.openpgp_sign(self.name, PAYLOAD, *options, at=at)

    def edit(self, command: str, at: str) -> None:
        """What `gpg --edit-key` takes, a line at a time."""
        quiet = ("gpg", "--no-tty", "--yes", "--expert", "--pinentry-mode", "loopback", "--passphrase", "")
        clock = ("--faked-system-time", f"{at}!", "--command-fd", "0", "--edit-key", self.place.fingerprints[self.name])
        self.place.run(*quiet, *clock, stdin=command.encode())


def test_a_key_that_expired_leaves_what_it_signed_before(made: Home) -> None:
    key = Lived(made, "expires", expires=MIDDLE)
    before, after = key.sign(EARLY), None
    assert both(key.keys, before).status is GOOD
    made.gpg("--quick-set-expire", made.fingerprints["expires"], "never", at=EARLY)
    after, old = key.sign(LATE), key.keys
    made.gpg("--quick-set-expire", made.fingerprints["expires"], MIDDLE, at="20200701T000000")
    assert both(old, after).status is GOOD
    assert both(key.keys, after).status is EXPIRED


def test_a_key_that_was_renewed_after_a_gap_did_not_hold_in_the_gap(made: Home) -> None:
    """gpgv only knows what holds today. A policy may have the statements of both times."""
    key = Lived(made, "gap", expires=MIDDLE)
    old = key.place.openpgp_text("gap")
    made.gpg("--quick-set-expire", made.fingerprints["gap"], "never", at="20220101T000000")
    moments = {at: key.sign(at) for at in (EARLY, LATER, LATE)}
    merged = merge(old, key.place.openpgp_text("gap"))
    assert [both([merged], moments[at]).status for at in (EARLY, LATER, LATE)] == [GOOD, EXPIRED, GOOD]
    # The newest statement alone does not say that the key held before it was made.
    assert [both(key.keys, moments[at]).status for at in (EARLY, LATER, LATE)] == [BAD, BAD, GOOD]


def merge(one: str, other: str) -> PublicKey:
    """A certificate with the self-signatures of two: their user id is the same."""
    label = "PGP PUBLIC KEY BLOCK"
    first, second = (packets.split(parse_data(text)) for text in (one, other))
    extra = [packet for packet in second if packet.tag == packets.SIGNATURE]
    data = b"".join(spoil.packet(packet.tag, packet.body) for packet in [*first, *extra])
    return parse_public_key(armor(data, label))


def parse_data(text: str) -> bytes:
    return dearmor(parse_public_key(text).text.encode(), "PGP PUBLIC KEY BLOCK")


@pytest.mark.parametrize(("reason", "before", "after"), [("compromised", REVOKED, REVOKED), ("none", REVOKED, REVOKED), ("superseded", GOOD, REVOKED), ("retired", GOOD, REVOKED)])  # fmt: skip
def test_a_revocation_counts_by_its_reason_and_its_time(
    made: Home, reason: str, before: SignatureStatus, after: SignatureStatus
) -> None:
    key = Lived(made, f"revoked-{reason}")
    signed = {at: key.sign(at) for at in (EARLY, LATE)}
    made.revoke(f"revoked-{reason}", reason, MIDDLE)
    assert [both(key.keys, signed[at]).status for at in (EARLY, LATE)] == [before, after]


def test_subkeys_sign_for_their_certificate_until_they_expire_or_are_revoked(made: Home) -> None:
    key = Lived(made, "subkeys")
    made.gpg("--quick-add-key", made.fingerprints["subkeys"], "ed25519", "sign", MIDDLE, at=START)
    early = key.sign(EARLY)
    found = both(key.keys, early)
    assert (found.status, found.signing_key != found.fingerprint) == (GOOD, True)
    key.edit("key 1\nexpire\n0\nsave\n", EARLY)
    longer, late = key.keys, key.sign(LATE)
    assert both(longer, late).status is GOOD
    key.edit(f"key 1\nexpire\n{MIDDLE}\nsave\n", "20200701T000000")
    assert both(key.keys, late).status is EXPIRED


def test_a_revoked_subkey_no_longer_signs(made: Home) -> None:
    key = Lived(made, "subkey-revoked")
    made.gpg("--quick-add-key", made.fingerprints["subkey-revoked"], "ed25519", "sign", "never", at=START)
    signed = {at: key.sign(at) for at in (EARLY, LATE)}
    for reason, expected in (("2", [GOOD, REVOKED]),):
        key.edit(f"key 1\nrevkey\ny\n{reason}\n\ny\nsave\n", MIDDLE)
        assert [both(key.keys, signed[at]).status for at in (EARLY, LATE)] == expected


def test_a_subkey_that_the_policy_does_not_have_is_unknown(made: Home) -> None:
    key = Lived(made, "subkey-missing")
    old = key.keys
    made.gpg("--quick-add-key", made.fingerprints["subkey-missing"], "ed25519", "sign", "never", at=START)
    assert both(old, key.sign(EARLY)).status is UNKNOWN


def test_a_key_that_is_not_for_signing_signs_nothing(made: Home) -> None:
    """The statement that it may sign is turned into one that it may only certify; that breaks it, so nothing is left."""
    key = Lived(made, "flags")
    signed = key.sign(EARLY)
    data = parse_data(made.openpgp_text("flags"))
    flags = bytes([2, 27])
    place = data.index(flags) + 2
    spoiled = armor(data[:place] + b"\1" + data[place + 1 :], "PGP PUBLIC KEY BLOCK")
    ring = [parse_public_key(spoiled)]
    for way in (False, True):
        assert Keyring(ring, by_tools=way).verify(PAYLOAD, signed.encode()).status is not GOOD


@pytest.mark.parametrize("curve", ["secp256k1", "brainpoolP256r1", "brainpoolP512r1"])
def test_a_curve_that_only_gpgv_knows_is_told_as_not_checked_either_way(made: Home, curve: str) -> None:
    """gpgv says good and the library bad: a verdict must not hang on which of them was asked."""
    made.openpgp_key(curve, curve)
    key = made.openpgp(curve)
    assert both([key], made.openpgp_sign(curve, PAYLOAD)).status is UNSUPPORTED
    assert both([key], made.openpgp_sign(curve, PAYLOAD), PAYLOAD + b"x").status is UNSUPPORTED
    assert not certificate(key).can_sign(datetime(2026, 1, 1, tzinfo=timezone.utc))
    assert both([key, made.openpgp("p256")], made.openpgp_sign("p256", PAYLOAD)).status is GOOD


def test_several_user_ids_and_a_photo_less_history_change_nothing(made: Home) -> None:
    key = Lived(made, "names")
    made.gpg("--quick-add-uid", made.fingerprints["names"], "Second <second@example.org>", at=START)
    signed = key.sign(EARLY)
    assert both(key.keys, signed).status is GOOD
    made.gpg("--quick-revoke-uid", made.fingerprints["names"], "Second <second@example.org>", at=MIDDLE)
    assert both(key.keys, signed).status is GOOD
    assert both(key.keys, key.sign(LATE)).status is GOOD


def test_a_false_revocation_in_a_certificate_is_passed_over_either_way(made: Home) -> None:
    """Anybody can add packets to a certificate that is on its way to an admin."""
    key = Lived(made, "pestered")
    signed = key.sign(EARLY)
    other = Lived(made, "pesterer")
    made.revoke("pesterer", "compromised", MIDDLE)
    foreign = next(p for p in packets.split(parse_data(made.openpgp_text("pesterer"))) if p.tag == packets.SIGNATURE)
    own = packets.split(parse_data(made.openpgp_text("pestered")))
    # Under the name of the pestered key, so that only the mathematics tells.
    ids = [bytes.fromhex(made.fingerprints[name]) for name in ("pesterer", "pestered")]
    body = foreign.body.replace(ids[0], ids[1]).replace(ids[0][-8:], ids[1][-8:])
    data = b"".join(
        spoil.packet(packet.tag, packet.body) for packet in [own[0], packets.Packet(packets.SIGNATURE, body), *own[1:]]
    )
    assert other.keys
    assert both([parse_public_key(armor(data, "PGP PUBLIC KEY BLOCK"))], signed).status is GOOD


def test_two_signatures_in_every_order_are_refused_either_way(made: Home) -> None:
    good, unknown = (spoil.PgpParts(made.openpgp_sign(name, PAYLOAD)).data for name in ("ed", "other"))
    bad = spoil.PgpParts(made.openpgp_sign("ed", b"something else")).data
    for mix in ((good, unknown), (unknown, good), (good, bad), (bad, good), (good, good)):
        assert both([made.openpgp("ed")], spoil.joined(mix)).status is MALFORMED


def test_a_name_that_looks_like_a_status_line_has_no_effect(made: Home) -> None:
    """A user id with a line feed and a verdict of gpgv in it."""
    fingerprint = made.fingerprints["ed"]
    lines = (f"GOODSIG {fingerprint} x", f"VALIDSIG {fingerprint} 2026-01-02 1767323045 0 4 0 22 8 00 {fingerprint}")
    forged = pysequoia.Tsk.generate("\n".join(["x", *(f"[GNUPG:] {line}" for line in lines)]))
    stranger = parse_public_key(str(forged.extract_certificate()))
    mode = pysequoia.SignatureMode.DETACHED
    signed = {text: pysequoia.sign(forged.signer(), text, mode=mode) for text in (PAYLOAD, b"something else")}
    plain = {text: armor(dearmor_any(data), spoil.PGP) for text, data in signed.items()}
    keys = [made.openpgp("ed"), stranger]
    assert both(keys, plain[b"something else"]).status is BAD
    assert both(keys, plain[PAYLOAD]).fingerprint == stranger.fingerprint


def dearmor_any(data: bytes) -> bytes:
    """The bytes in armor that may have headers."""
    return base64.b64decode(
        b"".join(line for line in data.split(b"\n")[1:] if line and b":" not in line and line[:1] not in b"-=")
    )


@pytest.mark.parametrize(("tool", "kind"), [("gpgv", "ed"), ("ssh-keygen", "ssh-ed")])
def test_without_library_and_tool_a_signature_is_not_checked_and_that_is_said(
    made: Home, tool: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made.ssh(kind) if kind.startswith("ssh") else made.openpgp(kind)
    signed = made.ssh_sign(kind, PAYLOAD) if kind.startswith("ssh") else made.openpgp_sign(kind, PAYLOAD)
    monkeypatch.setenv("PATH", path_without(tmp_path / "bin", tool))
    found = Keyring([key], by_tools=True).verify(PAYLOAD, signed.encode())
    assert found.status is SignatureStatus.UNAVAILABLE
    assert tool in found.detail


@pytest.mark.parametrize("says", ["", "[GNUPG:] NEWSIG", "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0 x", "GOODSIG"])
@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_gpgv_that_does_not_say_everything_is_not_believed(
    made: Home, says: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in its place that prints on every channel but the status pipe, and a verdict that is not whole there."""
    signed = made.openpgp_sign("ed", PAYLOAD)
    fingerprint = made.fingerprints["ed"]
    whole = f"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 0 x\n[GNUPG:] VALIDSIG {fingerprint} d 1767323045 0 4 0 22 8 00 {fingerprint}"
    script = f"#!/bin/sh\necho '{whole}'\necho '{whole}' >&2\nprintf '%s\\n' '{says}' > /proc/self/fd/$6\nexit {code}\n"
    place = tmp_path / "bin"
    place.mkdir()
    (place / "gpgv").write_text(script)
    (place / "gpgv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    found = Keyring([made.openpgp("ed")], by_tools=True).verify(PAYLOAD, signed.encode())
    assert found.status is (BAD if "[GNUPG:]" in says else SignatureStatus.UNAVAILABLE)


WHOLE = (
    "NEWSIG",
    "GOODSIG 0 x",
    "VALIDSIG {fingerprint} 2026-01-02 1767323045 0 4 0 22 8 00 {fingerprint}",
)
OTHER = "A" * 40
DOUBTS: dict[str, tuple[int, tuple[str, ...], SignatureStatus]] = {
    "nothing": (0, WHOLE, GOOD),
    "its exit code": (1, WHOLE, BAD),
    "a bad signature beside it": (0, (*WHOLE, "BADSIG 0 x"), BAD),
    "a signature that expires": (0, (*WHOLE, "EXPSIG 0 x"), BAD),
    "an error beside it": (0, (*WHOLE, "ERRSIG 0 22 8 00 1767323045 1 -"), BAD),
    "data that is none": (0, (*WHOLE, "NODATA 1"), BAD),
    "a failure": (0, (*WHOLE, "FAILURE gpg-exit 1"), BAD),
    "a second signature": (0, (WHOLE[0], *WHOLE), BAD),
    "a second verdict": (0, (*WHOLE, "EXPKEYSIG 0 x"), BAD),
    "two that are valid": (0, (*WHOLE, WHOLE[2]), BAD),
    "no verdict": (0, (WHOLE[0], WHOLE[2]), BAD),
    "another key": (0, (*WHOLE[:2], WHOLE[2].replace(" {fingerprint}", f" {OTHER}", 1)), MALFORMED),
    "another certificate": (0, (*WHOLE[:2], WHOLE[2][: -len("{fingerprint}")] + OTHER), BAD),
    "another time": (0, (*WHOLE[:2], WHOLE[2].replace("1767323045", "1767323046")), BAD),
    "an expiry": (0, (*WHOLE[:2], WHOLE[2].replace("5 0 4", "5 1 4")), BAD),
    "another kind of signature": (0, (*WHOLE[:2], WHOLE[2].replace(" 00 ", " 01 ")), BAD),
    "a missing field": (0, (*WHOLE[:2], WHOLE[2].replace(" 00 ", " ")), BAD),
    "a revoked key whose certificate says nothing of it": (0, (WHOLE[0], "REVKEYSIG 0 x", WHOLE[2]), UNSUPPORTED),
    "an algorithm that it lacks": (2, ("NEWSIG", "ERRSIG 0 27 8 00 1767323045 4 -"), UNSUPPORTED),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_a_verdict_of_gpgv_counts_only_whole_and_alone(
    made: Home, doubt: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in its place that says all of it on the status pipe, but for one thing."""
    signed = made.openpgp_sign("ed", PAYLOAD)
    code, lines, expected = DOUBTS[doubt]
    said = "".join(f"[GNUPG:] {line}\n".format(fingerprint=made.fingerprints["ed"]) for line in lines)
    place = tmp_path / "bin"
    place.mkdir()
    (place / "gpgv").write_text(f"#!/bin/sh\nprintf '%s' '{said}' > /proc/self/fd/$6\nexit {code}\n")
    (place / "gpgv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    found = Keyring([made.openpgp("ed")], by_tools=True).verify(PAYLOAD, signed.encode())
    assert found.status is expected, found
