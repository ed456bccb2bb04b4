"""OpenPGP signatures of one form are judged as Sequoia judges each of them, also where libsodium says yes for it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pysequoia
import pytest

from arcgit.signing import alike, packets, pgpkeys, sigfields, sodium
from arcgit.signing.armor import armor, dearmor
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring, SignatureCheck, SignatureStatus
from tests.vectors.make.people import Home
from tests.vectors.make.people import home as new_home

BEGIN = datetime(2020, 1, 1, tzinfo=timezone.utc)
FIRST_END = BEGIN + timedelta(days=366)
LATER = BEGIN + timedelta(days=31)
GIVEN_UP = BEGIN + timedelta(days=100)
SECOND_END = BEGIN + timedelta(days=500)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
TEXT = b"which data, which code"


def at(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%S")


def moments() -> list[datetime]:
    turns = (BEGIN, LATER, GIVEN_UP, FIRST_END, SECOND_END)
    near = [turn + step for turn in turns for step in (-DAY, -SECOND, timedelta(0), SECOND, DAY, 2 * DAY)]
    return [moment for moment in near if moment >= BEGIN]


def never(home: Home) -> None:
    """Nothing ever happens to the key."""


def ends(home: Home) -> None:
    home.gpg("--quick-set-expire", home.fingerprints["key"], at(FIRST_END), at=at(LATER))


def ends_later(home: Home) -> None:
    ends(home)
    home.gpg("--quick-set-expire", home.fingerprints["key"], at(SECOND_END), at=at(GIVEN_UP))


def retired(home: Home) -> None:
    home.revoke("key", "retired", at(GIVEN_UP))


def compromised(home: Home) -> None:
    home.revoke("key", "compromised", at(GIVEN_UP))


def retired_after_an_end_was_set(home: Home) -> None:
    ends(home)
    retired(home)


LIVES = [never, ends, ends_later, retired, compromised, retired_after_an_end_was_set]


@pytest.fixture(scope="module")
def signed() -> Iterator[tuple[Home, dict[datetime, bytes]]]:
    """A home with one key, and its signatures at every moment at which something may happen to it, and around these."""
    with new_home() as home:
        home.openpgp_key("key", at=at(BEGIN))
        yield home, {moment: home.openpgp_sign("key", TEXT, at=at(moment)).encode() for moment in moments()}


@pytest.fixture(scope="module")
def certificates(signed: tuple[Home, dict[datetime, bytes]]) -> dict[str, PublicKey]:
    """The same key after each of the lives that it may have had."""
    home, _ = signed
    secret = home.gpg("--armor", "--export-secret-keys", home.fingerprints["key"])
    found = {}
    for live in LIVES:
        with new_home() as other:
            other.gpg("--import", stdin=secret)
            other.fingerprints |= home.fingerprints
            live(other)
            found[live.__name__] = other.openpgp("key")
    return found


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """One yes of Sequoia is enough for others like it."""
    monkeypatch.setattr(sodium, "SOONER", 1)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What Sequoia was asked about."""
    found: list[bytes] = []
    real = pysequoia.verify

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(pysequoia, name)

        def verify(self, *, bytes: bytes, **rest: Any) -> object:  # noqa: A002  as the library calls it
            found.append(bytes)
            return real(bytes=bytes, **rest)

    monkeypatch.setattr(pgpkeys, "pysequoia", Watched())
    return found


def practised(key: PublicKey, made: bytes) -> Keyring:
    """A keyring that has seen a good signature as often as it needs to."""
    ring = Keyring([key])
    for _ in range(sodium.SOONER):
        assert ring.verify(TEXT, made).status is SignatureStatus.GOOD
    return ring


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("live", [live.__name__ for live in LIVES])
@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
def test_at_every_moment_of_a_key_s_life_the_outcome_is_the_one_alone(
    signed: tuple[Home, dict[datetime, bytes]], certificates: dict[str, PublicKey], live: str, step: int
) -> None:
    key, made = certificates[live], signed[1]
    alone = {moment: Keyring([key]).verify(TEXT, signature) for moment, signature in made.items()}
    ring = Keyring([key])
    for moment in sorted(made)[::step] * 2:
        assert ring.verify(TEXT, made[moment]) == alone[moment], moment


