"""Ed25519 is judged as OpenSSL judges it, whoever computes: libsodium's yes is used, its no is not believed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from arcgit.signing import edwards, sodium
from arcgit.signing.sshsig import ED25519_ORDER

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
POINT = KEY.public_key().public_bytes_raw()
TEXT = b"which data, which code"


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """What one test made of the library is forgotten before and after it."""
    sodium.quick.cache_clear()
    yield
    sodium.quick.cache_clear()


def _says(verify: edwards.Verify, signature: bytes, message: bytes) -> bool:
    try:
        verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _practised(point: bytes) -> edwards.Verify:
    """A verifier that has seen so many signatures that it uses libsodium."""
    verify = edwards.verifier(point)
    for _ in range(sodium.SOONER):
        _says(verify, bytes(64), b"")
    return verify


def test_libsodium_is_here_and_strict_so_the_other_tests_say_something_about_it() -> None:
    assert sodium.quick() is not None


def test_the_first_signatures_load_no_second_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sodium, "quick", lambda: pytest.fail("loaded"))
    verify = edwards.verifier(POINT)
    assert all(_says(verify, KEY.sign(TEXT), TEXT) for _ in range(sodium.SOONER))


def test_many_signatures_are_accepted_by_libsodium(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    quick = sodium.quick()
    assert quick is not None

    def counted(signature: bytes, message: bytes, point: bytes) -> bool:
        asked.append(message)
        return quick(signature, message, point)

    verify = _practised(POINT)
    monkeypatch.setattr(sodium, "quick", lambda: counted)
    assert _says(verify, KEY.sign(TEXT), TEXT)
    assert asked == [TEXT]


@given(at=st.integers(0, 64 * 8 - 1), text=st.binary(max_size=100))
def test_a_flipped_bit_is_refused_and_the_rest_accepted(at: int, text: bytes) -> None:
    verify = _practised(POINT)
    signature = KEY.sign(text)
    flipped = bytearray(signature)
    flipped[at // 8] ^= 1 << at % 8
    assert _says(verify, signature, text)
    assert not _says(verify, bytes(flipped), text)
    assert not _says(verify, signature, text + b"\0")


@pytest.mark.parametrize("length", [0, 1, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    assert not _says(_practised(POINT), (KEY.sign(TEXT) * 2)[:length], TEXT)


def test_a_signature_may_not_lend_its_end_to_the_text() -> None:
    """The library takes signature and text as one run of bytes; where they part is not for the sender to choose."""
    signature = KEY.sign(TEXT)
    assert not _says(_practised(POINT), signature + TEXT[:4], TEXT[4:])


def test_a_number_that_is_not_reduced_is_refused() -> None:
    signature = KEY.sign(TEXT)
    number = int.from_bytes(signature[32:], "little") + ED25519_ORDER
    assert not _says(_practised(POINT), signature[:32] + number.to_bytes(32, "little"), TEXT)


def test_a_part_of_small_order_is_refused_as_openssl_refuses_it() -> None:
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(sodium._PUBLIC).verify(sodium._MIXED, sodium._MESSAGE)
    assert not _says(_practised(sodium._PUBLIC), sodium._MIXED, sodium._MESSAGE)


def _library(monkeypatch: pytest.MonkeyPatch, *, lenient: bool) -> None:
    """A libsodium that accepts everything, or nothing."""
    bindings, exceptions = ModuleType("nacl.bindings"), ModuleType("nacl.exceptions")

    class CryptoError(Exception):
        pass

    def crypto_sign_open(signed: bytes, _point: bytes) -> bytes:
        if not lenient:
            raise CryptoError
        return signed[64:]

    bindings.crypto_sign_open = crypto_sign_open  # type: ignore[attr-defined]
    exceptions.CryptoError = CryptoError  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nacl.bindings", bindings)
    monkeypatch.setitem(sys.modules, "nacl.exceptions", exceptions)


def test_a_library_that_accepts_what_openssl_refuses_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    _library(monkeypatch, lenient=True)
    assert sodium.quick() is None
    assert not _says(_practised(POINT), bytes(64), TEXT)


def test_what_the_library_refuses_is_decided_by_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    _library(monkeypatch, lenient=False)
    assert sodium.quick() is not None
    assert _says(_practised(POINT), KEY.sign(TEXT), TEXT)


def test_without_the_library_openssl_decides_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nacl.bindings", None)
    assert sodium.quick() is None
    verify = _practised(POINT)
    assert _says(verify, KEY.sign(TEXT), TEXT)
    assert not _says(verify, KEY.sign(TEXT), b"")
