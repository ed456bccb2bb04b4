"""What is remembered of signatures that were read, and tables made on the way, change nothing about the next one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arcgit.signing import armor, sigfields
from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.sigfields import SignatureFields
from tests.vectors.make.people import home

REFUSED = (MalformedError, UnsupportedError, WeakError)


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    sigfields._shapes.clear()
    yield
    sigfields._shapes.clear()


@pytest.fixture(scope="module", params=["ed25519", "rsa2048", "nistp256"])
def signatures(request: pytest.FixtureRequest) -> list[bytes]:
    """Signatures of one key by GnuPG, some of them a byte shorter than others."""
    user = f"{request.param}@example.org"
    with home() as place:
        quiet = ["gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
        place.run(*quiet, "--quick-gen-key", user, request.param, "sign", "never")
        file = place.folder / "text"
        made = []
        for number in range(12):
            file.write_text(str(number))
            at = ["--faked-system-time", f"20300101T0000{number:02}!"]
            place.run(*quiet, "--local-user", user, *at, "--yes", "--detach-sign", str(file))
            made.append(file.with_name("text.sig").read_bytes())
    return made


def read(data: bytes) -> SignatureFields | type[Exception]:
    try:
        return sigfields.read_signature(data)
    except REFUSED as fault:
        return type(fault)


def alone(data: bytes) -> SignatureFields | type[Exception]:
    sigfields._shapes.clear()
    return read(data)


def test_each_is_read_the_same_after_others_as_alone(signatures: list[bytes]) -> None:
    expected = [alone(data) for data in signatures]
    sigfields._shapes.clear()
    assert [read(data) for data in signatures] == expected
    assert len({fields.created for fields in expected if isinstance(fields, SignatureFields)}) == len(signatures)
    assert len(sigfields._shapes) < len(signatures)


def test_no_flipped_bit_is_read_otherwise_after_good_ones_than_alone(signatures: list[bytes]) -> None:
    last = signatures[-1]
    for place in range(len(last)):
        for bit in range(8):
            flipped = bytearray(last)
            flipped[place] ^= 1 << bit
            expected = alone(bytes(flipped))
            sigfields._shapes.clear()
            for data in signatures:
                read(data)
            assert read(bytes(flipped)) == expected, (place, bit)


def test_a_signature_with_more_or_less_behind_it_is_read_otherwise_after_good_ones_as_well(
    signatures: list[bytes],
) -> None:
    for data in signatures:
        read(data)
    for other in (signatures[-1][:-1], signatures[-1] + b"\0", signatures[-1] * 2, signatures[-1][1:], b""):
        assert read(other) in REFUSED


def test_a_moment_that_stands_twice_among_the_signed_bytes_is_not_taken_for_the_place_of_it() -> None:
    """Such a form is never remembered: four bytes of something else would count as the moment."""
    stated = b"\x05\x02\x11\x22\x33\x44"
    area = stated + bytes((1 + len(stated), 20)) + stated
    body = b"\x04\x00\x16\x0a" + len(area).to_bytes(2, "big") + area + b"\0\0\0\0" + b"\0\1\1\0\1\1"
    data = bytes((0xC2, len(body))) + body
    assert isinstance(read(data), SignatureFields)
    assert sigfields._shapes == []


def test_a_packet_that_says_it_is_shorter_than_it_is_is_refused_after_one_of_that_length_as_well() -> None:
    """Else one signature could be written in two ways."""
    front = b"\x04\x00\x16\x0a\0\6\x05\x02\x11\x22\x33\x44\0\0\0\0"
    short, longer = front + b"\0\1\1\0\1\1", front + b"\0\1\1\0\x09\1\xff"
    assert isinstance(read(bytes((0xC2, len(longer))) + longer), SignatureFields)
    assert isinstance(read(bytes((0xC2, len(short))) + short), SignatureFields)
    assert read(bytes((0xC2, len(short))) + longer) in REFUSED
    assert read(bytes((0xC2, len(longer))) + short) in REFUSED


@given(st.binary(max_size=armor._MOST + 2))
def test_a_checksum_is_the_same_by_masks_as_byte_by_byte(data: bytes) -> None:
    if len(data) >= 3:
        assert armor._bitwise(data) == armor._bytewise(data)
    for _ in range(armor._SOONER + 2):
        assert armor._crc24(data) == armor._bytewise(data)


def test_the_checksum_of_rfc_9580_s_first_example_comes_out() -> None:
    assert armor._bytewise(b"") == bytes.fromhex("b704ce")
    assert armor._bytewise(b"123456789") == bytes.fromhex("21cf02")
