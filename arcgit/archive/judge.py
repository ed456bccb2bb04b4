"""Signatures for the rules: one keyring a policy, and signature outcomes turned into finding codes.

`SignatureJudge` does the mathematics and is what every judgement rests on. `ClaimReader` believes what a signature says of
itself; it is for commands that say what stands in the archive.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from arcgit.model.policy import Policy
from arcgit.rules.signature import Checked
from arcgit.signing.claimed import ClaimedKeys
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring, SignatureStatus

_CODES = {
    SignatureStatus.GOOD: "",
    SignatureStatus.UNKNOWN_KEY: "signer-unknown",
    SignatureStatus.WEAK: "signature-weak",
    SignatureStatus.UNSUPPORTED: "signature-unsupported",
}


class SignatureJudge:
    """A `Verifier`: only the keys inside the given policy count, never those of the person who runs arcgit."""

    def __init__(self) -> None:
        self._keyrings: dict[int, tuple[Policy, Keyring]] = {}

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked:
        known = self._keyrings.get(id(policy))
        if known is None:
            # The policy is kept beside its keyring, so that no other one can come to have its id.
            known = self._keyrings[id(policy)] = (policy, Keyring(_keys(policy)))
        check = known[1].verify(payload, signature, namespace)
        code = _CODES.get(check.status, "signature-bad")
        return Checked(check.fingerprint or "", code, check.detail)


Believed = tuple[Policy, bytes, bytes, str]
"""What a `Verifier` is called with: policy, payload, signature, namespace."""


class ClaimReader:
    """A `Verifier` that checks no signature: whoever a signature names has made it, if the policy has that key.

    Where it is to `keep` what it was asked, `believed` has it, so that part of it can be checked after all.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self.believed: list[Believed] = []
        self._keep = keep
        self._keys: dict[int, tuple[Policy, ClaimedKeys]] = {}

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked:
        known = self._keys.get(id(policy))
        if known is None:
            known = self._keys[id(policy)] = (policy, ClaimedKeys(_keys(policy)))
        fingerprint = known[1].fingerprint(signature, namespace)
        if fingerprint is None:
            return Checked(code="signer-unknown", detail="the signature names no key of the policy")
        if self._keep:
            self.believed.append((policy, payload, signature, namespace))
        return Checked(fingerprint)


class Part(NamedTuple):
    """One of several equal parts of all signatures; `number` counts from 0."""

    number: int
    of: int


class PartJudge:
    """A `Verifier` that checks one part of the signatures and believes the others: with every part, all are checked."""

    def __init__(self, judge: SignatureJudge, part: Part) -> None:
        self._judge = judge
        self._claims = ClaimReader()
        self._part = part

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked:
        ours = zlib.crc32(signature) % self._part.of == self._part.number
        return (self._judge if ours else self._claims)(policy, payload, signature, namespace)


def _keys(policy: Policy) -> list[PublicKey]:
    return [PublicKey(key.type, key.fingerprint, key.public_key) for key in policy.all_keys()]
