"""What an OpenPGP certificate says of its keys at one moment: bound, alive, revoked, made for signing.

Read from its packets without a library, for the verifier that has none. The self-signatures are not verified here: whoever
asks says which of them hold. What does not follow plainly from them is an UnsupportedError, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from arcgit.signing import packets
from arcgit.signing.armor import dearmor
from arcgit.signing.faults import MalformedError, UnsupportedError
from arcgit.signing.wire import Reader

DIRECT, BINDING, KEY_REVOKED, SUBKEY_REVOKED, NAME_REVOKED = 0x1F, 0x18, 0x20, 0x28, 0x30
_CERTIFICATIONS = frozenset({0x10, 0x11, 0x12, 0x13})
_REVOCATIONS = frozenset({KEY_REVOKED, SUBKEY_REVOKED, NAME_REVOKED})
_SOFT = frozenset({1, 3, 32})
"""Superseded, retired, and a user id no longer in use: what was signed before stays. Every other reason is a hard one."""
_STRONG = frozenset({8, 9, 10, 11, 12, 14})
_MAY_SIGN = 0x02
_CREATED, _ENDS, _LIVES, _FLAGS, _REASON = 2, 3, 9, 27, 29


@dataclass(frozen=True)
class SelfSignature:
    """A statement of the primary key about itself, a user id or a subkey. Times in seconds since 1970, spans in seconds."""

    kind: int
    digest: int
    created: int
    ends: int = 0
    lives: int = 0
    flags: int | None = None
    reason: int | None = None

    @property
    def hard(self) -> bool:
        """For a revocation: True where nothing that the key ever signed counts."""
        return self.reason not in _SOFT

    def holds(self, moment: int) -> bool:
        """True where the statement was in force then."""
        return (
            self.digest in _STRONG and self.created <= moment and not (self.ends and moment >= self.created + self.ends)
        )


@dataclass
class Part:
    """A key, or a user id, with what the primary key said of it."""

    fingerprint: str = ""
    created: int = 0
    modulus: int = 0
    said: list[SelfSignature] = field(default_factory=list)

    def current(self, moment: int) -> SelfSignature | None:
        """The newest statement in force then that is no revocation."""
        found = [one for one in self.said if one.kind not in _REVOCATIONS and one.holds(moment)]
        return max(found, key=lambda one: one.created) if found else None

    def revocations(self, kind: int) -> list[SelfSignature]:
        """Those of one kind, at whatever time."""
        return [one for one in self.said if one.kind == kind]


@dataclass(frozen=True)
class Standing:
    """What a key was worth at one moment: `fault` is empty, `expired`, `revoked` or `unbound`."""

    fault: str = ""
    detail: str = ""


class Certificate:
    """One primary key with its user ids and subkeys. Raises MalformedError, UnsupportedError."""

    def __init__(self, text: str) -> None:
        self.data = dearmor(text.encode(), "PGP PUBLIC KEY BLOCK")
        self.primary = Part()
        self.names: list[Part] = []
        self.subkeys: list[Part] = []
        current = self.primary
        for packet in packets.split(self.data):
            if packet.tag == packets.SIGNATURE:
                current.said += self._own(packet.body)
                continue
            current = _part(packet)
            if packet.tag == packets.PUBLIC_KEY:
                self.primary = current
            else:
                (self.subkeys if packet.tag == packets.PUBLIC_SUBKEY else self.names).append(current)

    @property
    def fingerprint(self) -> str:
        return self.primary.fingerprint

    @property
    def handles(self) -> set[str]:
        """Fingerprints and key ids of all its keys."""
        prints = [part.fingerprint for part in (self.primary, *self.subkeys)]
        return {*prints, *map(packets.key_id, prints)}

    @property
    def plain(self) -> bool:
        """True where each part has exactly one statement and none of them ends: then there is nothing to choose."""
        parts = (*self.names, *self.subkeys)
        said = [one for part in parts for one in part.said]
        single = bool(self.names) and not self.primary.said and all(len(part.said) == 1 for part in parts)
        return single and not any(one.kind in _REVOCATIONS or one.ends or one.lives for one in said)

    def key(self, fingerprint: str) -> Part | None:
        """The key with that fingerprint."""
        return next((part for part in (self.primary, *self.subkeys) if part.fingerprint == fingerprint), None)

    def keep(self, holds: Callable[[SelfSignature], bool]) -> None:
        """Drop every statement that does not hold."""
        for part in (self.primary, *self.names, *self.subkeys):
            part.said = [one for one in part.said if holds(one)]

    def standing(self, fingerprint: str, moment: int) -> Standing:
        """What the key with that fingerprint was worth at a moment. Raises UnsupportedError where that is not plain."""
        bindings = self._of_primary(moment)
        if not bindings or moment < self.primary.created:
            return Standing("unbound", f"the key {self.fingerprint} was not yet in force then")
        if fault := self._worth(self.primary, KEY_REVOKED, bindings, moment):
            return fault
        if fingerprint == self.fingerprint:
            return _may_sign(self.primary, bindings)
        subkey = next((part for part in self.subkeys if part.fingerprint == fingerprint), None)
        binding = subkey.current(moment) if subkey is not None else None
        if subkey is None or binding is None or moment < subkey.created:
            return Standing("unbound", f"the key {fingerprint} was not yet in force then")
        return self._worth(subkey, SUBKEY_REVOKED, [binding], moment) or _may_sign(subkey, [binding])

    def _of_primary(self, moment: int) -> list[SelfSignature]:
        """The statements that bind the primary key: its own, and those on the user ids that are not revoked."""
        kept = [name for name in self.names if not name.revocations(NAME_REVOKED)] or self.names
        found = [part.current(moment) for part in (self.primary, *kept)]
        return [one for one in found if one is not None]

    @staticmethod
    def _worth(part: Part, kind: int, bindings: list[SelfSignature], moment: int) -> Standing | None:
        for one in part.revocations(kind):
            later = {one.created >= binding.created for binding in bindings}
            if one.hard or (one.holds(moment) and later == {True}):
                return Standing("revoked", f"the key {part.fingerprint} is revoked")
            if one.holds(moment) and True in later:
                raise UnsupportedError("its key was revoked and has user ids from before and after that")
        ended = {bool(one.lives) and moment >= part.created + one.lives for one in bindings}
        if len(ended) > 1:
            raise UnsupportedError("the user ids of its key disagree on whether it had expired")
        return Standing("expired", f"it was made after the key {part.fingerprint} expired") if ended == {True} else None

    def _own(self, body: bytes) -> Iterable[SelfSignature]:
        """The statement in a signature packet, if the primary key made it."""
        reader = Reader(body)
        version = reader.number(1)
        if version not in (4, 6):
            return
        kind, _, digest = reader.number(1), reader.number(1), reader.number(1)
        width = 2 if version == 4 else 4
        signed = list(packets.subpackets(reader.take(reader.number(width))))
        unsigned = list(packets.subpackets(reader.take(reader.number(width))))
        issuers = list(packets.named_issuers([*signed, *unsigned]))
        if kind not in {DIRECT, BINDING, *_CERTIFICATIONS, *_REVOCATIONS}:
            return
        if issuers and not all(packets.names(issuer, self.fingerprint) for issuer in issuers):
            return
        fields = dict(signed)
        if _CREATED in fields:
            yield SelfSignature(
                kind,
                digest,
                int.from_bytes(fields[_CREATED], "big"),
                int.from_bytes(fields.get(_ENDS, b""), "big"),
                int.from_bytes(fields.get(_LIVES, b""), "big"),
                flags=fields[_FLAGS][0] if fields.get(_FLAGS) else None,
                reason=fields[_REASON][0] if fields.get(_REASON) else None,
            )


def _part(packet: packets.Packet) -> Part:
    if packet.tag not in (packets.PUBLIC_KEY, packets.PUBLIC_SUBKEY):
        return Part()
    if len(packet.body) < 6:
        raise MalformedError("a key ends too early")
    created = int.from_bytes(packet.body[1:5], "big")
    return Part(packets.handles(packet.body)[0], created, packets.modulus(packet.body))


def _may_sign(part: Part, bindings: list[SelfSignature]) -> Standing:
    may = {None if one.flags is None else bool(one.flags & _MAY_SIGN) for one in bindings}
    if len(may) > 1 or None in may:
        raise UnsupportedError("its key does not plainly say that it is for signing")
    return Standing() if may == {True} else Standing("unbound", f"the key {part.fingerprint} is not for signing")
