"""Signatures for the rules: one keyring a policy, and signature outcomes turned into finding codes."""

from __future__ import annotations

from arcgit.model.policy import Policy
from arcgit.rules.signature import Checked
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
            keys = (PublicKey(key.type, key.fingerprint, key.public_key) for key in policy.all_keys())
            # The policy is kept beside its keyring, so that no other one can come to have its id.
            known = self._keyrings[id(policy)] = (policy, Keyring(keys))
        check = known[1].verify(payload, signature, namespace)
        code = _CODES.get(check.status, "signature-bad")
        return Checked(check.fingerprint or "", code, check.detail)
