"""What a public key says of itself: which of its keys can sign, until when, and whether it was revoked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from arcgit.signing import packets
from arcgit.signing.armor import armor, dearmor
from arcgit.signing.faults import MalformedError
from arcgit.signing.keys import PublicKey, parse_public_key

_LABEL = "PGP PUBLIC KEY BLOCK"
# GnuPG puts a colon in front of the block so that nobody imports a revocation by mistake.
_BLOCK = re.compile(
    rf"^:?(-----BEGIN {_LABEL}-----\n)((?:[A-Za-z]+: [^\n]*\n)*\n)(.*?^-----END {_LABEL}-----)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class KeyPart:
    """One key of a certificate. Times are aware; `expires` is None for a key without end."""

    fingerprint: str
    signs: bool
    expires: datetime | None = None
    revoked: bool = False


@dataclass(frozen=True)
class Certificate:
    """A public key and its parts, the primary key first. An SSH key has one part that never ends."""

    kind: str
    algorithm: str
    names: tuple[str, ...]
    parts: tuple[KeyPart, ...]

    def can_sign(self, now: datetime) -> bool:
        """True where a signature made `now` (aware) would be a good one."""
        return not self.trouble(now)

    def trouble(self, now: datetime) -> str:
        """Why no signature made `now` would be good, or an empty string."""
        primary = self.parts[0]
        if primary.revoked:
            return "it is revoked"
        if primary.expires is not None and primary.expires <= now:
            return f"it expired {primary.expires:%Y-%m-%d}"
        signing = [part for part in self.parts if part.signs]
        if not signing:
            return "none of its keys makes signatures that can be checked"
        if all(part.revoked or (part.expires is not None and part.expires <= now) for part in signing):
            return "the keys in it that can sign are expired or revoked"
        return ""

    @property
    def expires(self) -> datetime | None:
        """When the last of its signing keys ends, or None."""
        primary = self.parts[0]
        ends = [part.expires for part in self.parts if part.signs and not part.revoked]
        if None in ends or not ends:
            return primary.expires
        last = max(end for end in ends if end is not None)
        return min(last, primary.expires) if primary.expires is not None else last


def user_ids(key: PublicKey) -> list[str]:
    """The user ids of an OpenPGP certificate, in whatever form they are; an SSH key has none."""
    found = packets.split(dearmor(key.text.encode(), _LABEL)) if key.kind == "openpgp" else []
    return [packet.body.decode(errors="replace") for packet in found if packet.tag == packets.USER_ID]


def certificate(key: PublicKey) -> Certificate:
    """What `key` says of itself. Raises ValueError for a text that is no key."""
    if key.kind == "ssh":
        return Certificate("ssh", key.text.split(" ")[0], (), (KeyPart(key.fingerprint, signs=True),))
    from pysequoia import Cert

    cert = Cert.from_bytes(key.text.encode())
    return Certificate("openpgp", _algorithm(cert), _names(cert), tuple(_parts(cert)))


def with_revocation(key: PublicKey, text: str) -> PublicKey:
    """`key` with the revocation in `text`: what `gpg --gen-revoke` writes, or the whole certificate. Raises ValueError."""
    from pysequoia import Cert

    if key.kind != "openpgp":
        raise MalformedError("only OpenPGP keys have revocation certificates")
    match = _BLOCK.search(text.replace("\r\n", "\n"))
    if match is None:
        raise MalformedError("this is no revocation certificate: there is no armored block in it")
    data = dearmor(f"{match[1]}\n{match[3]}\n".encode(), _LABEL)
    try:
        revoked = Cert.from_bytes(dearmor(key.text.encode(), _LABEL) + data)
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise MalformedError(f"the revocation certificate cannot be read: {reason}") from error
    if not revoked.is_revoked or revoked.fingerprint.upper() != key.fingerprint:
        raise MalformedError(f"this does not revoke {key.fingerprint}")
    return parse_public_key(armor(bytes(revoked), _LABEL))


def _names(cert: Any) -> tuple[str, ...]:
    try:
        return tuple(map(str, cert.user_ids))
    except Exception:  # noqa: BLE001  as in `_parts`
        return ()


def _parts(cert: Any) -> Iterator[KeyPart]:
    import pysequoia.packet

    kinds = pysequoia.packet.SignatureType
    part: KeyPart | None = None
    created = newest = None
    signs_primary = False
    found: list[KeyPart] = []
    for packet in pysequoia.packet.PacketPile.from_bytes(bytes(cert)):
        if packet.fingerprint:
            found += [part] if part is not None else []
            created, newest = packet.key_created, None
            part = KeyPart(packet.fingerprint.upper(), signs=False)
        elif packet.tag != pysequoia.packet.Tag.Signature or part is None:
            continue
        elif packet.signature_type == kinds.SubkeyRevocation:
            part = replace(part, revoked=True)
        elif packet.signature_type == kinds.SubkeyBinding and (newest is None or packet.signature_created > newest):
            newest = packet.signature_created
            ends = created + packet.key_validity_period if packet.key_validity_period and created else None
            part = replace(part, signs="signing" in str(packet.key_flags), expires=ends)
        elif not found and packet.key_flags is not None:
            signs_primary = signs_primary or "signing" in str(packet.key_flags)
    found += [part] if part is not None else []
    try:
        found[0] = replace(found[0], signs=signs_primary, expires=cert.expiration, revoked=cert.is_revoked)
    except Exception:  # noqa: BLE001  the library's own kind, for self-signatures by SHA-1 or over a curve that it lacks
        yield from (replace(one, signs=False) for one in found)
        return
    foreign = packets.foreign_curves(packets.split(bytes(cert)))
    yield from (replace(one, signs=one.signs and one.fingerprint not in foreign) for one in found)


def _algorithm(cert: Any) -> str:
    import pysequoia.packet

    first = next(iter(pysequoia.packet.PacketPile.from_bytes(bytes(cert))))
    return str(first.key_algorithm).rpartition(".")[2]
