"""Public keys and their full fingerprints, always computed from the key itself."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from arcgit.signing import packets
from arcgit.signing.armor import armor, dearmor
from arcgit.signing.faults import MalformedError

MAX_KEY_CHARACTERS = 256 * 1024
_PGP_LABEL = "PGP PUBLIC KEY BLOCK"
_PGP_BEGIN = f"-----BEGIN {_PGP_LABEL}-----\n"
_PGP_HEADERS = re.compile(rf"\A({_PGP_BEGIN})(?:[A-Za-z]+: [^\n]*\n)*\n")
_SSH_LINE = re.compile(r"([a-z0-9@.-]{1,64}) ([A-Za-z0-9+/]+={0,2})(?: [^\n]*)?")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_HEX = re.compile(r"(?:0x)?[0-9A-Fa-f ]{8,80}|SHA256:\S+")
_IN_A_CERTIFICATE = {
    packets.PUBLIC_KEY,
    packets.PUBLIC_SUBKEY,
    packets.USER_ID,
    packets.USER_ATTRIBUTE,
    packets.SIGNATURE,
}


@dataclass(frozen=True)
class PublicKey:
    """A public key. `fingerprint` is upper-case hex of the OpenPGP primary key, or `SHA256:…` as ssh-keygen prints it.

    `text` is the armored certificate, without headers and with one newline at its end, or `type base64` without a
    comment or newline.
    """

    kind: Literal["openpgp", "ssh"]
    fingerprint: str
    text: str


def parse_public_key(text: str) -> PublicKey:
    """The one key in `text`, an armored OpenPGP certificate or an OpenSSH public key line.

    Comments and armor headers are dropped, so that a key has one text. Raises ValueError with the reason for anything
    else: private keys, several keys, key ids, keys too weak or of an unsupported kind.
    """
    text = text.replace("\r\n", "\n").strip()
    if len(text) > MAX_KEY_CHARACTERS:
        raise MalformedError(f"a public key is larger than {MAX_KEY_CHARACTERS} characters")
    if control := _CONTROL.search(text):
        raise MalformedError(f"it has the control character U+{ord(control[0]):04X}, in a comment or elsewhere")
    if "PRIVATE KEY" in text:
        raise MalformedError("this is a private key; never put one into a repository")
    if text.startswith(_PGP_BEGIN):
        return _openpgp(text)
    if _HEX.fullmatch(text):
        raise MalformedError("this names a key and is not the key; give the whole public key")
    match = _SSH_LINE.fullmatch(text)
    if match is None:
        raise MalformedError("this is neither one armored OpenPGP public key nor one OpenSSH public key line")
    return _ssh(match[1], match[2])


def ssh_fingerprint(blob: bytes) -> str:
    """`SHA256:<base64>` of an OpenSSH key blob."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"


def _ssh(kind: str, encoded: str) -> PublicKey:
    from arcgit.signing import native  # noqa: PLC0415  cryptography is not needed to handle OpenPGP keys

    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise MalformedError("the OpenSSH public key is not base64") from error
    native.require_ssh_key(blob, kind)
    return PublicKey("ssh", ssh_fingerprint(blob), f"{kind} {base64.b64encode(blob).decode()}")


def _openpgp(text: str) -> PublicKey:
    from arcgit.signing import native  # noqa: PLC0415  as above

    data = dearmor(_PGP_HEADERS.sub(r"\1\n", f"{text}\n").encode(), _PGP_LABEL)
    found = packets.split(data)
    tags = [packet.tag for packet in found]
    if {packets.SECRET_KEY, packets.SECRET_SUBKEY} & set(tags):
        raise MalformedError("this is a private key; never put one into a repository")
    if tags[0] != packets.PUBLIC_KEY or set(tags) - _IN_A_CERTIFICATE:
        raise MalformedError("this is not an OpenPGP public key")
    if tags.count(packets.PUBLIC_KEY) != 1:
        raise MalformedError(f"there are {tags.count(packets.PUBLIC_KEY)} OpenPGP keys instead of one")
    for packet in found:
        if packet.tag in (packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY):
            packets.require_strong_key(packet)
    fingerprint = native.openpgp_fingerprint(data, found[0])
    return PublicKey("openpgp", fingerprint, armor(data, _PGP_LABEL))
