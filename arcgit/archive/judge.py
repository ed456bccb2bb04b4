"""Signatures for the rules: one keyring a policy, and signature outcomes turned into finding codes.

`SignatureJudge` does the mathematics and is what every judgement rests on. `ClaimReader` believes what a signature says of
itself; it is for commands that say what stands in the archive.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable

from arcgit.model.policy import Policy
from arcgit.rules.signature import Checked
from arcgit.signing import native
from arcgit.signing.claimed import ClaimedKeys
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring, SignatureCheck, SignatureStatus, kind_of

_CODES = {
    SignatureStatus.GOOD: "",
    SignatureStatus.UNKNOWN_KEY: "signer-unknown",
    SignatureStatus.WEAK: "signature-weak",
    SignatureStatus.UNSUPPORTED: "signature-unsupported",
    SignatureStatus.UNAVAILABLE: "verifier-unavailable",
}
Question = tuple[Policy, bytes, bytes, str]
"""What a `Verifier` is called with: policy, payload, signature, namespace."""


class SignatureJudge:
    """A `Verifier`: only the keys inside the given policy count, never those of the person who runs arcgit.

    With `by_tools` gpgv and ssh-keygen check, also where the libraries are there.
    """

    def __init__(self, *, by_tools: bool = False) -> None:
        self._by_tools = by_tools
        self._keyrings: dict[int, tuple[Policy, Keyring]] = {}
        self._ahead: dict[bytes, SignatureCheck] = {}

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked:
        check = self._ahead.get(_digest(policy, payload, signature, namespace)) if self._ahead else None
        if check is None:
            check = self._keyring(policy).verify(payload, signature, namespace)
        return outcome(check)

    @property
    def verifiers(self) -> dict[str, str]:
        """What has checked each kind of signature so far: a library with its version, or a tool."""
        return {kind: name for _, ring in self._keyrings.values() for kind, name in ring.verifiers.items()}

    def ask_ahead(self, questions: Iterable[Question]) -> None:
        """Have tools check several signatures at once, and keep the answers; libraries are not asked, they are faster.

        A tool is a process for each signature, so as many run as there are processors.
        """
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  only where a library is missing

        asked = [question for question in questions if self._by_tool(question[2])]
        for policy, _, signature, _ in asked:
            # The keyring loads what checks a kind with its first signature; threads then find it loaded.
            self._keyring(policy).prepare(signature)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            checks = pool.map(lambda question: self._keyring(question[0]).verify(*question[1:]), asked)
            self._ahead |= {_digest(*question): check for question, check in zip(asked, checks, strict=True)}

    def _by_tool(self, signature: bytes) -> bool:
        kind = kind_of(signature)
        return kind is not None and (self._by_tools or native.library(kind) is None)

    def _keyring(self, policy: Policy) -> Keyring:
        known = self._keyrings.get(id(policy))
        if known is None:
            # The policy is kept beside its keyring, so that no other one can come to have its id.
            ring = Keyring(keys_of(policy), by_tools=self._by_tools)
            known = self._keyrings[id(policy)] = (policy, ring)
        return known[1]


def outcome(check: SignatureCheck) -> Checked:
    """What became of one signature, as the rules take it."""
    code = _CODES.get(check.status, "signature-bad")
    expires = check.expires.strftime("%Y-%m-%dT%H:%M:%SZ") if check.expires is not None else ""
    return Checked(check.fingerprint or "", code, check.detail, expires, check.revoked)


def _digest(policy: Policy, payload: bytes, signature: bytes, namespace: str) -> bytes:
    """One question, whichever object the policy is: the answer hangs on its keys alone."""
    parts = [namespace.encode(), payload, signature]
    parts += [part.encode() for key in keys_of(policy) for part in (key.kind, key.fingerprint, key.text)]
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


class ClaimReader:
    """A `Verifier` that checks no signature: whoever a signature names has made it, if the policy has that key.

    Where it is to `keep` what it was asked, `believed` has it, so that part of it can be checked after all.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self.believed: list[Question] = []
        self._keep = keep
        self._keys: dict[int, tuple[Policy, ClaimedKeys]] = {}

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked:
        known = self._keys.get(id(policy))
        if known is None:
            known = self._keys[id(policy)] = (policy, ClaimedKeys(keys_of(policy)))
        fingerprint = known[1].fingerprint(signature, namespace)
        if fingerprint is None:
            return Checked(code="signer-unknown", detail="the signature names no key of the policy")
        if self._keep:
            self.believed.append((policy, payload, signature, namespace))
        return Checked(fingerprint)


class Rehearsal(SignatureJudge):
    """Signs with a stand-in that only it takes for a signature of `public_key`: what an event would meet, without the key.

    It is for a ledger that is thrown away; whatever else was signed is checked as ever.
    """

    _STAND_IN = b"-----BEGIN SSH SIGNATURE-----\nc3RhbmQtaW4=\n-----END SSH SIGNATURE-----\n"

    def __init__(self, public_key: PublicKey) -> None:
        super().__init__()
        self._public_key = public_key

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:  # noqa: ARG002  as every signer is asked
        return self._STAND_IN

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked:
        if signature.strip() == self._STAND_IN.strip():
            return Checked(self._public_key.fingerprint)
        return super().__call__(policy, payload, signature, namespace)


def keys_of(policy: Policy) -> list[PublicKey]:
    """Everybody's keys, as those who check signatures take them."""
    return [PublicKey(key.type, key.fingerprint, key.public_key) for key in policy.all_keys()]