@pytest.mark.usefixtures("soon")
def test_the_lives_differ_and_libsodium_answers_where_nothing_changed_in_between(
    signed: tuple[Home, dict[datetime, bytes]], certificates: dict[str, PublicKey], asked: list[bytes]
) -> None:
    outcomes = {}
    for live, key in certificates.items():
        ring = Keyring([key])
        outcomes[live] = tuple(ring.verify(TEXT, signature).status for signature in signed[1].values())
    assert len(set(outcomes.values())) >= len(LIVES) - 1
    assert len(asked) < len(LIVES) * len(signed[1])
    ring = practised(certificates["never"], signed[1][LATER])
    before = len(asked)
    assert all(ring.verify(TEXT, made).status is SignatureStatus.GOOD for made in signed[1].values())
    # At the very moment at which the key began, and once after it.
    assert len(asked) - before <= 2


def test_sequoia_judges_the_first_ones(
    signed: tuple[Home, dict[datetime, bytes]], certificates: dict[str, PublicKey], asked: list[bytes]
) -> None:
    made = signed[1][LATER]
    ring = practised(certificates["never"], made)
    assert len(asked) == sodium.SOONER
    assert ring.verify(TEXT, made) == Keyring([certificates["never"]]).verify(TEXT, made)
    assert len(asked) == sodium.SOONER + 1


@pytest.mark.usefixtures("soon")
def test_another_text_is_never_good(
    signed: tuple[Home, dict[datetime, bytes]], certificates: dict[str, PublicKey], asked: list[bytes]
) -> None:
    made = signed[1][LATER]
    ring = practised(certificates["never"], made)
    for text in (TEXT + b" ", TEXT[:-1], b"", TEXT.upper()):
        assert ring.verify(text, made).status is SignatureStatus.BAD
    assert len(asked) == 1 + 4


@pytest.mark.usefixtures("soon")
def test_no_flipped_bit_is_judged_otherwise_after_good_ones_than_alone(
    signed: tuple[Home, dict[datetime, bytes]], certificates: dict[str, PublicKey]
) -> None:
    key, made = certificates["never"], signed[1][LATER]
    ring = practised(key, made)
    data = dearmor(made, "PGP SIGNATURE")
    good = 0
    for place in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            spoiled = armor(bytes(flipped), "PGP SIGNATURE").encode()
            sigfields._shapes.clear()
            alone = Keyring([key]).verify(TEXT, spoiled)
            assert ring.verify(TEXT, spoiled) == alone, (place, bit)
            good += alone.status is SignatureStatus.GOOD
    # Two bytes are a hint at what was hashed, and one bit says how much the hint at the key matters.
    assert good <= 17


@pytest.mark.usefixtures("soon")
def test_numbers_that_do_not_fit_a_point_are_left_to_sequoia(
    signed: tuple[Home, dict[datetime, bytes]], certificates: dict[str, PublicKey]
) -> None:
    made = signed[1][LATER]
    ring = practised(certificates["never"], made)
    data = dearmor(made, "PGP SIGNATURE")
    body = packets.split(data)[0].body
    fields = sigfields.read_signature(data)
    begin = len(body) - sum(2 + (number.bit_length() + 7) // 8 for number in fields.numbers)
    for first, second in ((1 << 256, 1), (1, 1 << 300), (0, 0), (fields.numbers[0] << 8, fields.numbers[1])):
        numbers = b"".join(
            number.bit_length().to_bytes(2, "big") + number.to_bytes((number.bit_length() + 7) // 8, "big")
            for number in (first, second)
        )
        packet = b"\xc2" + bytes((len(body[:begin] + numbers),)) + body[:begin] + numbers
        check = ring.verify(TEXT, armor(packet, "PGP SIGNATURE").encode())
        assert check.status in (SignatureStatus.BAD, SignatureStatus.MALFORMED)


@pytest.mark.usefixtures("soon")
def test_a_moment_that_has_not_come_yet_is_left_to_sequoia(
    signed: tuple[Home, dict[datetime, bytes]], certificates: dict[str, PublicKey]
) -> None:
    home, made = signed
    ring = practised(certificates["never"], made[SECOND_END])
    ahead = datetime.fromtimestamp(time.time(), tz=timezone.utc) + 400 * DAY
    signature = home.openpgp_sign("key", TEXT, at=at(ahead)).encode()
    assert ring.verify(TEXT, signature).status is SignatureStatus.BAD


@pytest.mark.usefixtures("soon")
def test_without_libsodium_sequoia_judges_them_all(
    signed: tuple[Home, dict[datetime, bytes]],
    certificates: dict[str, PublicKey],
    asked: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sodium.quick.cache_clear()
    monkeypatch.setitem(sys.modules, "nacl.bindings", None)
    ring = practised(certificates["never"], signed[1][LATER])
    assert ring.verify(TEXT, signed[1][LATER]).status is SignatureStatus.GOOD
    assert len(asked) == 2
    sodium.quick.cache_clear()


@pytest.mark.usefixtures("soon")
def test_a_key_of_another_algorithm_is_left_to_sequoia(asked: list[bytes]) -> None:
    with new_home() as home:
        home.openpgp_key("key", "rsa2048", at=at(BEGIN))
        made = home.openpgp_sign("key", TEXT, at=at(LATER)).encode()
        ring = practised(home.openpgp("key"), made)
    assert ring.verify(TEXT, made).status is SignatureStatus.GOOD
    assert len(asked) == 2


@pytest.mark.usefixtures("soon")
def test_a_subkey_of_two_certificates_is_left_to_sequoia(asked: list[bytes]) -> None:
    """Which of the two people it was may change with what becomes of either certificate."""
    with new_home() as home:
        first = home.openpgp_key("first", at=at(BEGIN))
        home.openpgp_key("second", at=at(BEGIN))
        home.gpg("--quick-add-key", first, "ed25519", "sign", "never", at=at(LATER))
        grip = home.gpg("--list-keys", "--with-colons", "--with-keygrip", first).decode().split("grp:::::::::")[-1][:40]
        chosen = f"addkey\n13\n{grip}\nE\nA\nQ\n0\ny\nsave\n".encode()
        home.gpg("--expert", "--command-fd", "0", "--edit-key", home.fingerprints["second"], stdin=chosen, at=at(LATER))
        keys = [home.openpgp("first"), home.openpgp("second")]
        made = home.openpgp_sign("first", TEXT, at=at(LATER + DAY)).encode()
    shared = [set(packets_of(key)) for key in keys]
    assert shared[0] & shared[1], shared
    ring = Keyring(keys)
    outcomes = {ring.verify(TEXT, made) for _ in range(3)}
    assert len(asked) == 3
    assert {outcome.status for outcome in outcomes} == {SignatureStatus.GOOD}


def packets_of(key: PublicKey) -> list[str]:
    """Fingerprints of the subkeys of a certificate."""
    found = packets.split(dearmor(key.text.encode(), "PGP PUBLIC KEY BLOCK"))
    return [packets.handles(packet.body)[0] for packet in found if packet.tag == packets.PUBLIC_SUBKEY]


def test_a_certificate_that_says_too_much_is_read_by_sequoia_alone(
    signed: tuple[Home, dict[datetime, bytes]], certificates: dict[str, PublicKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alike, "_MOST_TURNS", 1)
    fields = sigfields.read_signature(dearmor(signed[1][LATER], "PGP SIGNATURE"))
    check = SignatureCheck(SignatureStatus.GOOD, signing_key=certificates["ends_later"].fingerprint)
    data = dearmor(certificates["ends_later"].text.encode(), "PGP PUBLIC KEY BLOCK")
    assert alike._form(data, fields, check) is None
    monkeypatch.undo()
    assert alike._form(data, fields, check) is not None
